"""The censoring curve, its ties, and the identity that makes weighting exact."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from workbench.survival import censoring_curve, kaplan_meier
from workbench.survival.brier import observed_weights

TIMES = st.lists(st.integers(1, 12), min_size=4, max_size=40).map(
    lambda values: np.asarray(values, dtype=float)
)


@settings(deadline=None)
@given(TIMES, st.integers(2, 4), st.integers(1, 12))
def test_weighted_events_equal_kaplan_meier(time, every, horizon):
    """1 - KM(t) is the mean of event / G(T-) and KM(t) that of free / G(t-), ties and all."""
    event = np.arange(len(time)) % every > 0
    free = (time > horizon) | (~event & (time == horizon))
    assume(free.any())
    horizons = np.array([float(horizon)])
    weight = observed_weights(
        time, event, horizons=horizons, censoring=censoring_curve(time, event)
    )[:, 0]
    survival = kaplan_meier(time, event).at(horizon)
    assert_allclose((weight * ~free).mean(), 1 - survival, atol=1e-12)
    assert_allclose((weight * free).mean(), survival, atol=1e-12)


def test_each_stratum_has_its_own_curve(inputs):
    time, event = inputs["time"].to_numpy(), inputs["event"].to_numpy()
    stratum = inputs["stratum"].to_numpy()
    both = censoring_curve(time, event, stratum=stratum)
    asked = np.array([5.0, 12.0, 24.0])
    for label in (0, 1):
        member = stratum == label
        alone = censoring_curve(time[member], event[member])
        assert_allclose(
            both.at(asked, stratum)[member], np.tile(alone.at(asked), (member.sum(), 1))
        )
        own = both.before_own(time, stratum)[member]
        assert_allclose(own, alone.before_own(time[member]))


def test_an_event_at_a_censoring_time_is_weighted_by_the_curve_before_it():
    time, event = np.array([1.0, 1.0, 2.0]), np.array([True, False, True])
    curve = censoring_curve(time, event)
    assert_allclose(curve.before_own(time), [1, 1, 0.5])
    assert_allclose(curve.at(time), [0.5, 0.5, 0.5])
