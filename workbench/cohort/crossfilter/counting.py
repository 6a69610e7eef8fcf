"""Counts of patients by one code, or by two: the work behind every bar."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

BLOCK = 2**16
MANY = 2**18
Job = TypeVar("Job")
Result = TypeVar("Result")


def count_codes(codes: np.ndarray, n_codes: int, rows: np.ndarray | None = None) -> np.ndarray:
    """Patients with each code, (code,) int64.

    Parameters
    ----------
    codes
        (patient,) uint8 or uint16.
    n_codes
        Codes there are.
    rows
        Rows of the patients to be counted; None: all.
    """
    counted = codes if rows is None else codes[rows]
    if counted.dtype != np.uint8 or len(counted) < MANY:
        return np.bincount(counted, minlength=n_codes)
    # Two neighbours at a time: numpy counts a number as fast as another.
    even = len(counted) // 2 * 2
    pairs = np.bincount(counted[:even].view(np.uint16), minlength=2**16).reshape(256, 256)
    counts = (pairs.sum(axis=0) + pairs.sum(axis=1))[:n_codes]
    counts[counted[even:]] += 1
    return counts


def joint_counts(
    first: np.ndarray,
    n_first: int,
    second: np.ndarray,
    n_second: int,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Patients with each pair of codes, (first, second) int64.

    In blocks of patients that stay in the processor's cache, unless the table is large itself.

    Parameters
    ----------
    first, second
        (patient,) uint8 or uint16.
    n_first, n_second
        Codes there are of each.
    rows
        Rows of the patients to be counted; None: all.

    Examples
    --------
    >>> joint_counts(np.array([0, 1, 1], np.uint8), 2, np.array([2, 0, 2], np.uint8), 3).tolist()
    [[0, 0, 1], [1, 0, 1]]
    """
    n_cells = n_first * n_second
    n_rows = len(first) if rows is None else len(rows)
    length = max(BLOCK, 4 * n_cells)
    total = np.zeros(n_cells, np.int64)
    cell = np.empty(min(length, n_rows), np.intp)
    for start in range(0, n_rows, length):
        block = slice(start, start + length) if rows is None else rows[start : start + length]
        part = first[block]
        within = cell[: len(part)]
        np.multiply(part, n_second, out=within, dtype=np.intp)
        within += second[block]
        total += np.bincount(within, minlength=n_cells)
    return total.reshape(n_first, n_second)


def in_threads(work: Callable[[Job], Result], jobs: Iterable[Job], n_threads: int) -> list[Result]:
    """``work`` of each job, in their order; numpy counts without Python's lock."""
    if n_threads == 1:
        return [work(job) for job in jobs]
    with ThreadPoolExecutor(n_threads) as threads:
        return list(threads.map(work, jobs))
