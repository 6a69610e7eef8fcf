"""Bootstraps of patients as counts: how often each draw holds each patient."""

from collections.abc import Iterable, Iterator

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_weights

MOST_UNDEFINED = 0.1
"""A number that is undefined in a larger share of draws gets no limits."""


def bootstrap_draws(n_patients: int, *, n_bootstrap: int, seed: int) -> Iterator[np.ndarray]:
    """Draws of patients with replacement, one at a time, so that many patients fit in memory.

    Parameters
    ----------
    n_patients
        At least 1.
    n_bootstrap
        Number of draws, at least 1; 1000 is usual.
    seed
        Of the generator; the same seed gives the same draws.

    Yields
    ------
    array
        (patient,) float64 counts that sum to ``n_patients``.

    Raises
    ------
    SurvivalError
        No patient or no draw.

    Examples
    --------
    >>> [draw.sum() for draw in bootstrap_draws(5, n_bootstrap=2, seed=0)]
    [np.float64(5.0), np.float64(5.0)]
    """
    if n_patients < 1 or n_bootstrap < 1:
        raise SurvivalError(
            f"a bootstrap needs a patient and a draw, got {n_patients} and {n_bootstrap}: "
            "1000 draws are usual"
        )
    generator = np.random.default_rng(seed)
    return (
        np.bincount(generator.integers(0, n_patients, n_patients), minlength=n_patients) * 1.0
        for _ in range(n_bootstrap)
    )


def check_draws(draws: Iterable[np.ndarray] | None, n_patients: int) -> Iterator[np.ndarray]:
    """Each draw's counts, (patient,) float64; none where None.

    Raises
    ------
    SurvivalError
        A draw of another length, of nobody, or with counts that are negative or not whole.
    """
    for number, draw in enumerate(() if draws is None else draws):
        counts = check_weights(draw, n_patients)
        if (counts != np.rint(counts)).any():
            raise SurvivalError(
                f"draws must be whole counts of patients, got others in draw {number}: pass "
                "`bootstrap_draws(n_patients, n_bootstrap=1000, seed=0)`"
            )
        yield counts


def percentile_limits(
    draws: np.ndarray, *, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile limits of each column of ``draws``, (draw, number); both (number,).

    Undefined draws (NaN) are left out; a number that is undefined in more than
    ``MOST_UNDEFINED`` of them, or has none, gets NaN.
    """
    tail = (1 - confidence) / 2
    limits = np.full((2, draws.shape[1]), np.nan)
    for column, values in enumerate(draws.T):
        defined = values[np.isfinite(values)]
        if len(defined) and len(defined) >= (1 - MOST_UNDEFINED) * len(values):
            limits[:, column] = np.quantile(defined, [tail, 1 - tail])
    return limits[0], limits[1]


def distance_limits(
    draws: np.ndarray, estimate: np.ndarray, *, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of distances, which cannot be negative, from ``draws`` (draw, number); both (number,).

    Sampling error moves a distance up, and a bootstrap moves it up once more: limits are
    percentiles, shifted so that the draws' median is the ``estimate`` (number,), and never below 0.
    Undefined draws count as in :func:`percentile_limits`.

    Examples
    --------
    Of an estimate of 1, draws of 2, 3 and 4 have their median 2 too high:

    >>> draws = np.array([[2.0], [3.0], [4.0]])
    >>> lower, upper = distance_limits(draws, np.array([1.0]), confidence=0.5)
    >>> lower.tolist(), upper.tolist()
    ([0.5], [1.5])
    """
    lower, upper = percentile_limits(draws, confidence=confidence)
    middle, _ = percentile_limits(draws, confidence=0.0)
    moved = middle - estimate
    return np.maximum(lower - moved, 0.0), upper - moved
