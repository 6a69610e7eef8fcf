"""Small drawings of cohorts and of single patients, by the names of what they show."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from workbench.cohort.flow import Flow, Step
from workbench.cohort.table_one.record import Count, Difference, TableOne, Variable
from workbench.figures import Drawing, plot_attrition, plot_balance

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


EVERY = (attrition, attrition_withheld, attrition_of_atlas, balance, balance_of_three)
