"""How a feature's contribution depends on its value: bins of patients, never single ones."""

from dataclasses import dataclass

import numpy as np

MOST_BINS = 10


@dataclass(frozen=True)
class Dependence:
    """Contributions of a feature in bins of its value.

    Parameters
    ----------
    feature
        Its name.
    edges
        Limits between the bins, (bin - 1,), unit of the feature; a bin holds its upper limit. The
        smallest and the largest value belong to single patients and are not given.
    n_patients
        In each bin, (bin,), none below the minimum.
    value
        Mean value in each bin, (bin,).
    lower, median, upper
        5 %, 50 % and 95 % of the contributions in each bin, (bin,).
    """

    feature: str
    edges: np.ndarray
    n_patients: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    median: np.ndarray
    upper: np.ndarray


def dependence(
    feature: str, value: np.ndarray, contribution: np.ndarray, *, minimum: int
) -> Dependence | None:
    """Bins of about equal size, each of ``minimum`` patients or more; None where not even one is.

    Parameters
    ----------
    value
        (patient,), NaN where it is missing: those patients are left out.
    contribution
        (patient,).
    """
    known = ~np.isnan(value)
    value, contribution = value[known], contribution[known]
    least = max(minimum, 1)
    if len(value) < least:
        return None
    edges = _edges(np.sort(value), least)
    at = np.searchsorted(edges, value, side="left")
    rows = [at == b for b in range(len(edges) + 1)]
    lower, median, upper = np.array(
        [np.quantile(contribution[r], (0.05, 0.5, 0.95)) for r in rows]
    ).T
    return Dependence(
        feature,
        edges,
        np.array([int(r.sum()) for r in rows]),
        np.array([value[r].mean() for r in rows]),
        lower,
        median,
        upper,
    )


def _edges(ordered: np.ndarray, least: int) -> np.ndarray:
    """Limits at quantiles; equal values stay together, and small bins join the one before."""
    n_bins = min(MOST_BINS, len(ordered) // least)
    cuts = np.unique(ordered[(np.arange(1, n_bins) * len(ordered)) // n_bins - 1])
    inner: list[float] = []
    below = 0
    for cut in cuts.tolist():
        upto = int(np.searchsorted(ordered, cut, side="right"))
        if upto - below >= least and len(ordered) - upto >= least:
            inner.append(cut)
            below = upto
    return np.array(inner)
