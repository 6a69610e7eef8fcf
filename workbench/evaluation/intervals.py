"""How far a number could have come out otherwise: bootstraps of patients.

Row 0 of every array of draws is the cohort itself and gives the estimate; the other rows are
bootstraps. A difference of two models is the difference of their draws, so it is paired.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.bootstrap import distance_limits

CONFIDENCE = 0.95
MOST_UNDEFINED = 0.1
"""A number that is undefined in a larger share of bootstraps gets no interval."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % bootstrap percentile interval."""

    estimate: float
    lower: float
    upper: float

    def to_json(self) -> dict[str, float]:
        """The three numbers, to ten significant digits (sums differ beyond them by machine)."""
        return {
            "estimate": significant(self.estimate),
            "lower": significant(self.lower),
            "upper": significant(self.upper),
        }


def bootstrap_weights(fold: np.ndarray, n_bootstrap: int, seed: int) -> np.ndarray:
    """How often each bootstrap draws each patient.

    Patients are drawn with replacement within each fold, so fold sizes stay as they are: the
    fitted models are held fixed, and each fold keeps its own.

    Parameters
    ----------
    fold
        Held-out fold of each patient, (patient,).
    n_bootstrap
        Number of draws, at least 1.
    seed
        Of the generator; the same seed gives the same draws.

    Returns
    -------
    array
        (draw, patient) float64 counts; each fold's sum to its size.

    Examples
    --------
    >>> counts = bootstrap_weights(np.array([0, 0, 0, 1]), n_bootstrap=2, seed=0)
    >>> counts[:, :3].sum(1).tolist(), counts[:, 3].tolist()
    ([3.0, 3.0], [1.0, 1.0])
    """
    if n_bootstrap < 1:
        raise SurvivalError(f"n_bootstrap must be at least 1, got {n_bootstrap}: 1000 is usual")
    generator = np.random.default_rng(seed)
    counts = np.empty((n_bootstrap, len(fold)))
    for label in np.unique(fold):
        member = np.flatnonzero(fold == label)
        share = np.full(len(member), 1 / len(member))
        counts[:, member] = generator.multinomial(len(member), share, size=n_bootstrap)
    return counts


def with_observed(weights: np.ndarray) -> np.ndarray:
    """The cohort itself (each patient once) as row 0 above the bootstraps."""
    return np.vstack([np.ones(weights.shape[1]), weights])


def interval(draws: np.ndarray) -> Interval | None:
    """Estimate and percentile interval of one number's draws, (draw,); row 0 is the cohort.

    None where the estimate is undefined (NaN) or more than ``MOST_UNDEFINED`` of the bootstraps
    are; a smaller share is left out.
    """
    estimate, bootstraps = draws[0], draws[1:]
    defined = bootstraps[np.isfinite(bootstraps)]
    if not np.isfinite(estimate) or len(defined) < (1 - MOST_UNDEFINED) * len(bootstraps):
        return None
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(estimate), float(lower), float(upper))


def distance_interval(draws: np.ndarray) -> Interval | None:
    """The same of a distance, which cannot be negative: see ``distance_limits``."""
    (lower,), (upper,) = distance_limits(draws[1:, None], draws[:1], confidence=CONFIDENCE)
    if not np.isfinite([lower, upper]).all():
        return None
    return Interval(float(draws[0]), float(lower), float(upper))


def number(
    draws: np.ndarray | None, of: Callable[[np.ndarray], Interval | None] = interval
) -> dict[str, float] | None:
    """An interval as JSON; None where there is none."""
    found = None if draws is None else of(draws)
    return None if found is None else found.to_json()


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """``numerator / denominator``, NaN where the denominator is 0."""
    undefined = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)


def significant(value: float) -> float:
    """``value`` to ten significant digits."""
    return float(f"{value:.10g}")
