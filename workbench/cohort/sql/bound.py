"""Values of a definition as bound parameters: the only way in which they enter a statement."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Double, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, INTERVAL, TIMESTAMP
from sqlalchemy.sql import ColumnElement, cast, literal, literal_column

ZERO, ONE = (literal_column(digit, Integer()) for digit in "01")
NOT_A_NUMBER = cast(literal_column("'NaN'", Text()), Double())
"""Values of ours, which need no parameter."""


class _Text(Text):
    render_bind_cast = True


class _Number(DOUBLE_PRECISION):
    render_bind_cast = True


class _Whole(BigInteger):
    render_bind_cast = True


class _Days(Integer):
    render_bind_cast = True


class _Flag(Boolean):
    render_bind_cast = True


class _Day(Date):
    render_bind_cast = True


class _Moment(TIMESTAMP):
    render_bind_cast = True


class _Span(INTERVAL):
    render_bind_cast = True


class _Several(ARRAY):
    render_bind_cast = True


def text(value: str) -> ColumnElement[str]:
    """Some text."""
    return literal(value, _Text())


def texts(values: Iterable[str]) -> ColumnElement[Any]:
    """Several texts, as one array."""
    return literal(sorted(set(values)), _Several(Text()))


def number(value: float) -> ColumnElement[float]:
    """A number, as float64 like every value in memory."""
    return literal(float(value), _Number())


def whole(value: int) -> ColumnElement[int]:
    """A whole number of 64 bits: microseconds, a concept."""
    return literal(value, _Whole())


def wholes(values: Iterable[int]) -> ColumnElement[Any]:
    """Several whole numbers, as one array."""
    return literal(sorted(set(values)), _Several(BigInteger()))


def small(value: int) -> ColumnElement[int]:
    """A small whole number, such as days that are added to a date."""
    return literal(value, _Days())


def day(value: date) -> ColumnElement[date]:
    """A day of the calendar."""
    return literal(value, _Day())


def moment(value: datetime) -> ColumnElement[datetime]:
    """A moment of the calendar."""
    return literal(value, _Moment())


def span(value: timedelta) -> ColumnElement[timedelta]:
    """A length of time."""
    return literal(value, _Span())


def flag(value: bool) -> ColumnElement[bool]:
    """True or false."""
    return literal(value, _Flag())
