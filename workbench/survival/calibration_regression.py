"""The regression behind calibration: an event's probability along predicted risk.

A binomial regression with the complementary log-log link, in which a proportional hazards model is
a straight line of x = cloglog(predicted risk) = log(-log S); weighted for censoring, and solved for
every bootstrap at once. Where there is no time, the link is the logit, in which a logistic model is
a straight line.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from workbench.survival.splines import spline_columns

SMALLEST_RISK = 1e-6
"""Predicted risks nearer than this to 0 or 1 are taken as this: cloglog is infinite there."""

MOST_STEPS = 100
SMALLEST_DETERMINANT = 1e-12  # of the information, over that of its diagonal
STEP_TOLERANCE = 1e-5  # of the step just taken: quadratic convergence leaves its square
ROUNDING = 1e-10  # of a log likelihood: less is no fall

Derivatives = tuple[np.ndarray, np.ndarray, np.ndarray]


def cloglog_risk(survival: np.ndarray) -> np.ndarray:
    """x = log(-log S), finite by ``SMALLEST_RISK``."""
    return np.log(-np.log(np.clip(survival, SMALLEST_RISK, 1 - SMALLEST_RISK)))


def risk_of(predictor: np.ndarray) -> np.ndarray:
    """Risk of a value on the cloglog scale."""
    return -np.expm1(-np.exp(np.clip(predictor, -30, 6)))


def logit_risk(survival: np.ndarray) -> np.ndarray:
    """x = log odds of 1 - S, finite by ``SMALLEST_RISK``."""
    return logit(np.clip(1 - survival, SMALLEST_RISK, 1 - SMALLEST_RISK))


def straight(x: np.ndarray) -> np.ndarray:
    """Design of a line in x, (patient, 2)."""
    return np.column_stack([np.ones(len(x)), x])


def spline_knots(x: np.ndarray) -> np.ndarray | None:
    """Knots at the 10th, 50th and 90th percentile, (3,); None where x has too few values."""
    knots = np.quantile(x, [0.1, 0.5, 0.9])
    return knots if (np.diff(knots) > 1e-9).all() else None


def spline(x: np.ndarray, knots: np.ndarray | None) -> np.ndarray:
    """Design of a restricted cubic spline of x, (patient, 3); a line without knots."""
    if knots is None:
        return straight(x)
    return np.column_stack([np.ones(len(x)), spline_columns(x, knots)])


def fit_recalibration(
    outcome: np.ndarray,
    weight: np.ndarray,
    draws: np.ndarray,
    design: np.ndarray,
    start: np.ndarray,
    *,
    offset: np.ndarray | float = 0.0,
    link: "Link | None" = None,
) -> np.ndarray:
    """Coefficients of the weighted binomial regression, once a draw.

    Newton's method on all draws at once. The log likelihood is concave, so a step that lowers it is
    halved until it does not, and a maximum is found from anywhere.

    Parameters
    ----------
    outcome
        State at the horizon, (patient,) bool.
    weight
        Inverse probability of censoring weight, (patient,); 0 leaves a patient out.
    draws
        How often each draw holds each patient, (draw, patient).
    design
        (patient, coefficient).
    start
        Where to begin, (1 or draw, coefficient).
    offset
        Added to the linear predictor, (patient,).
    link
        CLOGLOG, if not given, or LOGIT.

    Returns
    -------
    array
        (draw, coefficient); NaN where a draw has no maximum.
    """
    counted = outcome & (weight > 0)
    n_events = int(counted.sum())
    order = np.concatenate([np.flatnonzero(counted), np.flatnonzero(~outcome & (weight > 0))])
    design, weighted = design[order], draws[:, order] * weight[order]
    offset = np.broadcast_to(offset, outcome.shape)[order]

    coefficient = np.broadcast_to(start, (len(draws), design.shape[1])).copy()
    proposed, highest = coefficient.copy(), np.full(len(draws), -np.inf)
    both = (weighted[:, :n_events] > 0).any(1) & (weighted[:, n_events:] > 0).any(1)
    open_draws = np.flatnonzero(both)
    solved = np.zeros(len(draws), dtype=bool)
    for _ in range(MOST_STEPS):
        if not len(open_draws):
            break
        predictor = proposed[open_draws] @ design.T + offset
        value, *derivatives = (link or CLOGLOG).derivatives(predictor, n_events)
        own = weighted[open_draws]
        likelihood = np.einsum("dp,dp->d", own, value)
        rises = likelihood >= highest[open_draws] - ROUNDING * np.abs(likelihood)
        fallen, risen = open_draws[~rises], open_draws[rises]
        proposed[fallen] = (coefficient[fallen] + proposed[fallen]) / 2
        coefficient[risen], highest[risen] = proposed[risen], likelihood[rises]
        step, regular = _newton_step([each[rises] for each in derivatives], own[rises], design)
        risen = risen[regular]
        proposed[risen] += step
        done = (np.abs(step) < STEP_TOLERANCE).all(1)
        solved[risen[done]] = True
        open_draws = np.concatenate([fallen, risen[~done]])
    return np.where(solved[:, None], proposed, np.nan)


def _newton_step(
    derivatives: list[np.ndarray], weighted: np.ndarray, design: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Step of each draw that can be solved, and which can: (regular draw, coefficient), (draw,)."""
    n_coefficients = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    slope, bend = derivatives
    gradient = (weighted * slope) @ design
    information = -((weighted * bend) @ products).reshape(-1, n_coefficients, n_coefficients)
    regular = _is_regular(information)
    step = np.linalg.solve(information[regular], gradient[regular, :, None])[:, :, 0]
    return step, regular


