"""Calibration: R's glm, and models whose calibration is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from workbench.survival import calibration, kaplan_meier
from workbench.survival.calibration_regression import (
    CLOGLOG,
    LOGIT,
    cloglog_risk,
    fit_recalibration,
    spline,
    spline_knots,
    straight,
)

HORIZONS = (6.5, 12.5, 24.5)


def exponential_cohort(n_patients, seed):
    """Exponential survival; returns time, event and the true log hazard."""
    rng = np.random.default_rng(seed)
    log_hazard = rng.normal(0, 0.8, n_patients)
    survived = rng.exponential(10 / np.exp(log_hazard))
    censored = rng.exponential(20, n_patients)
    return np.minimum(survived, censored), survived <= censored, log_hazard


def survival_of(log_hazard, horizon):
    return np.exp(-np.exp(log_hazard) * horizon / 10)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_equals_r(inputs, reference, horizon):
    found = calibration(
        inputs["time"].to_numpy(),
        inputs["event"].to_numpy(),
        inputs[f"survival_{horizon:g}"].to_numpy(),
        horizon=horizon,
        stratum=inputs["stratum"].to_numpy(),
    )
    for name in ("intercept", "slope"):
        value = reference(f"calibration_{name}")[horizon]
        assert_allclose(getattr(found, name), value, rtol=1e-7)
    assert_allclose(found.observed_expected, reference("observed_expected")[horizon], rtol=1e-10)
    curve = reference(f"curve_{horizon:g}")
    assert_allclose(found.curve.predicted, curve.index, rtol=1e-10)
    assert_allclose(found.curve.observed, curve, rtol=1e-5)
    assert (found.curve.lower < found.curve.observed).all()
    assert (found.curve.observed < found.curve.upper).all()


def test_the_true_model_is_calibrated():
    time, event, log_hazard = exponential_cohort(20_000, seed=1)
    found = calibration(time, event, survival_of(log_hazard, 8), horizon=8)
    assert_allclose(found.slope, 1, atol=0.05)
    assert_allclose(found.intercept, 0, atol=0.05)
    assert_allclose(found.observed_expected, 1, atol=0.02)
    assert_allclose(found.curve.observed, found.curve.predicted, atol=0.03)


def test_a_known_distortion_is_found():
    """Scores stretched by two on the cloglog scale need a slope of one half."""
    time, event, log_hazard = exponential_cohort(20_000, seed=2)
    found = calibration(time, event, survival_of(2 * log_hazard, 10), horizon=10)
    assert_allclose(found.slope, 0.5, atol=0.03)

    doubled = calibration(time, event, survival_of(log_hazard - np.log(2), 10), horizon=10)
    assert_allclose(doubled.intercept, np.log(2), atol=0.04)


def test_censoring_that_ignored_would_bias_is_weighted_away():
    """Leaving out patients censored early overstates risk; the weights do not."""
    time, event, log_hazard = exponential_cohort(20_000, seed=3)
    known = (time > 15) | (event & (time <= 15))
    expected = (1 - survival_of(log_hazard, 15)).mean()
    naive = (event & (time <= 15))[known].mean() / expected
    found = calibration(time, event, survival_of(log_hazard, 15), horizon=15)
    assert naive > 1.1
    assert_allclose(found.observed_expected, 1, atol=0.03)


def test_observed_equals_kaplan_meier(inputs):
    time, event = inputs["time"].to_numpy(), inputs["event"].to_numpy()
    survival = inputs["survival_12.5"].to_numpy()
    found = calibration(time, event, survival, horizon=12.5)
    observed = 1 - kaplan_meier(time, event).at(12.5)
    assert_allclose(found.observed_expected, observed / (1 - survival).mean(), rtol=1e-10)


def test_bins_hold_everyone_in_order_of_risk(inputs):
    found = calibration(
        inputs["time"].to_numpy(),
        inputs["event"].to_numpy(),
        inputs["survival_12.5"].to_numpy(),
        horizon=12.5,
    )
    assert sum(each.n_patients for each in found.bins) == len(inputs)
    assert [each.n_patients for each in found.bins] == [48] * 5
    assert np.all(np.diff([each.predicted for each in found.bins]) > 0)
    for each in found.bins:
        assert each.lower <= each.observed <= each.upper


def test_draws_are_fitted_as_if_alone(inputs):
    """A batch of bootstraps gives what each would give by itself, wherever it starts."""
    rng = np.random.default_rng(0)
    time, event = inputs["time"].to_numpy(), inputs["event"].to_numpy()
    outcome, weight = event & (time <= 12.5), rng.uniform(0.5, 2, len(time))
    design = straight(cloglog_risk(inputs["survival_12.5"].to_numpy()))
    draws = rng.multinomial(len(time), np.full(len(time), 1 / len(time)), size=20).astype(float)
    batch = fit_recalibration(outcome, weight, draws, design, np.array([[0.0, 0.5]]))
    for row, draw in zip(batch, draws, strict=True):
        alone = fit_recalibration(
            outcome, weight * draw, np.ones((1, len(time))), design, row[None] + 1
        )
        assert_allclose(alone[0], row, rtol=1e-7)


@pytest.mark.parametrize("link", [CLOGLOG, LOGIT], ids=["cloglog", "logit"])
@pytest.mark.parametrize(("stretched", "shift"), [(2.5, 0.0), (4.0, 0.0), (0.3, 0.0), (1.0, -3.0)])
def test_however_bad_the_predictions_the_maximum_is_found(link, stretched, shift):
    """Undamped, Newton's method runs away from predictions that are far too extreme."""
    n_patients, seeds = 300, range(20)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        truth = rng.normal(-1, 1, n_patients)
        outcome = rng.random(n_patients) < link.risk(truth)
        x = link.scale(1 - link.risk(stretched * truth + shift))
        draws = np.vstack([np.ones(n_patients), rng.poisson(1, (3, n_patients))])
        for design in (straight(x), spline(x, spline_knots(x))):
            start = np.eye(design.shape[1])[1:2]
            found = fit_recalibration(outcome, np.ones(n_patients), draws, design, start, link=link)
            predictor = found @ design.T
            risk = link.risk(predictor)
            # d log likelihood / d predictor: (y - p) by the logit, (y - p) h / p by the cloglog.
            pull = outcome - risk
            if link is CLOGLOG:
                pull = pull * np.exp(predictor) / risk
            assert_allclose((draws * pull) @ design, 0, atol=1e-5 * n_patients)


def test_stretched_predictions_are_judged_and_not_refused():
    """Risks stretched by 2.5 on the logit scale need a slope near 0.4."""
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 1, 300)
    event = rng.random(300) < LOGIT.risk(truth)
    time, survival = np.where(event, 1.0, 2.0), 1 - LOGIT.risk(2.5 * truth)
    found = calibration(time, event, survival, horizon=1.0, link=LOGIT)
    by_others = LogisticRegression(C=np.inf, tol=1e-10).fit(2.5 * truth[:, None], event)
    assert_allclose(found.slope, by_others.coef_[0, 0], rtol=1e-4)
    assert found.intervals.slope.upper < 1


def test_a_draw_without_maximum_is_undefined():
    outcome = np.array([True, True, False, False])
    design = straight(np.array([2.0, 1.0, -1.0, -2.0]))
    draws = np.array([[1.0, 1, 1, 1], [1, 1, 0, 0]])
    found = fit_recalibration(outcome, np.ones(4), draws, design, np.array([[0.0, 1.0]]))
    assert np.isnan(found).all()
