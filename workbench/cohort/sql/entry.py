"""Entry events and follow-up in SQL: every candidate record, and what is asked of each."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CTE, and_, case, false, func, not_, select, true, union_all
from sqlalchemy.sql import ColumnElement, Select

from workbench.cohort.account import LANDMARK
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import Unit
from workbench.cohort.entry import Entry
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql.clock import Clock, Moment, beyond
from workbench.cohort.sql.events import events_of
from workbench.cohort.sql.records import Question, Records, records_at
from workbench.cohort.sql.source import END, PATIENT, TIME
from workbench.cohort.sql.writing import Writing
from workbench.data.events import DEATH


def candidate_records(definition: RecordDefinition, writing: Writing) -> Records:
    """Every entry event, one a patient and day or moment, with its period and follow-up.

    Parameters
    ----------
    definition
        Who is in.
    writing
        The statement.
    """
    moments = writing.part("entries", "entry", lambda: _entries(definition.entry, writing))
    found = records_at(moments, writing)
    table = writing.part("records", "followed", lambda: _followed(definition, found, writing))
    return Records(table, found.observed)


def _entries(entry: Entry, writing: Writing) -> Select:
    parts = [events_of(query, writing) for query in entry.events]
    rows: Any = parts[0]
    if len(parts) > 1:
        rows = union_all(*(select(p.c[PATIENT], p.c[TIME]) for p in parts)).subquery("either")
    patients = writing.source.patient_ids()
    at = writing.source.clock.day(rows.c[TIME]) if entry.per == "day" else rows.c[TIME]
    return (
        select(rows.c[PATIENT], func.min(rows.c[TIME]).label("index_date"))
        .where(rows.c[TIME].is_not(None), rows.c[PATIENT].in_(patients))
        .group_by(rows.c[PATIENT], at)
    )


def _followed(definition: RecordDefinition, found: Records, writing: Writing) -> Select:
    """The records with the end of their follow-up."""
    question, clock = Question(found, writing), writing.source.clock
    at, follow_up = found.table.c.index_date, definition.follow_up
    died = question.joined(_death(found, writing)).c.died
    # Whoever is recorded as dead before the index date is not followed at all.
    death = case((died.is_not(None), func.greatest(died, at)))
    unit = definition.unit
    ends = [death, *(first_after(q, question, 0, unit) for q in follow_up.events)]
    if follow_up.days is not None:
        ends.append(clock.last_of(clock.later(clock.day(at), follow_up.days)))
    if follow_up.hours is not None:
        ends.append(clock.hours_later(at, follow_up.hours))
    if follow_up.until is not None:
        ends.append(clock.last_of(clock.date(follow_up.until)))
    if found.observed:
        period = (found.table.c.observed_from, found.table.c.observed_to)
        ends.insert(0, found.table.c.exit_date)
        leaves = case((found.table.c.exit_date.is_not(None), func.least(*ends)))
        return question.select(*found.key, *period, leaves.label("exit_date"))
    ends.insert(0, question.joined(_last_event(found, writing)).c.last)
    return question.select(*found.key, func.least(*ends).label("exit_date"))


def _death(records: Records, writing: Writing) -> CTE:
    """When the patient of each record died, if anybody recorded it."""
    deaths = events_of(EventQuery(codes=(DEATH,)), writing)
    died = func.min(deaths.c[TIME]).label("died")
    return writing.part("deaths", None, lambda: _of_patient(records, deaths, died))


def _last_event(records: Records, writing: Writing) -> CTE:
    """When the last event of each record's patient ended."""
    every = events_of(EventQuery(prefixes=("",)), writing)
    last = func.max(every.c[END]).label("last")
    return writing.part("lasts", None, lambda: _of_patient(records, every, last))


def _of_patient(records: Records, happened: CTE, best: ColumnElement[Any]) -> Select:
    patient, at = records.key
    return (
        select(patient, at, best)
        .select_from(records.table.join(happened, happened.c[PATIENT] == patient))
        .group_by(patient, at)
    )


