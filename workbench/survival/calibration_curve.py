"""Observed risk along predicted risk as a smooth curve, and how far that lies from the diagonal."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from workbench.survival.bootstrap import check_draws, distance_limits
from workbench.survival.calibration_regression import (
    CLOGLOG,
    Link,
    fit_recalibration,
    sandwich,
    spline,
    spline_knots,
)
from workbench.survival.inputs import Estimate
from workbench.survival.known_state import KnownState

MOST_AT_ONCE = 1_000_000
"""Patients of all bootstraps that are fitted together: of small cohorts many, of large ones one."""


class CurvePoints(NamedTuple):
    """Smoothed observed risk along predicted risk, all (point,) in [0, 1]."""

    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


class CalibrationError(NamedTuple):
    """Distance |smoothed observed - predicted risk| over the patients, each in [0, 1].

    Parameters
    ----------
    ici
        Mean distance: the integrated calibration index.
    e50, e90
        Its median and 90th percentile.
    """

    ici: Estimate
    e50: Estimate
    e90: Estimate


class SmoothCurve(NamedTuple):
    """A fitted regression on a restricted cubic spline of x: ``knots`` None is a line."""

    knots: np.ndarray | None
    coefficient: np.ndarray
    variance: np.ndarray
    link: Link = CLOGLOG

    def risk(self, x: np.ndarray) -> np.ndarray:
        """Smoothed observed risk at x, (point,)."""
        return self.link.risk(spline(x, self.knots) @ self.coefficient)


def smooth_curve(state: KnownState, x: np.ndarray, link: Link = CLOGLOG) -> SmoothCurve:
    """Spline of x with knots at its 10th, 50th and 90th percentile; a line if none can be bent."""
    knots = spline_knots(x)
    coefficient = _fit(state, x, knots, link)
    if np.isnan(coefficient).any():  # too few patients bend the curve: draw the line
        knots = None
        coefficient = _fit(state, x, knots, link)
    variance = sandwich(state.outcome, state.weight, spline(x, knots), coefficient, link=link)
    return SmoothCurve(knots, coefficient, variance, link)


def _fit(state: KnownState, x: np.ndarray, knots: np.ndarray | None, link: Link) -> np.ndarray:
    """Coefficients of the spline, (coefficient,)."""
    design = spline(x, knots)
    start = np.eye(design.shape[1])[1:2]
    everyone = np.ones((1, len(x)))
    return fit_recalibration(state.outcome, state.weight, everyone, design, start, link=link)[0]


def curve_grid(x: np.ndarray, n_points: int = 40, link: Link = CLOGLOG) -> np.ndarray:
    """Points of x evenly spaced in risk between the 2nd and 98th percentile, (point,)."""
    first, last = link.risk(np.quantile(x, [0.02, 0.98]))
    return link.scale(1 - np.linspace(first, last, n_points))


def curve_points(curve: SmoothCurve, x: np.ndarray, *, confidence: float = 0.95) -> CurvePoints:
    """The curve on its grid, with limits from the sandwich variance on the scale of its link."""
    grid, risk = curve_grid(x, link=curve.link), curve.link.risk
    at_grid = spline(grid, curve.knots)
    predictor = at_grid @ curve.coefficient
    error = ndtri(0.5 + confidence / 2) * np.sqrt(
        np.einsum("pi,ij,pj->p", at_grid, curve.variance, at_grid)
    )
    return CurvePoints(
        risk(grid), risk(predictor), risk(predictor - error), risk(predictor + error)
    )


def calibration_error(
    state: KnownState,
    x: np.ndarray,
    curve: SmoothCurve,
    *,
    draws: Iterable[np.ndarray] | None,
    confidence: float = 0.95,
) -> CalibrationError:
    """ICI, E50 and E90 of a smooth curve, over all patients, censored ones too.

    Parameters
    ----------
    state, x
        State at the horizon and predicted risk on the scale of the link, (patient,).
    curve
        What ``smooth_curve`` made of them.
    draws
        Counts of bootstraps, each (patient,). The curve is fitted again in each, with its knots and
        the weights for censoring held fixed; limits are NaN without draws, else those of
        :func:`workbench.survival.bootstrap.distance_limits`.
    """
    predicted, design = curve.link.risk(x), spline(x, curve.knots)
    (estimate,) = _distances(curve.risk(x)[None], predicted, np.ones((1, len(x))))
    drawn = [np.empty((0, 3))]
    for counts in _together(check_draws(draws, len(x)), len(x)):
        fitted = fit_recalibration(
            state.outcome,
            state.weight,
            counts,
            design,
            curve.coefficient[None],
            link=curve.link,
        )
        drawn.append(_distances(curve.link.risk(fitted @ design.T), predicted, counts))
    limits = distance_limits(np.concatenate(drawn), estimate, confidence=confidence)
    limited = zip(estimate, *limits, strict=True)
    return CalibrationError(*(Estimate(*map(float, each)) for each in limited))


def _together(draws: Iterable[np.ndarray], n_patients: int) -> Iterator[np.ndarray]:
    """Draws in arrays of as many as fit in memory, each (draw, patient)."""
    draws = iter(draws)
    n_draws = max(1, MOST_AT_ONCE // max(n_patients, 1))
    while some := list(islice(draws, n_draws)):
        yield np.array(some)


def _distances(observed: np.ndarray, predicted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean, median and 90th percentile of the distance over each draw's patients, (draw, 3).

    ``observed`` and ``counts`` are (draw, patient), ``predicted`` (patient,); NaN where the curve
    is undefined.
    """
    distance = np.abs(observed - predicted)
    order = np.argsort(distance, axis=1)
    ordered = np.take_along_axis(distance, order, axis=1)
    up_to = np.take_along_axis(counts, order, axis=1).cumsum(axis=1)
    n = up_to[:, -1]
    of_draw = [(distance * counts).sum(axis=1) / n]
    for share in (0.5, 0.9):
        place = share * (n - 1)
        below, above = (
            np.take_along_axis(ordered, (up_to <= rank[:, None]).sum(axis=1)[:, None], axis=1)[:, 0]
            for rank in (np.floor(place), np.ceil(place))
        )
        of_draw.append(below + (above - below) * (place - np.floor(place)))
    return np.stack(of_draw, axis=1)
