"""Cumulative hazard of a group from its observed times."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.survival.counting import count_events
from workbench.survival.inputs import check_observed
from workbench.survival.limits import check_limits, normal_quantile


@dataclass(frozen=True)
class NelsonAalen:
    """A cumulative hazard: a right-continuous step function that starts at 0.

    Parameters
    ----------
    time
        Distinct observed times, ascending, (time,); with late entry also the entry times.
    n_at_risk, n_events, n_censored
        As of :class:`workbench.survival.KaplanMeier`, (time,).
    cumulative_hazard
        Expected events a patient up to and at each time, (time,), not negative.
    lower, upper
        Pointwise confidence limits, (time,): both 0 before the first event.
    standard_error
        Of ``cumulative_hazard``, (time,).
    """

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray
    cumulative_hazard: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    standard_error: np.ndarray

    def at(self, times: np.ndarray | float) -> np.ndarray:
        """Cumulative hazard at ``times`` (any shape): 0 at first, NaN after the last time."""
        return self._step(self.cumulative_hazard, times)

    def limits_at(self, times: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper confidence limits at ``times``, by the rule of ``at``."""
        return self._step(self.lower, times), self._step(self.upper, times)

    def standard_error_at(self, times: np.ndarray | float) -> np.ndarray:
        """Standard error at ``times``, by the rule of ``at``."""
        return self._step(self.standard_error, times)

    def _step(self, values: np.ndarray, times: np.ndarray | float) -> np.ndarray:
        found = np.append(0.0, values)[np.searchsorted(self.time, times, side="right")]
        return np.where(np.asarray(times) > self.time[-1], np.nan, found)


def nelson_aalen(
    time: np.ndarray,
    event: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
    limits: Literal["log", "plain"] = "log",
) -> NelsonAalen:
    r"""Nelson-Aalen estimate of the cumulative hazard, with Aalen's variance.

    .. math:: \hat H(t) = \sum_{t_j \le t} \frac{d_j}{n_j}, \qquad
        \hat\sigma^2(t) = \sum_{t_j \le t} \frac{d_j}{n_j^2}, \qquad
        \text{limits } \hat H \exp(\pm z \hat\sigma / \hat H)
        \text{ or } \hat H \pm z \hat\sigma

    Plain limits are cut at 0. Events tied at a time count as one jump d/n (R's ``ctype=1``), and
    come before censorings at that time.

    Parameters
    ----------
    time, event, entry, weights
        As of :func:`workbench.survival.kaplan_meier`.
    confidence
        Coverage of the pointwise limits, in (0, 1).
    limits
        Scale on which they are symmetric.

    Raises
    ------
    SurvivalError
        The outcome, an entry, a weight, the confidence or the scale of limits is not valid.

    References
    ----------
    Nelson, J Qual Technol 1969;1:27-52. Aalen, Ann Stat 1978;6:701-726. Klein, Scand J Stat
    1991;18:333-340 (variances compared).

    Examples
    --------
    An event among 4, one among 2, one among 1: 1/4, 1/4 + 1/2, that + 1.

    >>> hazard = nelson_aalen(np.array([1.0, 2, 3, 4]), np.array([True, False, True, True]))
    >>> hazard.cumulative_hazard.tolist(), (hazard.standard_error**2).round(4).tolist()
    ([0.25, 0.25, 0.75, 1.75], [0.0625, 0.0625, 0.3125, 1.3125])
    """
    time, event, entry, weights = check_observed(time, event, entry=entry, weights=weights)
    check_limits(limits, ("log", "plain"))
    z = normal_quantile(confidence)
    counts = count_events(time, event, entry=entry, weights=weights)
    n, d = np.where(counts.n_events > 0, counts.n_at_risk, 1).astype(float), counts.n_events
    hazard, error = np.cumsum(d / n), np.sqrt(np.cumsum(d / n**2))
    if limits == "plain":
        lower, upper = np.maximum(hazard - z * error, 0), hazard + z * error
    else:
        factor = np.exp(z * error / np.where(hazard > 0, hazard, 1))
        lower, upper = hazard / factor, hazard * factor
    return NelsonAalen(*counts, hazard, lower, upper, error)
