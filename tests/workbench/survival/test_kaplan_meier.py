"""Kaplan-Meier: R, the empirical curve, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival import kaplan_meier

TIMES = st.lists(st.integers(1, 12), min_size=2, max_size=40).map(np.asarray)


def test_equals_r_with_tied_times(inputs, reference):
    curve = kaplan_meier(inputs["time"].to_numpy(), inputs["event"].to_numpy())
    survival = reference("simulated:survival")
    assert_array_equal(curve.time, survival.index)
    assert_allclose(curve.survival, survival, rtol=1e-12)
    assert_array_equal(curve.n_at_risk, reference("simulated:n_at_risk"))
    inside = (curve.survival < 1) & (curve.survival > 0)
    assert_allclose(curve.lower[inside], reference("simulated:lower")[inside], rtol=1e-9)
    assert_allclose(curve.upper[inside], reference("simulated:upper")[inside], rtol=1e-9)
    assert_allclose(curve.median, reference("simulated:median"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "time", "status", "died"),
    [
        ("pbc", "time", "status", 2),
        ("colon", "time", "status", 1),
        ("rotterdam", "dtime", "death", 1),
    ],
)
def test_equals_r_on_public_tables(public_table, reference, name, time, status, died):
    table = public_table(name)
    if name == "colon":
        table = table[table["etype"] == 2]
    curve = kaplan_meier(table[time].to_numpy(), (table[status] == died).to_numpy())
    survival = reference(f"{name}:survival")
    assert_allclose(curve.at(survival.index), survival, rtol=1e-10)
    lower, upper = curve.limits_at(survival.index)
    assert_allclose(lower, reference(f"{name}:lower"), rtol=1e-8)
    assert_allclose(upper, reference(f"{name}:upper"), rtol=1e-8)
    assert_array_equal(curve.at_risk_at(survival.index), reference(f"{name}:n_at_risk"))
    assert_allclose(curve.median, reference(f"{name}:median").fillna(np.inf))


@settings(deadline=None)
@given(TIMES)
def test_without_censoring_it_is_the_empirical_curve(time):
    curve = kaplan_meier(time, np.ones(len(time), dtype=bool))
    asked = np.arange(0, 14) + 0.5
    assert_allclose(curve.at(asked), (time[:, None] > asked).mean(0), atol=1e-12)


@settings(deadline=None)
@given(TIMES, st.randoms(use_true_random=False))
def test_the_order_of_patients_does_not_matter(time, random):
    event = time % 3 > 0
    order = np.array(random.sample(range(len(time)), len(time)))
    curve, shuffled = kaplan_meier(time, event), kaplan_meier(time[order], event[order])
    assert_array_equal(curve.survival, shuffled.survival)
    assert_array_equal(curve.lower, shuffled.lower)
    assert_array_equal(curve.n_at_risk, shuffled.n_at_risk)


def test_a_patient_censored_at_an_event_time_is_at_risk_there():
    curve = kaplan_meier(np.array([2.0, 2.0, 3.0]), np.array([True, False, True]))
    assert_allclose(curve.survival, [2 / 3, 0])
    assert_array_equal(curve.at_risk_at([0, 2, 2.5, 3, 4]), [3, 3, 1, 1, 0])


def test_the_curve_is_known_as_far_as_follow_up_reaches():
    time, event = np.array([1.0, 2.0]), np.array([True, False])
    assert_array_equal(kaplan_meier(time, event).at([0, 2, 2.1]), [1, 0.5, np.nan])
    assert_array_equal(kaplan_meier(time, ~event).at([0, 2, 2.1]), [1, 0, 0])


def test_a_median_that_is_not_reached_is_infinite():
    median = kaplan_meier(np.array([1.0, 2, 3, 4]), np.array([True, False, False, False])).median
    assert median.estimate == median.upper == np.inf


def test_a_median_on_a_level_step_is_its_middle():
    assert kaplan_meier(np.array([1.0, 2, 5, 6]), np.ones(4, dtype=bool)).median.estimate == 3.5


@settings(deadline=None)
@given(TIMES, st.integers(1, 3))
def test_a_weight_counts_as_so_many_patients(time, weight):
    event = time % 3 > 0
    weights = 1.0 + np.arange(len(time)) % weight
    each = np.repeat(np.arange(len(time)), weights.astype(int))
    weighted = kaplan_meier(time, event, weights=weights)
    copied = kaplan_meier(time[each], event[each])
    for field in ("time", "n_at_risk", "n_events", "n_censored"):
        assert_array_equal(getattr(weighted, field), getattr(copied, field))
    for field in ("survival", "lower", "upper", "standard_error"):
        assert_allclose(getattr(weighted, field), getattr(copied, field), rtol=1e-12)


@settings(deadline=None)
@given(TIMES, st.sampled_from(["log-log", "log", "plain"]))
def test_limits_enclose_the_curve_and_stay_probabilities(time, limits):
    curve = kaplan_meier(time, time % 3 > 0, limits=limits)
    known = curve.survival > 0
    assert ((curve.lower >= 0) & (curve.lower <= curve.survival))[known].all()
    assert ((curve.upper <= 1) & (curve.upper >= curve.survival))[known].all()
    assert np.isnan([curve.lower[~known], curve.upper[~known]]).all()
    assert_array_equal(curve.standard_error_at(0), 0)


def test_entry_at_the_origin_changes_nothing():
    time, event = np.array([2.0, 1, 5, 4]), np.array([True, True, False, True])
    curve, late = kaplan_meier(time, event), kaplan_meier(time, event, entry=np.zeros(4))
    assert_array_equal(late.time, curve.time)
    assert_array_equal(late.survival, curve.survival)
    assert_array_equal(late.n_at_risk, curve.n_at_risk)


def test_at_risk_is_known_between_entries():
    curve = kaplan_meier(
        np.array([4.0, 6.0, 9.0]), np.array([True, True, False]), entry=np.array([1.0, 2.0, 5.0])
    )
    assert_array_equal(curve.at_risk_at([0, 1, 1.5, 2, 2.5, 4, 4.5, 5.5, 9, 10]), [
        0, 0, 1, 1, 2, 2, 1, 2, 1, 0
    ])  # fmt: skip
    assert_array_equal(curve.at([3, 4, 6]), [1, 0.5, 0.25])


def test_quantiles_follow_the_steps():
    curve = kaplan_meier(np.array([1.0, 2, 5, 6]), np.array([True, True, False, False]))
    assert_array_equal(curve.quantile([0.1, 0.25, 0.4, 0.5, 0.6]).estimate, [1, 1.5, 2, 4, np.inf])
    assert curve.quantile([[0.1], [0.3]]).lower.shape == (2, 1)
    with pytest.raises(SurvivalError, match="shares between 0 and 1, got 2 outside"):
        curve.quantile([0, 0.5, 1])


@pytest.mark.parametrize("event", [True, False])
def test_one_patient_and_events_at_the_origin(event):
    curve = kaplan_meier(np.array([0.0]), np.array([event]))
    assert_array_equal(curve.survival, [0.0 if event else 1.0])
    assert_array_equal(curve.at_risk_at([0, 1]), [1, 0])
    assert curve.median.estimate == (0 if event else np.inf)


def test_late_events_after_a_gap_leave_the_curve_level():
    """Nobody is at risk from 2 to 3: the curve says so by standing still, then falls to 0."""
    time, entry = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.0, 3.0])
    curve = kaplan_meier(time, np.array([True, False, True]), entry=entry)
    assert_array_equal(curve.survival, [0.5, 0.5, 0.5, 0])
    assert_array_equal(curve.n_at_risk, [2, 1, 0, 1])
