"""Criteria as SQL: true, false, and null where a value is missing, as Kleene's logic has it."""

from collections.abc import Sequence
from datetime import datetime
from functools import singledispatch
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import pandas as pd
from sqlalchemy import CTE, and_, case, distinct, false, func, not_, or_, select, true
from sqlalchemy.sql import ColumnElement, Select

from workbench.cohort.criteria.columns import Between, Compare, IsIn, IsMissing
from workbench.cohort.criteria.criterion import Criterion, Not, Several
from workbench.cohort.criteria.events import Happened
from workbench.cohort.criteria.modality import Has
from workbench.cohort.criteria.query import EventQuery, Range
from workbench.cohort.criteria.window import Window
from workbench.cohort.sql import bound
from workbench.cohort.sql.bound import ONE, ZERO
from workbench.cohort.sql.events import events_of, within
from workbench.cohort.sql.records import Question
from workbench.cohort.sql.source import CODE, TIME, PatientColumn
from workbench.cohort.sql.windows import pairs_within
from workbench.cohort.values import Value, check_fits
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

_COMPARE = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@singledispatch
def truth(criterion: Criterion, question: Question) -> ColumnElement[bool]:
    """Whether a criterion holds of a record: true, false, or null where that is unknown.

    Parameters
    ----------
    criterion
        What is asked.
    question
        Of which records; what the answer needs is joined to them.

    Raises
    ------
    CohortError
        If a column or modality does not exist, or a value does not fit its column.
    """
    raise CohortError(f"{type(criterion).__name__} cannot be asked of a database")


@truth.register
def _(criterion: Compare, question: Question) -> ColumnElement[bool]:
    column = question.column(criterion.column)
    ordered = criterion.op not in ("==", "!=")
    _check_fits(criterion.column, column, [criterion.value], ordered=ordered)
    return _COMPARE[criterion.op](column.value, _constant(column, criterion.value))


@truth.register
def _(criterion: IsIn, question: Question) -> ColumnElement[bool]:
    column = question.column(criterion.column)
    _check_fits(criterion.column, column, criterion.values, ordered=False)
    return or_(*(column.value == _constant(column, value) for value in criterion.values))


@truth.register
def _(criterion: Between, question: Question) -> ColumnElement[bool]:
    column = question.column(criterion.column)
    _check_fits(criterion.column, column, [criterion.low, criterion.high], ordered=True)
    return within(column.value, Range(criterion.low, criterion.high))


@truth.register
def _(criterion: IsMissing, question: Question) -> ColumnElement[bool]:
    return question.column(criterion.column).value.is_(None)


@truth.register
def _(criterion: Several, question: Question) -> ColumnElement[bool]:
    parts = [truth(part, question) for part in criterion.parts]
    if criterion.n == len(parts):
        return and_(*parts)
    if criterion.n == 1:
        return or_(*parts)
    n_holding = _n_true(parts)
    n_failing = _n_true([not_(part) for part in parts])
    return case(
        (n_holding >= bound.small(criterion.n), true()),
        (n_failing > bound.small(len(parts) - criterion.n), false()),
    )


def _n_true(parts: list[ColumnElement[bool]]) -> ColumnElement[int]:
    first, *others = [case((part, ONE), else_=ZERO) for part in parts]
    return sum(others, first)


@truth.register
def _(criterion: Not, question: Question) -> ColumnElement[bool]:
    return not_(truth(criterion.part, question))


@truth.register
def _(criterion: Happened, question: Question) -> ColumnElement[bool]:
    n_events = _count(criterion, question)
    enough = n_events >= bound.whole(criterion.least)
    if criterion.most is None:
        return enough
    return and_(enough, n_events <= bound.whole(criterion.most))


@truth.register
def _(criterion: Has, question: Question) -> ColumnElement[bool]:
    modalities = question.writing.source.modalities
    if criterion.modality not in modalities:
        raise CohortError(
            f"no modality is called {criterion.modality!r}; there are "
            f"{', '.join(modalities) or 'none'}{did_you_mean(criterion.modality, modalities)}"
        )
    codes = modalities[criterion.modality]
    if not codes:
        return false()
    window = Window() if criterion.window is None else criterion.window
    return truth(Happened(EventQuery(codes=tuple(codes)), (window,)), question)


def _count(criterion: Happened, question: Question) -> ColumnElement[int]:
    """How many events of a record's patient lie in the windows, 0 for none."""
    key = [
        criterion.query.to_json(),
        [window.to_json() for window in criterion.windows],
        criterion.counted,
        question.records.table.name,
    ]
    counted = question.writing.part("counted", key, lambda: _counting(criterion, question))
    return func.coalesce(question.joined(counted).c.n, ZERO)


def _counting(criterion: Happened, question: Question) -> Select:
    records = question.records
    happened = events_of(criterion.query, question.writing)
    patient, at = records.key
    paired = pairs_within(criterion.windows, records, happened, question.writing)
    n = {
        "events": func.count(),
        "codes": func.count(distinct(happened.c[CODE])),
        "days": _n_times(question.clock.day(happened.c[TIME]), happened),
        "moments": _n_times(happened.c[TIME], happened),
    }[criterion.counted]
    return (
        select(patient, at, n.label("n"))
        .select_from(paired.table)
        .where(*paired.inside)
        .group_by(patient, at)
    )


def _n_times(times: ColumnElement[Any], happened: CTE) -> ColumnElement[Any]:
    """Different days or moments; events without a time share one of their own."""
    timed = func.count(distinct(times))
    return timed + func.max(case((happened.c[TIME].is_(None), ONE), else_=ZERO))


def _constant(column: PatientColumn, value: Value) -> ColumnElement[Any]:
    match column.kind:
        case "numeric":
            return bound.number(float(value))
        case "boolean":
            return bound.flag(bool(value))
        case "date":
            return bound.moment(datetime.fromisoformat(str(value)))
        case "categorical":
            return bound.text(str(value))


def _check_fits(
    name: str, column: PatientColumn, values: Sequence[Value], *, ordered: bool
) -> None:
    """The check of a column in memory; that a level occurs is asked of the database later."""
    levels = [value for value in values if isinstance(value, str)]
    empty = {
        "numeric": pd.Series(dtype=float),
        "boolean": pd.Series(dtype=bool),
        "date": pd.Series(dtype="datetime64[us]"),
        "categorical": pd.Series(pd.Categorical([], categories=sorted(set(levels)))),
    }[column.kind]
    check_fits(pd.DataFrame({name: empty}), name, values, ordered=ordered)
