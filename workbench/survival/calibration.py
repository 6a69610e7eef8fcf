"""Does predicted risk at a horizon agree with what was observed?

Patients censored before the horizon have an unknown state there; the others stand in for them with
inverse probability of censoring weights. The model of agreement is a binomial regression of the
state on x = cloglog(predicted risk) = log(-log S) with the complementary log-log link, in which a
proportional hazards model is straight.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from workbench.errors import SurvivalError
from workbench.survival.brier import observed_weights
from workbench.survival.censoring import CensoringCurve, censoring_curve
from workbench.survival.inputs import check_horizons, check_outcome, check_survival
from workbench.survival.kaplan_meier import kaplan_meier

SMALLEST_RISK = 1e-6
"""Predicted risks nearer than this to 0 or 1 are taken as this: cloglog is infinite there."""

MOST_STEPS = 25
SMALLEST_DETERMINANT = 1e-12  # of the information, over that of its diagonal
LONGEST_STEP = 2.0
STEP_TOLERANCE = 1e-5  # of the step just taken: quadratic convergence leaves its square


class CurvePoints(NamedTuple):
    """Smoothed observed risk along predicted risk, all (point,) in [0, 1]."""

    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class RiskBin:
    """Patients of similar predicted risk.

    Parameters
    ----------
    predicted
        Mean predicted risk.
    observed, lower, upper
        1 - Kaplan-Meier at the horizon and its log-log limits; NaN where follow-up in the bin
        ends before the horizon.
    n_patients, n_events
        Patients in the bin, and those of them with an event by the horizon.
    """

    predicted: float
    observed: float
    lower: float
    upper: float
    n_patients: int
    n_events: int


@dataclass(frozen=True)
class Calibration:
    """Agreement of predicted and observed risk at one horizon.

    Parameters
    ----------
    intercept
        a in cloglog P(event) = a + x: above 0, risk is underestimated on the whole.
    slope
        b in cloglog P(event) = a + b x: below 1, predictions are too extreme.
    observed_expected
        Observed risk over mean predicted risk.
    curve
        Smoothed observed risk.
    bins
        Observed risk by Kaplan-Meier in bins of predicted risk, ascending.
    """

    intercept: float
    slope: float
    observed_expected: float
    curve: CurvePoints
    bins: tuple[RiskBin, ...]


def calibration(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizon: float,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> Calibration:
    r"""Calibration of predicted survival at a horizon.

    With y the state at the horizon (1 = event), v its inverse probability of censoring weight and
    x = log(-log S), maximises

    .. math:: \sum_i v_i \left[ y_i \log p_i + (1 - y_i) \log(1 - p_i) \right], \qquad
        p_i = 1 - \exp(-\exp(\eta_i))

    for eta = a + x (intercept), a + b x (slope) and a restricted cubic spline of x with three
    knots at its 10th, 50th and 90th percentile (curve). Curve limits come from the sandwich
    variance on the cloglog scale, weights held fixed.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    survival
        Predicted probability of no event by the horizon, (patient,) in [0, 1].
    horizon
        Time, above 0.
    censoring
        Censoring curve; None estimates it from these patients.
    stratum
        Stratum of each patient in the censoring curve, (patient,).

    Raises
    ------
    SurvivalError
        No event by the horizon, nobody followed past it, predictions that do not vary, or a
        regression that has no maximum (predicted risk separates the states).

    References
    ----------
    Austin, Harrell and van Klaveren, Stat Med 2020;39:2714-2742 (cloglog and restricted cubic
    splines). Gerds, Andersen and Kattan, Stat Med 2014;33:3191-3203 (weighting for censoring).
    Van Calster et al., BMC Med 2019;17:230 (intercept, slope, curve).

    Examples
    --------
    Two of five have the event by the horizon and each was given a risk near .4, so observed over
    expected is .4 / .4.

    >>> time = np.array([1.0, 1.0, 3.0, 3.0, 3.0])
    >>> event = np.array([True, True, False, False, False])
    >>> risk = np.array([0.42, 0.38, 0.39, 0.41, 0.4])
    >>> round(calibration(time, event, 1 - risk, horizon=2.0).observed_expected, 4)
    1.0
    """
    time, event = check_outcome(time, event)
    horizons = check_horizons(horizon)
    survival = check_survival(survival, len(time), 1)[:, 0]
    censoring = censoring or censoring_curve(time, event, stratum=stratum)
    weight = observed_weights(time, event, horizons=horizons, censoring=censoring, stratum=stratum)[
        :, 0
    ]
    outcome = event & (time <= horizon)
    everyone = np.ones((1, len(time)))

    x = cloglog_risk(survival)
    start = np.zeros((1, 1))
    intercept = fit_cloglog(outcome, weight, everyone, np.ones((len(x), 1)), start, offset=x)
    slope = fit_cloglog(outcome, weight, everyone, straight(x), np.array([[0.0, 1.0]]))
    if np.isnan(intercept).any() or np.isnan(slope).any():
        raise SurvivalError(
            f"calibration at {horizon:g} is undefined: {int(outcome.sum())} events and "
            f"{int((~outcome & (weight > 0)).sum())} event-free patients known there; it needs "
            "both, predictions that vary, and risks that do not separate the two"
        )
    return Calibration(
        intercept=float(intercept[0, 0]),
        slope=float(slope[0, 1]),
        observed_expected=float(observed_expected(outcome, weight, everyone, survival)[0]),
        curve=_smoothed_curve(outcome, weight, x),
        bins=risk_bins(time, event, survival, horizon=horizon),
    )


def cloglog_risk(survival: np.ndarray) -> np.ndarray:
    """x = log(-log S), finite by ``SMALLEST_RISK``."""
    return np.log(-np.log(np.clip(survival, SMALLEST_RISK, 1 - SMALLEST_RISK)))


def straight(x: np.ndarray) -> np.ndarray:
    """Design of a line in x, (patient, 2)."""
    return np.column_stack([np.ones(len(x)), x])


def spline_knots(x: np.ndarray) -> np.ndarray | None:
    """Knots at the 10th, 50th and 90th percentile, (3,); None where x has too few values."""
    knots = np.quantile(x, [0.1, 0.5, 0.9])
    return knots if (np.diff(knots) > 1e-9).all() else None


def spline(x: np.ndarray, knots: np.ndarray | None) -> np.ndarray:
    """Design of a restricted cubic spline of x, (patient, 3); a line without knots.

    Harrell, Regression Modeling Strategies, 2015, section 2.4.5.
    """
    if knots is None:
        return straight(x)
    first, middle, last = knots
    cube_first, cube_middle, cube_last = (np.maximum(x - knot, 0) ** 3 for knot in knots)
    gap = last - middle
    bend = cube_first - cube_middle * (last - first) / gap + cube_last * (middle - first) / gap
    return np.column_stack([np.ones(len(x)), x, bend / (last - first) ** 2])


def fit_cloglog(
    outcome: np.ndarray,
    weight: np.ndarray,
    draws: np.ndarray,
    design: np.ndarray,
    start: np.ndarray,
    *,
    offset: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Coefficients of the weighted complementary log-log regression, once a draw.

    Newton's method on all draws at once; the log likelihood is concave.

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
    both = (weighted[:, :n_events] > 0).any(1) & (weighted[:, n_events:] > 0).any(1)
    open_draws = np.flatnonzero(both)
    solved = np.zeros(len(draws), dtype=bool)
    for _ in range(MOST_STEPS):
        if not len(open_draws):
            break
        predictor = coefficient[open_draws] @ design.T + offset
        step, regular = _newton_step(predictor, weighted[open_draws], design, n_events)
        open_draws = open_draws[regular]
        coefficient[open_draws] += np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        done = (np.abs(step) < STEP_TOLERANCE).all(1)
        solved[open_draws[done]] = True
        open_draws = open_draws[~done]
    coefficient[~solved] = np.nan
    return coefficient


def _newton_step(
    predictor: np.ndarray, weighted: np.ndarray, design: np.ndarray, n_events: int
) -> tuple[np.ndarray, np.ndarray]:
    """Step of each draw that can be solved, and which can: (regular draw, coefficient), (draw,)."""
    n_coefficients = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    slope, bend = _derivatives(predictor, n_events)
    gradient = (weighted * slope) @ design
    information = -((weighted * bend) @ products).reshape(-1, n_coefficients, n_coefficients)
    regular = _is_regular(information)
    step = np.linalg.solve(information[regular], gradient[regular, :, None])[:, :, 0]
    return step, regular


def _derivatives(predictor: np.ndarray, n_events: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of the log likelihood; the first columns are the events."""
    hazard = np.exp(np.clip(predictor, -30, 6))
    slope, bend = -hazard, -hazard
    at_event = hazard[:, :n_events]
    ratio = at_event / np.expm1(at_event)
    slope[:, :n_events] = ratio
    bend[:, :n_events] = ratio * (1 - at_event - ratio)
    return slope, bend


