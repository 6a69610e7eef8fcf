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
    CLOGLOG,
    LOGIT,
    Link,
    fit_recalibration,
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
        aligned.event[member],
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
        aligned.event[member],
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
    """

    intercept: np.ndarray
    observed_expected: np.ndarray
    slope: np.ndarray | None


@dataclass(frozen=True)
class SmoothedDraws:
    """Observed along predicted risk, smoothed.

    Parameters
    ----------
    predicted, observed
        (point,) and (draw, point).
    is_straight
        The curve is a line on the scale of the link: too few patients bend it in the bootstraps.
    ici
        Mean distance of observed from predicted over the patients, (draw,): the integrated
        calibration index; None where the outcome is a time.
    """

    predicted: np.ndarray
    observed: np.ndarray
    is_straight: bool
    ici: np.ndarray | None


def calibration_draws(
    aligned: Aligned, group: str, predictions: Predictions, horizon: float
) -> CalibrationDraws:
    """Calibration intercept, slope and observed : expected."""
    asked = _Recalibration.of(aligned, group, predictions, horizon)
    return CalibrationDraws(
        asked.fit(np.ones((len(asked.x), 1)), offset=asked.x)[:, 0],
        observed_expected(asked.outcome, asked.weight, asked.draws, asked.survival),
        asked.fit(straight(asked.x))[:, 1] if asked.tells_apart else None,
    )


def smoothed_draws(
    aligned: Aligned, group: str, predictions: Predictions, horizon: float
) -> SmoothedDraws | None:
    """Smoothed calibration curve; None where the model does not tell patients of a fold apart."""
    asked = _Recalibration.of(aligned, group, predictions, horizon)
    if not asked.tells_apart:
        return None
    knots, grid = spline_knots(asked.x), curve_grid(asked.x, link=asked.link)
    bent = asked.fit(spline(asked.x, knots))
    is_straight = bool(np.isnan(bent).any(1).mean() > MOST_UNDEFINED)
    fitted, knots = (asked.fit(straight(asked.x)), None) if is_straight else (bent, knots)
    observed = asked.link.risk(fitted @ spline(grid, knots).T)
    ici = None
    if not aligned.terms.has_time:
        distance = np.abs(asked.link.risk(fitted @ spline(asked.x, knots).T) - 1 + asked.survival)
        ici = ratio((asked.draws * distance).sum(1), asked.draws.sum(1))
    return SmoothedDraws(asked.link.risk(grid), observed, is_straight, ici)


@dataclass(frozen=True)
class _Recalibration:
    """A group's state at a horizon, to be regressed on x, its predicted risk on a link's scale."""

    outcome: np.ndarray
    weight: np.ndarray
    draws: np.ndarray
    survival: np.ndarray
    x: np.ndarray
    tells_apart: bool
    link: Link

    @classmethod
    def of(
        cls, aligned: Aligned, group: str, predictions: Predictions, horizon: float
    ) -> "_Recalibration":
        member = aligned.groups[group]
        survival = predictions.at(horizon)[member]
        link = CLOGLOG if aligned.terms.has_time else LOGIT
        x = link.scale(survival)
        return cls(
            (aligned.event & (aligned.time <= horizon))[member],
            _weights(aligned, member, np.array([horizon]))[:, 0],
            aligned.draws[:, member],
            survival,
            x,
            _tells_apart(x, aligned.fold[member]),
            link,
        )

    def fit(self, design: np.ndarray, *, offset: np.ndarray | float = 0.0) -> np.ndarray:
        """Coefficients of every draw, (draw, coefficient); NaN where the group itself has none."""
        # The group's own solution is where each bootstrap starts; "x as it is" where that starts.
        start = np.zeros((1, design.shape[1]))
        start[:, 1:2] = 1.0
        state = self.outcome, self.weight
        asked = {"offset": offset, "link": self.link}
        own = fit_recalibration(*state, self.draws[:1], design, start, **asked)
        if np.isnan(own).any():
            return np.full((len(self.draws), design.shape[1]), np.nan)
        return fit_recalibration(*state, self.draws, design, own, **asked)


def _tells_apart(x: np.ndarray, fold: np.ndarray) -> bool:
    """Whether predicted risk differs between patients of a fold (that of the null does not)."""
    return any(np.ptp(x[fold == label]) > 1e-9 for label in np.unique(fold))
