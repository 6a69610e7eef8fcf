"""Levels by group: counts, shares, standardised differences; weighted or not.

References
----------
[1] Yang, D. and Dalton, J. E. "A unified approach to measuring the effect size between two
    groups using SAS." SAS Global Forum 2012, paper 335: the standardised mean difference of a
    variable with several levels.
"""

import numpy as np

from workbench.cohort.table_one.grouping import Division


def count_levels(
    codes: np.ndarray,
    n_levels: int,
    division: Division | None,
    weights: np.ndarray | None,
) -> np.ndarray:
    """Patients, or their weights, by level and group.

    Parameters
    ----------
    codes
        (patient,) int, -1 where missing.
    n_levels
        Number of levels.
    division
        The groups; None for everyone together.
    weights
        (patient,) float64; None counts patients.

    Returns
    -------
    ndarray
        (level + 1, group); the last row counts the missing.
    """
    n_groups = 1 if division is None else len(division)
    cell = codes.astype(np.int64)
    if division is not None:
        cell += division.codes * (n_levels + 1)
    # Moved on by one, each group begins with its missing patients, whose code is -1.
    counts = np.bincount(cell + 1, weights, minlength=n_groups * (n_levels + 1))
    counts = counts.reshape(n_groups, n_levels + 1)
    return np.roll(counts, -1, axis=1).T


def smd(shares: np.ndarray, first: int, second: int) -> float:
    """Mahalanobis distance of two groups' shares of the known levels [1].

    It does not depend on the order of the levels. NaN where somebody's level is known in one group
    alone, or where a level tells the groups apart and varies in neither: no number is large enough.

    Parameters
    ----------
    shares
        (level, group), each column adding to 1, or NaN where nobody is known.
    first, second
        The groups.
    """
    p, q = shares[:, first], shares[:, second]
    if np.isnan(shares[:, [first, second]]).any():
        return np.nan
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    apart = p - q
    scaled = np.linalg.pinv(covariance, hermitian=True) @ apart
    if not np.allclose(covariance @ scaled, apart, rtol=0, atol=1e-9):
        return np.nan
    return float(np.sqrt(max(apart @ scaled, 0.0)))
