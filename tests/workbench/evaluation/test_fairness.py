"""Error rates by group: R, counts without censoring, refusals."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from fusion.predictions import Predictions
from workbench.errors import SurvivalError
from workbench.evaluation import fairness_table
from workbench.evaluation.fairness import RATES

REFERENCE = Path(__file__).parents[2] / "reference" / "calibration"
ASKED = {"threshold": 0.5, "horizon": 5.0, "reference": "low", "n_bootstrap": 50}


@dataclass(frozen=True)
class SimulatedTable:
    """The patients of tests/reference/calibration."""

    patients: pd.DataFrame
    time_unit: str = "months"


def halves(cohort):
    return {"low": cohort.clinical <= 0, "high": cohort.clinical > 0}


def row_of(table, group):
    return next(row for row in table.rows if row["group"] == group)


def test_equals_r():
    inputs = pd.read_csv(REFERENCE / "inputs.csv")
    reference = pd.read_csv(REFERENCE / "reference.csv").set_index("name")["value"]
    patients = pd.DataFrame({"time": inputs["time"], "event": inputs["cause"] > 0})
    predictions = Predictions(
        model="any",
        patient_id=patients.index.to_numpy().astype(str),
        fold=np.zeros(len(patients), dtype=int),
        risk_score=inputs["any_risk"].to_numpy(),
        horizons=np.array([12.5]),
        survival=1 - inputs[["any_risk"]].to_numpy(),
    )
    patients.index = predictions.patient_id
    found = fairness_table(
        SimulatedTable(patients),
        predictions,
        threshold=0.5,
        horizon=12.5,
        groups={str(g): (inputs["group"] == g).to_numpy() for g in range(3)},
        reference="0",
        n_bootstrap=20,
    )
    assert found.settings["censoring_strata"] == ["0", "1", "2"]
    for group in "012":
        row = row_of(found, group)
        values = [row[rate]["estimate"] for rate in RATES]
        assert_allclose(values, reference[f"rates_{group}"], rtol=1e-9)


def test_without_censoring_rates_are_counts(make_cohort):
    cohort = make_cohort(n_patients=200, seed=3, censored=np.inf)
    predictions = cohort.ladder()["selected"]
    found = fairness_table(cohort, predictions, groups=halves(cohort), **ASKED)
    happened = cohort.patients["time"].to_numpy() <= 5
    high = 1 - predictions.at(5.0) >= 0.5
    for group, member in halves(cohort).items():
        row = row_of(found, group)
        counts = pd.crosstab(happened[member], high[member])
        assert_allclose(
            row["sensitivity"]["estimate"], counts.loc[True, True] / counts.loc[True].sum()
        )
        assert_allclose(row["npv"]["estimate"], counts.loc[False, False] / counts[False].sum())
        assert row["n_high"] == high[member].sum()
        assert row["sensitivity"]["lower"] < row["sensitivity"]["upper"]


def test_rates_that_make_up_one(cohort):
    row = row_of(
        fairness_table(cohort, cohort.ladder()["selected"], groups=halves(cohort), **ASKED), "high"
    )
    for one, other in (
        ("sensitivity", "false_negative_rate"),
        ("specificity", "false_positive_rate"),
    ):
        assert_allclose(row[one]["estimate"] + row[other]["estimate"], 1, rtol=1e-9)
        assert_allclose(row[one]["lower"] + row[other]["upper"], 1, rtol=1e-9)


def test_differences_are_from_the_reference(cohort):
    found = fairness_table(cohort, cohort.ladder()["selected"], groups=halves(cohort), **ASKED)
    low, high = row_of(found, "low"), row_of(found, "high")
    for rate in RATES:
        assert low[f"difference_{rate}"] is None
        difference = high[f"difference_{rate}"]
        assert_allclose(
            difference["estimate"], high[rate]["estimate"] - low[rate]["estimate"], atol=1e-9
        )
        assert difference["lower"] < difference["upper"]
    # More of the high half reach the threshold, so more of its events and of its others do.
    assert high["difference_sensitivity"]["lower"] > 0
    assert high["difference_false_positive_rate"]["lower"] > 0


def test_a_patient_at_the_threshold_is_high(cohort):
    """Survival of .9 is a risk of .1, though 1 - .9 is a little less on a machine."""
    at_threshold = cohort.as_predictions(
        "flat", np.zeros(400), np.full((400, len(cohort.ladder()["null"].horizons)), 0.9)
    )
    found = fairness_table(
        cohort, at_threshold, groups=halves(cohort), **ASKED | {"threshold": 0.1}
    )
    assert all(row["n_high"] == row["n"] for row in found.rows)


def test_what_cannot_be_counted_is_none_and_small_groups_are_refused(cohort):
    few = np.zeros(400, dtype=bool)
    few[:9] = True
    found = fairness_table(
        cohort,
        cohort.ladder()["selected"],
        groups={"low": ~few, "few": few},
        **ASKED | {"threshold": 0.999999},
    )
    low, small = row_of(found, "low"), row_of(found, "few")
    assert low["n_high"] == 0
    assert low["ppv"] is None
    assert low["sensitivity"]["estimate"] == 0
    assert small["refused"] == "9 patients; at least 10 are needed"
    assert small["npv"] is None
    again = fairness_table(
        cohort,
        cohort.ladder()["selected"],
        groups={"low": ~few, "few": few},
        **ASKED | {"reference": "few"},
    )
    assert row_of(again, "low")["difference_refused"] == ("few: 9 patients; at least 10 are needed")
    assert "In few, error rates are not judged: 9 patients; at least 10 are needed." in (
        again.sentences
    )


def test_table_json_and_words(cohort):
    found = fairness_table(cohort, cohort.ladder()["selected"], groups=halves(cohort), **ASKED)
    assert json.loads(json.dumps(found.rows)) == [dict(row) for row in found.rows]
    assert {"ppv", "ppv_lower", "difference_npv"} <= set(found.table)
    high = row_of(found, "high")
    assert f"{high['n_high']} are at high risk: sensitivity " in found.sentences[1]
    assert " from low" in found.sentences[1]
    assert " from low" not in found.sentences[0]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"threshold": 1.0}, r"threshold must lie in \(0, 1\)"),
        ({"reference": "nobody"}, "reference must be one of the 2 groups"),
        ({"horizon": 4.9}, "must predict survival at every study horizon"),
    ],
)
def test_questions_that_do_not_fit_are_refused(cohort, changed, match):
    with pytest.raises(SurvivalError, match=match):
        fairness_table(
            cohort, cohort.ladder()["selected"], groups=halves(cohort), **ASKED | changed
        )
