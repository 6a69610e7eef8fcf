"""Days and hours in SQL, on the calendar and on each patient's own clock."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, Date, Double, Integer, Interval
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql import ColumnElement, cast, literal_column

from workbench.cohort.criteria.window import Unit
from workbench.cohort.sql import bound
from workbench.data.events import DAY

Moment = ColumnElement[Any]
"""A timestamp without time zone, or a whole number of microseconds."""

_REST_OF_DAY = literal_column(f"INTERVAL '{DAY - 1} microseconds'", Interval())
MICROSECOND = literal_column("INTERVAL '1 microsecond'", Interval())


@dataclass(frozen=True)
class CalendarClock:
    """Moments are timestamps; a day is a date."""

    kind: Literal["calendar"] = "calendar"

    def moment(self, column: ColumnElement[Any]) -> Moment:
        """A date or timestamp as a moment."""
        return cast(column, TIMESTAMP())

    def day(self, moment: Moment) -> Moment:
        """The day of a moment."""
        return cast(moment, Date())

    def later(self, day: Moment, days: int) -> Moment:
        """So many days later; comparable with moments, as midnight."""
        return day + bound.small(days)

    def hours_later(self, moment: Moment, hours: int) -> Moment:
        """So many hours later."""
        return moment + bound.span(timedelta(hours=hours))

    def last_of(self, day: Moment) -> Moment:
        """The last microsecond of a day."""
        return cast(day, TIMESTAMP()) + _REST_OF_DAY

    def days_between(self, first: Moment, last: Moment) -> ColumnElement[Any]:
        """From one day to another."""
        return cast(last - first, Integer())

    def date(self, value: date) -> Moment:
        """A day of a definition."""
        return bound.day(value)


@dataclass(frozen=True)
class RelativeClock:
    """Moments are microseconds since the patient's own zero; a day is where it begins."""

    kind: Literal["relative"] = "relative"

    def moment(self, column: ColumnElement[Any]) -> Moment:
        """A whole number as a moment."""
        return cast(column, BigInteger())

    def day(self, moment: Moment) -> Moment:
        """Where the day of a moment begins, also before zero."""
        length = literal_column(str(DAY), BigInteger())
        return moment - (moment % length + length) % length

    def later(self, day: Moment, days: int) -> Moment:
        """So many days later."""
        return day + bound.whole(days * DAY)

    def hours_later(self, moment: Moment, hours: int) -> Moment:
        """So many hours later."""
        return moment + bound.whole(hours * (DAY // 24))

    def last_of(self, day: Moment) -> Moment:
        """The last microsecond of a day."""
        return day + literal_column(str(DAY - 1), BigInteger())

    def days_between(self, first: Moment, last: Moment) -> ColumnElement[Any]:
        """From one day to another."""
        return cast(last - first, Double()) / bound.number(DAY)

    def date(self, value: date) -> Moment:
        """No day of the calendar means anything here; definitions with one are refused before."""
        raise AssertionError("a definition with dates was not refused on a relative clock")


Clock = CalendarClock | RelativeClock


def beyond(
    moment: Moment, origin: Moment, after: int, unit: Unit, clock: Clock
) -> ColumnElement[bool]:
    """Whether a moment lies later than so many days, by calendar, or hours after another."""
    if unit == "days":
        return moment >= clock.later(clock.day(origin), after + 1)
    return moment > (clock.hours_later(origin, after) if after else origin)
