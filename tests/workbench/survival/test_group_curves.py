"""Curves and tests of groups: one sort gives what each patient set gives alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import (
    kaplan_meier,
    kaplan_meier_by_group,
    log_rank,
    pairwise_log_rank,
)
from workbench.survival.counting import BLOCK

FIELDS = (
    "time",
    "n_at_risk",
    "n_events",
    "n_censored",
    "survival",
    "lower",
    "upper",
    "standard_error",
)


def simulate(n_patients, *, seed=0, n_groups=3, tied=True):
    rng = np.random.default_rng(seed)
    time = rng.exponential(20, n_patients)
    return (
        np.ceil(time) if tied else time,
        rng.random(n_patients) < 0.6,
        rng.integers(0, n_groups, n_patients),
        np.where(rng.random(n_patients) < 0.5, 0, rng.uniform(0, 0.9, n_patients) * time),
    )


def by_definition(time, event, group, entry, stratum, rho, gamma):
    """The statistic from its formula: one event time after the other, no shared code."""
    labels = np.unique(group)
    gap, covariance = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
    for s in np.unique(stratum):
        survival = 1.0
        for t in np.unique(time[event & (stratum == s)]):
            risk = (stratum == s) & (entry < t) & (time >= t)
            happening = risk & event & (time == t)
            n, d = risk.sum(), happening.sum()
            weight = survival**rho * (1 - survival) ** gamma
            survival *= 1 - d / n
            p = np.array([(risk & (group == g)).sum() for g in labels]) / n
            seen = np.array([(happening & (group == g)).sum() for g in labels])
            gap += weight * (seen - d * p)
            if n > 1:
                spread = weight**2 * d * (n - d) / (n - 1)
                covariance += spread * (np.diag(p) - np.outer(p, p))
    return gap[1:] @ np.linalg.solve(covariance[1:, 1:], gap[1:]), covariance


@pytest.mark.parametrize(("rho", "gamma"), [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 2)])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("stratified", [True, False])
def test_fleming_harrington_tests_follow_their_formula(rho, gamma, tied, late, stratified):
    time, event, group, entry = simulate(160, tied=tied)
    stratum = np.arange(160) % 3 if stratified else None
    entry = entry if late else None
    test = log_rank(time, event, group, entry=entry, stratum=stratum, rho=rho, gamma=gamma)
    zero = np.zeros(160)
    statistic, covariance = by_definition(
        time,
        event,
        group,
        zero - 1 if entry is None else entry,
        zero if stratum is None else stratum,
        rho,
        gamma,
    )
    assert_allclose(test.statistic, statistic, rtol=1e-10)
    assert_allclose(test.covariance, covariance, rtol=1e-10)
    assert_array_equal(test.n_patients, np.bincount(group))
    assert_array_equal(test.n_events, np.bincount(group, event))


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array(["a", "b", "c"])])
def test_groups_together_equal_each_alone(tied, late, labels):
    """Also over more times than one block of the arithmetic holds."""
    n_patients = 200 if late else 3 * (BLOCK + 100)
    time, event, code, entry = simulate(n_patients, tied=tied)
    entry, group = entry if late else None, labels[code]
    found = kaplan_meier_by_group(time, event, group, entry=entry, limits="log")
    assert_array_equal(found.groups, labels)
    grid = np.array([0.0, 5, 10.5, 40])
    for each, curve in enumerate(found.curves):
        own = code == each
        late_own = None if entry is None else entry[own]
        alone = kaplan_meier(time[own], event[own], entry=late_own, limits="log")
        for field in FIELDS:
            assert_array_equal(getattr(curve, field), getattr(alone, field), err_msg=field)
        assert_array_equal(found.at_risk_at(grid)[each], alone.at_risk_at(grid))
    test = log_rank(time, event, group, entry=entry)
    assert found.log_rank is not None
    assert found.log_rank.statistic == test.statistic
    assert_array_equal(found.log_rank.n_patients, test.n_patients)


@pytest.mark.parametrize("tied", [True, False])
def test_blocks_of_times_join_without_a_seam(tied, monkeypatch):
    time, event, group, entry = simulate(160, tied=tied)
    whole, test = kaplan_meier(time, event), log_rank(time, event, group, entry=entry, rho=1)
    monkeypatch.setattr("workbench.survival.counting.BLOCK", 7)
    joined, again = kaplan_meier(time, event), log_rank(time, event, group, entry=entry, rho=1)
    for field in FIELDS:
        assert_array_equal(getattr(joined, field), getattr(whole, field), err_msg=field)
    assert_allclose(again.statistic, test.statistic, rtol=1e-12)
    assert_allclose(again.expected, test.expected, rtol=1e-12)


def test_many_groups_and_strata_follow_the_formula():
    time, event, group, entry = simulate(400, n_groups=140)
    stratum = np.random.default_rng(8).integers(0, 4, 400)
    test = log_rank(time, event, group, entry=entry, stratum=stratum)
    _, covariance = by_definition(time, event, group, entry, stratum, 0, 0)
    assert_allclose(test.covariance, covariance, rtol=1e-9, atol=1e-12)
    assert_allclose(test.observed.sum(), test.expected.sum())


@settings(deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(40)))
def test_neither_order_nor_a_monotone_clock_changes_a_test(seed, order):
    time, event, group, _ = simulate(40, seed=seed, n_groups=2)
    event[0] = True
    time[:2], group[:2] = 1.0, [0, 1]
    test = log_rank(time, event, group, rho=1)
    for other in (
        log_rank(time[list(order)], event[list(order)], group[list(order)], rho=1),
        log_rank(np.exp(time / 9), event, group, rho=1),
    ):
        assert_allclose(other.statistic, test.statistic, rtol=1e-9, atol=1e-12)


def test_curves_stand_where_there_can_be_no_test():
    time = np.array([1.0, 2, 3, 4])
    one = kaplan_meier_by_group(time, time > 1, np.zeros(4))
    assert one.log_rank is None
    assert "got 1" in one.refusal
    silent = kaplan_meier_by_group(time, time > 9, np.array([0, 1, 0, 1]))
    assert silent.log_rank is None
    assert "needs an event" in silent.refusal
    assert [curve.survival[-1] for curve in silent.curves] == [1, 1]


def test_a_pair_is_tested_on_its_own_patients():
    time, event, group, entry = simulate(150, n_groups=4)
    for pair in pairwise_log_rank(time, event, group, entry=entry, gamma=1):
        own = (group == pair.first) | (group == pair.second)
        alone = log_rank(time[own], event[own], group[own], entry=entry[own], gamma=1)
        assert pair.test is not None
        assert_allclose(pair.test.statistic, alone.statistic, rtol=1e-10)
        assert_array_equal(pair.test.n_patients, alone.n_patients)


def test_a_pair_without_events_has_no_test_and_counts_for_no_other():
    time = np.arange(1.0, 10)
    group = np.repeat(["a", "b", "c"], 3)
    pairs = pairwise_log_rank(time, group == "a", group)
    assert [pair.test is None for pair in pairs] == [False, False, True]
    assert "needs an event" in pairs[2].refusal
    assert pairs[2].p_adjusted is None
    first = min(pairs[:2], key=lambda pair: pair.test.p_value)
    assert_allclose(first.p_adjusted, 2 * first.test.p_value)


@pytest.mark.parametrize("call", [log_rank, pairwise_log_rank])
def test_tests_refuse_one_group_and_negative_exponents(call):
    time = np.array([1.0, 2, 3, 4])
    with pytest.raises(SurvivalError, match="two or more groups, got 1"):
        call(time, time > 0, np.zeros(4))
    with pytest.raises(SurvivalError, match="entry must lie before time, got 1"):
        call(time, time > 0, np.array([0, 1, 0, 1]), entry=np.array([0, 2.0, 0, 0]))


def test_negative_exponents_are_refused():
    time = np.array([1.0, 2, 3, 4])
    with pytest.raises(SurvivalError, match="must not be negative, got -1"):
        log_rank(time, time > 0, np.array([0, 1, 0, 1]), rho=-1)
