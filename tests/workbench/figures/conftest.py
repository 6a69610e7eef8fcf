"""Small results of every kind that a figure draws; records stand in for those of their makers."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.figures import (
    Drawing,
    plot_accuracy_over_time,
    plot_calibration_curves,
    plot_cumulative_hazard,
    plot_cumulative_incidence,
    plot_decision_curves,
    plot_effect,
    plot_fairness,
    plot_hazard_ratios,
    plot_influence,
    plot_schoenfeld,
    plot_standardised_curves,
    plot_subgroups,
    plot_survival_curves,
)
from workbench.survival import kaplan_meier
from workbench.survival.inputs import Estimate

LONG = "A group whose name is longer than any sensible person would choose, and <b>odd</b>"
TITLE = "A title that is far too long for a single line of any figure that stands in a journal page"


def outcome(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return np.ceil(random.exponential(700.0, n)), random.random(n) < 0.6


def curves(n_groups: int = 3) -> dict[str, Any]:
    names = (LONG, "Low", "High", "4", "5", "6", "7")[:n_groups]
    return {name: kaplan_meier(*outcome(seed=i)) for i, name in enumerate(names)}


def chi_square() -> SimpleNamespace:
    return SimpleNamespace(statistic=6.31, degrees_of_freedom=2, p_value=0.0123)


def survival(minimum_cell: int | None = None) -> Drawing:
    mean = SimpleNamespace(
        groups=("Low", "High"),
        means=(SimpleNamespace(tau=700.0),) * 2,
        difference=Estimate(31.0, 2.0, 60.0),
        difference_p=0.03,
    )
    return plot_survival_curves(
        curves(),
        time_unit="days",
        title=TITLE,
        log_rank=chi_square(),
        restricted_mean=mean,
        minimum_cell=minimum_cell,
    )


def standardised() -> Drawing:
    horizons = np.linspace(50, 2000, 40)
    survival = np.exp(-np.outer([1.0, 1.5], horizons) / 1500)
    nothing = np.full((1, 40), np.nan)
    made = SimpleNamespace(
        groups=("Low", LONG),
        horizons=horizons,
        survival=survival,
        lower=np.vstack([survival[:1] - 0.05, nothing]),
        upper=np.vstack([survival[:1] + 0.05, nothing]),
    )
    return plot_standardised_curves(made, time_unit="days", title=TITLE)


def incidences(seed: int = 0) -> SimpleNamespace:
    """Cumulative incidence of two causes, by the plain formula."""
    time, event = outcome(seed=seed)
    curve = kaplan_meier(time, event)
    first = np.array(
        [np.sum((time == t) & event & (np.arange(len(time)) % 2 == 0)) for t in curve.time]
    )
    n_events = np.column_stack([first, curve.n_events - first])
    before = np.r_[1.0, curve.survival[:-1]]
    incidence = np.cumsum(before[:, None] * n_events / curve.n_at_risk[:, None], axis=0)
    return SimpleNamespace(
        time=curve.time,
        n_at_risk=curve.n_at_risk,
        n_events=n_events,
        n_censored=curve.n_censored,
        incidence=incidence,
        lower=incidence * 0.8,
        upper=np.minimum(incidence * 1.2, 1.0),
        at_risk_at=curve.at_risk_at,
    )


def incidence() -> Drawing:
    causes = ["Relapse", "Death without relapse"]
    return plot_cumulative_incidence({"All": incidences()}, causes, time_unit="days", title=TITLE)


def incidence_by_group(minimum_cell: int | None = None) -> Drawing:
    return plot_cumulative_incidence(
        {LONG: incidences(), "Low": incidences(1)},
        ["Relapse", "Death without relapse"],
        time_unit="days",
        title=TITLE,
        gray={"Relapse": chi_square()},
        minimum_cell=minimum_cell,
    )


def hazard() -> Drawing:
    time, event = outcome()
    curve = kaplan_meier(time, event)
    value = np.cumsum(curve.n_events / curve.n_at_risk)
    limits = {"cumulative_hazard": value, "lower": value * 0.8, "upper": value * 1.2}
    counts = {n: getattr(curve, n) for n in ("time", "n_at_risk", "n_events", "n_censored")}
    return plot_cumulative_hazard(
        {"All patients": SimpleNamespace(**counts, **limits)}, time_unit="days", title=TITLE
    )


def ratio_table() -> pd.DataFrame:
    nan = float("nan")
    columns = ("term", "level", "n_rows", "n_events", "hazard_ratio", "lower", "upper", "p_value")
    rows = [
        ("Age (10 years)", "", 1200, 300, 1.33, 1.12, 1.59, 0.002),
        ("Stage", "I", 700, 90, 1.0, nan, nan, nan),
        ("Stage", "II", 496, 208, 0.71, 0.5, 1.02, 0.064),
        ("Stage", LONG, 4, 2, 30.0, 0.9, 5000.0, 0.08),
    ]
    return pd.DataFrame(rows, columns=list(columns))


def ratios(minimum_cell: int | None = None) -> Drawing:
    return plot_hazard_ratios(ratio_table(), title=TITLE, p_values=True, minimum_cell=minimum_cell)


def estimate(value: float) -> dict[str, float]:
    return {"estimate": value, "lower": value - 0.05, "upper": value + 0.05}


def group_row(kind: str, group: str, value: float | None, names: tuple[str, ...]) -> dict[str, Any]:
    judged = value is not None
    return {
        "kind": kind,
        "group": group,
        "n": 300,
        "n_events": 40 if judged else 3,
        "refused": None if judged else "3 events",
        "difference_refused": None,
        **{name: estimate(value) if judged else None for name in names},
        **{
            f"difference_{name}": estimate(value - 0.7) if judged and group != "all" else None
            for name in names
        },
    }


def subgroups() -> Drawing:
    names = ("harrell_c",)
    rows = [
        group_row("all", "all", 0.7, names),
        group_row("group", LONG, 0.66, names),
        group_row("group", "Few", None, names),
        *(group_row("site", f"Site {i}", 0.6 + i / 20, names) for i in range(3)),
    ]
    sites = {"n_sites": 3, **estimate(0.68), "prediction_lower": 0.55, "prediction_upper": 0.8}
    return plot_subgroups(rows, sites=sites, title=TITLE, notes=["Given the fitted model."])


def fairness() -> Drawing:
    names = ("sensitivity", "specificity")
    rows = [
        group_row("group", g, v, names) for g, v in (("Women", 0.7), (LONG, 0.6), ("Few", None))
    ]
    rows[0] |= {f"difference_{name}": None for name in names}
    return plot_fairness(rows, reference="Women", title=TITLE, rates=names)


def hazards_test() -> SimpleNamespace:
    random = np.random.default_rng(0)
    time = np.sort(random.exponential(500.0, 80))
    grid = np.linspace(0, 1, 40)

    def smooth(name: str) -> SimpleNamespace:
        shift = len(name) / 100
        parts = {"coefficient": shift, "lower": shift - 0.3, "upper": shift + 0.3}
        return SimpleNamespace(transformed=grid, **{n: grid * 0 + v for n, v in parts.items()})

    return SimpleNamespace(
        names=("Age (years)", LONG),
        tests=(chi_square(), chi_square()),
        overall=chi_square(),
        transform="km",
        time=time,
        transformed=np.linspace(0, 1, 80),
        residuals=random.normal(0, 1, (80, 2)),
        smooth=smooth,
    )


def schoenfeld(minimum_cell: int | None = None) -> Drawing:
    return plot_schoenfeld(hazards_test(), time_unit="days", title=TITLE, minimum_cell=minimum_cell)


def influence(minimum_cell: int | None = None) -> Drawing:
    moved = np.random.default_rng(0).normal(0, 0.05, (150, 4))
    names = ["Age", "Sex: men", LONG, "Grade"]
    return plot_influence(
        moved, names, standard_errors=np.ones(4), title=TITLE, minimum_cell=minimum_cell
    )


def effect() -> Drawing:
    value = np.linspace(20, 90, 50)
    log_ratio = 0.0004 * (value - 60) ** 2
    curve = SimpleNamespace(
        value=value, log_hazard_ratio=log_ratio, lower=log_ratio - 0.2, upper=log_ratio + 0.2
    )
    ages = np.random.default_rng(0).normal(60, 10, 400)
    return plot_effect(
        curve, name="Age (years)", reference=60, title=TITLE, values=ages, nonlinearity=chi_square()
    )


def accuracy() -> Drawing:
    horizons = np.array([365.0, 730.0, 1095.0, 1825.0, 3650.0])

    def found(value: float) -> SimpleNamespace:
        at = np.linspace(value, value + 0.1, 5)
        return SimpleNamespace(horizons=horizons, estimate=at, lower=at - 0.05, upper=at + 0.05)

    models = {LONG: found(0.6), "Clinical": found(0.55)}
    metrics = {"auc": models, "brier": {"Clinical": found(0.1)}, "ipa": models}
    return plot_accuracy_over_time(metrics, time_unit="days", title=TITLE)


def calibrated(shift: float) -> SimpleNamespace:
    predicted = np.linspace(0.05, 0.6, 40)
    curve = SimpleNamespace(
        predicted=predicted,
        observed=predicted + shift,
        lower=predicted - 0.04,
        upper=predicted + 0.08,
    )
    bins = [
        SimpleNamespace(
            predicted=p, observed=p + 0.02, lower=p - 0.04, upper=p + 0.09, n_patients=n, n_events=e
        )
        for p, n, e in ((0.1, 40, 14), (0.2, 30, 11), (0.3, 40, 15), (0.5, 4, 2))
    ]
    number = Estimate(0.021, 0.015, 0.04)
    return SimpleNamespace(
        curve=curve,
        bins=bins,
        error=SimpleNamespace(ici=number, e50=number, e90=number),
        intervals=SimpleNamespace(intercept=number, slope=number, observed_expected=number),
        n_patients=1200,
        n_events=300,
    )


def calibration() -> Drawing:
    risks = np.random.default_rng(0).beta(2, 6, 1200)
    return plot_calibration_curves({LONG: calibrated(0.01)}, title=TITLE, risks={LONG: risks})


def calibrations() -> Drawing:
    results = {LONG: calibrated(0.01), "Clinical": calibrated(0.03)}
    return plot_calibration_curves(results, title=TITLE)


def decision(n_patients: int = 1200) -> SimpleNamespace:
    thresholds = np.linspace(0.01, 0.5, 50)
    odds = thresholds / (1 - thresholds)

    def band(values: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(estimate=values, lower=values - 0.01, upper=values + 0.01)

    treat_all = 0.25 - 0.75 * odds
    benefit = np.maximum(0.25 - 0.3 * odds, 0)
    return SimpleNamespace(
        thresholds=thresholds,
        n_patients=n_patients,
        n_events=300,
        net_benefit=band(benefit),
        treat_all=band(treat_all),
        interventions_avoided=band((benefit - treat_all) / odds),
    )


def decisions() -> Drawing:
    return plot_decision_curves({LONG: decision(), "Clinical": decision()}, title=TITLE)


COHORT = runpy.run_path(str(Path(__file__).with_name("cohort_drawings.py")))
EVERY = (
    *COHORT["EVERY"],
    survival,
    standardised,
    incidence,
    incidence_by_group,
    hazard,
    ratios,
    subgroups,
    fairness,
    schoenfeld,
    influence,
    effect,
    accuracy,
    calibration,
    calibrations,
    decisions,
)


@pytest.fixture(scope="session", params=EVERY, ids=lambda make: make.__name__)
def drawn(request: pytest.FixtureRequest) -> SimpleNamespace:
    """A drawing of each kind in turn, how to make it again, and what each renderer makes of it."""
    drawing = request.param()
    return SimpleNamespace(
        make=request.param,
        drawing=drawing,
        svg=drawing.svg(),
        static=drawing.static(),
        interactive=drawing.interactive(),
    )


@pytest.fixture(params=(*EVERY, *COHORT["VARIANTS"]), ids=lambda make: make.__name__)
def make_drawing(request: pytest.FixtureRequest) -> Callable[[], Drawing]:
    """Makes a drawing of each kind in turn, and some with little or much in them."""
    return request.param


@pytest.fixture
def results() -> SimpleNamespace:
    """The makers of drawings and their parts, by name."""
    return SimpleNamespace(
        long=LONG,
        curves=curves,
        outcome=outcome,
        ratio_table=ratio_table,
        calibrated=calibrated,
        decision=decision,
        incidences=incidences,
        group_row=group_row,
        table_one=COHORT["table_one"],
        **{make.__name__: make for make in (*EVERY, *COHORT["VARIANTS"])},
    )