def _is_regular(information: np.ndarray) -> np.ndarray:
    """Whether each matrix can be solved: a draw may hold patients of one predicted risk only."""
    diagonal = np.diagonal(information, axis1=1, axis2=2).prod(1)
    return np.linalg.det(information) > SMALLEST_DETERMINANT * diagonal


def observed_expected(
    outcome: np.ndarray, weight: np.ndarray, draws: np.ndarray, survival: np.ndarray
) -> np.ndarray:
    """Observed over mean predicted risk, once a draw, (draw,).

    Observed is the weighted share with an event, which equals 1 - Kaplan-Meier where the censoring
    curve is that of the same patients.
    """
    known = draws @ weight
    happened = draws @ (weight * outcome)
    expected = (draws @ (1 - survival)) / draws.sum(1)
    undefined = np.full(len(draws), np.nan)
    observed = np.divide(happened, known, out=undefined.copy(), where=known > 0)
    return np.divide(observed, expected, out=undefined, where=expected > 0)


def curve_grid(x: np.ndarray, n_points: int = 40) -> np.ndarray:
    """Points of x evenly spaced in risk between the 2nd and 98th percentile, (point,)."""
    first, last = risk_of(np.quantile(x, [0.02, 0.98]))
    return cloglog_risk(1 - np.linspace(first, last, n_points))


