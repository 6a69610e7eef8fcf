"""Who is at risk at each event time, as sums that cost one pass over sorted rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FEW = 4  # a sum a piece is faster than a running sum where pieces have more rows than this


@dataclass(frozen=True)
class Spans:
    """Stretches ``begin`` to ``end - 1`` of consecutive rows, one an event time, (event time,)."""

    begin: np.ndarray
    end: np.ndarray

    @cached_property
    def edges(self) -> np.ndarray:
        """Rows at which a stretch begins or ends, ascending from 0."""
        return np.unique(np.concatenate([[0], self.begin, self.end]))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over each stretch: (..., row) to (..., event time)."""
        if len(self.edges) == 1:
            return np.zeros((*values.shape[:-1], len(self.end)))
        if FEW * len(self.edges) < values.shape[-1]:
            pieces = np.add.reduceat(values[..., : self.edges[-1]], self.edges[:-1], axis=-1)
            running = np.cumsum(pieces, axis=-1)
            start, stop = (np.searchsorted(self.edges, row) for row in (self.begin, self.end))
        else:
            running = np.cumsum(values, axis=-1)
            start, stop = self.begin, self.end
        total = np.take(running, stop - 1, axis=-1)
        later = start > 0
        if later.any():
            total[..., later] -= running[..., start[later] - 1]
        total[..., self.end == self.begin] = 0.0
        return total


@dataclass(frozen=True)
class RiskSets:
    """Rows sorted by stratum and falling time; the distinct event times in the same order.

    A row is at risk in (entry, time] within its stratum. With times falling, a row is at risk at
    the consecutive event times ``first`` to ``last - 1``, so a sum over the patients at risk is a
    difference of cumulative sums over rows, and a sum over the times that a patient lived through
    is a difference of cumulative sums over times.

    Parameters
    ----------
    order
        Position in the caller's arrays of each sorted row, (row,).
    event
        Whether the sorted row ends with an event that counts, (row,) bool.
    first, last
        Event times at which the sorted row is at risk, (row,) int.
    time, stratum
        Distinct event times within strata, (event time,), and the stratum's code.
    present
        Sorted rows of the stratum with a time not before each event time.
    late_order, late
        Sorted rows by stratum and falling entry, and those of them with an entry not before each
        event time; None where all were under observation from the start.
    """

    order: np.ndarray
    event: np.ndarray
    first: np.ndarray
    last: np.ndarray
    time: np.ndarray
    stratum: np.ndarray
    present: Spans
    late_order: np.ndarray | None
    late: Spans | None

    @cached_property
    def event_rows(self) -> np.ndarray:
        """Sorted rows that end with an event, in the order of the event times."""
        return np.flatnonzero(self.event)

    @cached_property
    def event_group(self) -> np.ndarray:
        """The event time of each of ``event_rows``; ``first`` of such a row is its own time."""
        return self.first[self.event_rows]

    @cached_property
    def n_tied(self) -> np.ndarray:
        """Events at each event time, (event time,) int, at least 1."""
        return np.bincount(self.event_group, minlength=len(self.time))

    def at_risk_sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the rows at risk at each event time: (..., row) to (..., event time)."""
        total = self.present.sums(values)
        if self.late_order is None or self.late is None:
            return total
        return total - self.late.sums(values[..., self.late_order])

    def event_sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the events at each event time: (..., event row) to (..., event time)."""
        starts = np.append(0, np.cumsum(self.n_tied)[:-1])
        return np.add.reduceat(values, starts, axis=-1)

    def lived_sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the times at which each row is at risk: (..., event time) to (..., row)."""
        # From the last time backwards: early times have the smallest sums, and lose no digits.
        remaining = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
        np.cumsum(values[..., ::-1], axis=-1, out=remaining[..., 1:])
        return (
            remaining[..., len(self.time) - self.first] - remaining[..., len(self.time) - self.last]
        )


def risk_sets(
    time: np.ndarray, event: np.ndarray, entry: np.ndarray | None, stratum: np.ndarray
) -> RiskSets:
    """Sort once.

    Parameters
    ----------
    time, event, entry
        Checked outcome and entry, (row,).
    stratum
        Codes 0, 1, ..., (row,) int.
    """
    n_rows = len(time)
    moments = time if entry is None else np.concatenate([time, entry])
    distinct, rank = np.unique(moments, return_inverse=True)
    # Falling time within stratum as one integer, so that one search finds any moment.
    key = (len(distinct) - 1 - rank) + np.tile(stratum * len(distinct), len(moments) // n_rows)
    leaving = key[:n_rows]
    order = np.argsort(leaving, kind="stable")
    leaving = leaving[order]
    at_event = np.unique(leaving[event[order]])
    of_stratum = at_event // len(distinct)
    opening = of_stratum * len(distinct)
    begin = np.searchsorted(leaving, opening)
    if entry is None:
        late_order = late = None
        last = np.searchsorted(at_event, (stratum[order] + 1) * len(distinct))
    else:
        entering = key[n_rows:][order]
        late_order = np.argsort(entering, kind="stable")
        late = Spans(begin, np.searchsorted(entering[late_order], at_event, side="right"))
        last = np.searchsorted(at_event, entering)
    return RiskSets(
        order=order,
        event=event[order],
        first=np.searchsorted(at_event, leaving),
        last=last,
        time=distinct[len(distinct) - 1 - (at_event - opening)],
        stratum=of_stratum,
        present=Spans(begin, np.searchsorted(leaving, at_event, side="right")),
        late_order=late_order,
        late=late,
    )
