"""Whether the patients on whom a fold is judged are like those on whom it was trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.evaluation.intervals import significant


def fold_balance(
    fold: np.ndarray, event: np.ndarray, values: np.ndarray, *, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Patients and events of each fold beside its training patients, and their largest difference.

    Parameters
    ----------
    fold
        Held-out part of each patient, (patient,) int; -1 for who only trains.
    event
        (patient,) bool.
    values
        Clinical features at the index date, (patient, feature); NaN where missing.
    names
        Of the features.

    Returns
    -------
    list
        One a fold: ``fold, n, n_events, n_train, events_train, largest_smd, of``: the largest
        absolute standardised mean difference (in pooled standard deviations) over the features,
        and the feature's name; both None where no feature varies.

    References
    ----------
    Austin, Commun Stat Simul Comput 2009;38:1228-1234.

    Examples
    --------
    >>> fold, event = np.array([0, 0, 1, 1]), np.array([True, False, True, True])
    >>> [row] = fold_balance(fold, event, np.array([[1.0], [3], [2], [4]]), names=["age"])[:1]
    >>> row["n"], row["n_events"], row["events_train"], round(row["largest_smd"], 3), row["of"]
    (2, 1, 2, 0.707, 'age')
    """
    rows = []
    for each in np.unique(fold[fold >= 0]):
        held_out = fold == each
        smd = _differences(values[held_out], values[~held_out])
        known = np.isfinite(smd)
        worst = int(np.where(known, smd, -1.0).argmax()) if known.any() else None
        rows.append(
            {
                "fold": int(each),
                "n": int(held_out.sum()),
                "n_events": int(event[held_out].sum()),
                "n_train": int((~held_out).sum()),
                "events_train": int(event[~held_out].sum()),
                "largest_smd": None if worst is None else significant(float(smd[worst])),
                "of": None if worst is None else names[worst],
            }
        )
    return rows


def _differences(held_out: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Absolute standardised mean difference of each feature, (feature,); NaN where none varies."""
    mean, variance = zip(*(_moments(part) for part in (held_out, training)), strict=True)
    pooled = np.sqrt((variance[0] + variance[1]) / 2)
    gap = np.abs(mean[0] - mean[1])
    return np.divide(gap, pooled, out=np.full_like(gap, np.nan), where=pooled > 0)


def _moments(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the known values of each feature, (feature,) each."""
    known = np.isfinite(part)
    n = known.sum(0)
    filled = np.where(known, part, 0.0)
    mean = np.divide(filled.sum(0), n, out=np.full(part.shape[1], np.nan), where=n > 0)
    squares = (np.where(known, part - mean, 0.0) ** 2).sum(0)
    return mean, np.divide(squares, n - 1, out=np.full(part.shape[1], np.nan), where=n > 1)
