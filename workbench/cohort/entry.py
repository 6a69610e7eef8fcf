"""When a patient enters: the events that set the index date, and how long they must be known."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd

from workbench.cohort.criteria.events import Happened, alone
from workbench.cohort.criteria.population import day_of
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import check_days
from workbench.cohort.written import check_entries, shown
from workbench.data.events import STATIC, EventRows
from workbench.data.records import Records
from workbench.errors import CohortError

Which = Literal["first", "last", "all"]
Per = Literal["day", "moment"]

_SETTINGS = ("which", "observed_before", "observed_after", "washout_days", "since", "until", "per")


@dataclass(frozen=True)
class Entry:
    """Entry events, of which each sets an index date.

    Events are sought first; of those, the ones in the study period, then those observed long
    enough, then those after a washout remain; and of the remaining the first, the last, or all.

    Parameters
    ----------
    events
        What starts a record; any of them.
    which
        Which of a patient's remaining events.
    observed_before, observed_after
        Days that the patient must be under observation before and after the index date, within
        the observation period that holds it. With records that have no observation periods both
        must be 0.
    washout_days
        No such event may lie in so many days before, nor earlier on the day where each moment is
        an entry; None asks for nothing.
    since, until
        First and last day of the study period; None is open. Needs a calendar clock.
    per
        Several events on one ``day`` are one entry, at the first of them; or only those at the
        same ``moment`` are.
    """

    events: tuple[EventQuery, ...]
    which: Which = "first"
    observed_before: int = 0
    observed_after: int = 0
    washout_days: int | None = None
    since: date | None = None
    until: date | None = None
    per: Per = "day"

    def __post_init__(self) -> None:
        if not self.events:
            raise CohortError("name the event that sets the index date")
        if self.per not in get_args(Per):
            raise CohortError(f"entry: per is day or moment; got {shown(self.per)}")
        if self.which not in get_args(Which):
            raise CohortError(f"entry: which is first, last or all; got {shown(self.which)}")
        days = {"observed_before": self.observed_before, "observed_after": self.observed_after}
        if self.washout_days is not None:
            days["washout_days"] = self.washout_days
        for name, value in days.items():
            check_days(value, f"entry: {name}")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise CohortError(f"entry: the study period ends before it begins ({self.since})")

    def rows(self, records: Records) -> EventRows:
        """Events that may be entries, by patient and time, one a patient and day or moment.

        Events without a time set no index date.
        """
        parts = [query.rows(records) for query in self.events]
        rows = parts[0] if len(parts) == 1 else _merged(parts)
        rows = rows[rows.time != STATIC]
        at = day_of(rows.time) if self.per == "day" else rows.time
        new = np.ones(len(rows), bool)
        new[1:] = (rows.patient[1:] != rows.patient[:-1]) | (at[1:] != at[:-1])
        return rows if new.all() else rows[new]

    def words(self) -> str:
        """What sets the index date."""
        events = " or ".join(query.words() for query in self.events)
        return {"first": f"first {events}", "last": f"last {events}", "all": f"every {events}"}[
            self.which
        ]

    def sentences(self) -> tuple[str, ...]:
        """The whole entry as a person reads it."""
        lines = [f"Index date: {self.words()}"]
        if self.per == "moment":
            lines.append("Events at different moments of one day are different entries")
        if self.since is not None or self.until is not None:
            lines.append(f"Study period: {self.period_words()}")
        if self.observed_before or self.observed_after:
            lines.append(f"Observed {self.observed_words()}")
        if self.washout_days is not None:
            lines.append(f"Washout: {self.washout_words()}")
        return tuple(lines)

    def period_words(self) -> str:
        """The study period."""
        since = "" if self.since is None else f"from {self.since.isoformat()}"
        until = "" if self.until is None else f"to {self.until.isoformat()}"
        return f"{since} {until}".strip()

    def observed_words(self) -> str:
        """How long a patient must be under observation."""
        if not (self.observed_before or self.observed_after):
            return "on the index date"
        parts = [
            f"{days} days {side}"
            for days, side in ((self.observed_before, "before"), (self.observed_after, "after"))
            if days
        ]
        return f"for {' and '.join(parts)} the index date"

    def washout_words(self) -> str:
        """The washout."""
        return f"no such event in the {self.washout_days} days before"

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` reads; equal entries give equal JSON."""
        written: dict[str, Any] = {"events": [query.to_json() for query in self.events]}
        for name in ("which", "observed_before", "observed_after", "washout_days", "per"):
            if getattr(self, name) != getattr(Entry, name):
                written[name] = getattr(self, name)
        for name in ("since", "until"):
            day = getattr(self, name)
            if day is not None:
                written[name] = day.isoformat()
        return written

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        CohortError
            If it is no entry; the message names what is wrong.
        """
        check_entries(written, {"events", *_SETTINGS}, "entry")
        if not isinstance(written.get("events"), list):
            raise CohortError("entry: events is a list")
        settings = {key: value for key, value in written.items() if key != "events"}
        for name in ("since", "until"):
            if name in settings:
                settings[name] = as_day(settings[name], name)
        return cls(tuple(map(EventQuery.from_json, written["events"])), **settings)


def entry(
    *events: Happened,
    which: Which = "first",
    observed_before: int = 0,
    observed_after: int = 0,
    washout_days: int | None = None,
    since: str | date | None = None,
    until: str | date | None = None,
    per: Per = "day",
) -> Entry:
    """The events that set the index date; parameters as of :class:`Entry`.

    Examples
    --------
    >>> from workbench.cohort.criteria import event
    >>> entry(event("condition//201826", title="type 2 diabetes"), observed_before=365).sentences()
    ('Index date: first type 2 diabetes', 'Observed for 365 days before the index date')
    """
    return Entry(
        queries(events, "an entry"),
        which,
        observed_before,
        observed_after,
        washout_days,
        None if since is None else as_day(since, "since"),
        None if until is None else as_day(until, "until"),
        per,
    )


def queries(events: tuple[Happened, ...], what: str) -> tuple[EventQuery, ...]:
    """What counts as these events.

    Raises
    ------
    CohortError
        If one is no event, or says how often or when it must happen, which has no meaning here.
    """
    return tuple(alone(one, what) for one in events)


def as_day(value: Any, name: str) -> date:
    """A day, also out of its ISO text."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise CohortError(
            f"{name}: expected a day such as '2015-03-31', got {type(value).__name__}"
        ) from None


def _merged(parts: list[EventRows]) -> EventRows:
    code = pd.api.types.union_categoricals([part.code for part in parts], sort_categories=True)
    text = pd.api.types.union_categoricals([part.text for part in parts], sort_categories=True)
    patient = np.concatenate([part.patient for part in parts])
    time = np.concatenate([part.time for part in parts])
    rows = EventRows(
        patient,
        time,
        np.concatenate([part.end for part in parts]),
        code,
        np.concatenate([part.number for part in parts]),
        text,
    )
    return rows[np.lexsort((time, patient))]
