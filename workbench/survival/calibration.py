"""Does predicted risk at a horizon agree with what was observed?

Patients censored before the horizon have an unknown state there; the others stand in for them with
inverse probability of censoring weights. The model of agreement is a binomial regression of the
state on x = cloglog(predicted risk) = log(-log S) with the complementary log-log link, in which a
proportional hazards model is straight.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from workbench.errors import SurvivalError
from workbench.survival.calibration_bins import RiskBin, incidence_bins, risk_bins
from workbench.survival.calibration_curve import (
    CalibrationError,
    CurvePoints,
    calibration_error,
    curve_points,
    smooth_curve,
)
from workbench.survival.calibration_ratio import ratio_interval
from workbench.survival.calibration_regression import (
    CLOGLOG,
    Link,
    fit_recalibration,
    sandwich,
    straight,
)
from workbench.survival.censoring import CensoringCurve
from workbench.survival.inputs import (
    Estimate,
    check_cause,
    check_horizons,
    check_numbers,
    check_outcome,
    check_survival,
)
from workbench.survival.known_state import KnownState, known_state

UNDEFINED = Estimate(np.nan, np.nan, np.nan)


class CalibrationIntervals(NamedTuple):
    """The three numbers of :class:`Calibration` with their limits."""

    intercept: Estimate
    slope: Estimate
    observed_expected: Estimate


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
        Observed risk in bins of predicted risk, ascending.
    intervals
        Intercept, slope and observed over expected with limits by the sandwich variance.
    error
        ICI, E50 and E90 of the smoothed curve; limits by bootstrap, NaN where no draws came.
    horizon, n_patients, n_events
        Where and in whom; events are those by the horizon.
    """

    intercept: float
    slope: float
    observed_expected: float
    curve: CurvePoints
    bins: tuple[RiskBin, ...]
    intervals: CalibrationIntervals
    error: CalibrationError
    horizon: float
    n_patients: int
    n_events: int

    @property
    def sentence(self) -> str:
        """The result in words; a number without limits is left out."""
        named = {
            "observed over expected risk": self.intervals.observed_expected,
            "calibration intercept": self.intervals.intercept,
            "slope": self.intervals.slope,
            "integrated calibration index": self.error.ici,
        }
        numbers = ", ".join(
            f"{name} {each.estimate:.3f} ({each.lower:.3f} to {each.upper:.3f})"
            for name, each in named.items()
            if np.isfinite(each.lower)
        )
        counts = f"{self.n_patients} patients, {self.n_events} events"
        return f"At {self.horizon:g}: {numbers} ({counts})."


