"""Sorting in whole numbers, runs of equal neighbours, and running sums: n log n and no loop."""

from typing import NamedTuple

import numpy as np


class Runs(NamedTuple):
    """Neighbours that are equal: where each one's run starts and ends, both (position,)."""

    first: np.ndarray
    end: np.ndarray


def codes(values: np.ndarray) -> np.ndarray:
    """0, 1, ... in the order of the distinct values, (position,) int."""
    order = np.argsort(values)
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.cumsum(changes(values[order])) - 1
    return found


def stable_argsort(codes: np.ndarray) -> np.ndarray:
    """Order of ``codes``, whole numbers below twice their count, that keeps the order of ties.

    Sorting numbers is several times faster than an argsort, so each is packed with its position:
    that fits 63 bits up to two thousand million.
    """
    n_codes = len(codes)
    return np.sort(codes.astype(np.int64, copy=False) * n_codes + np.arange(n_codes)) % n_codes


def changes(values: np.ndarray) -> np.ndarray:
    """Whether a run of equal values starts here, (position,) bool."""
    return np.append(True, values[1:] != values[:-1])


def runs(starts: np.ndarray) -> Runs:
    """Runs that begin where ``starts``, (position,) bool, says so."""
    position = np.arange(len(starts))
    ends = np.append(starts[1:], True)
    end = np.where(ends, position + 1, len(starts))
    return Runs(
        np.maximum.accumulate(np.where(starts, position, 0)),
        np.minimum.accumulate(end[::-1])[::-1],
    )


def running(values: np.ndarray) -> np.ndarray:
    """Sum of the values before each position and of all, (..., position + 1)."""
    found = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=found[..., 1:])
    return found


def between(sums: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """What ``running`` sums add from ``first`` to before ``end``, (..., position)."""
    return np.take(sums, end, axis=-1) - np.take(sums, first, axis=-1)


def scattered(values: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """``values`` (..., position) of the patients at each position, (..., patient)."""
    found = np.empty(values.shape)
    found[..., patient] = values
    return found


def dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Sum of the products along the last axis."""
    return np.einsum("...p,...p->...", one, other)
