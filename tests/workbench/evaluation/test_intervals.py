"""Bootstraps and intervals."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from workbench.errors import SurvivalError
from workbench.evaluation import Interval, bootstrap_weights, evaluate, interval
from workbench.evaluation.intervals import distance_interval

FOLD = np.repeat([0, 1, 5], [10, 20, 7])


def test_each_bootstrap_keeps_the_size_of_each_fold():
    weights = bootstrap_weights(FOLD, n_bootstrap=50, seed=1)
    assert weights.shape == (50, 37)
    assert_array_equal(weights, weights.round())
    for label, size in ((0, 10), (1, 20), (5, 7)):
        assert_array_equal(weights[:, label == FOLD].sum(1), size)


def test_a_seed_gives_the_same_draws():
    again = bootstrap_weights(FOLD, n_bootstrap=5, seed=3)
    assert_array_equal(bootstrap_weights(FOLD, n_bootstrap=5, seed=3), again)
    assert (bootstrap_weights(FOLD, n_bootstrap=5, seed=4) != again).any()


def test_no_bootstrap_is_refused():
    with pytest.raises(SurvivalError, match="n_bootstrap must be at least 1"):
        bootstrap_weights(FOLD, n_bootstrap=0, seed=0)


def test_the_interval_holds_the_middle_of_the_draws():
    draws = np.append(0.7, np.linspace(0, 1, 1001))
    assert interval(draws) == Interval(0.7, pytest.approx(0.025), pytest.approx(0.975))


def test_few_undefined_bootstraps_are_left_out_and_many_refuse_the_number():
    draws = np.append(0.7, np.linspace(0, 1, 1001))
    draws[1:50] = np.nan
    assert interval(draws).estimate == 0.7
    draws[1:150] = np.nan
    assert interval(draws) is None
    assert interval(np.array([np.nan, 0.5, 0.6])) is None


def test_the_interval_of_a_distance_holds_its_estimate_and_nothing_negative():
    """Bootstraps move a distance up: their middle is put where the estimate is."""
    draws = np.append(0.02, np.linspace(0.03, 0.07, 1001))
    assert interval(draws).lower > 0.02
    found = distance_interval(draws)
    assert (found.estimate, found.lower) == (0.02, pytest.approx(0.001))
    assert found.upper == pytest.approx(0.039)
    draws[-1:] = 9.0
    assert distance_interval(np.append(0.001, draws[1:])).lower == 0.0
    draws[1:150] = np.nan
    assert distance_interval(draws) is None
    assert distance_interval(np.append(np.nan, np.linspace(0, 1, 11))) is None


def test_intervals_cover_the_truth(make_cohort):
    """Of 60 cohorts about 57 should hold the value of a very large one."""
    large = make_cohort(n_patients=6000, seed=999)
    truth = measured(evaluate(large, large.ladder(), horizons=[5.0], n_bootstrap=1))
    covered = []
    for seed in range(60):
        small = make_cohort(n_patients=150, seed=seed)
        found = measured(evaluate(small, small.ladder(), horizons=[5.0], n_bootstrap=200))
        covered.append(
            {
                name: found[name]["lower"] <= truth[name]["estimate"] <= found[name]["upper"]
                for name in truth
            }
        )
    for name in truth:
        n_covered = sum(each[name] for each in covered)
        assert 51 <= n_covered <= 60, f"{name}: {n_covered} of 60"


def measured(evaluation):
    row = next(row for row in evaluation.ladder if row["model"] == "selected")
    there = next(row for row in evaluation.at_horizons if row["model"] == "selected")
    names = ("harrell_c", "uno_c", "ibs", "ipa", "delta_harrell_c", "delta_ipa")
    return {name: row[name] for name in names} | {
        name: there[name] for name in ("auc", "calibration_intercept", "observed_expected")
    }
