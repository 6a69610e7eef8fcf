"""Counted pairs against the definition, pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sksurv.metrics import concordance_index_censored

from workbench.errors import SurvivalError
from workbench.survival import (
    antolini_c,
    censoring_curve,
    compare_concordance,
    dynamic_auc,
    harrell_c,
    harrell_c_interval,
    uno_c,
)
from workbench.survival.concordant_counts import order_by_score, order_by_time


@st.composite
def cohorts(draw):
    """Times, events, scores, strata and weights of few patients, all heavily tied."""
    n_patients = draw(st.integers(1, 40))
    highest = draw(st.sampled_from([1, 4, 40]))

    def whole(lowest, highest):
        values = st.lists(st.integers(lowest, highest), min_size=n_patients, max_size=n_patients)
        return np.array(draw(values), dtype=float)

    return (
        whole(0, highest),
        whole(0, 2) > 0,
        whole(-highest, highest),
        whole(0, draw(st.integers(0, 3))).astype(int),
        whole(0, 3),
    )


def comparable(time, event, label, entry=None):
    """The definition: row i had the event, column j was at risk then and is known to outlive i."""
    later = time[None, :] > time[:, None]
    censored_then = (time[None, :] == time[:, None]) & ~event[None, :]
    pairs = event[:, None] & (later | censored_then) & (label[:, None] == label)
    return pairs if entry is None else pairs & (entry[None, :] < time[:, None])


def agreement(score):
    return (score[:, None] > score) + 0.5 * (score[:, None] == score)


def by_definition(pairs, score):
    return (pairs * agreement(score)).sum() / pairs.sum()


@settings(deadline=None)
@given(cohorts())
def test_every_count_is_that_of_the_pairs(cohort):
    time, event, score, stratum, weight = cohort
    higher, equal = score[:, None] > score, score[:, None] == score
    weights = np.stack([weight, np.ones(len(time))])  # leading axes share one order
    for order, pairs in (
        (order_by_time(time, event, score, stratum), comparable(time, event, stratum)),
        (order_by_score(score, stratum), stratum[:, None] == stratum),
    ):
        among = [pairs & higher, pairs & equal, pairs]
        as_row, as_column = order.met_by_earlier(weights), order.met_by_later(weights * event)
        for row, column, those in zip(as_row, as_column, among, strict=True):
            assert_array_equal(row * event, weights @ (those * event[:, None]).T)
            assert_array_equal(column, (weights * event) @ those)
        totals = order.totals(weights * event, weights)
        assert_array_equal(
            totals, [((weights * event) @ those * weights).sum(1) for those in among]
        )


@settings(deadline=None)
@given(cohorts(), st.booleans())
def test_harrell_is_the_share_of_concordant_pairs(cohort, is_late):
    time, event, score, stratum, weight = cohort
    time = time + 1
    entry = np.floor(time * 0.6) if is_late else None
    pairs = comparable(time, event, stratum, entry) * weight[:, None] * weight

    def found():
        return harrell_c(time, event, score, stratum=stratum, weights=weight, entry=entry)

    if not pairs.sum():
        with pytest.raises(SurvivalError, match=r"no comparable pair|not be negative nor all 0"):
            found()
    else:
        assert_allclose(found(), by_definition(pairs, score), rtol=1e-12)


@settings(deadline=None)
@given(cohorts(), st.integers(2, 9))
def test_uno_and_auc_are_weighted_shares_with_stratified_censoring(cohort, tau):
    time, event, score, stratum, _ = cohort
    curve = censoring_curve(time, event, stratum=stratum)
    own = curve.before_own(time, stratum)
    pairs = comparable(time, event, np.zeros(len(time))) & (time < tau)[:, None]
    together = own[:, None] * curve.before(time, stratum).T
    if pairs.any():
        weight = np.divide(1.0, together, out=np.zeros(pairs.shape), where=pairs)
        assert_allclose(
            uno_c(time, event, score, tau=tau, stratum=stratum), by_definition(weight, score)
        )
    pairs = (event & (time <= tau))[:, None] & np.where(event, time > tau, time >= tau)
    if pairs.any():
        together = own[:, None] * curve.before(np.array([tau]), stratum)[:, 0]
        weight = np.divide(1.0, together, out=np.zeros(pairs.shape), where=pairs)
        auc = dynamic_auc(time, event, score, horizons=[tau], stratum=stratum)
        assert_allclose(auc, by_definition(weight, score))


@settings(deadline=None)
@given(cohorts(), st.integers(0, 2**32 - 1))
def test_antolini_compares_curves_at_each_event(cohort, seed):
    time, event, _, stratum, _ = cohort
    horizons = np.array([1.0, 2.0, 3.5, 20.0])
    rng = np.random.default_rng(seed)
    survival = np.sort(rng.integers(0, 5, (len(time), 4)) / 4, axis=1)[:, ::-1]
    at = np.searchsorted(horizons, time, side="right")
    curves = np.column_stack([np.ones(len(time)), survival])
    pairs = comparable(time, event, stratum)
    agreeing = np.stack([agreement(-curves[:, column])[i] for i, column in enumerate(at)])
    if pairs.any():
        found = antolini_c(time, event, survival, horizons=horizons, fold=stratum)
        assert_allclose(found, (pairs * agreeing).sum() / pairs.sum(), rtol=1e-12)


def test_antolini_of_curves_that_do_not_cross_is_harrell(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    score = untied["risk_score"].to_numpy()
    horizons = np.linspace(time.min(), 20, 30)
    survival = np.exp(-np.exp(score)[:, None] * horizons / 100)
    assert_allclose(
        antolini_c(time, event, survival, horizons=horizons),
        harrell_c(time, event, score),
        rtol=1e-12,
    )


def test_twenty_thousand_patients_equal_scikit_survival():
    rng = np.random.default_rng(3)
    time, event = rng.exponential(size=20_000).round(3), rng.random(20_000) < 0.5
    score = rng.normal(size=20_000).round(2)
    theirs = concordance_index_censored(event, time, score, tied_tol=0)[0]
    assert_allclose(harrell_c(time, event, score), theirs, rtol=1e-12)


def test_within_group_gains_nothing_from_telling_groups_apart(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    group, score = untied["fold"].to_numpy(), untied["risk_score"].to_numpy()
    assert harrell_c(time, event, group) != 0.5
    assert harrell_c(time, event, group, stratum=group) == 0.5
    assert harrell_c(time, event, score, stratum=group, fold=group) == harrell_c(
        time, event, score, stratum=group
    )


def test_a_weight_of_two_is_a_patient_twice(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    score = untied["risk_score"].to_numpy()
    weights = np.where(np.arange(len(time)) % 3 == 0, 2, 1)
    index = np.repeat(np.arange(len(time)), weights)
    # The copies of a censored patient leave together, and so are not compared.
    twice = harrell_c(time[index], event[index], score[index])
    assert_allclose(harrell_c(time, event, score, weights=weights), twice, rtol=1e-12)


def test_an_entry_at_the_event_is_too_late():
    """Entered at 2, when the first patient has the event: not at risk then, so no pair."""
    time, event = np.array([2.0, 3.0]), np.array([True, False])
    score = np.array([1.0, 0.0])
    assert harrell_c(time, event, score, entry=np.array([0.0, 1.9])) == 1
    with pytest.raises(SurvivalError, match="no comparable pair"):
        harrell_c(time, event, score, entry=np.array([0.0, 2.0]), weights=np.array([0.1, 0.7]))


def test_the_jackknife_is_that_of_leaving_patients_out(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    score = untied["risk_score"].to_numpy()
    found = harrell_c_interval(time, event, score)
    step = 1e-6
    for row in range(0, len(time), 10):
        weights = np.ones(len(time))
        weights[row] += step
        moved = (harrell_c(time, event, score, weights=weights) - found.estimate) / step
        assert_allclose(moved, found.influence[row], atol=1e-6)
    assert found.lower < found.estimate < found.upper


def test_equal_rankings_differ_by_nothing_and_have_no_p(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    score = untied["risk_score"].to_numpy()
    one, same = (harrell_c_interval(time, event, s) for s in (score, np.exp(score)))
    difference = compare_concordance(one, same)
    assert (difference.estimate, difference.standard_error) == (0, 0)
    assert np.isnan(difference.p_value)
    with pytest.raises(SurvivalError, match="same pairs"):
        compare_concordance(one, harrell_c_interval(time[1:], event[1:], score[1:]))


def test_one_cluster_has_no_standard_error(untied):
    time, event = untied["time"].to_numpy(), untied["event"].to_numpy()
    with pytest.raises(SurvivalError, match="at least two clusters"):
        harrell_c_interval(time, event, time, cluster=np.zeros(len(time)))
