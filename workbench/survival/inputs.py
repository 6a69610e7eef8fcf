"""The one check of what enters a survival statistic, and the shape of a number that leaves it."""

from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError


class Estimate(NamedTuple):
    """A number with its confidence limits; NaN where a limit is undefined."""

    estimate: float
    lower: float
    upper: float


def check_outcome(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times and events as arrays that a statistic can trust.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), finite and not negative.
    event
        True if the event was observed, (patient,) bool.

    Raises
    ------
    SurvivalError
        No patient, unequal lengths, a time that is missing or negative, an event that is not bool.
    """
    event = np.asarray(event)
    if event.dtype != np.bool_:
        raise SurvivalError(f"event must be boolean, got {event.dtype}: pass `status == 1`")
    time = check_numbers("time", time, event.shape)
    if event.ndim != 1 or not len(event):
        raise SurvivalError(
            f"time and event must be one value a patient, got shape {event.shape}: "
            "pass one-dimensional arrays of at least one patient"
        )
    if (time < 0).any():
        rows = np.flatnonzero(time < 0)
        raise SurvivalError(
            f"time must not be negative, got {len(rows)} such values (first in row {rows[0]}): "
            "count time from the index date"
        )
    return time, event


def check_cause(time: np.ndarray, cause: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times and causes of events: 0 where censored, else the number of the cause.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), finite and not negative.
    cause
        What happened, (patient,) int: 0 censored, 1, 2, ... the competing events.

    Raises
    ------
    SurvivalError
        As of :func:`check_outcome`, and for a cause that is not a whole number from 0.
    """
    cause = np.asarray(cause)
    if cause.dtype.kind not in "iu" or (cause.size and cause.min() < 0):
        raise SurvivalError(
            f"cause must be whole numbers from 0 (0 = censored), got {cause.dtype}"
            f"{' with negative values' if cause.dtype.kind == 'i' else ''}: number the causes"
        )
    time, _ = check_outcome(time, cause > 0)
    return time, cause.astype(np.int64)


def check_entry(entry: np.ndarray | None, time: np.ndarray) -> np.ndarray | None:
    """When each patient came under observation, (patient,) float64; None where all did at 0.

    A patient is at risk in (entry, time], so entry must lie before time.

    Raises
    ------
    SurvivalError
        An entry that is missing, infinite, or not before the patient's time.
    """
    if entry is None:
        return None
    entry = check_numbers("entry", entry, time.shape)
    late = np.flatnonzero(entry >= time)
    if len(late):
        raise SurvivalError(
            f"entry must lie before time, got {len(late)} patients of whom it does not (first in "
            f"row {late[0]}): they were never at risk, leave them out and say so"
        )
    return entry


def check_weights(weights: np.ndarray | None, n_patients: int) -> np.ndarray:
    """Case weights, (patient,) float64, not negative; all 1 where None."""
    if weights is None:
        return np.ones(n_patients)
    weights = check_numbers("weights", weights, (n_patients,))
    if (weights < 0).any() or not (weights > 0).any():
        raise SurvivalError(
            f"weights must not be negative nor all 0, got {int((weights < 0).sum())} negative: "
            "pass how much each patient counts"
        )
    return weights


class Observed(NamedTuple):
    """Checked outcome of the patients who count, all (patient,); None where not passed."""

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray | None
    weights: np.ndarray | None


def check_observed(
    time: np.ndarray,
    event: np.ndarray,
    *,
    entry: np.ndarray | None,
    weights: np.ndarray | None,
) -> Observed:
    """Outcome, entries and case weights, without the patients of weight 0.

    Whoever weighs nothing is not there: neither counted nor followed.

    Raises
    ------
    SurvivalError
        As of :func:`check_outcome`, :func:`check_entry` and :func:`check_weights`.

    Examples
    --------
    >>> observed = check_observed(
    ...     np.array([2.0, 9]), np.array([True, False]), entry=None, weights=np.array([1.0, 0])
    ... )
    >>> observed.time.tolist(), observed.weights.tolist()
    ([2.0], [1.0])
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    if weights is None:
        return Observed(time, event, entry, None)
    weights = check_weights(weights, len(time))
    kept = weights > 0
    entry = None if entry is None else entry[kept]
    return Observed(time[kept], event[kept], entry, weights[kept])


def check_numbers(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``values`` as finite float64 of ``shape``; -1 in ``shape`` accepts any length."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise SurvivalError(f"{name} must be numbers, got {values.dtype}: pass a float array")
    fits = len(values.shape) == len(shape) and all(
        expected in (-1, got) for got, expected in zip(values.shape, shape, strict=True)
    )
    if not fits:
        expected = tuple("any" if length == -1 else length for length in shape)
        raise SurvivalError(
            f"{name} must have shape {expected}, got {values.shape}: pass one value a patient "
            "in the order of event"
        )
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = np.argwhere(wrong)[0][0]
        raise SurvivalError(
            f"{name} must be finite, got {int(wrong.sum())} missing or infinite values "
            f"(first in row {row}): leave those patients out, and say so"
        )
    return values.astype(np.float64)


def check_labels(name: str, labels: np.ndarray | None, n_patients: int) -> np.ndarray:
    """Codes 0, 1, ... of the distinct ``labels``, (patient,) int; all 0 where None."""
    if labels is None:
        return np.zeros(n_patients, dtype=np.int64)
    labels = np.asarray(labels)
    if labels.shape != (n_patients,):
        raise SurvivalError(
            f"{name} must have shape ({n_patients},), got {labels.shape}: pass one label a patient"
        )
    return np.unique(labels, return_inverse=True)[1]


def check_horizons(horizons: np.ndarray | list[float] | float) -> np.ndarray:
    """Ascending positive times, (horizon,) float64."""
    horizons = np.atleast_1d(np.asarray(horizons, dtype=np.float64))
    ascending = horizons.ndim == 1 and (np.diff(horizons) > 0).all()
    if not (len(horizons) and np.isfinite(horizons).all() and horizons.min() > 0 and ascending):
        raise SurvivalError(
            f"horizons must be positive and ascending, got {len(horizons)} values that are not: "
            "sort them and leave out 0 and repeats"
        )
    return horizons


def check_survival(survival: np.ndarray, n_patients: int, n_horizons: int) -> np.ndarray:
    """Predicted survival as (patient, horizon) float64 in [0, 1]."""
    survival = np.asarray(survival)
    if survival.ndim == 1 and n_horizons == 1:
        survival = survival[:, None]
    survival = check_numbers("survival", survival, (n_patients, n_horizons))
    outside = (survival < 0) | (survival > 1)
    if outside.any():
        raise SurvivalError(
            f"survival must lie in [0, 1], got {int(outside.sum())} values outside: pass the "
            "probability of no event by each horizon"
        )
    return survival