def calibration(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizon: float,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
    draws: Iterable[np.ndarray] | None = None,
    confidence: float = 0.95,
    link: Link = CLOGLOG,
) -> Calibration:
    r"""Calibration of predicted survival at a horizon.

    With y the state at the horizon (1 = event), v its inverse probability of censoring weight and
    x = log(-log S), maximises

    .. math:: \sum_i v_i \left[ y_i \log p_i + (1 - y_i) \log(1 - p_i) \right], \qquad
        p_i = 1 - \exp(-\exp(\eta_i))

    for eta = a + x (intercept), a + b x (slope) and a restricted cubic spline of x with three
    knots at its 10th, 50th and 90th percentile (curve). Limits of these and of observed over
    expected (on the log scale) come from the sandwich variance, weights held fixed: a little wide,
    since estimated weights vary less. ICI, E50 and E90 are the mean, median and 90th percentile of
    |curve - predicted| over all patients.

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
    draws
        Counts of bootstraps, each (patient,), for limits of ICI, E50 and E90: an array of shape
        (draw, patient) or ``bootstrap_draws``.
    confidence
        Coverage of the limits of numbers and curve, in (0, 1); bins have 95 %.
    link
        ``LOGIT``, with x = log odds and p the logistic function, is for an event that is there or
        not, without a time.

    Raises
    ------
    SurvivalError
        No event by the horizon, nobody known to be free of it, predictions that do not vary, or a
        regression that has no maximum (predicted risk separates the states).

    References
    ----------
    Austin, Harrell and van Klaveren, Stat Med 2020;39:2714-2742 (cloglog and restricted cubic
    splines, ICI, E50, E90; they smooth by a Cox model of x, here it is the weighted regression).
    Gerds, Andersen and Kattan, Stat Med 2014;33:3191-3203 (weighting for censoring). Van Calster et
    al., BMC Med 2019;17:230 (intercept, slope, curve).

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
    horizon = float(check_horizons(horizon)[0])
    survival = check_survival(survival, len(time), 1)[:, 0]
    state = known_state(
        time, event.astype(np.int64), of=1, horizon=horizon, censoring=censoring, stratum=stratum
    )
    bins = risk_bins(time, event, survival, horizon=horizon)
    return _judged(state, survival, horizon, bins, draws, confidence, link)


def competing_calibration(
    time: np.ndarray,
    cause: np.ndarray,
    risk: np.ndarray,
    *,
    horizon: float,
    of: int = 1,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
    draws: Iterable[np.ndarray] | None = None,
    confidence: float = 0.95,
) -> Calibration:
    """Calibration of the predicted cumulative incidence of one cause at a horizon.

    As :func:`calibration` with y = 1 for an event of the cause by the horizon and 0 for a competing
    event or no event by then; x = log(-log(1 - risk)). Observed risk is the Aalen-Johansen
    incidence, which the weights give exactly; bins have their own.

    Parameters
    ----------
    time, horizon, censoring, stratum, draws, confidence
        As in ``calibration``; the censoring curve treats events of every cause as events.
    cause
        0 censored, 1, 2, ... the competing events, (patient,) int.
    risk
        Predicted probability of an event of the cause by the horizon, (patient,) in [0, 1].
    of
        The cause asked for.

    Raises
    ------
    SurvivalError
        As ``calibration``.

    References
    ----------
    Austin, Putter, Giardiello and van Klaveren, Diagn Progn Res 2022;6:2. Gerds, Andersen and
    Kattan, Stat Med 2014;33:3191-3203.

    Examples
    --------
    Of five, two have the event and one a competing one by the horizon: 2/5 over a mean of .4.

    >>> time, cause = np.array([1.0, 1, 1, 3, 3]), np.array([1, 1, 2, 0, 0])
    >>> risk = np.array([0.42, 0.38, 0.39, 0.41, 0.4])
    >>> round(competing_calibration(time, cause, risk, horizon=2.0).observed_expected, 4)
    1.0
    """
    time, cause = check_cause(time, cause)
    horizon = float(check_horizons(horizon)[0])
    survival = 1 - check_risk(risk, len(time))
    state = known_state(time, cause, of=of, horizon=horizon, censoring=censoring, stratum=stratum)
    bins = incidence_bins(time, cause, 1 - survival, of=of, horizon=horizon)
    return _judged(state, survival, horizon, bins, draws, confidence)


def check_risk(risk: np.ndarray, n_patients: int) -> np.ndarray:
    """Predicted risk of the event by a horizon as (patient,) float64 in [0, 1]."""
    risk = check_numbers("risk", risk, (n_patients,))
    outside = int(((risk < 0) | (risk > 1)).sum())
    if outside:
        raise SurvivalError(
            f"risk must lie in [0, 1], got {outside} values outside: pass the probability of the "
            "event by the horizon, not a risk score"
        )
    return risk


def _judged(
    state: KnownState,
    survival: np.ndarray,
    horizon: float,
    bins: tuple[RiskBin, ...],
    draws: Iterable[np.ndarray] | None,
    confidence: float,
    link: Link = CLOGLOG,
) -> Calibration:
    x = link.scale(survival)
    z = float(ndtri(0.5 + confidence / 2))
    intercept, slope = _coefficients(state, x, z, link)
    if np.isnan(intercept.estimate):
        raise SurvivalError(
            f"calibration at {horizon:g} is undefined: {int(state.outcome.sum())} events and "
            f"{int((~state.outcome & (state.weight > 0)).sum())} event-free patients known there; "
            "it needs both, predictions that vary, and risks that do not separate the two"
        )
    intervals = CalibrationIntervals(intercept, slope, ratio_interval(state, survival, z))
    curve = smooth_curve(state, x, link)
    return Calibration(
        *(each.estimate for each in intervals),
        curve=curve_points(curve, x, confidence=confidence),
        bins=bins,
        intervals=intervals,
        error=calibration_error(state, x, curve, draws=draws, confidence=confidence),
        horizon=horizon,
        n_patients=len(x),
        n_events=int(state.outcome.sum()),
    )


def _coefficients(
    state: KnownState, x: np.ndarray, z: float, link: Link
) -> tuple[Estimate, Estimate]:
    """Intercept with slope 1, and slope; both NaN where either has no maximum."""
    everyone, constant, line = np.ones((1, len(x))), np.ones((len(x), 1)), straight(x)
    above = fit_recalibration(*state, everyone, constant, np.zeros((1, 1)), offset=x, link=link)[0]
    along = fit_recalibration(*state, everyone, line, np.array([[0.0, 1.0]]), link=link)[0]
    if np.isnan(above).any() or np.isnan(along).any():
        return UNDEFINED, UNDEFINED
    error = np.sqrt(sandwich(*state, constant, above, offset=x, link=link)[0, 0])
    spread = np.sqrt(sandwich(*state, line, along, link=link)[1, 1])
    return _around(float(above[0]), z * error), _around(float(along[1]), z * spread)


def _around(estimate: float, reach: float) -> Estimate:
    return Estimate(estimate, float(estimate - reach), float(estimate + reach))