def _cloglog_derivatives(predictor: np.ndarray, n_events: int) -> Derivatives:
    """Log likelihood and its first two derivatives; the first columns are the events.

    Beyond where the hazard is clipped the log likelihood goes on as a straight line.
    """
    hazard = np.exp(np.clip(predictor, -30, 6))
    slope, bend = -hazard, -hazard
    value = slope * (1 + np.maximum(predictor - 6, 0))
    at_event = hazard[:, :n_events]
    ratio = at_event / np.expm1(at_event)
    slope[:, :n_events] = ratio
    bend[:, :n_events] = ratio * (1 - at_event - ratio)
    value[:, :n_events] = np.log(-np.expm1(-at_event)) + np.minimum(predictor[:, :n_events] + 30, 0)
    return value, slope, bend


def _logit_derivatives(predictor: np.ndarray, n_events: int) -> Derivatives:
    """The same of the logit link."""
    risk = expit(predictor)
    value, slope, bend = -np.logaddexp(0, predictor), -risk, -risk * (1 - risk)
    slope[:, :n_events] += 1
    value[:, :n_events] += predictor[:, :n_events]
    return value, slope, bend


class Link(NamedTuple):
    """The scale on which calibration is a regression.

    Parameters
    ----------
    scale
        x of a survival probability.
    risk
        Risk of a value of x.
    derivatives
        Log likelihood of each patient and its first two derivatives by the linear predictor,
        (draw, patient) each, the events first.
    """

    scale: Callable[[np.ndarray], np.ndarray]
    risk: Callable[[np.ndarray], np.ndarray]
    derivatives: Callable[[np.ndarray, int], Derivatives]


CLOGLOG = Link(cloglog_risk, risk_of, _cloglog_derivatives)
LOGIT = Link(logit_risk, expit, _logit_derivatives)


def _is_regular(information: np.ndarray) -> np.ndarray:
    """Whether each matrix can be solved: a draw may hold patients of one predicted risk only."""
    diagonal = np.diagonal(information, axis1=1, axis2=2).prod(1)
    return np.linalg.det(information) > SMALLEST_DETERMINANT * diagonal


def sandwich(
    outcome: np.ndarray,
    weight: np.ndarray,
    design: np.ndarray,
    coefficient: np.ndarray,
    *,
    offset: np.ndarray | float = 0.0,
    link: "Link | None" = None,
) -> np.ndarray:
    """Robust variance of the coefficients, weights held fixed, (coefficient, coefficient)."""
    order = np.argsort(~outcome, kind="stable")
    predictor = (design @ coefficient + offset)[order]
    design, weight = design[order], weight[order]
    _, slope, bend = (link or CLOGLOG).derivatives(predictor[None], int(outcome.sum()))
    scores = design * (weight * slope[0])[:, None]
    bread = np.linalg.inv(-(design * (weight * bend[0])[:, None]).T @ design)
    return bread @ (scores.T @ scores) @ bread
