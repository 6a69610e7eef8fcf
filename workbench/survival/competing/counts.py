"""Who leaves when, and why: the counts behind every estimate with competing causes."""

from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError

ROUNDING = 1e-12
"""A smaller share of the whole is nothing but the last digits of a sum."""


class CauseCounts(NamedTuple):
    """What happened at each distinct observed time; integers unless patients have weights.

    Parameters
    ----------
    time
        Distinct observed times, ascending, (time,).
    n_at_risk
        At risk just before each time, (time,).
    n_events
        Events of each cause, (time, cause).
    n_censored
        Censorings, (time,).
    """

    time: np.ndarray
    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_censored: np.ndarray


class Leavers(NamedTuple):
    """Patients in the order in which they leave, all (patient,) but ``first`` (time,).

    Parameters
    ----------
    time, cause, weight
        As observed.
    entry
        When each came under observation; None where all did at 0.
    first
        Row of the first patient who leaves at each distinct time.
    """

    time: np.ndarray
    cause: np.ndarray
    weight: np.ndarray
    entry: np.ndarray | None
    first: np.ndarray

    @property
    def position(self) -> np.ndarray:
        """Which distinct time each patient leaves at, (patient,) int."""
        n_leaving = np.diff(np.append(self.first, len(self.time)))
        return np.repeat(np.arange(len(self.first)), n_leaving)


def in_order(
    time: np.ndarray, cause: np.ndarray, weight: np.ndarray, entry: np.ndarray | None
) -> Leavers:
    """Patients sorted by time."""
    order = np.argsort(time)
    time = time[order]
    first = np.flatnonzero(np.append(True, time[1:] > time[:-1]))
    entry = None if entry is None else entry[order]
    return Leavers(time, cause[order], weight[order], entry, first)


def count_causes(leavers: Leavers, n_causes: int) -> CauseCounts:
    """Events of each cause, censorings and patients at risk at each distinct time."""
    first, weight = leavers.first, leavers.weight
    times = leavers.time[first]
    happened = sums_by_cause(leavers, weight, n_causes)
    n_at_risk = _sums_from(weight)[first]
    if leavers.entry is not None:
        order = np.argsort(leavers.entry)
        not_yet = np.searchsorted(leavers.entry[order], times, side="left")
        n_at_risk = n_at_risk - _sums_from(weight[order])[not_yet]
    return CauseCounts(times, n_at_risk, happened[1:].T, happened[0])


def _sums_from(weight: np.ndarray) -> np.ndarray:
    """Sum of each row and all after it, then 0: from the end, so that the last stay exact."""
    return np.append(np.cumsum(weight[::-1])[::-1], 0)


def sums_by_cause(leavers: Leavers, values: np.ndarray, n_causes: int) -> np.ndarray:
    """Sums of ``values`` over who leaves at each time, censored or by cause, (1 + cause, time)."""
    if len(leavers.first) == len(values):  # no ties: nothing to add up
        return np.stack(
            [np.where(leavers.cause == cause, values, 0) for cause in range(n_causes + 1)]
        )
    return np.stack(
        [
            np.add.reduceat(np.where(leavers.cause == cause, values, 0), leavers.first)
            for cause in range(n_causes + 1)
        ]
    )


def cause_seen(cause: np.ndarray, of: int) -> np.ndarray:
    """True where the cause is ``of``, (patient,).

    Raises
    ------
    SurvivalError
        ``of`` is not a cause, or nobody had it.
    """
    if isinstance(of, bool) or not isinstance(of, int | np.integer) or of < 1:
        raise SurvivalError(f"of must be the number of a cause, 1 or more, got {of!r}")
    happened = cause == of
    if not happened.any():
        raise SurvivalError(
            f"of these {len(cause)} patients {int((cause > 0).sum())} had an event and none of "
            f"cause {of}: nothing can be said of it, choose another cause"
        )
    return happened
