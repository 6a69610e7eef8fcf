"""Criteria on events: how many of them lie in a window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
import pandas as pd

from workbench.cohort.criteria.criterion import Criterion, Truth
from workbench.cohort.criteria.population import INDEX_DATE, Population, day_of
from workbench.cohort.criteria.query import EventQuery, Range
from workbench.cohort.criteria.window import Unit, Window
from workbench.cohort.values import as_number
from workbench.cohort.written import shown
from workbench.data.concepts import ConceptSet
from workbench.data.events import DEATH, EventRows
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.criteria.landmark import Landmark

Counted = Literal["events", "days", "codes", "moments"]


@dataclass(frozen=True)
class Happened(Criterion):
    """At least, and at most, so many events lie in the windows.

    Parameters
    ----------
    query
        What counts as an event.
    windows
        When; an event must lie in all of them (one for its begin, one for its end).
    least, most
        How many; ``most`` None is any number.
    counted
        Events, days or moments at which there was one, or different codes.
    """

    query: EventQuery
    windows: tuple[Window, ...] = (Window(),)
    least: int = 1
    most: int | None = None
    counted: Counted = "events"

    def __post_init__(self) -> None:
        for bound in (self.least, self.most):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
                raise CohortError(f"events are counted in whole numbers, got {bound!r:.20}")
        if self.least < 0 or (self.most is not None and self.most < self.least):
            raise CohortError(
                f"{self.query.words()}: at least {self.least} and at most {self.most} cannot be "
                "meant"
            )
        if self.least == 0 and self.most is None:
            raise CohortError(f"{self.query.words()}: any number of events excludes nobody")
        if not self.windows:
            raise CohortError("events need a window; Window() is at any time")
        if self.counted not in get_args(Counted):
            raise CohortError(f"count events, days, moments or codes; got {shown(self.counted)}")

    def truth(self, population: Population) -> Truth:
        n_events = self.counts(population)
        holds = n_events >= self.least
        if self.most is not None:
            holds &= n_events <= self.most
        return holds, ~holds

    def counts(self, population: Population) -> np.ndarray:
        """How many events each record has in the windows, (record,) int."""
        among = None if self.query.where is None else population.has_record
        bounds = [window.bounds(population) for window in self.windows]
        records, times = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for rows in self.query.parts(population.with_events, among):
            record, event = self._pairs_within(population, rows, bounds)
            if self.counted == "codes":
                record = _once_each(record, rows.code.codes[event].astype(np.int64))
            if self.counted in ("days", "moments"):
                times.append(rows.time[event])
            records.append(record)
        record = np.concatenate(records)
        if self.counted == "days":
            record = _once_each(record, day_of(np.concatenate(times)))
        if self.counted == "moments":
            record = _once_each(record, pd.factorize(np.concatenate(times))[0])
        return np.bincount(record, minlength=len(population))

    def pairs(self, population: Population, rows: EventRows) -> tuple[np.ndarray, np.ndarray]:
        """Records beside those of their patient's events that lie in the windows.

        Parameters
        ----------
        population
            Records with index dates.
        rows
            Events of the query.

        Returns
        -------
        record, event
            Positions of both, (pair,) int.
        """
        return self._pairs_within(
            population, rows, [window.bounds(population) for window in self.windows]
        )

    def _pairs_within(
        self,
        population: Population,
        rows: EventRows,
        bounds: Sequence[tuple[np.ndarray, np.ndarray]],
    ) -> tuple[np.ndarray, np.ndarray]:
        record, event = population.pair(rows)
        inside = np.ones(len(record), bool)
        for window, (low, high) in zip(self.windows, bounds, strict=True):
            moment = (rows.time if window.edge == "start" else rows.end)[event]
            inside &= (low[record] <= moment) & (moment <= high[record])
        return record[inside], event[inside]

    def words(self, anchor: str = INDEX_DATE) -> str:
        count = _count_words(self.least, self.most, self.counted)
        when = " and ".join(window.words(anchor) for window in self.windows)
        return f"{count} {self.query.words()} {when}".strip()

    def columns(self) -> frozenset[str]:
        return self.query.columns().union(*(window.columns() for window in self.windows))

    def queries(self) -> tuple[EventQuery, ...]:
        bounding = (query for window in self.windows for query in window.queries())
        return (*self.query.queries(), *bounding)

    def looks_ahead(self, landmark: "Landmark | None" = None) -> bool:
        return self.query.looks_ahead() or any(
            window.looks_ahead(landmark) for window in self.windows
        )

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"event": self.query.to_json()}
        windows = [window.to_json() for window in self.windows]
        if len(windows) > 1:
            body["windows"] = windows
        elif windows[0]:
            body["window"] = windows[0]
        if self.least != 1:
            body["least"] = self.least
        if self.most is not None:
            body["most"] = self.most
        if self.counted != "events":
            body["counted"] = self.counted
        return body

    def within(self, start: int | None, end: int | None, unit: Unit = "days", **more: Any) -> Self:
        """The same events from ``start`` to ``end`` after the index date (negative: before it)."""
        return replace(self, windows=(Window(start, end, unit, **more),))

    def since_last(self, event: "Happened") -> Self:
        """Only from the last such event before the index date on; with none, as the window says."""
        since = alone(event, "since_last")
        return replace(self, windows=tuple(replace(w, since=since) for w in self.windows))

    def until_next(self, event: "Happened") -> Self:
        """Only up to the next such event after the index date; with none, as the window says.

        Examples
        --------
        >>> stay = event("discharge//*", title="discharge")
        >>> event("sepsis").within(1, 30).until_next(stay).sentence()
        'sepsis 1 to 30 days after the index date, until the next discharge if that comes first'
        """
        until = alone(event, "until_next")
        return replace(self, windows=tuple(replace(w, until=until) for w in self.windows))

    def before(self) -> Self:
        """The same events on any day before the index date."""
        return self.within(None, -1)

    def times(self, least: int, most: int | None = None, counted: Counted = "events") -> Self:
        """So many of them."""
        return replace(self, least=least, most=most, counted=counted)

    def never(self) -> Self:
        """None of them."""
        return replace(self, least=0, most=0)

    def valued(
        self,
        *,
        at_least: float | None = None,
        above: float | None = None,
        at_most: float | None = None,
        below: float | None = None,
    ) -> Self:
        """Only events whose numeric value lies in a range."""
        for one, other in ((at_least, above), (at_most, below)):
            if one is not None and other is not None:
                raise CohortError(
                    "give each end of a range once: at_least or above, at_most or below"
                )
        low = above if at_least is None else at_least
        high = below if at_most is None else at_most
        value = Range(
            None if low is None else as_number("value", low),
            None if high is None else as_number("value", high),
            above is None,
            below is None,
        )
        return replace(self, query=replace(self.query, value=value))

    def worded(self, *texts: str) -> Self:
        """Only events whose text value is one of these."""
        return replace(self, query=replace(self.query, texts=texts))

    def in_unit(self, *units: str | int) -> Self:
        """Only events in one of these units: as the text has it, or the concept of a unit."""
        named = tuple(f"unit//{unit}" if isinstance(unit, int) else unit for unit in units)
        return replace(self, query=replace(self.query, units=named))

    def answered(self, *answers: str | int) -> Self:
        """Only events with one of these coded answers: as the text has it, or a concept."""
        named = tuple(f"value//{one}" if isinstance(one, int) else one for one in answers)
        return replace(self, query=replace(self.query, answers=named))

    def first_ever(self) -> Self:
        """Only the first of them in the patient's life."""
        return replace(self, query=replace(self.query, first_ever=True))

    def where(self, criterion: Criterion) -> Self:
        """Only events of which a criterion holds, with the event as index date."""
        if not isinstance(criterion, Criterion):
            raise CohortError(f"where takes a criterion, got {type(criterion).__name__}")
        return replace(self, query=replace(self.query, where=criterion))

    def called(self, title: str) -> Self:
        """With a name for the events, for the sentences."""
        return replace(self, query=replace(self.query, title=title))


