"""Small drawings of cohorts and of single patients, by the names of what they show."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd

from workbench.cohort.crossfilter import CrossFilter, crossfilter
from workbench.cohort.crossfilter.picture import ShownView
from workbench.cohort.flow import Flow, Step
from workbench.cohort.table_one.record import Count, Difference, TableOne, Variable
from workbench.figures import (
    Drawing,
    FollowUp,
    plot_attrition,
    plot_balance,
    plot_bars,
    plot_histogram,
    plot_modalities,
    plot_patient_contributions,
    plot_patient_survival,
    plot_timeline,
    plot_training,
)

LONG = "A name that is longer than any sensible person would choose for a box, and <b>odd</b>"
TITLE = "A title that is far too long for a single line of any figure that stands in a journal page"


def flow() -> Flow:
    random = np.random.default_rng(0)
    nobody = np.zeros(900, bool)
    asked = Step(
        "age", "age at the index date of 18 years or more", random.random(900) < 0.8, nobody
    )
    all_hold = Step("sex", "sex is known", ~nobody, nobody)
    lacks = random.random(900) < 0.1
    rare = Step("long", f"{LONG}. " * 6, ~lacks, lacks)
    event = random.random(900) < 0.4
    patient = np.sort(random.integers(0, 700, 900))
    start = Flow(patient, event, 800, "patients of the register", entry="a first diagnosis")
    return start.rule(asked).rule(all_hold).rule(rare)


def attrition() -> Drawing:
    parts = {
        LONG: (210, 80),
        "Low": (180, "suppressed"),
        "3": (12, 1),
        "4": (1, 0),
        "5": (9, 2),
        "6": (3, 1),
    }
    return plot_attrition(flow().table(), title=TITLE, parts=parts, notes=[TITLE])


def attrition_withheld() -> Drawing:
    table = flow().table().drop(columns=["records_removed", "records_after"]).astype(object)
    table.loc[1:2, ["n_removed", "events_removed", "n_unknown"]] = "suppressed"
    table.loc[1, "n_after"] = "suppressed"
    return plot_attrition(table, title="")


def attrition_of_atlas() -> Drawing:
    counts = [("entry events", 40, 60), ("first event of each patient", 40, 40), (LONG, 1, 1)]
    table = pd.DataFrame(counts, columns=["step", "n_patients", "n_records"])
    return plot_attrition(table, title="ATLAS")


def table_one(shift: float = 0.0, groups: tuple[str, ...] = ("Women", "Men")) -> TableOne:
    def variable(name: str, *sizes: float | None) -> Variable:
        pairs = combinations(groups, 2)
        found = tuple(
            Difference(*pair, size * (1 - shift))
            for pair, size in zip(pairs, sizes, strict=False)
            if size is not None
        )
        return Variable(name, name, None, "normal", "mean (SD)", (), (Count(0),), found)

    described = [
        variable("Age (years)", 0.08, 0.2, 0.31),
        variable(LONG, 0.62, 0.1, 0.0),
        variable("Grade", 0.0, 0.01, 0.02),
        variable("Same in all", None),
        replace(variable("Rare"), differences=None),
    ]
    return TableOne("Patients by sex", (), tuple(described), weighted=shift > 0, minimum_cell=10)


def balance() -> Drawing:
    return plot_balance(table_one(), table_one(0.9), title=TITLE, notes=[TITLE])


def balance_of_three() -> Drawing:
    return plot_balance(table_one(groups=("Women", LONG, "Men")), order="table")


def modalities() -> Drawing:
    patterns = [("MRI", LONG), ("MRI",), (), ("MRI", LONG, "Records")]
    return plot_modalities(
        ("MRI", LONG, "Records"),
        patterns,
        [1210, 400, None, 31, 12],
        n_other=3,
        sizes=[1640, 1241, None],
        selected=[300, None, None, 0, 12],
        title=TITLE,
        notes=[TITLE],
    )


def modalities_alone() -> Drawing:
    names = tuple("abcdef")
    patterns = [tuple(n for i, n in enumerate(names) if at >> i & 1) for at in range(40)]
    return plot_modalities(names, patterns, list(range(4000, 0, -100)), title="Many")


@cache
def index() -> CrossFilter:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.where(random.random(5000) < 0.02, np.nan, random.normal(60, 12, 5000)),
            "visits": random.integers(0, 9, 5000),
            "seen": pd.Timestamp("2015-01-01")
            + pd.to_timedelta(random.integers(0, 2500, 5000), "D"),
            "grade": random.choice(["II", "III", LONG, None], 5000),
        }
    )
    return crossfilter(frame)


def view(name: str) -> ShownView:
    """Everyone of a column of :func:`index`, of whom about a third are selected."""
    found = index()
    counts = found.total[name].tolist()
    total = tuple(n if n == 0 or n >= 10 else None for n in counts)
    selected = tuple(None if n is None or n < 40 else n // 3 for n in total)
    return ShownView((*found.dimensions[name].labels,), total, selected, selected)


def histogram() -> Drawing:
    bins = index().dimensions["age"].bins
    return plot_histogram(view("age"), bins, name="Age (years)", title=TITLE, notes=[TITLE])


def histogram_of_few() -> Drawing:
    bins = index().dimensions["visits"].bins
    return plot_histogram(view("visits"), bins, name="Visits", chosen=False)


def histogram_of_dates() -> Drawing:
    return plot_histogram(view("seen"), index().dimensions["seen"].bins, name="First seen")


def bars() -> Drawing:
    return plot_bars(view("grade"), name="Grade", title=TITLE)


def bars_of_everyone() -> Drawing:
    shown = ShownView(("yes", "no", "missing"), (30, None, 0), (None,) * 3, (None,) * 3)
    return plot_bars(shown, name=LONG, chosen=False)


def timeline() -> Drawing:
    random = np.random.default_rng(0)
    kinds = [f"Kind {i}" for i in range(14)] + [LONG]
    lane = [*kinds, *random.choice(kinds[-4:], 40)]
    day = np.round(random.normal(-100, 300, len(lane)))
    value = np.where(random.random(len(lane)) < 0.5, np.nan, random.normal(5, 2, len(lane)))
    return plot_timeline(
        day,
        lane,
        [f"<b>odd</b> {i}" for i in range(len(lane))],
        value=value,
        follow_up=FollowUp(812.0, True, "death"),
        window=(-365.0, 900.0),
        title=TITLE,
        notes=[TITLE],
    )


def timeline_of_little() -> Drawing:
    end = FollowUp(400.0, False, "relapse")
    return plot_timeline(
        np.array([-30.0, 0.0]), ["Image"] * 2, ["MRI", "CT"], follow_up=end, title="Patient 3 of 9"
    )


def patient_contributions() -> Drawing:
    random = np.random.default_rng(0)
    names = ["Age", "Grade", LONG, *(f"Gene {i}" for i in range(30))]
    values = np.r_[0.41, -0.22, 0.003, random.normal(0, 0.05, 30)]
    half = np.r_[0.2, np.nan, 0.1, np.full(30, 0.04)]
    return plot_patient_contributions(
        names,
        values,
        groups=["Clinical"] * 3 + ["RNA"] * 30,
        lower=values - half,
        upper=values + half,
        reference="the mean training patient",
        title=TITLE,
        notes=[TITLE],
        most=8,
    )


def modality_contributions() -> Drawing:
    return plot_patient_contributions(
        ["MRI", LONG],
        np.array([-0.3, 0.1]),
        reference="nothing known",
        output="Risk within 5 years",
        title="",
    )


def training() -> Drawing:
    step = np.arange(1.0, 121.0)
    fell = 3 * np.exp(-step / 30) + 1
    looked = np.where(step % 5 == 0, fell + 0.3 + (step / 120) ** 2, np.nan)
    return plot_training(step, fell, looked, chosen=45, title=TITLE, notes=[TITLE])


def training_begins() -> Drawing:
    return plot_training(np.ones(1), np.array([2.3]), np.array([np.nan]), title="Fold 1")


def patient_survival() -> Drawing:
    time = np.linspace(0, 3650, 60)
    survival = np.exp(-time / 1500)
    return plot_patient_survival(
        time,
        survival,
        lower=np.where(time < 2000, survival**1.3, np.nan),
        upper=np.where(time < 2000, survival**0.7, np.nan),
        limit=2500.0,
        reference=(time[1::3], np.exp(-time[1::3] / 2500)),
        reference_name=LONG,
        time_unit="days",
        title=TITLE,
        notes=[TITLE],
    )


def patient_survival_alone() -> Drawing:
    time = np.array([6.0, 12.0, 60.0])
    return plot_patient_survival(
        time, np.array([0.9, 0.85, 0.2]), limit=60.0, time_unit="months", title="Patient 2 of 9"
    )


EVERY = (
    attrition,
    balance,
    modalities,
    histogram,
    bars,
    timeline,
    patient_contributions,
    training,
    patient_survival,
)
VARIANTS = (
    attrition_withheld,
    attrition_of_atlas,
    balance_of_three,
    modalities_alone,
    histogram_of_few,
    histogram_of_dates,
    bars_of_everyone,
    timeline_of_little,
    modality_contributions,
    training_begins,
    patient_survival_alone,
)
