"""Who is at risk in each group when an event happens: what tests between groups are made from."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from workbench.survival.counting import blocks, first_of_ties, order_patients, rows_by_code


class RiskTable(NamedTuple):
    """Groups at ascending event times of one stratum."""

    n_at_risk: np.ndarray  # group time, just before each time
    n_events: np.ndarray  # group time

    def of(self, groups: list[int]) -> "RiskTable":
        """The table of some groups at their own event times."""
        n_events = self.n_events[groups]
        own = n_events.any(0)
        return RiskTable(self.n_at_risk[groups][:, own], n_events[:, own])


# A stratum's table comes in pieces of ascending time, a block each.
Stratum = Iterable[RiskTable]


def risk_tables(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    n_groups: int,
    *,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
) -> Iterator[Stratum]:
    """The pieces of each stratum's table, of checked arrays; labels are codes 0, 1, ...

    Examples
    --------
    >>> strata = risk_tables(
    ...     np.array([1.0, 2, 2, 3]), np.array([True, True, True, False]), np.array([0, 0, 1, 1]), 2
    ... )
    >>> [(piece.n_at_risk.tolist(), piece.n_events.tolist()) for piece in next(strata)]
    [([[2, 1], [2, 2]], [[1, 1], [0, 1]])]
    """
    code = with_event(group, event, n_groups)
    every = slice(None)
    for rows in [every] if stratum is None else rows_by_code(stratum, int(stratum.max()) + 1):
        ordered = order_patients(time[rows], code[rows], 2 * n_groups)
        later = None
        if entry is not None:
            late = entry[rows] > 0  # the others are at risk from the origin on
            own = rows_by_code(group[rows][late], n_groups)
            later = [np.sort(entry[rows][late][each]) for each in own]
        yield tables_of_ordered(*ordered, n_groups, later)


def with_event(group: np.ndarray, event: np.ndarray, n_groups: int) -> np.ndarray:
    """Group and event in one code, 2 x group + event, as small as it can be."""
    return group.astype(np.uint8 if n_groups <= 128 else np.int64) * 2 + event


def tables_of_ordered(
    ordered: np.ndarray,
    code: np.ndarray,
    n_groups: int,
    later: list[np.ndarray] | None = None,
) -> Iterator[RiskTable]:
    """Pieces of the table of patients whose times ascend, coded by :func:`with_event`.

    ``later`` has the ascending entry times of each group's patients who entered after the origin.
    """
    remaining = np.array([np.count_nonzero(code >> 1 == each) for each in range(n_groups)])
    for start, end in blocks(first_of_ties(ordered), len(ordered)):
        rows, table, leaving = _piece(ordered[start:end], code[start:end], n_groups)
        table.n_at_risk[:] += remaining[:, None]
        remaining = remaining - leaving
        if later is not None:
            asked = ordered[start:end][rows]
            for at_risk, entries in zip(table.n_at_risk, later, strict=True):
                at_risk -= len(entries) - np.searchsorted(entries, asked)
        yield table


def _piece(
    ordered: np.ndarray, code: np.ndarray, n_groups: int
) -> tuple[np.ndarray, RiskTable, np.ndarray]:
    """First rows of the event times; the table, less who was at risk at first; who leaves."""
    first = first_of_ties(ordered)
    tied = len(first) < len(ordered)
    if tied:
        end = np.append(first[1:], len(ordered))
        together = _between(code & 1, first, end)
        first, end, together = (each[together > 0] for each in (first, end, together))
    else:
        first = np.flatnonzero(code & 1 == 1)
        end, together = first, np.ones(len(first), dtype=np.int64)
    n_at_risk, n_events = np.empty((2, n_groups, len(first)), dtype=np.int64)
    leaving = np.empty(n_groups, dtype=np.int64)
    # What the last group has is what the others leave of all.
    n_at_risk[-1], n_events[-1], leaving[-1] = -first, together, len(ordered)
    for each in range(n_groups - 1):
        member = code >> 1 == each
        gone = np.cumsum(member)
        leaving[each] = gone[-1]
        own = member[first]
        n_at_risk[each] = own - gone[first]
        n_events[each] = _between(code == 2 * each + 1, first, end) if tied else own
        for values in (n_at_risk, n_events, leaving):
            values[-1] -= values[each]
    return first, RiskTable(n_at_risk, n_events), leaving


def _between(flag: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    total = np.cumsum(flag, dtype=np.int64)
    return total[end - 1] - total[first] + flag[first]
