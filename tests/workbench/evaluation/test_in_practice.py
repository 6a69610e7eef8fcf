"""Net benefit, groups and failures of the judged model, by hand and by planted faults."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fusion.predictions import Predictions
from workbench.evaluation.fold_balance import fold_balance
from workbench.evaluation.in_practice import decision_curves, failure_cases, subgroup_tables
from workbench.evaluation.risk_groups import thirds_within_folds

N = 120
HORIZON = 2.0


def study(seed: int = 0, noise: float = 0.3) -> tuple[SimpleNamespace, dict[str, Predictions]]:
    """Patients whose risk is known, with a good model and one that says the opposite."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=N)
    time = rng.exponential(2.5 * np.exp(-risk)) + 0.01
    censored = rng.uniform(0.5, 6, N)
    ids = np.array([f"p{i:03}" for i in range(N)])
    patients = pd.DataFrame(
        {"time": np.minimum(time, censored), "event": time <= censored},
        index=pd.Index(ids, name="patient_id"),
    )
    fold, grid = np.arange(N) % 3, np.array([1.0, HORIZON])
    scores = {"good": risk + rng.normal(0, noise, N), "bad": -risk, "null": np.zeros(N)}
    predictions = {
        name: Predictions(
            name, ids, fold, score, grid, np.exp(-np.outer(np.exp(score), grid) / 2.5)
        )
        for name, score in scores.items()
    }
    return SimpleNamespace(patients=patients, time_unit="years"), predictions


def test_a_model_that_says_the_opposite_is_worth_less() -> None:
    cohort, predictions = study()
    good, bad = decision_curves(
        cohort,
        predictions,
        models=["good", "bad"],
        horizons=[HORIZON],
        groups={},
        n_bootstrap=20,
    )
    assert (good["model"], good["horizon"], good["n"]) == ("good", HORIZON, N)
    assert good["n_events"] == int(
        (cohort.patients["event"] & (cohort.patients["time"] <= HORIZON)).sum()
    )
    middle = len(good["thresholds"]) // 2
    assert good["net_benefit"]["estimate"][middle] > bad["net_benefit"]["estimate"][middle]
    assert good["treat_all"] == bad["treat_all"]
    band = good["net_benefit"]
    assert band["lower"][middle] <= band["estimate"][middle] <= band["upper"][middle]


def test_a_horizon_that_nobody_reaches_is_left_out() -> None:
    cohort, predictions = study()
    cohort.patients["time"] = cohort.patients["time"].clip(upper=1.5)
    curves = decision_curves(
        cohort, predictions, models=["good"], horizons=[1.0, HORIZON], groups={}, n_bootstrap=5
    )
    assert [curve["horizon"] for curve in curves] == [1.0]


def test_follow_up_that_ends_at_the_horizon_leaves_survivors() -> None:
    cohort, predictions = study()
    patients = cohort.patients
    patients["event"] &= patients["time"] <= HORIZON
    patients["time"] = patients["time"].clip(upper=HORIZON)
    survived = (~patients["event"] & (patients["time"] == HORIZON)).to_numpy()
    asked = {"horizons": [HORIZON], "groups": {}}
    (curve,) = decision_curves(cohort, predictions, models=["good"], n_bootstrap=5, **asked)
    assert curve["n_events"] == patients["event"].sum()
    (row,) = failure_cases(cohort, predictions["bad"], **asked)
    high = thirds_within_folds(predictions["bad"].risk_score, predictions["bad"].fold) == 2
    assert row["high_survivors"] == (high & survived).sum() > 0


def test_a_horizon_without_a_survivor_is_left_out() -> None:
    cohort, predictions = study()
    patients = cohort.patients
    patients["event"] |= patients["time"] >= HORIZON
    patients["time"] = patients["time"].clip(upper=HORIZON)
    asked = {"models": ["good"], "groups": {}, "n_bootstrap": 5}
    curves = decision_curves(cohort, predictions, horizons=[1.0, HORIZON], **asked)
    assert [curve["horizon"] for curve in curves] == [1.0]


def test_failures_are_counted_by_hand() -> None:
    cohort, predictions = study()
    mask = np.arange(N) < 60
    rows = failure_cases(
        cohort, predictions["good"], horizons=[HORIZON], groups={"first": mask}
    )  # fmt: skip
    assert [row["group"] for row in rows] == ["all", "first"]
    score, fold = predictions["good"].risk_score, predictions["good"].fold
    time, event = cohort.patients["time"].to_numpy(), cohort.patients["event"].to_numpy()
    low = np.zeros(N, dtype=bool)
    for each in range(3):
        member = np.flatnonzero(fold == each)
        low[member[np.argsort(score[member])[:14]]] = True  # a third of 40, the cut with it
    had = event & (time <= HORIZON)
    known = had | (time >= HORIZON)
    assert rows[0]["low"] == int((low & known).sum())
    assert rows[0]["low_events"] == int((low & had).sum())
    assert rows[1]["low_events"] == int((low & had & mask).sum())


def test_a_worse_model_fails_more_often() -> None:
    cohort, predictions = study()
    good, bad = (
        failure_cases(cohort, predictions[name], horizons=[HORIZON], groups={})[0]
        for name in ("good", "bad")
    )
    assert bad["low_events"] > 2 * good["low_events"]
    assert bad["high_survivors"] > 2 * good["high_survivors"]


def test_groups_and_sites_are_judged_at_each_horizon() -> None:
    cohort, predictions = study()
    site = np.where(np.arange(N) % 2, "a", "b")
    tables = subgroup_tables(
        cohort,
        predictions["good"],
        null=predictions["null"],
        horizons=[1.0, HORIZON],
        groups={"odd": np.arange(N) % 2 == 1},
        site=site,
        n_bootstrap=20,
    )
    assert [table["settings"]["horizon"] for table in tables] == [1.0, HORIZON]
    assert [row["group"] for row in tables[0]["rows"]] == ["all", "odd", "a", "b"]
    rows = {row["group"]: row for row in tables[0]["rows"]}
    assert rows["odd"]["harrell_c"] == rows["a"]["harrell_c"]
    assert tables[0]["sites"]["n_sites"] == 2
    assert (
        subgroup_tables(
            cohort, predictions["good"], null=predictions["null"], horizons=[1.0], groups={},
            site=None,
        )
        == []
    )  # fmt: skip


def test_a_fold_unlike_its_training_patients_is_found() -> None:
    rng = np.random.default_rng(0)
    fold = np.repeat([0, 1, 2], 40)
    values = rng.normal(size=(120, 2))
    values[fold == 1, 1] += 3
    rows = fold_balance(fold, np.ones(120, dtype=bool), values, names=["age", "grade"])
    assert [row["fold"] for row in rows] == [0, 1, 2]
    assert rows[1]["of"] == "grade"
    assert rows[1]["largest_smd"] > 2
    assert all(row["n"] + row["n_train"] == 120 for row in rows)


def test_who_only_trains_is_no_fold_and_missing_values_count_for_nothing() -> None:
    fold = np.array([-1, -1, 0, 0])
    values = np.array([[1.0, np.nan], [3, np.nan], [2, np.nan], [np.nan, np.nan]])
    [row] = fold_balance(fold, np.array([True, False, True, True]), values, names=["a", "b"])
    assert (row["n"], row["n_train"], row["events_train"]) == (2, 2, 1)
    assert (row["largest_smd"], row["of"]) == (None, None)
    values[3, 0] = 4
    [row] = fold_balance(fold, np.array([True, False, True, True]), values, names=["a", "b"])
    assert row["largest_smd"] == pytest.approx(1 / np.sqrt(2))
    assert row["of"] == "a"
