"""When an event must happen to count, relative to the index date."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from workbench.cohort.criteria.nearest import first_after, last_before
from workbench.cohort.criteria.population import FIRST, INDEX_DATE, LAST, Population
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.written import check_entries, shown
from workbench.data.events import DAY
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.criteria.landmark import Landmark

Unit = Literal["days", "hours"]
Anchor = Literal["index", "exit"]
Edge = Literal["start", "end"]

HOUR = DAY // 24
_ENTRIES = (
    "start", "end", "unit", "anchor", "edge", "observed", "start_included", "end_included",
    "since", "until",
)  # fmt: skip
LONGEST = 200_000
"""Days; what is longer is no window of a life, and would leave the clock."""


@dataclass(frozen=True)
class Window:
    """From ``start`` to ``end``, both included unless said otherwise.

    Parameters
    ----------
    start, end
        Days or hours after the anchor, negative before it; None is open. Days are counted on the
        calendar: whatever happens on the day of the anchor is day 0, at whatever hour. Hours are
        counted from the moment. What has no time lies in no window but one that is open at both
        ends.
    unit
        Of both.
    anchor
        The index date, or the end of follow-up.
    edge
        Which moment of the event must lie in the window: when it began or when it ended.
    observed
        Whether the event must also lie in the observation period that holds the index date.
    start_included, end_included
        Whether exactly that moment counts. A window in days is made of whole days: there only the
        moments of ``since`` and ``until`` can be left out, and the day after or before says the
        rest.
    since
        The window starts no earlier than the last of these events before the anchor, and before
        the end where that comes earlier. Where there was none, ``start`` alone says it.
    until
        The window ends no later than the next of these events after the anchor, and not before the
        start where that comes later. Where none comes, ``end`` alone says it.
    """

    start: int | None = None
    end: int | None = None
    unit: Unit = "days"
    anchor: Anchor = "index"
    edge: Edge = "start"
    observed: bool = False
    start_included: bool = True
    end_included: bool = True
    since: EventQuery | None = None
    until: EventQuery | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("unit", Unit), ("anchor", Anchor), ("edge", Edge)):
            if getattr(self, name) not in get_args(allowed):
                raise CohortError(
                    f"window: {name} is {shown(getattr(self, name))}: expected one of "
                    f"{', '.join(get_args(allowed))}"
                )
        longest = LONGEST if self.unit == "days" else 24 * LONGEST
        for bound in (self.start, self.end):
            if bound is not None and (
                isinstance(bound, bool) or not isinstance(bound, int) or abs(bound) > longest
            ):
                raise CohortError(
                    f"window: expected whole {self.unit} between -{longest} and {longest}, or None "
                    f"for an open end; got {shown(bound)}"
                )
        if self.start is not None and self.end is not None and self.start > self.end:
            raise CohortError(
                f"window: it starts {self.start} and ends {self.end} {self.unit} after the "
                f"{self.anchor}: give the earlier one first"
            )
        self._check_ends()

    def _check_ends(self) -> None:
        for name, bound in (("start", self.start), ("end", self.end)):
            included = getattr(self, f"{name}_included")
            if not isinstance(included, bool):
                raise CohortError(f"window: {name}_included is true or false")
            event = self.since if name == "start" else self.until
            if not included and event is None and (bound is None or self.unit == "days"):
                raise CohortError(
                    f"window: only a {name} in hours can be left out, or one that is an event: in "
                    "days write the day after or before it"
                )
        if self.start is not None and self.start == self.end and not self._both_included:
            raise CohortError("window: no moment lies in it: its start and end are the same")
        same_day = self.unit == "days"
        if self.until is not None and self.end is not None and self.end + same_day <= 0:
            raise CohortError(
                f"window: it ends before the {self.anchor}, after which the next "
                f"{self.until.words()} comes: give a later end"
            )
        if self.since is not None and self.start is not None and self.start - same_day >= 0:
            raise CohortError(
                f"window: it starts after the {self.anchor}, before which the last "
                f"{self.since.words()} came: give an earlier start"
            )

    @property
    def _both_included(self) -> bool:
        return self.start_included and self.end_included

    @property
    def at_any_time(self) -> bool:
        """Whether it asks for no time at all."""
        free = self.start is None and self.end is None and not self.observed
        return free and not self.queries()

    def queries(self) -> tuple[EventQuery, ...]:
        """The events that bound it, and those around them."""
        bounding = (event for event in (self.since, self.until) if event is not None)
        return tuple(query for event in bounding for query in event.queries())

    def columns(self) -> frozenset[str]:
        """Columns that the events which bound it read."""
        return frozenset().union(*(query.columns() for query in self.queries()))

    def bounds(self, population: Population) -> tuple[np.ndarray, np.ndarray]:
        """First and last moment that counts, (record,) int64 µs."""
        anchor = population.index if self.anchor == "index" else population.exit
        never = (anchor == FIRST) | (anchor == LAST)
        anchor = np.where(never, 0, anchor)
        if self.unit == "days":
            day = np.floor_divide(anchor, DAY)
            low = None if self.start is None else (day + self.start) * DAY
            high = None if self.end is None else (day + self.end + 1) * DAY - 1
        else:
            start, end = not self.start_included, not self.end_included
            low = None if self.start is None else anchor + self.start * HOUR + start
            high = None if self.end is None else anchor + self.end * HOUR - end
        # What has no time lies before every moment, so an open start leaves it out.
        opens = FIRST if self.at_any_time else FIRST + 1
        first = np.full(len(anchor), opens) if low is None else low
        last = np.full(len(anchor), LAST) if high is None else high
        if self.anchor == "exit":
            # A patient who is followed up for ever has no end to count from.
            first, last = np.where(never, LAST, first), np.where(never, FIRST, last)
        first, last = self._from_event(population, anchor, first, last)
        if self.observed:
            first = np.maximum(first, population.observed_from)
            last = np.minimum(last, population.observed_to)
        return first, last

    def _from_event(
        self, population: Population, anchor: np.ndarray, first: np.ndarray, last: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """First and last moment, no earlier than the event before and no later than the next."""
        low, high = first, last
        if self.since is not None:
            origin = np.minimum(anchor, np.minimum(last, LAST - 1) + 1)
            rows = self.since.rows(population.with_events)
            before = last_before(population, rows, origin)
            low = np.maximum(first, before + (not self.start_included))
        if self.until is not None:
            rows = self.until.rows(population.with_events)
            after = first_after(population, rows, np.maximum(anchor, first - 1))
            high = np.minimum(last, after - (not self.end_included))
        return low, high

    def looks_ahead(self, landmark: "Landmark | None" = None) -> bool:
        """Whether it reaches beyond the index date, or the landmark if there is one."""
        if self.anchor == "exit" or self.end is None:
            return True
        if any(query.looks_ahead() for query in self.queries()):
            return True
        if landmark is None or self.end <= 0:
            return self.end > 0
        if self.unit == landmark.unit:
            return self.end > landmark.after
        if self.unit == "hours":
            return self.end > 24 * landmark.after
        return 24 * (self.end + 1) > landmark.after

    def words(self, anchor: str = INDEX_DATE) -> str:
        """As a sentence ends."""
        words = self._range(anchor) + self._from_event_words(anchor) + self._left_out()
        if self.edge == "end":
            words = f"ending {words}" if words else "ended"
        if self.observed:
            words += " within the same observation period"
        return words.strip()

    def _range(self, index_date: str) -> str:
        anchor = index_date if self.anchor == "index" else "the end of follow-up"
        start, end, unit = self.start, self.end, self.unit
        if start is None and end is None:
            return "" if self.queries() else "at any time"
        if start is None or end is None:
            moment = _moment(end if start is None else start, unit, anchor)
            return f"up to {moment}" if start is None else f"from {moment} on"
        if start == end:
            return f"on {anchor}" if start == 0 else f"exactly {_moment(start, unit, anchor)}"
        if end == 0:
            return f"in the {-start} {unit} before {anchor} or on it"
        if start == 0:
            return f"on {anchor} or in the {end} {unit} after it"
        if end < 0:
            return f"{-start} to {-end} {unit} before {anchor}"
        if start > 0:
            return f"{start} to {end} {unit} after {anchor}"
        return f"from {-start} {unit} before to {end} {unit} after {anchor}"

    def _from_event_words(self, index_date: str) -> str:
        anchor = index_date if self.anchor == "index" else "the end of follow-up"
        said = []
        if self.since is not None:
            which = f"before {anchor}" if self.start is None else "if that is later"
            said.append(f"since the last {self.since.words()} {which}")
        if self.until is not None:
            which = f"after {anchor}" if self.end is None else "if that comes first"
            said.append(f"until the next {self.until.words()} {which}")
        open_ended = self.start is None and self.end is None
        return "".join(f"{'' if open_ended else ','} {one}" for one in said)

    def _left_out(self) -> str:
        if self._both_included:
            return ""
        ends = [e for e in ("start", "end") if not getattr(self, f"{e}_included")]
        return f" (without its {' and its '.join(ends)})"

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads; what is not said otherwise is left out."""
        written: dict[str, Any] = {}
        for name in _ENTRIES:
            value = getattr(self, name)
            if value != getattr(Window, name):
                written[name] = value.to_json() if isinstance(value, EventQuery) else value
        return written

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        CohortError
            If it is no window.
        """
        check_entries(written, {*_ENTRIES}, "a window")
        if not isinstance(written.get("observed", False), bool):
            raise CohortError("window: observed is true or false")
        events = {
            name: EventQuery.from_json(written[name])
            for name in ("since", "until")
            if name in written
        }
        return cls(**{**written, **events})


def check_days(days: Any, what: str) -> None:
    """Refuse what is no whole number of days from 0 to ``LONGEST``."""
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= LONGEST:
        raise CohortError(
            f"{what} is a whole number of days from 0 to {LONGEST}; got {shown(days)}"
        )


def _moment(offset: int | None, unit: Unit, anchor: str) -> str:
    if not offset:
        return anchor
    singular = unit.removesuffix("s") if abs(offset) == 1 else unit
    return f"{abs(offset)} {singular} {'after' if offset > 0 else 'before'} {anchor}"
