"""A Common Data Model of OMOP in a database: the domain tables that a query needs, as events.

Which table becomes which events is declared in :mod:`workbench.data.sources.omop_tables`; this is
that declaration as SQL. Rows that a reader of files leaves out are left out here: a row without a
date or a person, and one that ends before it begins.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Double,
    Integer,
    SelectBase,
    TableClause,
    Text,
    and_,
    case,
    column,
    except_,
    false,
    func,
    or_,
    select,
    table,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql import ColumnElement, FromClause, Select, cast, literal_column, null

from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.sql import bound
from workbench.cohort.sql.clock import MICROSECOND, CalendarClock
from workbench.cohort.sql.meds import known_number
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
from workbench.data.concepts import Concept, ConceptSet
from workbench.data.events import BIRTH, DEATH
from workbench.data.records import Kind
from workbench.data.sources.omop_tables import (
    EVENT_TABLES,
    PERIOD_REQUIRED,
    PERSON_OPTIONAL,
    PERSON_REQUIRED,
    SEXES,
    UNIT,
    VALUE,
    EventTable,
)
from workbench.errors import RecordsError

_OURS = re.compile(r"[A-Za-z0-9_/ ]*")
_CONCEPT = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, eq=False)
class OmopSource:
    """Tables of a CDM.

    Parameters
    ----------
    schema, vocabulary_schema
        Where the clinical tables and the vocabulary lie.
    columns
        Table → its columns, all in lower case; tables that are not there are left out.
    modalities, name
        As of :class:`workbench.data.records.Records`.
    """

    schema: str
    vocabulary_schema: str
    columns: Mapping[str, frozenset[str]]
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = "OMOP"
    kind: str = "omop"
    clock: CalendarClock = field(default_factory=CalendarClock)

    @property
    def patient_columns(self) -> Collection[str]:
        """Columns that its patients have."""
        return tuple(self._characteristics(self._table("person")))

    def patient_ids(self) -> Select:
        """Its patients, each once."""
        return select(self._table("person").c.person_id)

    def patients(self, names: Collection[str]) -> PatientTable:
        """Its patients with some of their columns; a new alias at each call."""
        person = self._table("person").alias("p")
        told = self._characteristics(person)
        asked = {name: told[name] for name in told if name in names}
        labelled = [value.label(name) for name, (_, value) in asked.items()]
        people = select(person.c.person_id.label(PATIENT), *labelled).subquery("person")
        columns = {name: PatientColumn(kind, people.c[name]) for name, (kind, _) in asked.items()}
        return PatientTable(people, people.c[PATIENT], columns)

    def _characteristics(self, person: FromClause) -> dict[str, tuple[Kind, ColumnElement[Any]]]:
        """Name → kind and value, as a reader of files gives them."""
        named: dict[str, tuple[Kind, ColumnElement[Any]]] = {
            "birth": ("date", self._birth(person)),
            "year_of_birth": ("numeric", cast(person.c.year_of_birth, Double())),
        }
        for name in ("sex", "race", "ethnicity"):
            concept = f"{'gender' if name == 'sex' else name}_concept_id"
            if concept in person.c:
                called = self._named(person.c[concept], SEXES if name == "sex" else {})
                named[name] = ("categorical", called)
        for name in ("location", "care_site"):
            if f"{name}_id" in person.c:
                named[name] = ("categorical", cast(person.c[f"{name}_id"], Text()))
        return named

    def _birth(self, person: FromClause) -> ColumnElement[Any]:
        """When a person was born; mid-month or 1 July where the day or the month is unknown."""
        month, day = (
            cast(person.c[name], Integer()) if name in person.c else cast(null(), Integer())
            for name in ("month_of_birth", "day_of_birth")
        )
        told = case((month.is_not(None), func.coalesce(day, _constant(15))), else_=_constant(1))
        year = cast(person.c.year_of_birth, Integer())
        dated = func.make_date(year, func.coalesce(month, _constant(7)), told, type_=Date())
        born = cast(case((year.is_not(None), dated)), TIMESTAMP())
        if "birth_datetime" not in person.c:
            return born
        return func.coalesce(cast(person.c.birth_datetime, TIMESTAMP()), born)

    def _named(self, concept: ColumnElement[Any], known: Mapping[int, str]) -> ColumnElement[Any]:
        """What a concept is called; null for 0."""
        name: ColumnElement[Any] = _words("concept ") + cast(concept, Text())
        if "concept" in self.columns:
            names = self._table("concept").alias("named")
            found = select(names.c.concept_name).where(names.c.concept_id == concept)
            name = func.coalesce(cast(found.scalar_subquery(), Text()), name)
        whens = [(concept == _constant(number), _words(text)) for number, text in known.items()]
        return case((concept == _constant(0), null()), *whens, else_=name)

    def observation(self) -> Select:
        """``patient_id``, ``first``, ``last`` moment of each period.

        Both days count whole; periods that overlap, or where one begins when the other has just
        ended, are one.
        """
        periods = self._table("observation_period").alias("p")
        person = periods.c.person_id
        start = self.clock.moment(periods.c.observation_period_start_date)
        end = self.clock.moment(periods.c.observation_period_end_date)
        whole_day = case((end == _day(end), self.clock.last_of(end)), else_=end)
        each = (
            select(person.label(PATIENT), start.label("first"), whole_day.label("last"))
            .where(person.is_not(None), start <= end)
            .subquery("each")
        )
        reached = func.max(each.c.last).over(
            partition_by=each.c[PATIENT], order_by=each.c.first, rows=(None, -1)
        )
        known = select(*each.c, reached.label("reached")).subquery("known")
        apart = known.c.reached.is_(None) | (known.c.first > known.c.reached + MICROSECOND)
        turn = func.sum(case((apart, bound.ONE), else_=bound.ZERO)).over(
            partition_by=known.c[PATIENT], order_by=known.c.first, rows=(None, 0)
        )
        turns = select(*known.c, turn.label("turn")).subquery("turns")
        return select(
            turns.c[PATIENT],
            func.min(turns.c.first).label("first"),
            func.max(turns.c.last).label("last"),
        ).group_by(turns.c[PATIENT], turns.c.turn)

    def events(self, query: EventQuery) -> Select:
        """Events of the codes of a query, whatever their value."""
        parts = []
        for event_table in EVENT_TABLES:
            wanted = self._wanted(event_table, query)
            if wanted is not None and event_table.name in self.columns:
                parts.append(self._rows(event_table, wanted))
        if BIRTH in query.codes or any(BIRTH.startswith(prefix) for prefix in query.prefixes):
            parts.append(self._births())
        if not parts:
            parts.append(self._births().where(false()))
        if len(parts) == 1:
            return parts[0]
        rows = union_all(*parts).subquery("of_domains")
        return select(*rows.c)

    def _births(self) -> Select:
        person = self._table("person").alias("person")
        born = self._birth(person)
        return select(
            person.c.person_id.label(PATIENT),
            born.label(TIME),
            born.label(END),
            _words(BIRTH).label(CODE),
            cast(null(), Double()).label(NUMBER),
            cast(null(), Text()).label(TEXT),
        ).where(born.is_not(None))

    def _rows(self, events: EventTable, wanted: ColumnElement[bool]) -> Select:
        rows = self._table(events.name).alias(events.domain)

        def given(*names: str | None) -> list[ColumnElement[Any]]:
            return [rows.c[name] for name in names if name is not None and name in rows.c]

        time = self._first_of(given(events.datetime, events.date))
        ends = given(events.end_datetime, events.end_date)
        numbers = given(events.number)
        number = known_number(numbers[0]) if numbers else cast(null(), Double())
        dated = (
            select(
                rows.c.person_id.label(PATIENT),
                time.label(TIME),
                (self._first_of(ends) if ends else time).label("recorded_end"),
                self._code(events, rows).label(CODE),
                number.label(NUMBER),
                self._text(events, rows).label(TEXT),
            )
            .where(wanted, rows.c.person_id.is_not(None))
            .subquery("dated")
        )
        time, end = dated.c[TIME], dated.c.recorded_end
        known_to_the_day = end == _day(time)
        moment_of_end = case((end.is_(None) | known_to_the_day, time), else_=end)
        return select(
            dated.c[PATIENT],
            time,
            (moment_of_end if ends else time).label(END),
            *(dated.c[name] for name in (CODE, NUMBER, TEXT)),
        ).where((time <= end) | end.is_(None) | known_to_the_day if ends else time.is_not(None))

    def _first_of(self, columns: list[ColumnElement[Any]]) -> ColumnElement[Any]:
        """The first that is there, as a moment."""
        return func.coalesce(*map(self.clock.moment, columns))

    def _code(self, events: EventTable, rows: FromClause) -> ColumnElement[Any]:
        if events.concept is None:
            return _words(DEATH)
        return _words(f"{events.domain}//") + cast(rows.c[events.concept], Text())

    def _text(self, events: EventTable, rows: FromClause) -> ColumnElement[Any]:
        parts = []
        if events.words is not None and events.words in rows.c:
            parts.append(func.nullif(cast(rows.c[events.words], Text()), _words("")))
        for name, before in ((events.value_concept, VALUE), (events.unit_concept, UNIT)):
            if name is not None and name in rows.c:
                told = func.nullif(cast(rows.c[name], BigInteger()), _constant(0))
                parts.append(_words(before) + cast(told, Text()))
        if not parts:
            return cast(null(), Text())
        return func.nullif(func.concat_ws(_words(" "), *parts), _words(""))

    def _wanted(self, events: EventTable, query: EventQuery) -> ColumnElement[bool] | None:
        """Which rows of a table a query asks for; None for none of them."""
        if events.concept is None:
            asked = DEATH in query.codes or any(map(DEATH.startswith, query.prefixes))
            return true() if asked else None
        concept = column(events.concept)
        before = f"{events.domain}//"
        if any(before.startswith(prefix) for prefix in query.prefixes):
            return concept.is_not(None)
        wanted: list[ColumnElement[bool]] = []
        ids = {i for code in query.codes if (i := _concept_of(code, before)) is not None}
        if query.concepts is not None and query.domain == events.domain:
            wanted.append(concept.in_(self._resolved(query.concepts, ids)))
        elif ids:
            wanted.append(concept == func.any(bound.wholes(ids)))
        for prefix in query.prefixes:
            if prefix.startswith(before):
                rest = bound.text(prefix.removeprefix(before))
                wanted.append(func.starts_with(cast(concept, Text()), rest))
        return or_(*wanted) if wanted else None

    def _resolved(self, concepts: ConceptSet, also: Collection[int] = ()) -> SelectBase:
        """Concepts of a set, with what lies under them and without what is taken out."""
        found: SelectBase = self._with_descendants(
            [c for c in concepts.concepts if not c.excluded], concepts.name
        )
        excluded = [c for c in concepts.concepts if c.excluded]
        if excluded:
            found = except_(found, self._with_descendants(excluded, concepts.name))
        return union(found, _each(also)) if also else found

    def _with_descendants(self, concepts: list[Concept], name: str) -> SelectBase:
        named = _each({_number(c, name) for c in concepts})
        parents = {_number(c, name) for c in concepts if c.descendants}
        if not parents:
            return named
        if "concept_ancestor" not in self.columns:
            raise RecordsError(
                f"concept set {name!r}: this database has no table concept_ancestor, so what lies "
                "under a concept is not known: load it, or name concepts without descendants"
            )
        below = self._table("concept_ancestor")
        return union(
            named,
            select(cast(below.c.descendant_concept_id, BigInteger())).where(
                below.c.ancestor_concept_id == func.any(bound.wholes(parents))
            ),
        )

    def knows_code(self, code: str) -> ColumnElement[bool]:
        """Whether an event has the code, or a vocabulary names it."""
        parts: list[ColumnElement[bool]] = [self.events(EventQuery(codes=(code,))).exists()]
        if "concept" in self.columns:
            parts.append(self.knows_concept(code.rpartition("//")[2]))
        return or_(*parts)

    def knows_concept(self, concept_id: str) -> ColumnElement[bool]:
        """Whether the vocabulary has the concept."""
        concept = _whole_number(concept_id)
        if concept is None or "concept" not in self.columns:
            return false()
        names = self._table("concept")
        parts: list[ColumnElement[bool]] = [
            select(bound.ONE).where(names.c.concept_id == bound.whole(concept)).exists()
        ]
        if "concept_ancestor" in self.columns:
            for side in ("ancestor_concept_id", "descendant_concept_id"):
                below = self._table("concept_ancestor")
                parts.append(
                    select(bound.ONE).where(below.c[side] == bound.whole(concept)).exists()
                )
        return or_(*parts)

    def resolves(self, concepts: ConceptSet) -> ColumnElement[bool]:
        """Whether a concept set has any concept left."""
        if "concept" not in self.columns:
            raise RecordsError(
                f"concept set {concepts.name!r}: this database has no table concept; name codes"
            )
        resolved = self._resolved(concepts).subquery("resolved")
        found: ColumnElement[bool] = select(bound.ONE).select_from(resolved).exists()
        if not any(concept.descendants for concept in concepts.concepts):
            return found
        below = self._table("concept_ancestor")
        return and_(found, select(bound.ONE).select_from(below).exists())

    def _table(self, name: str) -> TableClause:
        """A table, with the columns that it has."""
        vocabulary = name in ("concept", "concept_ancestor")
        schema = self.vocabulary_schema if vocabulary else self.schema
        columns = [column(c) for c in sorted(self.columns[name])]
        return table(name, *columns, schema=schema)


def standard_source(schema: str = "cdm") -> OmopSource:
    """A CDM 5.4 with every table and column of the standard, for showing statements."""
    columns = {t.name: frozenset((*t.required, *t.optional)) for t in EVENT_TABLES}
    columns |= {
        "person": frozenset((*PERSON_REQUIRED, *PERSON_OPTIONAL)),
        "observation_period": frozenset(PERIOD_REQUIRED),
        "concept": frozenset(("concept_id", "concept_name")),
        "concept_ancestor": frozenset(("ancestor_concept_id", "descendant_concept_id")),
    }
    return OmopSource(schema, schema, columns)


def _words(text: str) -> ColumnElement[str]:
    """A text of the mapping, which needs no parameter: no value of a definition comes here."""
    assert _OURS.fullmatch(text) is not None
    return literal_column(f"'{text}'", Text())


def _constant(number: int) -> ColumnElement[int]:
    """A number of the mapping."""
    return literal_column(str(number), Integer())


def _day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Midnight before a moment."""
    return func.date_trunc(_words("day"), moment)


def _each(numbers: Collection[int]) -> Select:
    return select(func.unnest(bound.wholes(numbers)).label("concept_id"))


def _concept_of(code: str, before: str) -> int | None:
    """The concept of a code of a domain; None for another code."""
    return _whole_number(code.removeprefix(before)) if code.startswith(before) else None


def _number(concept: Concept, name: str) -> int:
    number = _whole_number(concept.concept_id)
    if number is None:
        raise RecordsError(
            f"concept set {name!r}: concepts of a CDM are whole numbers, got "
            f"{concept.concept_id[:40]!r}"
        )
    return number


def _whole_number(text: str) -> int | None:
    """A concept as the CDM writes it; None for anything else, also for ``+1`` and ``01``."""
    return int(text) if _CONCEPT.fullmatch(text) is not None else None
