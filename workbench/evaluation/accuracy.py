"""Brier score, its integral and calibration in every bootstrap at once."""

from dataclasses import dataclass

import numpy as np

from fusion.predictions import Predictions
from workbench.evaluation.alignment import Aligned
from workbench.evaluation.intervals import MOST_UNDEFINED, ratio
from workbench.survival.brier import brier_parts, integrated_parts, observed_weights
from workbench.survival.calibration_curve import curve_grid
from workbench.survival.calibration_ratio import observed_expected
from workbench.survival.calibration_regression import (
    cloglog_risk,
    fit_cloglog,
    risk_of,
    spline,
    spline_knots,
    straight,
)


def brier_draws(
    aligned: Aligned, group: str, predictions: Predictions, horizon: float
) -> np.ndarray:
    """Brier score at a horizon, (draw,)."""
    member = aligned.groups[group]
    horizons = np.array([horizon])
    parts = brier_parts(
        aligned.time[member],
        predictions.at(horizon)[member, None],
        horizons=horizons,
        weight=_weights(aligned, member, horizons),
    )
    return _mean(aligned.draws[:, member], parts[:, 0])


def integrated_brier_draws(
    aligned: Aligned, group: str, predictions: Predictions, tau: float
) -> np.ndarray:
    """Brier score integrated from 0 to tau over the model's own horizons, (draw,)."""
    member = aligned.groups[group]
    up_to_tau = predictions.horizons <= tau * (1 + 1e-9)
    horizons = predictions.horizons[up_to_tau]
    parts = brier_parts(
        aligned.time[member],
        predictions.survival[np.ix_(member, up_to_tau)],
        horizons=horizons,
        weight=_weights(aligned, member, horizons),
    )
    return _mean(aligned.draws[:, member], integrated_parts(parts, horizons=horizons))


def _weights(aligned: Aligned, member: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    return observed_weights(
        aligned.time[member],
        aligned.event[member],
        horizons=horizons,
        censoring=aligned.censoring,
        stratum=aligned.stratum[member],
    )


def _mean(draws: np.ndarray, parts: np.ndarray) -> np.ndarray:
    return ratio(draws @ parts, draws.sum(1))


@dataclass(frozen=True)
class CalibrationDraws:
    """Calibration of one model in one group at one horizon.

    Parameters
    ----------
    intercept, observed_expected
        (draw,).
    slope
        (draw,); None where the model does not tell patients of a fold apart.
    predicted, observed
        Smoothed curve, (point,) and (draw, point); None where ``slope`` is.
    is_straight
        The curve is a line on the cloglog scale: too few patients bend it in the bootstraps.
    """

    intercept: np.ndarray
    observed_expected: np.ndarray
    slope: np.ndarray | None
    predicted: np.ndarray | None
    observed: np.ndarray | None
    is_straight: bool


def calibration_draws(
    aligned: Aligned, group: str, predictions: Predictions, horizon: float
) -> CalibrationDraws:
    """Calibration intercept, slope, observed : expected and smoothed curve."""
    member = aligned.groups[group]
    weight = _weights(aligned, member, np.array([horizon]))[:, 0]
    outcome = (aligned.event & (aligned.time <= horizon))[member]
    draws = aligned.draws[:, member]
    survival = predictions.at(horizon)[member]
    x = cloglog_risk(survival)

    def fit(design: np.ndarray, *, offset: np.ndarray | float = 0.0) -> np.ndarray:
        # The cohort's own solution is where each bootstrap starts; "x as it is" where that starts.
        start = np.zeros((1, design.shape[1]))
        start[:, 1:2] = 1.0
        own = fit_cloglog(outcome, weight, draws[:1], design, start, offset=offset)
        if np.isnan(own).any():
            return np.full((len(draws), design.shape[1]), np.nan)
        return fit_cloglog(outcome, weight, draws, design, own, offset=offset)

    intercept = fit(np.ones((len(x), 1)), offset=x)[:, 0]
    ratio_draws = observed_expected(outcome, weight, draws, survival)
    if not _tells_apart(x, aligned.fold[member]):
        return CalibrationDraws(intercept, ratio_draws, None, None, None, is_straight=False)
    knots, grid = spline_knots(x), curve_grid(x)
    line, bent = fit(straight(x)), fit(spline(x, knots))
    is_straight = np.isnan(bent).any(1).mean() > MOST_UNDEFINED
    predictor = line @ straight(grid).T if is_straight else bent @ spline(grid, knots).T
    return CalibrationDraws(
        intercept, ratio_draws, line[:, 1], risk_of(grid), risk_of(predictor), bool(is_straight)
    )


def _tells_apart(x: np.ndarray, fold: np.ndarray) -> bool:
    """Whether predicted risk differs between patients of a fold (that of the null does not)."""
    return any(np.ptp(x[fold == label]) > 1e-9 for label in np.unique(fold))