def first_after(query: EventQuery, question: Question, after: int, unit: Unit) -> Moment:
    """When the first of some events happened later than so long after the index date.

    Null if none did.
    """
    key = [query.to_json(), question.records.table.name, after, unit]
    first = question.writing.part("firsts", key, lambda: _first_after(query, question, after, unit))
    return question.joined(first).c.first


def _first_after(query: EventQuery, question: Question, after: int, unit: Unit) -> Select:
    records, clock = question.records, question.clock
    happened = events_of(query, question.writing)
    patient, at = records.key
    return (
        select(patient, at, func.min(happened.c[TIME]).label("first"))
        .select_from(records.table.join(happened, happened.c[PATIENT] == patient))
        .where(beyond(happened.c[TIME], at, after, unit, clock))
        .group_by(patient, at)
    )


def entry_masks(
    asked: Mapping[str, str], definition: RecordDefinition, question: Question
) -> dict[str, ColumnElement[bool]]:
    """Step → whether it holds of a record, for what is asked of every entry event."""
    entry, clock, table = definition.entry, question.clock, question.records.table
    day = clock.day(table.c.index_date)
    masks: dict[str, ColumnElement[bool]] = {}
    if "study period" in asked:
        since = true() if entry.since is None else day >= clock.date(entry.since)
        until = true() if entry.until is None else day <= clock.date(entry.until)
        masks["study period"] = and_(since, until)
    if "observed" in asked:
        masks["observed"] = _known(
            clock.later(clock.day(table.c.observed_from), entry.observed_before) <= day,
            clock.later(day, entry.observed_after) <= clock.day(table.c.observed_to),
        )
    if "washout" in asked:
        masks["washout"] = _washed_out(table.c.index_date, table.c[PATIENT], entry, clock)
    if "followed up" in asked:
        at, unit = table.c.index_date, definition.unit
        masks["followed up"] = _known(beyond(table.c.exit_date, at, 0, unit, clock))
    if LANDMARK in asked:
        masks[LANDMARK] = _at_risk(definition, question)
    return masks


def _at_risk(definition: RecordDefinition, question: Question) -> ColumnElement[bool]:
    """Whether follow-up goes beyond the landmark, with no outcome before if none may come again."""
    landmark, clock = definition.landmark, question.clock
    assert landmark is not None
    after, unit = landmark.after, landmark.unit
    table = question.records.table
    followed = _known(beyond(table.c.exit_date, table.c.index_date, after, unit, clock))
    if definition.outcome is None or landmark.earlier == "stay":
        return followed
    first = first_after(definition.outcome, question, 0, unit)
    later = beyond(first, table.c.index_date, after, unit, clock)
    return and_(followed, not_(_known(not_(later))))


def _washed_out(
    at: Moment, patient: ColumnElement[Any], entry: Entry, clock: Clock
) -> ColumnElement[bool]:
    before = func.lag(clock.day(at)).over(partition_by=patient, order_by=at)
    return before.is_(None) | (clock.later(before, entry.washout_days or 0) < clock.day(at))


def outcome_event(definition: RecordDefinition, question: Question) -> ColumnElement[bool]:
    """Whether the outcome came by the end of follow-up."""
    end = question.records.table.c.exit_date
    first = outcome_date(definition, question)
    return _known(not_(beyond(first, end, 0, definition.unit, question.clock)))


def outcome_date(definition: RecordDefinition, question: Question) -> Moment:
    """When the outcome that is waited for first came, also after the end of follow-up."""
    assert definition.outcome is not None
    landmark, unit = definition.landmark, definition.unit
    after = landmark.after if landmark is not None and landmark.earlier == "stay" else 0
    return first_after(definition.outcome, question, after, unit)


def exit_date(question: Question) -> Moment:
    """The end of follow-up: the index date itself for whoever is not followed at all."""
    table = question.records.table
    at = table.c.index_date
    return func.greatest(func.coalesce(table.c.exit_date, at), at)


def _known(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether all are known to be true."""
    return func.coalesce(and_(*conditions), false())
