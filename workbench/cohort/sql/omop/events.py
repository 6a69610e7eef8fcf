"""Rows of the domain tables of a CDM as events."""

from typing import Any

from sqlalchemy import BigInteger, Double, Text, case, func, select
from sqlalchemy.sql import ColumnElement, FromClause, Select, cast, null

from workbench.cohort.sql.clock import CalendarClock
from workbench.cohort.sql.meds import known_number
from workbench.cohort.sql.omop.cdm import Cdm, constant, midnight, words
from workbench.cohort.sql.omop.persons import birth_of
from workbench.cohort.sql.source import CODE, END, NUMBER, PATIENT, TEXT, TIME
from workbench.data.events import BIRTH, DEATH
from workbench.data.sources.omop_tables import UNIT, VALUE, EventTable


def births(cdm: Cdm) -> Select:
    """Births of those whose day of birth is known."""
    person = cdm.table("person").alias("person")
    born = birth_of(person)
    return select(
        person.c.person_id.label(PATIENT),
        born.label(TIME),
        born.label(END),
        words(BIRTH).label(CODE),
        cast(null(), Double()).label(NUMBER),
        cast(null(), Text()).label(TEXT),
    ).where(born.is_not(None))


def rows_of(
    cdm: Cdm, clock: CalendarClock, events: EventTable, wanted: ColumnElement[bool]
) -> Select:
    """Rows of a table of which something holds."""
    rows = cdm.table(events.name).alias(events.domain)

    def given(*names: str | None) -> list[ColumnElement[Any]]:
        return [rows.c[name] for name in names if name is not None and name in rows.c]

    time = _first_of(clock, given(events.datetime, events.date))
    ends = given(events.end_datetime, events.end_date)
    numbers = given(events.number)
    number = known_number(numbers[0]) if numbers else cast(null(), Double())
    dated = (
        select(
            rows.c.person_id.label(PATIENT),
            time.label(TIME),
            (_first_of(clock, ends) if ends else time).label("recorded_end"),
            _code(events, rows).label(CODE),
            number.label(NUMBER),
            _text(events, rows).label(TEXT),
        )
        .where(wanted, rows.c.person_id.is_not(None))
        .subquery("dated")
    )
    time, end = dated.c[TIME], dated.c.recorded_end
    known_to_the_day = end == midnight(time)
    moment_of_end = case((end.is_(None) | known_to_the_day, time), else_=end)
    return select(
        dated.c[PATIENT],
        time,
        (moment_of_end if ends else time).label(END),
        *(dated.c[name] for name in (CODE, NUMBER, TEXT)),
    ).where((time <= end) | end.is_(None) | known_to_the_day if ends else time.is_not(None))


def _first_of(clock: CalendarClock, columns: list[ColumnElement[Any]]) -> ColumnElement[Any]:
    """The first that is there, as a moment."""
    return func.coalesce(*map(clock.moment, columns))


def _code(events: EventTable, rows: FromClause) -> ColumnElement[Any]:
    if events.concept is None:
        return words(DEATH)
    return words(f"{events.domain}//") + cast(rows.c[events.concept], Text())


def _text(events: EventTable, rows: FromClause) -> ColumnElement[Any]:
    parts = []
    if events.words is not None and events.words in rows.c:
        parts.append(func.nullif(cast(rows.c[events.words], Text()), words("")))
    for name, before in ((events.value_concept, VALUE), (events.unit_concept, UNIT)):
        if name is not None and name in rows.c:
            told = func.nullif(cast(rows.c[name], BigInteger()), constant(0))
            parts.append(words(before) + cast(told, Text()))
    if not parts:
        return cast(null(), Text())
    return func.nullif(func.concat_ws(words(" "), *parts), words(""))
