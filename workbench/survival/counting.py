"""What happened when: the one count that curves and tests of survival are made from."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from workbench.survival.inputs import check_labels

# Distinct times that arithmetic takes at once, so that it stays in the cache: a million values are
# dearer to move than to compute with.
BLOCK = 2**14


class EventCounts(NamedTuple):
    """What happened at each distinct time, all (time,): int, or float where cases are weighted."""

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray


def count_events(
    time: np.ndarray,
    event: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> EventCounts:
    """Events, censorings and patients at risk at each distinct time, of checked arrays.

    A patient is at risk in (entry, time]; without ``entry`` from the origin on, and so is one who
    entered at or before 0. Later entries are times of their own, with neither event nor censoring,
    so that the number at risk is known between them.

    Examples
    --------
    Three patients until 2, 3 and 5 (censored), of whom the last is seen from 2.5 on:

    >>> counts = count_events(
    ...     np.array([2.0, 3, 5]), np.array([True, True, False]), entry=np.array([0, 0, 2.5])
    ... )
    >>> counts.time.tolist(), counts.n_at_risk.tolist(), counts.n_events.tolist()
    ([2.0, 2.5, 3.0, 5.0], [2, 1, 2, 1], [1, 0, 1, 0])
    """
    if entry is None and weights is None:
        return count_ordered(*order_patients(time, event, 2))
    return _count_general(time, event, entry, weights)


def order_patients(
    time: np.ndarray, code: np.ndarray, n_codes: int
) -> tuple[np.ndarray, np.ndarray]:
    """``time`` ascending and the ``code`` (0, 1, ... ``n_codes`` - 1) that belongs to each.

    The order within tied times is arbitrary: what follows counts whole ties.

    Examples
    --------
    >>> ordered, code = order_patients(np.array([3.0, 0, 2]), np.array([2, 1, 0]), 3)
    >>> ordered.tolist(), code.tolist()
    ([0.0, 2.0, 3.0], [1, 0, 2])
    """
    # Bits of numbers that are not negative sort as the numbers do, and those of one data set leave
    # some of the 64 unused. With the code in them a plain sort of values does, which is several
    # times faster than one that returns the order.
    key = (time + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    least, high = key.min(), key.max()
    if least == 0 < high:
        least = key.min(where=key > 0, initial=high)
    low = np.uint64(max(int(least) - 1, 0))
    width = int(n_codes - 1).bit_length()
    if int(high - low).bit_length() + width > 64:
        order = np.argsort(time)
        return time[order] + 0.0, code[order]
    np.maximum(key, low, out=key)
    key -= low
    key <<= np.uint64(width)
    key |= code.astype(np.uint8 if width <= 8 else np.uint64)
    key.sort()
    ordered_code = key.astype(np.uint8 if width <= 8 else np.int64)
    ordered_code &= 2**width - 1
    key >>= np.uint64(width)
    zeros = np.searchsorted(key, 1)
    key += low
    key[:zeros] = 0
    return key.view(np.float64), ordered_code


def first_of_ties(ordered: np.ndarray) -> np.ndarray:
    """Where each distinct value of ``ordered`` begins, (value,)."""
    begins = np.empty(len(ordered), dtype=bool)
    begins[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return np.arange(len(ordered)) if begins.all() else np.flatnonzero(begins)


def blocks(first: np.ndarray | range, end: int) -> Iterator[tuple[int, int]]:
    """Bounds of blocks of distinct times that begin at rows ``first``, the last until ``end``.

    >>> list(blocks(np.array([0, 2, 3]), 5))
    [(0, 5)]
    """
    return pairwise([*map(int, first[::BLOCK]), end])


def count_ordered(ordered: np.ndarray, is_event: np.ndarray) -> EventCounts:
    """Counts of patients whose times ascend; ``is_event`` is 1 or True at an event."""
    n_patients = len(ordered)
    first = first_of_ties(ordered)
    counts = np.empty((3, len(first)), dtype=np.int64)
    n_at_risk, n_events, n_censored = counts
    np.subtract(n_patients, first, out=n_at_risk)
    if len(first) == n_patients:
        n_events[:] = is_event
        np.subtract(1, n_events, out=n_censored)
        return EventCounts(ordered, *counts)
    last = np.append(first[1:], n_patients) - 1
    n_events[:] = np.diff(np.cumsum(is_event, dtype=np.int64)[last], prepend=0)
    np.subtract(last + 1 - first, n_events, out=n_censored)
    return EventCounts(ordered[first], *counts)


def _count_general(
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None,
    weights: np.ndarray | None,
) -> EventCounts:
    late = np.zeros(len(time), dtype=bool) if entry is None else entry > 0
    entered = np.empty(0) if entry is None else entry[late]
    points, position = np.unique(np.concatenate([time, entered]), return_inverse=True)
    leaving, entering = position[: len(time)], position[len(time) :]

    def total(where: np.ndarray, each: np.ndarray) -> np.ndarray:
        return np.bincount(where, each, minlength=len(points))

    def table(each: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n_events = total(leaving, each * event)
        n_censored = total(leaving, each * ~event)
        change = n_events + n_censored - total(entering, each[late])
        return np.cumsum(change[::-1])[::-1], n_events, n_censored

    if weights is None:
        return EventCounts(points, *(each.astype(np.int64) for each in table(np.ones(len(time)))))
    at_risk, n_events, n_censored = table(weights)
    heads, head_events, _ = table((weights > 0).astype(float))
    # Sums that should cancel rarely do: whether anyone stays at risk is decided by counting heads.
    return EventCounts(
        points, np.where(heads == head_events, n_events, at_risk), n_events, n_censored
    )


def distinct_labels(
    name: str, labels: np.ndarray, n_patients: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct ``labels`` ascending, (label,), and the position of each patient's, (patient,) int.

    Raises
    ------
    SurvivalError
        Not one label a patient.
    """
    labels = np.asarray(labels)
    if labels.shape == (n_patients,) and n_patients:
        fast = _whole_numbers(labels) if labels.dtype.kind in "iub" else _words(labels)
        if fast is not None:
            return fast
    code = check_labels(name, labels, n_patients)
    first = np.empty(code.max() + 1, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return labels[first], code


def _whole_numbers(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Of a narrow range a table of what occurs is faster than a sort."""
    low, high = int(labels.min()), int(labels.max())
    if high - low >= 256:
        return None
    code = (labels.astype(np.int64) - low if low else labels).astype(np.uint8)
    found = np.arange(2) if high - low == 1 else np.flatnonzero(np.bincount(code))
    values = (found + low).astype(labels.dtype)
    return values, code if len(found) > high - low else np.searchsorted(found, code)


def _words(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Of words, few of which differ, a dictionary is faster than a sort."""
    if labels.dtype.kind not in "UO":
        return None
    words = labels.tolist()
    if set(map(type, words)) != {str}:
        return None
    found = sorted(set(words))
    position = {word: each for each, word in enumerate(found)}
    code = np.fromiter(map(position.__getitem__, words), np.int64, len(words))
    return np.array(found, dtype=labels.dtype), code


def rows_by_code(code: np.ndarray, n_codes: int) -> list[np.ndarray]:
    """Rows of each code 0, 1, ... ``n_codes`` - 1, ascending.

    >>> [rows.tolist() for rows in rows_by_code(np.array([1, 0, 1]), 3)]
    [[1], [0, 2], []]
    """
    if n_codes <= 8:  # looking for each is faster than a sort
        return [np.flatnonzero(code == each) for each in range(n_codes)]
    small = np.uint16 if n_codes <= 2**16 else np.int64  # of small integers the sort is linear
    order = np.argsort(code.astype(small), kind="stable")
    return np.split(order, np.cumsum(np.bincount(code, minlength=n_codes))[:-1])