def risk_of(predictor: np.ndarray) -> np.ndarray:
    """Risk of a value on the cloglog scale."""
    return -np.expm1(-np.exp(np.clip(predictor, -30, 6)))


def _smoothed_curve(outcome: np.ndarray, weight: np.ndarray, x: np.ndarray) -> CurvePoints:
    knots = spline_knots(x)
    design = spline(x, knots)
    everyone = np.ones((1, len(x)))
    start = np.eye(design.shape[1])[1:2]
    coefficient = fit_cloglog(outcome, weight, everyone, design, start)
    if np.isnan(coefficient).any():  # too few patients bend the curve: draw the line
        knots, design = None, straight(x)
        coefficient = fit_cloglog(outcome, weight, everyone, design, np.array([[0.0, 1.0]]))
    variance = _sandwich(outcome, weight, design, coefficient[0])
    grid = curve_grid(x)
    at_grid = spline(grid, knots)
    predictor = at_grid @ coefficient[0]
    error = ndtri(0.975) * np.sqrt(np.einsum("pi,ij,pj->p", at_grid, variance, at_grid))
    return CurvePoints(
        risk_of(grid), risk_of(predictor), risk_of(predictor - error), risk_of(predictor + error)
    )


def _sandwich(
    outcome: np.ndarray, weight: np.ndarray, design: np.ndarray, coefficient: np.ndarray
) -> np.ndarray:
    """Robust variance of the coefficients, (coefficient, coefficient)."""
    order = np.argsort(~outcome, kind="stable")
    design, weight = design[order], weight[order]
    slope, bend = _derivatives((design @ coefficient)[None], int(outcome.sum()))
    scores = design * (weight * slope[0])[:, None]
    bread = np.linalg.inv(-(design * (weight * bend[0])[:, None]).T @ design)
    return bread @ (scores.T @ scores) @ bread


def risk_bins(
    time: np.ndarray, event: np.ndarray, survival: np.ndarray, *, horizon: float
) -> tuple[RiskBin, ...]:
    """Up to five bins of equal size by predicted risk, of at least 20 patients each."""
    n_bins = int(np.clip(len(time) // 20, 1, 5))
    order = np.argsort(-survival, kind="stable")
    found = []
    for member in np.array_split(order, n_bins):
        curve = kaplan_meier(time[member], event[member])
        lower, upper = curve.limits_at(horizon)
        found.append(
            RiskBin(
                predicted=float(1 - survival[member].mean()),
                observed=float(1 - curve.at(horizon)),
                lower=float(1 - upper),
                upper=float(1 - lower),
                n_patients=len(member),
                n_events=int((event[member] & (time[member] <= horizon)).sum()),
            )
        )
    return tuple(found)
