"""Persons of a CDM and what does not change of them, and when they were observed."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Date, Double, Integer, Text, case, func, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql import ColumnElement, FromClause, Select, cast, null

from workbench.cohort.sql import bound
from workbench.cohort.sql.clock import MICROSECOND, CalendarClock
from workbench.cohort.sql.omop.cdm import Cdm, constant, midnight, words
from workbench.cohort.sql.source import PATIENT, PatientColumn, PatientTable
from workbench.data.records import Kind
from workbench.data.sources.omop_tables import SEXES

Characteristics = dict[str, tuple[Kind, ColumnElement[Any]]]


def persons(cdm: Cdm, names: Collection[str]) -> PatientTable:
    """Persons with some of their columns; a new alias at each call."""
    person = cdm.table("person").alias("p")
    told = characteristics(cdm, person)
    asked = {name: told[name] for name in told if name in names}
    labelled = [value.label(name) for name, (_, value) in asked.items()]
    people = select(person.c.person_id.label(PATIENT), *labelled).subquery("person")
    columns = {name: PatientColumn(kind, people.c[name]) for name, (kind, _) in asked.items()}
    return PatientTable(people, people.c[PATIENT], columns)


def characteristics(cdm: Cdm, person: FromClause) -> Characteristics:
    """Name → kind and value, as a reader of files gives them."""
    named: Characteristics = {
        "birth": ("date", birth_of(person)),
        "year_of_birth": ("numeric", cast(person.c.year_of_birth, Double())),
    }
    for name in ("sex", "race", "ethnicity"):
        concept = f"{'gender' if name == 'sex' else name}_concept_id"
        if concept in person.c:
            called = _named(cdm, person.c[concept], SEXES if name == "sex" else {})
            named[name] = ("categorical", called)
    for name in ("location", "care_site"):
        if f"{name}_id" in person.c:
            named[name] = ("categorical", cast(person.c[f"{name}_id"], Text()))
    return named


def birth_of(person: FromClause) -> ColumnElement[Any]:
    """When a person was born; mid-month or 1 July where the day or the month is unknown."""
    month, day = (
        cast(person.c[name], Integer()) if name in person.c else cast(null(), Integer())
        for name in ("month_of_birth", "day_of_birth")
    )
    told = case((month.is_not(None), func.coalesce(day, constant(15))), else_=constant(1))
    year = cast(person.c.year_of_birth, Integer())
    dated = func.make_date(year, func.coalesce(month, constant(7)), told, type_=Date())
    born = cast(case((year.is_not(None), dated)), TIMESTAMP())
    if "birth_datetime" not in person.c:
        return born
    return func.coalesce(cast(person.c.birth_datetime, TIMESTAMP()), born)


def _named(cdm: Cdm, concept: ColumnElement[Any], known: Mapping[int, str]) -> ColumnElement[Any]:
    """What a concept is called; null for 0."""
    name: ColumnElement[Any] = words("concept ") + cast(concept, Text())
    if "concept" in cdm:
        names = cdm.table("concept").alias("named")
        found = select(names.c.concept_name).where(names.c.concept_id == concept)
        name = func.coalesce(cast(found.scalar_subquery(), Text()), name)
    whens = [(concept == constant(number), words(text)) for number, text in known.items()]
    return case((concept == constant(0), null()), *whens, else_=name)


def observation(cdm: Cdm, clock: CalendarClock) -> Select:
    """``patient_id``, ``first``, ``last`` moment of each period.

    Both days count whole; periods that overlap, or where one begins when the other has just
    ended, are one.
    """
    periods = cdm.table("observation_period").alias("p")
    person = periods.c.person_id
    start = clock.moment(periods.c.observation_period_start_date)
    end = clock.moment(periods.c.observation_period_end_date)
    whole_day = case((end == midnight(end), clock.last_of(end)), else_=end)
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
