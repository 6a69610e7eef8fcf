"""Kaplan-Meier by predicted risk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.evaluation import evaluate
from workbench.evaluation.risk_groups import at_risk_times, thirds_within_folds
from workbench.survival import kaplan_meier


@pytest.fixture(scope="module")
def result(cohort):
    groups = {"few": np.arange(400) < 24, "rest": np.arange(400) >= 24}
    return evaluate(
        cohort, cohort.ladder(), horizons=[5.0], groups=groups, n_bootstrap=2
    ).risk_groups


def test_curves_equal_kaplan_meier_of_thirds_within_folds(cohort, result):
    time, event = cohort.patients["time"].to_numpy(), cohort.patients["event"].to_numpy()
    third = thirds_within_folds(cohort.log_hazard, cohort.fold)
    overall = result["strata"][0]
    assert (result["model"], result["labels"]) == ("selected", ["low", "middle", "high"])
    assert (overall["group"], overall["n"]) == ("all", 400)
    for code, curve in enumerate(overall["curves"]):
        member = third == code
        expected = kaplan_meier(time[member], event[member])
        assert curve["n"] == member.sum()
        assert (curve["time"][0], curve["survival"][0]) == (0, 1)
        assert_allclose(curve["survival"][1:], expected.at(curve["time"][1:]), rtol=1e-8)
        at_risk = (time[member, None] >= overall["at_risk_times"]).sum(0)
        assert_array_equal(curve["n_at_risk"], at_risk)
        assert_allclose(curve["censored"], np.unique(time[member & ~event]))
    medians = [curve["median"]["estimate"] for curve in overall["curves"]]
    assert medians == sorted(medians, reverse=True)


def test_thirds_of_cross_validated_risk_are_not_tested(result):
    """Whoever is held out trains the models of the others: the test's p-values are too small."""
    assert [stratum["group"] for stratum in result["strata"]] == ["all", "few", "rest"]
    for stratum in result["strata"]:
        assert set(stratum) == {"group", "n", "n_events", "at_risk_times", "curves"}


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=3, max_size=40), st.integers(1, 3))
def test_equal_scores_share_a_third_and_order_is_kept(scores, n_folds):
    score = np.array(scores, dtype=float)
    fold = np.arange(len(score)) % n_folds
    third = thirds_within_folds(score, fold)
    for label in range(n_folds):
        member = fold == label
        ordered = np.argsort(score[member], kind="stable")
        assert (np.diff(third[member][ordered]) >= 0).all()
        for value in np.unique(score[member]):
            assert len(np.unique(third[member][score[member] == value])) == 1


@pytest.mark.parametrize(
    ("last", "unit", "expected"),
    [
        (1900, "days", [0, 365, 730, 1095, 1460, 1825]),
        (500, "days", [0, 100, 200, 300, 400, 500]),
        (70, "months", [0, 12, 24, 36, 48, 60]),
        (160, "months", [0, 24, 48, 72, 96, 120, 144]),
        (3.2, "years", [0, 1, 2, 3]),
        (0.9, "years", [0, 0.2, 0.4, 0.6, 0.8]),
    ],
)
def test_ticks_are_round_and_fall_on_years(last, unit, expected):
    assert_allclose(at_risk_times(last, unit), expected)
