"""Windows in SQL: when an event must happen to count, and the events that bound it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, and_, case, func, or_, select
from sqlalchemy.sql import ColumnElement, Select

from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import Window
from workbench.cohort.sql.clock import Clock, Moment
from workbench.cohort.sql.events import events_of
from workbench.cohort.sql.records import Records
from workbench.cohort.sql.source import PATIENT, TIME
from workbench.cohort.sql.writing import Writing


@dataclass(frozen=True, eq=False)
class Paired:
    """Records beside their patients' events, of which those in some windows count.

    Parameters
    ----------
    table
        Records joined to events, and to the events that bound the windows.
    inside
        What must hold of a pair.
    """

    table: Any
    inside: list[ColumnElement[bool]]


def pairs_within(
    windows: Sequence[Window], records: Records, happened: CTE, writing: Writing
) -> Paired:
    """Records beside those events of their patients that lie in every window."""
    patient, at = records.key
    table: Any = records.table.join(happened, happened.c[PATIENT] == patient)
    clock, inside = writing.source.clock, []
    for window in windows:
        moment = happened.c[TIME if window.edge == "start" else "ends"]
        inside += _in_window(window, records, moment, clock)
        for query, next_one in ((window.since, False), (window.until, True)):
            if query is None:
                continue
            bounding = _bounding(window, query, records, writing, next_one)
            same = and_(bounding.c[PATIENT] == patient, bounding.c.index_date == at)
            table = table.outerjoin(bounding, same)
            bound = bounding.c.moment
            if next_one:
                within = moment <= bound if window.end_included else moment < bound
            else:
                within = moment >= bound if window.start_included else moment > bound
            inside.append(or_(bound.is_(None), within))
    return Paired(table, inside)


def _bounding(
    window: Window, query: EventQuery, records: Records, writing: Writing, next_one: bool
) -> CTE:
    """The next or the last such event of each record, where there is one."""
    key = [window.to_json(), records.table.name, next_one]

    def write() -> Select:
        patient, at = records.key
        happened, clock = events_of(query, writing), writing.source.clock
        anchor, moment = _anchor(window, records), happened.c[TIME]
        if next_one:
            best, beyond = func.min(moment), moment > anchor
            limits = _from_start(window, anchor, moment, clock)
        else:
            best, beyond = func.max(moment), moment < anchor
            limits = _to_end(window, anchor, moment, clock)
        return (
            select(patient, at, best.label("moment"))
            .select_from(records.table.join(happened, happened.c[PATIENT] == patient))
            .where(beyond, *limits)
            .group_by(patient, at)
        )

    return writing.part("bounds", key, write).alias()


def _in_window(
    window: Window, records: Records, moment: Moment, clock: Clock
) -> list[ColumnElement[bool]]:
    """What must hold of a moment to lie in a window, whatever event bounds it."""
    table, anchor = records.table, _anchor(window, records)
    # What has no time lies in no window but one that asks for none.
    conditions: list[ColumnElement[bool]] = []
    if not window.at_any_time:
        conditions.append(moment.is_not(None))
    if window.anchor == "exit":
        conditions.append(anchor.is_not(None))
    conditions += _from_start(window, anchor, moment, clock)
    if window.observed and records.observed:
        conditions.append(moment >= table.c.observed_from)
        conditions.append(moment <= table.c.observed_to)
    return conditions + _to_end(window, anchor, moment, clock)


def _anchor(window: Window, records: Records) -> Moment:
    """The index date or the end of follow-up, never earlier; null where there is none."""
    at, end = records.table.c.index_date, records.table.c.exit_date
    if window.anchor == "index":
        return at
    return case((end.is_not(None), func.greatest(end, at)))


def _from_start(
    window: Window, anchor: Moment, moment: Moment, clock: Clock
) -> list[ColumnElement[bool]]:
    if window.start is None:
        return []
    if window.unit == "days":
        return [moment >= clock.later(clock.day(anchor), window.start)]
    start = clock.hours_later(anchor, window.start)
    return [moment >= start if window.start_included else moment > start]


def _to_end(
    window: Window, anchor: Moment, moment: Moment, clock: Clock
) -> list[ColumnElement[bool]]:
    if window.end is None:
        return []
    if window.unit == "days":
        return [moment < clock.later(clock.day(anchor), window.end + 1)]
    end = clock.hours_later(anchor, window.end)
    return [moment <= end if window.end_included else moment < end]
