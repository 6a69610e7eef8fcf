"""Survival of a group from its observed times: the product-limit estimator."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from workbench.survival.inputs import check_outcome


class EventCounts(NamedTuple):
    """What happened at each distinct observed time, all (time,)."""

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray


class Median(NamedTuple):
    """Median survival time; ``inf`` means "not reached"."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve: a right-continuous step function that starts at 1.

    Parameters
    ----------
    time
        Distinct observed times, ascending, (time,).
    n_at_risk
        Patients at risk just before each time (as R and the journals count), (time,) int.
    n_events, n_censored
        Events and censorings at each time, (time,) int.
    survival
        Probability of no event up to and at each time, (time,) in [0, 1].
    lower, upper
        Pointwise confidence limits, (time,): 1 before the first event, NaN once survival is 0.
    """

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray
    survival: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def at(self, times: np.ndarray | float) -> np.ndarray:
        """Survival at ``times`` (any shape): 1 before the first observed time.

        After the last observed time the curve keeps its last value if that is 0 and is NaN
        otherwise: nothing is known there.
        """
        return self._step(self.survival, times)

    def limits_at(self, times: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper confidence limits at ``times``, by the rule of ``at``."""
        return self._step(self.lower, times), self._step(self.upper, times)

    def at_risk_at(self, times: np.ndarray | float) -> np.ndarray:
        """Number at risk just before ``times`` (any shape), int."""
        position = np.searchsorted(self.time, times, side="left")
        return np.append(self.n_at_risk, 0)[position]

    @property
    def median(self) -> Median:
        """First time at which survival is at most one half, and the same of the limits.

        As in R: where the curve lies at exactly one half, the middle of that step.
        """
        return Median(
            _first_half(self.time, self.survival),
            _first_half(self.time, self.lower),
            _first_half(self.time, self.upper),
        )

    def _step(self, values: np.ndarray, times: np.ndarray | float) -> np.ndarray:
        position = np.searchsorted(self.time, times, side="right")
        found = np.append(1.0, values)[position]
        beyond = np.asarray(times) > self.time[-1]
        return np.where(beyond & (self.survival[-1] > 0), np.nan, found)


def count_events(time: np.ndarray, event: np.ndarray) -> EventCounts:
    """Events, censorings and patients at risk at each distinct time."""
    distinct, position = np.unique(time, return_inverse=True)
    n_events = np.bincount(position, event, minlength=len(distinct)).astype(np.int64)
    n_leaving = np.bincount(position, minlength=len(distinct))
    n_at_risk = len(time) - np.append(0, np.cumsum(n_leaving)[:-1])
    return EventCounts(distinct, n_at_risk, n_events, n_leaving - n_events)


def kaplan_meier(time: np.ndarray, event: np.ndarray, *, confidence: float = 0.95) -> KaplanMeier:
    r"""Kaplan-Meier estimate with log-log confidence limits.

    .. math:: \hat S(t) = \prod_{t_j \le t} \left(1 - \frac{d_j}{n_j}\right), \qquad
        \hat S(t)^{\exp(\pm z\,\hat\sigma(t) / \log \hat S(t))}, \quad
        \hat\sigma^2(t) = \sum_{t_j \le t} \frac{d_j}{n_j (n_j - d_j)}

    At a tied time events come before censorings: a patient censored at t is at risk at t.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    confidence
        Coverage of the pointwise limits, in (0, 1).

    Raises
    ------
    SurvivalError
        The outcome is not valid.

    References
    ----------
    Kaplan and Meier, J Am Stat Assoc 1958;53:457-481 (estimator). Greenwood 1926 (variance).
    Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1980 (log-log limits).

    Examples
    --------
    Four patients: an event at 1, one censored at 2, events at 3 and 4. The steps are 3/4, then
    3/4 x 1/2, then 0.

    >>> curve = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]))
    >>> curve.survival.tolist()
    [0.75, 0.75, 0.375, 0.0]
    >>> curve.at_risk_at(2.5).tolist(), curve.at([0.0, 3.5]).tolist(), curve.median.estimate
    (2, [1.0, 0.375], 3.0)
    """
    time, event = check_outcome(time, event)
    counts = count_events(time, event)
    survival = np.cumprod(1 - counts.n_events / counts.n_at_risk)
    lower, upper = _log_log_limits(counts, survival, confidence)
    return KaplanMeier(*counts, survival, lower, upper)


def _log_log_limits(
    counts: EventCounts, survival: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    z = ndtri(0.5 + confidence / 2)
    n, d = counts.n_at_risk, counts.n_events
    inside = (survival > 0) & (survival < 1)
    # The last step to 0 would divide by zero; its limits are undefined anyway.
    variance = np.cumsum(np.divide(d, n * (n - d), out=np.zeros(len(n)), where=n > d))
    log_survival = np.log(survival, out=np.full(len(n), -1.0), where=inside)
    spread = z * np.sqrt(variance) / log_survival
    outside = np.where(survival == 1, 1.0, np.nan)
    lower = np.where(inside, np.exp(log_survival * np.exp(-spread)), outside)
    upper = np.where(inside, np.exp(log_survival * np.exp(spread)), outside)
    return lower, upper


def _first_half(time: np.ndarray, curve: np.ndarray) -> float:
    tolerance = 1e-9  # a product of fractions that should be 1/2 is rarely exactly 1/2
    reached = np.flatnonzero(curve <= 0.5 + tolerance)
    if not len(reached):
        return float("inf")
    first = reached[0]
    below = np.flatnonzero((curve < 0.5 - tolerance) & (np.arange(len(curve)) > first))
    if curve[first] >= 0.5 - tolerance and len(below):
        return float((time[first] + time[below[0]]) / 2)
    return float(time[first])