def event(*codes: str | ConceptSet, domain: str = "", title: str = "") -> Happened:
    """Patients with an event.

    Parameters
    ----------
    codes
        Exact codes, codes that end in ``*``, or one concept set.
    domain
        With a concept set: what stands before the concept id in a code.
    title
        What a sentence calls the events.

    Examples
    --------
    >>> event("measurement//3004410").valued(above=6.5).within(-365, 0).sentence()
    'measurement//3004410 > 6.5 in the 365 days before the index date or on it'
    >>> event("drug//*", title="any drug").never().within(-30, -1).sentence()
    'no any drug 30 to 1 days before the index date'
    >>> event("MEDS_DEATH").within(1, 30).sentence()
    'death 1 to 30 days after the index date'
    """
    sets = [code for code in codes if isinstance(code, ConceptSet)]
    texts = [code for code in codes if isinstance(code, str)]
    if len(sets) + len(texts) != len(codes) or len(sets) > 1:
        raise CohortError("event takes codes as text, and at most one concept set")
    prefixes = tuple(code.removesuffix("*") for code in texts if code.endswith("*"))
    query = EventQuery(
        codes=tuple(code for code in texts if not code.endswith("*")),
        prefixes=prefixes,
        concepts=sets[0] if sets else None,
        domain=domain,
        title=title,
    )
    return Happened(query)


def death() -> Happened:
    """Patients who died."""
    return event(DEATH, title="death")


def alone(one: Any, what: str) -> EventQuery:
    """What counts as this event.

    Raises
    ------
    CohortError
        If it is no event, or says how often or when it must happen, which has no meaning here.
    """
    if not isinstance(one, Happened):
        raise CohortError(f"{what} takes event(...), got {type(one).__name__}")
    if one != Happened(one.query, name=one.name, rationale=one.rationale):
        raise CohortError(
            f"{what} takes the event alone: {one.query.words()} must not say how often or in "
            "which window; write that as a criterion"
        )
    return one.query


def _once_each(record: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Records, as often as they have different values."""
    if not len(value):
        return record
    least = value.min()
    width = int(value.max() - least) + 1
    key = record.astype(np.int64) * width + (value - least)
    if (key[1:] < key[:-1]).any():
        key.sort()
    new = np.ones(len(key), bool)
    new[1:] = key[1:] != key[:-1]
    return key[new] // width


def _count_words(least: int, most: int | None, counted: Counted) -> str:
    unit = {
        "events": "",
        "days": "days with",
        "moments": "moments with",
        "codes": "different codes of",
    }[counted]
    if most == 0:
        return "no"
    if most is None:
        number = "" if least == 1 else f"at least {least}"
    elif least == most:
        number = f"exactly {least}"
    elif least == 0:
        number = f"at most {most}"
    else:
        number = f"{least} to {most}"
    return f"{number} {unit}".strip()
