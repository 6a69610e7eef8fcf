"""Observed risk in bins of patients of similar predicted risk."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from workbench.survival.inputs import Estimate
from workbench.survival.kaplan_meier import kaplan_meier

ObservedRisk = Callable[[np.ndarray], Estimate]
"""Observed risk of the patients at given positions, with its limits."""


@dataclass(frozen=True)
class RiskBin:
    """Patients of similar predicted risk.

    Parameters
    ----------
    predicted
        Mean predicted risk.
    observed, lower, upper
        1 - Kaplan-Meier at the horizon, with competing causes the Aalen-Johansen incidence, and
        its log-log limits; NaN where follow-up in the bin ends before the horizon.
    n_patients, n_events
        Patients in the bin, and those of them with an event by the horizon.
    """

    predicted: float
    observed: float
    lower: float
    upper: float
    n_patients: int
    n_events: int


def risk_bins(
    time: np.ndarray, event: np.ndarray, survival: np.ndarray, *, horizon: float
) -> tuple[RiskBin, ...]:
    """Up to five bins of equal size by predicted risk, of at least 20 patients each."""

    def observed(member: np.ndarray) -> Estimate:
        curve = kaplan_meier(time[member], event[member])
        lower, upper = curve.limits_at(horizon)
        return Estimate(float(1 - curve.at(horizon)), float(1 - upper), float(1 - lower))

    return _bins(1 - survival, event & (time <= horizon), observed)


def incidence_bins(
    time: np.ndarray, cause: np.ndarray, risk: np.ndarray, *, of: int, horizon: float
) -> tuple[RiskBin, ...]:
    """The same with competing causes: observed is the incidence of the cause ``of``."""

    def observed(member: np.ndarray) -> Estimate:
        return incidence_at(time[member], cause[member], of=of, horizon=horizon)

    return _bins(risk, (cause == of) & (time <= horizon), observed)


def _bins(risk: np.ndarray, outcome: np.ndarray, observed: ObservedRisk) -> tuple[RiskBin, ...]:
    n_bins = int(np.clip(len(risk) // 20, 1, 5))
    order = np.argsort(risk, kind="stable")
    return tuple(
        RiskBin(
            float(risk[member].mean()),
            *observed(member),
            n_patients=len(member),
            n_events=int(outcome[member].sum()),
        )
        for member in np.array_split(order, n_bins)
    )


def incidence_at(
    time: np.ndarray, cause: np.ndarray, *, of: int, horizon: float, confidence: float = 0.95
) -> Estimate:
    r"""Aalen-Johansen incidence of one cause at a horizon.

    .. math:: \hat F(t) = \sum_{t_j \le t} \hat S(t_{j-1}) \frac{d_{kj}}{n_j}

    Its variance is the infinitesimal jackknife, the sum of squares of each patient's

    .. math:: \sum_{t_j \le \min(T_i, t)} \left[
        \frac{d_j (\hat F(t) - \hat F(t_j))}{n_j (n_j - d_j)} - \hat S(t_{j-1})
        \frac{d_{kj}}{n_j^2} \right] - \frac{\delta_i (\hat F(t) - \hat F(T_i))}{n - d}
        + \frac{\delta_{ik} \hat S(T_i-)}{n}

    (the last two at T_i, if it is at most t), and the limits are log-log limits of 1 - F, so that
    without competing events they are those of Kaplan-Meier.

    Parameters
    ----------
    time, cause
        As checked by ``check_cause``, (patient,).
    of
        The cause asked for.
    horizon
        Time; NaN is returned where follow-up ends before it with patients still event-free.

    References
    ----------
    Aalen and Johansen, Scand J Stat 1978;5:141-150. Therneau, R package survival, vignette
    "Methods and formulas" (infinitesimal jackknife).

    Examples
    --------
    One of four has cause 2 at 1, one cause 1 at 2: 3/4 x 1/3.

    >>> found = incidence_at(np.array([1.0, 2, 3, 3]), np.array([2, 1, 0, 0]), of=1, horizon=2)
    >>> round(found.estimate, 4)
    0.25
    """
    distinct, position = np.unique(time, return_inverse=True)
    n_distinct = len(distinct)
    n_left = np.bincount(position, minlength=n_distinct)
    at_risk = len(time) - np.append(0, np.cumsum(n_left)[:-1])
    within = distinct <= horizon
    n_events = np.bincount(position, cause > 0, minlength=n_distinct) * within
    n_cause = np.bincount(position, cause == of, minlength=n_distinct) * within
    survival = np.cumprod(1 - n_events / at_risk)
    before = np.append(1.0, survival[:-1])
    incidence = np.cumsum(before * n_cause / at_risk)
    if distinct[-1] < horizon and survival[-1] > 0:
        return Estimate(np.nan, np.nan, np.nan)
    later = incidence[-1] - incidence  # still to come after each time
    left = at_risk - n_events
    lost = np.divide(later, left, out=np.zeros(n_distinct), where=left > 0)
    exposure = np.cumsum(n_events * lost / at_risk - before * n_cause / at_risk**2)
    happened = within[position]
    influence = (
        exposure[position]
        - (happened & (cause > 0)) * lost[position]
        + (happened & (cause == of)) * (before / at_risk)[position]
    )
    estimate = float(incidence[-1])
    return Estimate(estimate, *_log_log_limits(estimate, np.sqrt((influence**2).sum()), confidence))


def _log_log_limits(risk: float, error: float, confidence: float) -> tuple[float, float]:
    if risk == 0:
        return 0.0, 0.0
    if risk >= 1:
        return np.nan, np.nan
    log_survival = np.log1p(-risk)
    spread = ndtri(0.5 + confidence / 2) * error / ((1 - risk) * -log_survival)
    lower, upper = -np.expm1(log_survival * np.exp(np.array([-spread, spread])))
    return float(lower), float(upper)
