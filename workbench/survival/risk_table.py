"""Who is at risk in each group when an event happens: what tests between groups are made from."""

from typing import NamedTuple

import numpy as np

from workbench.survival.counting import first_of_ties, order_patients, rows_by_code


class RiskTable(NamedTuple):
    """Groups at the distinct event times of all of them (of one stratum)."""

    n_at_risk: np.ndarray  # group time, just before each time
    n_events: np.ndarray  # group time

    def of(self, groups: list[int]) -> "RiskTable":
        """The table of some groups at their own event times."""
        n_events = self.n_events[groups]
        own = n_events.any(0)
        return RiskTable(self.n_at_risk[groups][:, own], n_events[:, own])


def risk_tables(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    n_groups: int,
    *,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
) -> list[RiskTable]:
    """One table a stratum, of checked arrays; ``group`` and ``stratum`` are codes 0, 1, ...

    Examples
    --------
    >>> tables = risk_tables(
    ...     np.array([1.0, 2, 2, 3]), np.array([True, True, True, False]), np.array([0, 0, 1, 1]), 2
    ... )
    >>> tables[0].n_at_risk.tolist(), tables[0].n_events.tolist()
    ([[2, 1], [2, 2]], [[1, 1], [0, 1]])
    """
    code = with_event(group, event, n_groups)
    if stratum is None:
        return [_table(*order_patients(time, code, 2 * n_groups), n_groups, group, entry)]
    tables = []
    for rows in rows_by_code(stratum, int(stratum.max()) + 1):
        ordered = order_patients(time[rows], code[rows], 2 * n_groups)
        late = None if entry is None else entry[rows]
        tables.append(_table(*ordered, n_groups, group[rows], late))
    return tables


def with_event(group: np.ndarray, event: np.ndarray, n_groups: int) -> np.ndarray:
    """Group and event in one code, 2 x group + event, as small as it can be."""
    return group.astype(np.uint8 if n_groups <= 128 else np.int64) * 2 + event


def table_of_ordered(ordered: np.ndarray, code: np.ndarray, n_groups: int) -> RiskTable:
    """The table of patients whose times ascend, coded by :func:`with_event`."""
    return _table(ordered, code, n_groups, np.empty(0), None)


def _table(
    ordered: np.ndarray,
    code: np.ndarray,
    n_groups: int,
    group: np.ndarray,
    entry: np.ndarray | None,
) -> RiskTable:
    first, end, n_together = _event_times(ordered, code)
    n_at_risk, n_events = np.empty((2, n_groups, len(first)), dtype=np.int64)
    alone = (end - first == 1).all()  # nobody else leaves at an event time
    # What the last group has is what is left of all.
    np.subtract(len(ordered), first, out=n_at_risk[-1])
    n_events[-1] = n_together
    for each in range(n_groups - 1):
        member = code >> 1 == each
        before = np.cumsum(member, dtype=np.int64)
        np.take(before, first, out=n_at_risk[each], mode="clip")
        np.subtract(before[-1], n_at_risk[each], out=n_at_risk[each])
        n_at_risk[each] += member[first]
        n_events[each] = member[first] if alone else _between(code == 2 * each + 1, first, end)
        n_at_risk[-1] -= n_at_risk[each]
        n_events[-1] -= n_events[each]
    if entry is not None:
        for each in range(n_groups):
            later = np.sort(entry[(group == each) & (entry > 0)])
            n_at_risk[each] -= len(later) - np.searchsorted(later, ordered[first])
    return RiskTable(n_at_risk, n_events)


def _event_times(
    ordered: np.ndarray, code: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the patients of each distinct event time begin and end, and how many events it has."""
    first = first_of_ties(ordered)
    if len(first) == len(ordered):
        first = np.flatnonzero(code & 1 == 1)
        return first, first + 1, np.ones(len(first), dtype=np.int64)
    end = np.append(first[1:], len(ordered))
    n_together = _between(code & 1, first, end)
    happening = n_together > 0
    return first[happening], end[happening], n_together[happening]


def _between(flag: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    total = np.cumsum(flag, dtype=np.int64)
    return total[end - 1] - total[first] + flag[first]
