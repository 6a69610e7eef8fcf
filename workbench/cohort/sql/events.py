"""Which events a query means: codes, values, the first of a life, and what surrounds them."""

from dataclasses import replace
from typing import Any

from sqlalchemy import CTE, Text, and_, func, or_, select
from sqlalchemy.sql import ColumnElement, Select, collate, literal_column

from workbench.cohort.criteria.coded import Coded
from workbench.cohort.criteria.query import EventQuery, Range
from workbench.cohort.sql import bound
from workbench.cohort.sql.source import CODE, END, NUMBER, PATIENT, TEXT, TIME
from workbench.cohort.sql.writing import Writing
from workbench.data.sources.omop_tables import UNIT, VALUE

COLUMNS = (PATIENT, TIME, END, CODE, NUMBER, TEXT)


def events_of(query: EventQuery, writing: Writing) -> CTE:
    """The events of a query, as a part of the statement."""
    bare = replace(query, title="")
    return writing.part("events", bare.to_json(), lambda: _select(bare, writing))


def _select(query: EventQuery, writing: Writing) -> Select:
    if query.where is not None:
        return _surrounded(query, writing)
    found = writing.source.events(query)
    filters = (query.value, query.lasting, query.texts, query.units, query.answers)
    filters += (query.unit, query.answer)
    if not query.first_ever and not any(filters):
        return found
    rows = (_first_ever(found) if query.first_ever else found).subquery("found")
    kept = select(*(rows.c[name] for name in COLUMNS))
    if query.value is not None:
        kept = kept.where(within(rows.c[NUMBER], query.value))
    if query.texts:
        kept = kept.where(rows.c[TEXT] == func.any(bound.texts(query.texts)))
    for parts in (query.units, query.answers):
        if parts:
            kept = kept.where(or_(*(_holds(rows.c[TEXT], part) for part in sorted(set(parts)))))
    for before, coded in ((UNIT, query.unit), (VALUE, query.answer)):
        if coded is not None:
            kept = kept.where(_of_set(rows.c[TEXT], before, coded, writing))
    if query.lasting is not None:
        clock = writing.source.clock
        days = clock.days_between(clock.day(rows.c[TIME]), clock.day(rows.c[END]))
        kept = kept.where(within(days, query.lasting))
    return kept


def _holds(value: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    """Whether a text has a part in it, as a whole between spaces."""
    padded = literal_column("' '", Text()) + value + literal_column("' '", Text())
    return func.strpos(padded, bound.text(f" {part} ")) > bound.ZERO


def _of_set(
    value: ColumnElement[Any], before: str, coded: Coded, writing: Writing
) -> ColumnElement[bool]:
    """Whether the concept that a text has behind some letters is of a set, or of none of it."""
    space, nothing = (literal_column(text, Text()) for text in ("' '", "''"))
    rest = func.split_part(space + value, bound.text(f" {before}"), literal_column("2"))
    concept = func.split_part(rest, space, bound.ONE)
    ids = writing.source.concept_ids(coded.concepts)
    if coded.none_of:
        return and_(concept != nothing, concept.not_in(ids))
    return concept.in_(ids)


def _first_ever(found: Select) -> Select:
    """Each patient's first event that has a time; ties end as in memory."""
    rows = found.subquery("every")
    order = (
        rows.c[TIME],
        collate(rows.c[CODE], "C"),
        rows.c[NUMBER].nulls_last(),
        collate(rows.c[TEXT], "C").nulls_first(),
        rows.c[END],
    )
    turn = func.row_number().over(partition_by=rows.c[PATIENT], order_by=order)
    timed = select(*rows.c, turn.label("turn")).where(rows.c[TIME].is_not(None)).subquery("timed")
    return select(*(timed.c[name] for name in COLUMNS)).where(timed.c.turn == bound.ONE)


def _surrounded(query: EventQuery, writing: Writing) -> Select:
    """Events of which a criterion holds, each asked as if it were the index date."""
    from workbench.cohort.sql.criteria import truth
    from workbench.cohort.sql.records import Question, records_at

    assert query.where is not None
    alone = replace(query, where=None)
    rows = events_of(alone, writing)

    def moments() -> Select:
        return (
            select(rows.c[PATIENT], rows.c[TIME].label("index_date"))
            .where(rows.c[TIME].is_not(None))
            .distinct()
        )

    records = records_at(writing.part("moments", alone.to_json(), moments), writing)
    question = Question(records, writing, query.where.columns())
    answer = truth(query.where, question)
    held = question.select(
        records.table.c[PATIENT], records.table.c.index_date, where=answer
    ).subquery("held")
    return select(*(rows.c[name] for name in COLUMNS)).join(
        held, and_(held.c[PATIENT] == rows.c[PATIENT], held.c.index_date == rows.c[TIME])
    )


def within(value: ColumnElement[Any], limits: Range) -> ColumnElement[bool]:
    """Whether a number lies in a range; null where it is null."""
    parts = []
    if limits.low is not None:
        low = bound.number(limits.low)
        parts.append(value >= low if limits.low_included else value > low)
    if limits.high is not None:
        high = bound.number(limits.high)
        parts.append(value <= high if limits.high_included else value < high)
    return and_(*parts)
