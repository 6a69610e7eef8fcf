"""Aalen-Johansen: R's multi-state survfit, Kaplan-Meier, the jackknife it claims, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import aalen_johansen, kaplan_meier

OUTCOMES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=40)


def arrays(outcomes):
    time, cause = np.array(outcomes).T
    return time.astype(float), cause


def assert_equals_r(curve, r_value, name, n_causes=2, at=None):
    """The whole curve, or the curve at chosen times."""
    if at is None:
        found = curve.event_free, curve.incidence, curve.standard_error, curve.lower, curve.upper
    else:
        incidence, error, limits = curve.at(at), curve.standard_error_at(at), curve.limits_at(at)
        found = curve.event_free_at(at), incidence, error, *limits
    event_free, incidence, *rest = found
    assert_allclose(event_free, r_value(f"{name}:event_free"), rtol=1e-10, atol=1e-15)
    for k in range(n_causes):
        expected = r_value(f"{name}:incidence_{k + 1}").to_numpy()
        assert_allclose(incidence[:, k], expected, rtol=1e-10)
        started = expected > 0  # before, R has no limits and ours are 0
        for part, label in zip(rest, ("standard_error", "lower", "upper"), strict=True):
            values = r_value(f"{name}:{label}_{k + 1}").to_numpy()
            assert_allclose(part[started, k], values[started], rtol=1e-8)
            assert (part[~started, k] == 0).all()


@pytest.mark.parametrize("name", ["tied", "untied", "weighted", "entry", "entry_weighted"])
def test_equals_r(patients, r_value, name):
    time = patients["untied" if name == "untied" else "time"].to_numpy()
    entry = patients["entry"].to_numpy() if "entry" in name else None
    weights = patients["weight"].to_numpy() if "weighted" in name else None
    curve = aalen_johansen(time, patients["cause"].to_numpy(), entry=entry, weights=weights)
    assert_equals_r(curve, r_value, name)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["mgus2", "pbc", "transplant", "colon", "rotterdam", "myeloid", "flchain"]
)
def test_equals_r_on_public_tables(competing_table, r_value, name):
    table = competing_table(name)
    at = r_value(f"{name}:event_free").index.to_numpy()
    curve = aalen_johansen(table.time, table.cause)
    assert_equals_r(curve, r_value, name, n_causes=table.cause.max(), at=at)


@settings(deadline=None)
@given(OUTCOMES)
def test_incidences_and_event_free_survival_add_to_one(outcomes):
    curve = aalen_johansen(*arrays(outcomes))
    assert_allclose(curve.incidence.sum(1) + curve.event_free, 1, atol=1e-12)
    assert (np.diff(curve.incidence, axis=0, prepend=0) >= 0).all()
    time, cause = arrays(outcomes)
    assert_allclose(curve.event_free, kaplan_meier(time, cause > 0).survival, atol=1e-12)


@settings(deadline=None)
@given(OUTCOMES)
def test_with_one_cause_it_is_kaplan_meier_with_greenwoods_error(outcomes):
    time, cause = arrays(outcomes)
    curve = aalen_johansen(time, np.minimum(cause, 1))
    survival = kaplan_meier(time, cause > 0).survival
    assert_allclose(curve.incidence[:, 0], 1 - survival, atol=1e-12)
    n, d = curve.n_at_risk, curve.n_events[:, 0]
    greenwood = np.cumsum(np.divide(d, n * (n - d), out=np.zeros(len(n)), where=n > d))
    assert_allclose(curve.standard_error[:, 0], survival * np.sqrt(greenwood), atol=1e-7)


@settings(deadline=None)
@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(outcomes, random):
    time, cause = arrays(outcomes)
    order = np.array(random.sample(range(len(time)), len(time)))
    weights = 1 + np.arange(len(time)) / 7
    curve = aalen_johansen(time, cause, weights=weights)
    shuffled = aalen_johansen(time[order], cause[order], weights=weights[order])
    assert_allclose(curve.incidence, shuffled.incidence, rtol=1e-12)
    assert_allclose(curve.standard_error, shuffled.standard_error, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(OUTCOMES)
def test_a_weight_of_two_counts_as_two_patients(outcomes):
    time, cause = arrays(outcomes)
    twice = np.arange(len(time)) % 2 + 1
    curve = aalen_johansen(time, cause, weights=twice)
    repeated = aalen_johansen(np.repeat(time, twice), np.repeat(cause, twice))
    assert_allclose(curve.incidence, repeated.incidence, atol=1e-12)
    assert_allclose(curve.n_at_risk, repeated.n_at_risk)


def test_the_standard_error_is_the_infinitesimal_jackknife(patients):
    some = patients.head(60)
    time, cause, entry = some["time"].to_numpy(), some["cause"].to_numpy(), some["entry"].to_numpy()
    weights = some["weight"].to_numpy()
    nudge = 1e-6

    def incidence(changed):
        return aalen_johansen(time, cause, entry=entry, weights=changed).incidence

    nudges = nudge * np.eye(len(time))
    influences = [(incidence(weights + e) - incidence(weights - e)) / (2 * nudge) for e in nudges]
    expected = np.sqrt(np.einsum("i,itk->tk", weights**2, np.square(influences)))
    found = aalen_johansen(time, cause, entry=entry, weights=weights).standard_error
    assert_allclose(found, expected, atol=1e-8)


def test_late_entry_before_everything_changes_nothing(patients):
    time, cause = patients["time"].to_numpy(), patients["cause"].to_numpy()
    plain = aalen_johansen(time, cause)
    entered = aalen_johansen(time, cause, entry=np.full(len(time), -1.0))
    assert_array_equal(plain.incidence, entered.incidence)
    assert_allclose(plain.standard_error, entered.standard_error, rtol=1e-12)


def test_many_uneven_weights_leave_nobody_behind():
    rng = np.random.default_rng(5)
    weights = rng.lognormal(0, 3, 20_000)
    time, cause = rng.exponential(1, 20_000), rng.integers(1, 3, 20_000)
    curve = aalen_johansen(time, cause, weights=weights)
    assert curve.event_free[-1] == 0
    assert curve.n_at_risk[-1] == weights[time.argmax()]


def test_weightless_patients_leave_no_trace():
    time, cause = np.array([1.0, 2.0, 2.5, 4.0]), np.array([1, 2, 1, 2])
    curve = aalen_johansen(time, cause, weights=np.array([1.0, 1.0, 0.0, 1.0]))
    assert_array_equal(curve.time, [1, 2, 4])
    assert_allclose(curve.incidence[-1], [1 / 3, 2 / 3])


def test_curves_start_at_0_and_are_known_as_far_as_follow_up_reaches():
    time, cause = np.array([1.0, 2.0, 3.0]), np.array([1, 2, 0])
    curve = aalen_johansen(time, cause)
    assert_array_equal(curve.at(0.5), [0, 0])
    assert_allclose(curve.at(3.0), [1 / 3, 1 / 3])
    assert np.isnan(curve.at([3.1, 9])).all()
    assert np.isnan(curve.event_free_at(3.1))
    assert_array_equal(curve.at_risk_at([0, 1, 1.5, 3, 4]), [3, 3, 2, 1, 0])
    complete = aalen_johansen(time, np.array([1, 2, 1]))
    assert_allclose(complete.at(9.0), [2 / 3, 1 / 3])
    assert complete.event_free_at(9.0) == 0


def test_degenerate_cohorts_follow_the_conventions():
    alone = aalen_johansen(np.array([2.0]), np.array([2]))
    assert_array_equal(alone.at(2.0), [0, 1])
    assert np.isnan(alone.lower[0, 1])
    nobody = aalen_johansen(np.array([1.0, 2.0]), np.array([0, 0]), n_causes=2)
    assert_array_equal(nobody.incidence, np.zeros((2, 2)))
    assert_array_equal(nobody.upper, np.zeros((2, 2)))
    at_once = aalen_johansen(np.zeros(4), np.array([1, 2, 2, 0]))
    assert_allclose(at_once.at(0.0), [0.25, 0.5])
    # Nobody is left at 1; who enters at 2 comes too late to be counted.
    late = aalen_johansen(np.array([1.0, 3.0]), np.array([1, 2]), entry=np.array([0.0, 2.0]))
    assert_array_equal(late.incidence, [[1, 0], [1, 0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 1.0}, r"confidence must lie in \(0, 1\), got 1"),
        ({"n_causes": 1}, r"n_causes is 1, but causes up to 2 came"),
        ({"entry": np.array([0.0, 3.0])}, r"entry must lie before time, got 1 patients"),
        ({"weights": np.array([0.0, 0.0])}, r"weights must not be negative nor all 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(SurvivalError, match=message):
        aalen_johansen(np.array([1.0, 2.0]), np.array([1, 2]), **options)
