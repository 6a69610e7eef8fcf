"""Numbers at horizons with their intervals, and paired differences of them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from workbench.errors import SurvivalError


@dataclass(frozen=True)
class HorizonEstimates:
    """An index at each horizon with its standard error.

    Parameters
    ----------
    horizons
        Ascending times, (horizon,).
    estimate, lower, upper
        Index and its Wald limits, cut at the range of the index, (horizon,).
    standard_error
        From the influence function, (horizon,).
    influence
        How far each patient moves the estimate, (patient, horizon).
    """

    horizons: np.ndarray
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    standard_error: np.ndarray
    influence: np.ndarray


@dataclass(frozen=True)
class HorizonDifferences:
    """First less second of two indices of the same patients, all (horizon,).

    Parameters
    ----------
    horizons
        Ascending times.
    estimate, lower, upper
        Difference and its Wald limits.
    standard_error
        Of the paired difference.
    z, p_value
        Wald statistic and two-sided p; NaN where the standard error is 0.
    """

    horizons: np.ndarray
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    standard_error: np.ndarray
    z: np.ndarray
    p_value: np.ndarray


def horizon_estimates(
    estimate: np.ndarray,
    influence: np.ndarray,
    *,
    horizons: np.ndarray,
    confidence: float,
    lowest: float,
) -> HorizonEstimates:
    """Wald limits between ``lowest`` and 1 from what each patient moves the estimate."""
    error = standard_error(influence)
    margin = normal_quantile(confidence) * error
    lower, upper = np.maximum(lowest, estimate - margin), np.minimum(1.0, estimate + margin)
    return HorizonEstimates(horizons, estimate, lower, upper, error, influence)


def normal_quantile(confidence: float) -> float:
    """How many standard errors a two-sided interval of this coverage reaches to either side."""
    if not 0 < confidence < 1:
        raise SurvivalError(f"confidence must lie between 0 and 1, got {confidence}: pass 0.95")
    return float(ndtri(0.5 + confidence / 2))


def standard_error(influence: np.ndarray) -> np.ndarray:
    """Standard deviation (n - 1) of n times the influence over root n, (horizon,)."""
    n_patients = len(influence)
    if n_patients < 2:
        raise SurvivalError(
            "a standard error needs at least two patients, got 1: use the function without interval"
        )
    return np.sqrt(n_patients * influence.var(0, ddof=1))


def compare_at_horizons(
    first: HorizonEstimates, second: HorizonEstimates, *, confidence: float = 0.95
) -> HorizonDifferences:
    """First less second of one index of two models for the same patients, paired.

    Parameters
    ----------
    first, second
        One index at the same horizons of the same patients in the same order.
    confidence
        Coverage of the limits, in (0, 1).

    Raises
    ------
    SurvivalError
        The two differ in patients or horizons.

    References
    ----------
    Blanche, Kattan and Gerds, Biostatistics 2019;20:347-357.

    Examples
    --------
    Two patients: the first estimate is moved by .1 and -.1, the second by none.

    >>> at = np.array([1.0])
    >>> def made(estimate, *moved):
    ...     influence = np.array(moved)[:, None]
    ...     return horizon_estimates(np.array([estimate]), influence, horizons=at,
    ...                              confidence=0.95, lowest=0)
    >>> found = compare_at_horizons(made(0.7, 0.1, -0.1), made(0.5, 0.0, 0.0))
    >>> found.estimate.round(9).tolist(), found.standard_error.round(9).tolist()
    ([0.2], [0.2])
    """
    same = first.influence.shape == second.influence.shape and np.array_equal(
        first.horizons, second.horizons
    )
    if not same:
        raise SurvivalError(
            "two models are compared at the same horizons on the same patients, got (patient, "
            f"horizon) {first.influence.shape} and {second.influence.shape}: judge both on one "
            "cohort at one set of horizons"
        )
    difference = first.estimate - second.estimate
    error = standard_error(first.influence - second.influence)
    margin = normal_quantile(confidence) * error
    undefined = np.full(len(difference), np.nan)
    z = np.divide(difference, error, out=undefined, where=error > 0)
    return HorizonDifferences(
        first.horizons,
        difference,
        difference - margin,
        difference + margin,
        error,
        z,
        2 * ndtr(-np.abs(z)),
    )
