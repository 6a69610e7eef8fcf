"""A table in the shape of MEDS: patient, time, code, numeric value, text value."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Double, SelectBase, Text, case, column, func, or_, select, table, true
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql import (
    ColumnElement,
    FromClause,
    Select,
    TableClause,
    cast,
    literal_column,
    null,
)

from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.sql import bound
from workbench.cohort.sql.clock import CalendarClock, Clock, Moment
from workbench.cohort.sql.source import (
    CODE,
    END,
    NUMBER,
    PATIENT,
    TEXT,
    TIME,
    PatientColumn,
    PatientTable,
)
from workbench.data.concepts import ConceptSet, Vocabulary
from workbench.data.events import BIRTH
from workbench.data.records import Kind
from workbench.errors import RecordsError

_BIRTH = literal_column(f"'{BIRTH}'", Text())


@dataclass(frozen=True, eq=False)
class MedsSource:
    """Tables of one schema, with the names that the catalogue of the database gives.

    Parameters
    ----------
    schema
        Where the tables lie.
    events
        Table of events.
    event_columns
        Its columns; ``patient_id`` may be called ``subject_id``.
    patients
        Table with ``patient_id`` and columns that do not change; None takes the patients, and
        their birth, out of the events.
    column_kinds
        What each of its columns is.
    periods
        Table of observation periods: ``patient_id``, ``start``, ``end``; None where there is none.
    clock
        How ``time`` is counted.
    modalities, vocabulary, name
        As of :class:`workbench.data.records.Records`.
    """

    schema: str
    events_table: str = "events"
    event_columns: tuple[str, ...] = (
        "patient_id", "time", "end", "code", "numeric_value", "text_value",
    )  # fmt: skip
    patients_table: str | None = None
    column_kinds: Mapping[str, Kind] = field(default_factory=dict)
    periods_table: str | None = None
    clock: Clock = field(default_factory=CalendarClock)
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    name: str = "MEDS"
    kind: str = "meds"

    @property
    def patient_columns(self) -> Collection[str]:
        """Columns that its patients have."""
        if self.patients_table is not None:
            return self.column_kinds
        return ("birth",) if self.clock.kind == "calendar" else ()

    def patient_ids(self) -> Select:
        """Its patients, each once."""
        if self.patients_table is None:
            return select(self._patient_of(self._events()).label(PATIENT)).distinct()
        return select(self._table(self.patients_table, ("patient_id",)).c.patient_id)

    def patients(self, names: Collection[str]) -> PatientTable:
        """Its patients with some of their columns; a new alias at each call."""
        if self.patients_table is None:
            return self._patients_of_events()
        people = self._table(self.patients_table, ("patient_id", *self.column_kinds)).alias(
            "person"
        )
        columns = {
            name: PatientColumn(kind, _value(kind, people.c[name]))
            for name, kind in self.column_kinds.items()
            if name in names
        }
        return PatientTable(people, people.c.patient_id, columns)

    def _patients_of_events(self) -> PatientTable:
        """Patients of the events, and their birth where one is known."""
        events = self._events()
        patient = self._patient_of(events)
        born = case((events.c.code == _BIRTH, self._moment(events, "time")))
        first, last = func.min(born), func.max(born)
        known = case((first == last, first)).label("birth")
        people = select(patient.label(PATIENT), known).group_by(patient).subquery("person")
        columns = {"birth": PatientColumn("date", people.c.birth)} if self.patient_columns else {}
        return PatientTable(people, people.c[PATIENT], columns)

    def observation(self) -> Select | None:
        """``patient_id``, ``first``, ``last`` moment of each period; None where it has none."""
        if self.periods_table is None:
            return None
        periods = self._table(self.periods_table, ("patient_id", "start", "end"))
        return select(
            periods.c.patient_id.label(PATIENT),
            self.clock.moment(periods.c.start).label("first"),
            self.clock.moment(periods.c.end).label("last"),
        )

    def events(self, query: EventQuery) -> Select:
        """Events of the codes of a query, whatever their value."""
        events = self._events()
        codes = set(query.codes)
        if query.concepts is not None:
            ids = self._vocabulary(query.concepts).resolve(query.concepts)
            codes |= {f"{query.domain}//{concept}" for concept in ids}
        wanted = [events.c.code == func.any(bound.texts(codes))] if codes else []
        for prefix in query.prefixes:
            found = func.starts_with(events.c.code, bound.text(prefix)) if prefix else true()
            wanted.append(found)
        return select(
            self._patient_of(events).label(PATIENT),
            self._moment(events, "time").label(TIME),
            self._end(events).label(END),
            cast(events.c.code, Text()).label(CODE),
            self._number(events).label(NUMBER),
            self._text(events).label(TEXT),
        ).where(or_(*wanted))

    def concept_ids(self, concepts: ConceptSet) -> SelectBase:
        """Concepts of a set, as text."""
        ids = self._vocabulary(concepts).resolve(concepts)
        return select(func.unnest(bound.texts(ids)).label("concept_id"))

    def knows_code(self, code: str) -> ColumnElement[bool]:
        """Whether an event has the code, or a vocabulary names it."""
        named = self.vocabulary is not None and (
            code in self.vocabulary or code.rpartition("//")[2] in self.vocabulary
        )
        return true() if named else self.events(EventQuery(codes=(code,))).exists()

    def knows_concept(self, concept_id: str) -> ColumnElement[bool]:
        """Resolving a concept set with the vocabulary in memory has said so already."""
        return true()

    def resolves(self, concepts: ConceptSet) -> ColumnElement[bool]:
        """Whether a concept set has any concept left.

        Raises
        ------
        RecordsError
            If it has none, a concept is unknown, or there is no vocabulary.
        """
        self._vocabulary(concepts).resolve(concepts)
        return true()

    def _vocabulary(self, concepts: ConceptSet) -> Vocabulary:
        if self.vocabulary is None:
            raise RecordsError(
                f"concept set {concepts.name!r}: this source has no vocabulary; name codes"
            )
        return self.vocabulary

    def _events(self) -> FromClause:
        return self._table(self.events_table, self.event_columns).alias("event")

    def _table(self, name: str, columns: tuple[str, ...]) -> TableClause:
        return table(name, *map(column, columns), schema=self.schema)

    def _patient_of(self, events: FromClause) -> ColumnElement[Any]:
        return events.c["patient_id" if "patient_id" in events.c else "subject_id"]

    def _moment(self, events: FromClause, name: str) -> Moment:
        return self.clock.moment(events.c[name])

    def _end(self, events: FromClause) -> Moment:
        time = self._moment(events, "time")
        return func.coalesce(self._moment(events, "end"), time) if "end" in events.c else time

    def _number(self, events: FromClause) -> ColumnElement[Any]:
        if "numeric_value" not in events.c:
            return cast(null(), Double())
        return known_number(events.c.numeric_value)

    def _text(self, events: FromClause) -> ColumnElement[Any]:
        return cast(events.c.text_value if "text_value" in events.c else null(), Text())


def known_number(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A number as float64, and null where it is none: SQL puts NaN above every number."""
    return func.nullif(cast(value, Double()), bound.NOT_A_NUMBER)


def _value(kind: Kind, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of the patients as criteria compare it."""
    match kind:
        case "numeric":
            return known_number(column)
        case "categorical":
            return cast(column, Text())
        case "date":
            return cast(column, TIMESTAMP())
        case "boolean":
            return column
