"""Breslow's baseline hazard: R, Nelson–Aalen, and survival from it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fusion.baseline_hazard import BaselineHazard, breslow


@pytest.mark.parametrize(
    ("column", "name"), [("time_untied", "baseline:untied"), ("time", "baseline")]
)
def test_equals_r(cox_inputs, cox_reference, column, name):
    time, event, score = (cox_inputs[c].to_numpy() for c in (column, "event", "risk_score"))
    fitted = breslow(time, event, score)
    expected = cox_reference(name)
    assert_allclose(fitted.times, expected.index, rtol=1e-12)
    assert_allclose(fitted.cumulative, expected, rtol=1e-10)


def test_permuting_patients_changes_nothing(cox_inputs):
    shuffled = cox_inputs.sample(frac=1, random_state=0)
    before, after = (
        breslow(*(t[c].to_numpy() for c in ("time", "event", "risk_score")))
        for t in (cox_inputs, shuffled)
    )
    assert_array_equal(before.times, after.times)
    assert_allclose(before.cumulative, after.cumulative, rtol=1e-12)


def test_a_common_shift_of_the_scores_moves_into_the_baseline(cox_inputs):
    time, event, score = (cox_inputs[c].to_numpy() for c in ("time", "event", "risk_score"))
    horizons = np.array([3.0, 10.0, 25.0])
    before = breslow(time, event, score).survival(score, horizons)
    after = breslow(time, event, score + 2).survival(score + 2, horizons)
    assert_allclose(after, before, rtol=1e-12)


def test_survival_steps_at_events_and_stays_flat_after_the_last():
    hazard = BaselineHazard(np.array([2.0, 5.0]), np.array([0.1, 0.4]))
    survival = hazard.survival(np.array([0.0, np.log(2)]), np.array([1.0, 2.0, 4.9, 5.0, 99.0]))
    steps = np.array([0.0, 0.1, 0.1, 0.4, 0.4])
    assert_allclose(survival, [np.exp(-steps), np.exp(-2 * steps)])


def test_extreme_scores_give_probabilities():
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, True])
    score = np.array([0.0, 2000.0, -2000.0, -2000.0])
    survival = breslow(time, event, score).survival(score, np.array([0.5, 1.5, 3.5, 4.0]))
    assert np.isfinite(survival).all()
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival, axis=1) <= 0).all()
