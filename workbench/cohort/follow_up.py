"""How long a patient is followed from the index date, and what is waited for."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np

from workbench.cohort.criteria.events import Happened
from workbench.cohort.criteria.landmark import last_within
from workbench.cohort.criteria.nearest import first_after
from workbench.cohort.criteria.population import LAST, Population
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import LONGEST, Unit, check_days
from workbench.cohort.entry import as_day, queries
from workbench.cohort.written import check_entries, shown
from workbench.data.events import DAY, DEATH, STATIC
from workbench.errors import CohortError


@dataclass(frozen=True)
class FollowUp:
    """When follow-up ends: at the earliest of these.

    The end of the observation period that holds the index date and the patient's death always end
    it; where the source has no observation periods, the patient's last event does. Whatever ends
    it before the index date, such as a death recorded too early, ends it on the index date.

    Parameters
    ----------
    days
        So many days after the index date; None is open.
    events
        The first of these after the index date.
    until
        The last day of the study; needs a calendar clock.
    hours
        So many hours after the moment of the index date, at least 1; with ``days`` it cannot be
        given.
    """

    days: int | None = None
    events: tuple[EventQuery, ...] = ()
    until: date | None = None
    hours: int | None = None

    def __post_init__(self) -> None:
        if self.days is not None:
            check_days(self.days, "follow-up: days")
        if self.hours is None:
            return
        if self.days is not None:
            raise CohortError("follow-up: give days or hours, not both")
        whole = isinstance(self.hours, int) and not isinstance(self.hours, bool)
        if not whole or not 1 <= self.hours <= 24 * LONGEST:
            raise CohortError(
                f"follow-up: hours is a whole number from 1 to {24 * LONGEST}; got "
                f"{shown(self.hours)}"
            )

    def end(self, population: Population, unit: Unit = "days") -> np.ndarray:
        """Last moment of follow-up, (record,) int64 µs, no earlier than the index date.

        Parameters
        ----------
        population
            Records with index dates.
        unit
            Whether events end it from the day after the index date on, or from the moment after it.
        """
        records = population.with_events
        end = np.minimum(population.observed_to, _death(population))
        if records.observation is None:
            end = np.minimum(end, _last_event(population))
        for query in self.events:
            origin = last_within(population.index, 0, unit)
            end = np.minimum(end, first_after(population, query.rows(records), origin))
        if self.days is not None:
            end = np.minimum(end, last_within(population.index, self.days, "days"))
        if self.hours is not None:
            end = np.minimum(end, last_within(population.index, self.hours, "hours"))
        if self.until is not None:
            last = (self.until - date(1970, 1, 1)).days
            end = np.minimum(end, (last + 1) * DAY - 1)
        return np.maximum(end, population.index)

    def sentences(self) -> tuple[str, ...]:
        """As a person reads it."""
        ends = ["the end of observation", "death", *(f"first {q.words()}" for q in self.events)]
        if self.days is not None:
            ends.append(f"{self.days} days")
        if self.hours is not None:
            ends.append(f"{self.hours} hours")
        if self.until is not None:
            ends.append(self.until.isoformat())
        return (f"Followed up to the earliest of: {', '.join(ends)}",)

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads."""
        written: dict[str, Any] = {}
        if self.days is not None:
            written["days"] = self.days
        if self.events:
            written["events"] = [query.to_json() for query in self.events]
        if self.until is not None:
            written["until"] = self.until.isoformat()
        if self.hours is not None:
            written["hours"] = self.hours
        return written

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """Read what :meth:`to_json` wrote."""
        check_entries(written, {"days", "events", "until", "hours"}, "follow-up")
        events = written.get("events", [])
        if not isinstance(events, list):
            raise CohortError("follow-up: events is a list")
        until = written.get("until")
        return cls(
            written.get("days"),
            tuple(map(EventQuery.from_json, events)),
            None if until is None else as_day(until, "until"),
            written.get("hours"),
        )


def follow_up(
    *events: Happened,
    days: int | None = None,
    until: str | date | None = None,
    hours: int | None = None,
) -> FollowUp:
    """When follow-up ends; parameters as of :class:`FollowUp`."""
    last = None if until is None else as_day(until, "until")
    return FollowUp(days, queries(events, "follow-up"), last, hours)


def _last_event(population: Population) -> np.ndarray:
    """Each patient's last event of any code, by record."""
    records = population.with_events
    last = records.events.last_times(len(records.patients))
    return last[population.patient]


def _death(population: Population) -> np.ndarray:
    """When each patient died, by record; ``LAST`` where that is not known."""
    records = population.with_events
    rows = records.events.rows([DEATH])
    died = np.full(len(records.patients), LAST)
    timed = rows.time != STATIC
    np.minimum.at(died, rows.patient[timed], rows.time[timed])
    return died[population.patient]
