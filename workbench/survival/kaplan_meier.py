"""Survival of a group from its observed times: the product-limit estimator."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from workbench.survival.counting import EventCounts, blocks, count_events
from workbench.survival.inputs import check_observed
from workbench.survival.limits import (
    Limits,
    check_limits,
    normal_quantile,
    survival_limits,
)
from workbench.survival.quantiles import SurvivalQuantile, step_quantile


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
        Distinct observed times, ascending, (time,); with late entry also the entry times, at
        which nothing happens but the number at risk.
    n_at_risk
        Patients at risk just before each time (as R and the journals count), (time,) int; the sum
        of their weights, float, where cases are weighted.
    n_events, n_censored
        Events and censorings at each time, (time,) int; sums of weights where cases are weighted.
    survival
        Probability of no event up to and at each time, (time,) in [0, 1].
    standard_error
        Of ``survival`` (Greenwood's, or robust where the maker says so), (time,): 0 before the
        first event, NaN once survival is 0.
    confidence, limits
        Coverage of the pointwise limits, and the scale on which they are symmetric. The limits
        ``lower`` and ``upper`` follow from these, and are worked out when they are read.
    """

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray
    survival: np.ndarray
    standard_error: np.ndarray
    confidence: float
    limits: Limits

    @property
    def lower(self) -> np.ndarray:
        """Lower confidence limits, (time,): 1 before the first event, NaN once survival is 0."""
        return self._limits[0]

    @property
    def upper(self) -> np.ndarray:
        """Upper confidence limits, (time,): 1 before the first event, NaN once survival is 0."""
        return self._limits[1]

    def at(self, times: np.ndarray | float) -> np.ndarray:
        """Survival at ``times`` (any shape): 1 before the first observed time.

        After the last observed time the curve keeps its last value if that is 0 and is NaN
        otherwise: nothing is known there.
        """
        return self._step(self.survival, times)

    def limits_at(self, times: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper confidence limits at ``times``, by the rule of ``at``."""
        survival = self.at(times)
        return self._limits_of(survival, self.standard_error_at(times))

    def standard_error_at(self, times: np.ndarray | float) -> np.ndarray:
        """Standard error of survival at ``times``: 0 before the first event, else as ``at``."""
        return self._step(self.standard_error, times, start=0.0)

    def at_risk_at(self, times: np.ndarray | float) -> np.ndarray:
        """Number at risk just before ``times`` (any shape), int; float where weighted."""
        position = np.searchsorted(self.time, times, side="left")
        found = self.n_at_risk[np.minimum(position, len(self.time) - 1)]
        return np.where(position < len(self.time), found, found.dtype.type(0))

    def quantile(self, p: np.ndarray | list[float] | float) -> SurvivalQuantile:
        """First times at which at least the share ``p`` has had the event, and of the limits.

        By the rule of :func:`workbench.survival.quantiles.step_quantile`; ``inf`` means "not
        reached". ``quantile(0.5)`` is the median.
        """
        return SurvivalQuantile(
            *(step_quantile(self.time, each, p) for each in (self.survival, self.lower, self.upper))
        )

    @property
    def median(self) -> Median:
        """First time at which survival is at most one half, and the same of the limits.

        As in R: where the curve lies at exactly one half, the middle of that step.
        """
        return Median(*(float(each) for each in self.quantile(0.5)))

    @cached_property
    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        # Between events nothing changes, and logarithms are dear.
        falls = self.n_events > 0
        latest = np.cumsum(falls)
        lower, upper = self._limits_of(self.survival[falls], self.standard_error[falls])
        return np.append(1.0, lower)[latest], np.append(1.0, upper)[latest]

    def _limits_of(
        self, survival: np.ndarray, standard_error: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        z = normal_quantile(self.confidence)
        return survival_limits(survival, standard_error, z, self.limits)

    def _step(
        self, values: np.ndarray, times: np.ndarray | float, start: float = 1.0
    ) -> np.ndarray:
        position = np.searchsorted(self.time, times, side="right")
        found = np.where(position > 0, values[np.maximum(position - 1, 0)], start)
        beyond = np.asarray(times) > self.time[-1]
        return np.where(beyond & (self.survival[-1] > 0), np.nan, found)


def kaplan_meier(
    time: np.ndarray,
    event: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
    limits: Limits = "log-log",
) -> KaplanMeier:
    r"""Kaplan-Meier estimate with Greenwood's error and pointwise confidence limits.

    .. math:: \hat S(t) = \prod_{t_j \le t} \left(1 - \frac{d_j}{n_j}\right), \qquad
        \hat\sigma^2(t) = \sum_{t_j \le t} \frac{d_j}{n_j (n_j - d_j)}, \qquad
        \operatorname{se} \hat S(t) = \hat S(t)\,\hat\sigma(t)

    At a tied time events come before censorings: a patient censored at t is at risk at t. Times
    are tied if they are equal to the last bit (R ties those that differ by rounding: round first).

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    entry
        When each patient came under observation, (patient,), before ``time``: at risk in
        (entry, time]. None: all from the origin on. Where few are at risk early, an early event
        drags the whole curve down; where none are, the curve stays level.
    weights
        How much each patient counts, (patient,), not negative: d and n are sums of weights, and
        whoever weighs 0 is left out.
        Greenwood's error is right for counts of identical patients; for weights of other kinds see
        :func:`workbench.survival.adjusted_kaplan_meier`.
    confidence
        Coverage of the pointwise limits, in (0, 1).
    limits
        Scale on which they are symmetric: "log-log" (stays in [0, 1], the default), "log" (R's
        default) or "plain"; formulas in :func:`workbench.survival.limits.survival_limits`.

    Raises
    ------
    SurvivalError
        The outcome, an entry, a weight, the confidence or the scale of limits is not valid.

    References
    ----------
    Kaplan and Meier, J Am Stat Assoc 1958;53:457-481 (estimator). Greenwood 1926 (variance).
    Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 1980 (log-log limits).

    Examples
    --------
    Four patients: an event at 1, one censored at 2, events at 3 and 4. The steps are 3/4, then
    3/4 x 1/2, then 0. The first error is 3/4 x sqrt(1 / (4 x 3)).

    >>> curve = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]))
    >>> curve.survival.tolist(), curve.standard_error[:3].round(4).tolist()
    ([0.75, 0.75, 0.375, 0.0], [0.2165, 0.2165, 0.2864])
    >>> curve.at_risk_at(2.5).tolist(), curve.at([0.0, 3.5]).tolist(), curve.median.estimate
    (2, [1.0, 0.375], 3.0)
    """
    time, event, entry, weights = check_observed(time, event, entry=entry, weights=weights)
    check_limits(limits)
    normal_quantile(confidence)  # refuses what is no coverage
    counts = count_events(time, event, entry=entry, weights=weights)
    return curve_of(counts, confidence, limits)


def curve_of(counts: EventCounts, confidence: float, limits: Limits) -> KaplanMeier:
    """The curve that ``counts`` make, with Greenwood's error."""
    survival, error = np.empty((2, len(counts.time)))
    last_survival, last_variance = 1.0, 0.0
    n_times = len(counts.time)
    for start, end in blocks(range(n_times), n_times):
        block = slice(start, end)
        d = counts.n_events[block]
        n = np.where(d > 0, counts.n_at_risk[block], 1.0)
        stay = n - d
        factor = stay / n
        factor[0] *= last_survival
        np.cumprod(factor, out=survival[block])
        # The last step to 0 would divide by zero; what belongs to it is undefined anyway.
        stay[stay == 0] = np.inf
        term = d / (n * stay)
        term[0] += last_variance
        variance = np.cumsum(term)
        last_survival, last_variance = survival[block][-1], variance[-1]
        np.multiply(survival[block], np.sqrt(variance), out=error[block])
    error[survival == 0] = np.nan
    return KaplanMeier(*counts, survival, error, confidence, limits)
