"""What a cohort of health records is, in one canonical text."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from workbench.cohort.criteria import Criterion, Happened, parse
from workbench.cohort.criteria.landmark import Landmark
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import Unit
from workbench.cohort.entry import Entry, queries
from workbench.cohort.follow_up import FollowUp
from workbench.cohort.written import check_plain, read_json, shown
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.sql.text import Sql

SCHEMA = 2
Limit = Literal["first", "last", "all"]

_ENTRIES = {"schema", "title", "entry", "select", "limit", "follow_up", "outcome"}


@dataclass(frozen=True)
class RecordDefinition:
    """Everything that decides who is in, since when, and until when.

    It names no dataset: the same definition runs on every source whose codes it uses.

    Parameters
    ----------
    entry
        What sets the index date.
    select
        Criteria in the order in which they are applied.
    limit
        Which of a patient's records that meet every criterion: the first, the last, or all.
    follow_up
        When follow-up ends.
    outcome
        The event that is waited for; None where nothing is.
    title
        What to call the cohort.
    landmark
        From when time runs, if not from the index date. It is asked of the entries that remain,
        before the criteria, whose windows are counted from the index date all the same.

    Time is counted in days by calendar, or in hours from moment to moment where the landmark or
    the follow-up is given in hours. By days, an outcome on the index date itself is none.
    """

    entry: Entry
    select: tuple[Criterion, ...] = ()
    limit: Limit = "all"
    follow_up: FollowUp = field(default_factory=FollowUp)
    outcome: EventQuery | None = None
    title: str = ""
    landmark: Landmark | None = None

    def __post_init__(self) -> None:
        lasts = {"hours": self.follow_up.days, "days": self.follow_up.hours}
        if self.landmark is not None and lasts[self.landmark.unit] is not None:
            raise CohortError(
                "landmark and follow-up: give both in days, or both in hours: time has one unit"
            )
        if self.limit not in get_args(Limit):
            raise CohortError(f"limit is first, last or all; got {shown(self.limit)}")
        for criterion in self.select:
            if not isinstance(criterion, Criterion):
                raise CohortError(
                    "a definition selects by criteria such as col('age') >= 18, got "
                    f"{type(criterion).__name__}"
                )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "entry": self.entry.to_json(),
            "select": [criterion.to_json() for criterion in self.select],
            "limit": self.limit,
            "follow_up": self.follow_up.to_json(),
            "outcome": None if self.outcome is None else self.outcome.to_json(),
            **({} if self.landmark is None else {"landmark": self.landmark.to_json()}),
        }

    @property
    def unit(self) -> Unit:
        """Of the time to the outcome."""
        if self.landmark is not None:
            return self.landmark.unit
        return "days" if self.follow_up.hours is None else "hours"

    def to_json(self) -> str:
        """Canonical: keys sorted, no white space; equal definitions give equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def to_sql(self) -> "Sql":
        """The statement that PostgreSQL and DuckDB run on a CDM 5.4, values apart from the text."""
        from workbench.cohort.sql.show import definition_sql

        return definition_sql(self)

    @property
    def hash(self) -> str:
        """sha256 of :meth:`to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        CohortError
            If it is no definition of this schema; the message names what is wrong.
        """
        return cls.from_dict(read_json(text))

    @classmethod
    def from_dict(cls, written: Any) -> Self:
        """Read what :meth:`to_dict` gave."""
        check_plain(written)
        if (
            not isinstance(written, Mapping)
            or isinstance(written.get("schema"), bool)
            or written.get("schema") != SCHEMA
            or written.keys() - {"landmark"} != _ENTRIES
        ):
            raise CohortError(
                f"expected a cohort definition of schema {SCHEMA} with "
                f"{', '.join(sorted(_ENTRIES))} and at most a landmark"
            )
        if not isinstance(written["select"], list) or not isinstance(written["title"], str):
            raise CohortError("cohort definition: select is a list, and title a text")
        outcome = written["outcome"]
        landmark = Landmark.from_json(written["landmark"]) if "landmark" in written else None
        return cls(
            Entry.from_json(written["entry"]),
            tuple(map(parse, written["select"])),
            written["limit"],
            FollowUp.from_json(written["follow_up"]),
            None if outcome is None else EventQuery.from_json(outcome),
            written["title"],
            landmark,
        )

    def sentences(self) -> tuple[str, ...]:
        """The definition as a person reads it."""
        lines = [*([self.title] if self.title else []), *self.entry.sentences()]
        for criterion in self.select:
            why = f" ({criterion.rationale})" if criterion.rationale else ""
            lines.append(criterion.sentence() + why)
        if self.limit != "all":
            lines.append(f"The {self.limit} record of each patient that meets all of this")
        lines += self.follow_up.sentences()
        origin = "the index date"
        if self.landmark is not None:
            origin = "the landmark"
            what = "" if self.outcome is None else self.outcome.words()
            lines.append(f"Landmark: {self.landmark.question(what)}; time runs from there")
        if self.outcome is not None:
            lines.append(f"Outcome: first {self.outcome.words()} after {origin}")
        if self.unit == "hours":
            lines.append("Time is counted in hours, from moment to moment")
        return tuple(lines)

    def queries(self) -> tuple[EventQuery, ...]:
        """Every kind of event that it asks for."""
        events = [*self.entry.events, *self.follow_up.events]
        events += [] if self.outcome is None else [self.outcome]
        asked = [query for event in events for query in event.queries()]
        return (*asked, *(query for criterion in self.select for query in criterion.queries()))

    def warnings(self) -> tuple[str, ...]:
        """What a reader must know of the definition itself, one sentence each."""
        ahead = [one for one in self.select if one.looks_ahead(self.landmark) or one.undated()]
        wheres = [q.where for q in self.entry.events if q.where is not None]
        ahead += [one for one in wheres if one.looks_ahead() or one.undated()]
        origin = "index date" if self.landmark is None else "landmark"
        return tuple(
            f"{criterion.sentence()!r} sees what happens after the {origin}: whoever meets it "
            "must live to do so (immortal time); a follow-up that starts earlier is too good"
            for criterion in ahead
        )

    def selecting(self, *criteria: Criterion) -> Self:
        """With more criteria."""
        return replace(self, select=(*self.select, *criteria))


def define(
    entry: Entry,
    *criteria: Criterion,
    limit: Limit = "all",
    follow_up: FollowUp | None = None,
    outcome: Happened | None = None,
    title: str = "",
    landmark: Landmark | int | None = None,
) -> RecordDefinition:
    """A definition; parameters as of :class:`RecordDefinition`, a landmark also as its days."""
    waited = None if outcome is None else queries((outcome,), "an outcome")[0]
    ends = FollowUp() if follow_up is None else follow_up
    origin = Landmark(landmark) if isinstance(landmark, int) else landmark
    return RecordDefinition(entry, criteria, limit, ends, waited, title, origin)
