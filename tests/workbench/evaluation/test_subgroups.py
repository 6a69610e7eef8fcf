"""Subgroups and sites: the evaluation's own numbers, differences that are paired, refusals."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from workbench.errors import SurvivalError
from workbench.evaluation import evaluate, subgroup_table
from workbench.evaluation.subgroups import SUBGROUP_METRICS

HORIZON = 5.0


def halves(cohort):
    first = cohort.clinical > 0
    return {"low": ~first, "high": first}


@pytest.fixture(scope="module")
def table(cohort):
    ladder = cohort.ladder()
    site = np.array([f"site {number % 5}" for number in range(len(cohort.fold))])
    return subgroup_table(
        cohort,
        ladder["selected"],
        horizon=HORIZON,
        groups=halves(cohort),
        site=site,
        null=ladder["null"],
        n_bootstrap=100,
        seed=4,
    )


def row_of(table, group):
    return next(row for row in table.rows if row["group"] == group)


def test_numbers_are_those_of_the_evaluation(cohort, table):
    """Same draws, same censoring curve: the row of a group is the evaluation's row."""
    evaluation = evaluate(
        cohort, cohort.ladder(), horizons=[HORIZON], groups=halves(cohort), n_bootstrap=100, seed=4
    )
    for group in ("all", "low", "high"):
        row = row_of(table, group)
        ladder = next(
            r for r in evaluation.ladder if r["model"] == "selected" and r["group"] == group
        )
        there = next(
            r for r in evaluation.at_horizons if r["model"] == "selected" and r["group"] == group
        )
        assert row["harrell_c"] == ladder["harrell_c"]
        for metric in SUBGROUP_METRICS[1:]:
            assert row[metric] == there[metric], metric
        assert (row["n"], row["n_events"], row["n_at_risk"]) == (
            there["n"],
            there["n_events"],
            there["n_at_risk"],
        )


def test_a_difference_is_from_all_others(table):
    """Of two halves each is the other's rest: differences mirror each other."""
    low, high = row_of(table, "low"), row_of(table, "high")
    for metric in SUBGROUP_METRICS:
        one, other = low[f"difference_{metric}"], high[f"difference_{metric}"]
        assert_allclose(one["estimate"], low[metric]["estimate"] - high[metric]["estimate"])
        assert_allclose(other["estimate"], -one["estimate"], rtol=1e-9)
        assert_allclose(other["lower"], -one["upper"], rtol=1e-9)
    assert row_of(table, "all")["difference_brier"] is None


def test_sites_that_share_one_truth_agree(table):
    summary = table.sites
    c = [row["harrell_c"]["estimate"] for row in table.rows if row["kind"] == "site"]
    assert summary["n_sites"] == len(c) == 5
    assert min(c) < summary["estimate"] < max(c)
    assert summary["prediction_lower"] <= summary["lower"] < summary["upper"] < 1
    assert sum(row["n"] for row in table.rows if row["kind"] == "site") == 400


def test_a_miscalibrated_group_is_found(cohort):
    """Risk is understated in one half by a factor on the hazard; only there the intercept moves."""
    groups = halves(cohort)
    shifted = cohort.log_hazard - np.log(2.5) * groups["high"]
    found = subgroup_table(
        cohort,
        cohort.predictions("shifted", shifted),
        horizon=HORIZON,
        groups=groups,
        n_bootstrap=200,
    )
    low, high = row_of(found, "low"), row_of(found, "high")
    assert low["calibration_intercept"]["lower"] < 0 < low["calibration_intercept"]["upper"]
    assert abs(high["calibration_intercept"]["estimate"] - np.log(2.5)) < 0.25
    assert high["difference_calibration_intercept"]["lower"] > 0
    assert high["difference_observed_expected"]["lower"] > 0
    assert high["ipa"] is None


def test_small_groups_are_refused_with_a_reason(cohort):
    few = np.zeros(400, dtype=bool)
    few[:9] = True
    gone = cohort.patients["time"].to_numpy() < HORIZON
    found = subgroup_table(
        cohort,
        cohort.ladder()["selected"],
        horizon=HORIZON,
        groups={"few": few, "gone": gone, "nearly all": ~few},
        n_bootstrap=20,
    )
    assert row_of(found, "few")["refused"] == "9 patients; at least 10 are needed"
    assert row_of(found, "gone")["refused"] == ("0 at risk at 5 months; at least 10 are needed")
    nearly = row_of(found, "nearly all")
    assert nearly["refused"] is None
    assert nearly["harrell_c"]["lower"] < nearly["harrell_c"]["upper"]
    assert nearly["difference_refused"] == "all others: 9 patients; at least 10 are needed"
    for metric in SUBGROUP_METRICS:
        assert row_of(found, "few")[metric] is None
        assert nearly[f"difference_{metric}"] is None
    assert (
        "In few, the selected model is not judged: 9 patients; at least 10 are needed."
        in found.sentences
    )
    assert found.sites is None


def test_table_json_and_words(table):
    assert json.loads(json.dumps(table.rows)) == [dict(row) for row in table.rows]
    frame = table.table
    assert len(frame) == 1 + 2 + 5
    assert {"harrell_c", "harrell_c_lower", "difference_brier"} <= set(frame)
    row = row_of(table, "low")
    c = row["harrell_c"]
    assert table.sentences[1].startswith(
        f"In low ({row['n']} patients, {row['n_events']} events by 5 months), Harrell’s C "
        f"{c['estimate']:.3f} ({c['lower']:.3f} to {c['upper']:.3f}), "
    )
    assert table.sentences[-1].startswith("Over 5 sites, Harrell’s C is ")


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({}, "needs groups or sites, got neither"),
        ({"site": np.zeros(5)}, r"one label a patient \(400\), got shape"),
        ({"site": np.array([None] + ["a"] * 399, dtype=object)}, "with 1 missing"),
        ({"groups": {"a": np.zeros(400)}}, "one boolean a patient"),
    ],
)
def test_groups_that_do_not_fit_are_refused(cohort, asked, match):
    with pytest.raises(SurvivalError, match=match):
        subgroup_table(cohort, cohort.ladder()["selected"], horizon=HORIZON, n_bootstrap=5, **asked)
