"""Restricted means, follow-up and landmarks: by hand, against integrals, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from workbench.errors import SurvivalError
from workbench.survival import (
    follow_up,
    kaplan_meier,
    landmark,
    nelson_aalen,
    rmst,
    rmst_comparison,
)

TIME = np.array([1.0, 2, 3, 4, 5, 6])
EVENT = np.array([True, False, True, True, False, True])


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=2, max_size=40), st.floats(0.1, 12))
def test_without_censoring_it_is_the_mean_of_shortened_times(times, tau):
    time = np.array([*times, 12], dtype=float)
    found = rmst(time, np.ones(len(time), dtype=bool), tau=tau)
    shortened = np.minimum(time, tau)
    assert_allclose(found.mean.estimate, shortened.mean(), rtol=1e-12)
    # Greenwood's variance is then that of a mean, over n.
    assert_allclose(found.standard_error, shortened.std() / np.sqrt(len(time)), atol=1e-12)
    assert found.n_events == (time <= tau).sum()


def test_limits_are_normal():
    found = rmst(TIME, EVENT, tau=5, confidence=0.9)
    z = norm.ppf(0.95)
    assert_allclose(found.mean.upper - found.mean.estimate, z * found.standard_error)
    assert_allclose(found.mean.estimate - found.mean.lower, z * found.standard_error)


def test_a_comparison_follows_from_its_groups():
    rng = np.random.default_rng(5)
    time, event = rng.exponential(10, 200), rng.random(200) < 0.7
    group = rng.permutation(np.repeat(["new", "old"], 100))
    entry, weights = time * rng.uniform(0, 0.5, 200), rng.uniform(0.5, 2, 200)
    found = rmst_comparison(time, event, group, tau=8, entry=entry, weights=weights)
    new, old = (
        rmst(time[k], event[k], tau=8, entry=entry[k], weights=weights[k])
        for k in (group == "new", group == "old")
    )
    assert found.means == (new, old)
    difference = old.mean.estimate - new.mean.estimate
    error = np.hypot(new.standard_error, old.standard_error)
    assert_allclose(found.difference, difference + norm.ppf([0.5, 0.025, 0.975]) * error)
    assert_allclose(found.difference_p, 2 * norm.sf(abs(difference) / error))
    log_ratio = np.log(old.mean.estimate / new.mean.estimate)
    log_error = np.hypot(
        new.standard_error / new.mean.estimate, old.standard_error / old.mean.estimate
    )
    assert_allclose(
        np.log(found.ratio), log_ratio + norm.ppf([0.5, 0.025, 0.975]) * log_error, atol=1e-12
    )
    assert_allclose(found.ratio_p, 2 * norm.sf(abs(log_ratio) / log_error))


def test_limits_of_a_simulated_mean_cover_the_truth():
    """Exponential survival of mean 10: the mean until 8 is 10 (1 - exp(-.8))."""
    rng = np.random.default_rng(9)
    truth, covered = 10 * (1 - np.exp(-0.8)), 0
    for _ in range(300):
        survived, censored = rng.exponential(10, 150), rng.uniform(8, 30, 150)
        time = np.append(np.minimum(survived, censored), 30)
        mean = rmst(time, np.append(survived <= censored, False), tau=8).mean
        covered += mean.lower <= truth <= mean.upper
    assert 0.92 <= covered / 300 <= 0.98


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rmst(TIME, EVENT, tau=6.5), "beyond the last observed time of 1 of 1"),
        (lambda: rmst(TIME, EVENT, tau=0), "tau must be positive"),
        (lambda: rmst(TIME, EVENT, tau=np.nan), "tau must be positive .* got nan"),
        (lambda: rmst(TIME, EVENT, tau=2, confidence=95), "confidence must lie between 0 and 1"),
        (
            lambda: rmst_comparison(TIME, EVENT, TIME > 3, tau=4),
            "beyond the last observed time of 1 of 2",
        ),
        (lambda: rmst_comparison(TIME, EVENT, TIME, tau=1), "between two groups, got 6"),
        (
            lambda: rmst_comparison(TIME, EVENT & False, np.arange(6) % 2, tau=2),
            "need an event before tau .* got 0 and 0",
        ),
    ],
)
def test_what_a_restricted_mean_refuses(call, message):
    with pytest.raises(SurvivalError, match=message):
        call()


def test_follow_up_without_events_is_the_median_time():
    assert follow_up(TIME, EVENT & False).median.estimate == 3.5
    assert follow_up(TIME, EVENT | True).median.estimate == np.inf


def test_a_landmark_leaves_out_whom_it_says():
    entry = np.array([0, 0, 0, 3.5, 0, 0.5])
    rest = landmark(TIME, EVENT, at=3.0, entry=entry)
    assert_array_equal(rest.at_risk, [False, False, False, False, True, True])
    assert (rest.n_events_before, rest.n_censored_before, rest.n_not_entered) == (2, 1, 1)
    assert_array_equal(rest.time, [2, 3])
    assert_array_equal(rest.event, [False, True])


@settings(deadline=None)
@given(st.lists(st.integers(1, 12), min_size=3, max_size=40), st.integers(1, 11))
def test_survival_from_a_landmark_is_conditional(times, at):
    time = np.array([*times, 13], dtype=float)
    event = np.arange(len(time)) % 3 > 0
    rest, curve = landmark(time, event, at=at), kaplan_meier(time, event)
    later = np.arange(0.0, 13 - at)
    conditional = kaplan_meier(rest.time, rest.event).at(later) * curve.at(at)
    assert_allclose(conditional, curve.at(at + later), rtol=1e-12)
    assert rest.n_events_before + rest.n_censored_before + len(rest.time) == len(time)


def test_what_a_landmark_refuses():
    with pytest.raises(SurvivalError, match="patients at risk after it, got 0 of 6"):
        landmark(TIME, EVENT, at=6.0)
    with pytest.raises(SurvivalError, match="must be a positive time, got 0"):
        landmark(TIME, EVENT, at=0)


@settings(deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.sampled_from(["log", "plain"]))
def test_hazard_bounds_survival(times, limits):
    """exp(-H) is never below the product of 1 - d/n, and both have the same limits' order."""
    time = np.array(times, dtype=float)
    event = time % 3 > 0
    hazard = nelson_aalen(time, event, limits=limits)
    assert (np.exp(-hazard.cumulative_hazard) >= kaplan_meier(time, event).survival - 1e-12).all()
    assert (hazard.lower <= hazard.cumulative_hazard).all()
    assert (hazard.upper >= hazard.cumulative_hazard).all()
    z = norm.ppf(0.975)
    known = hazard.cumulative_hazard > 0
    value, error = hazard.cumulative_hazard[known], hazard.standard_error[known]
    expected = value * np.exp(z * error / value) if limits == "log" else value + z * error
    assert_allclose(hazard.upper[known], expected, rtol=1e-12)
    assert np.isnan(hazard.at(time.max() + 1))
    assert hazard.at(0.5) == 0


def test_limits_of_another_kind_are_refused():
    with pytest.raises(SurvivalError, match="limits must be one of log, plain, got 'log-log'"):
        nelson_aalen(TIME, EVENT, limits="log-log")
    with pytest.raises(SurvivalError, match="limits must be one of log-log, log, plain, got 'x'"):
        kaplan_meier(TIME, EVENT, limits="x")
