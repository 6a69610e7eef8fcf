"""FHIR's date, dateTime and instant → the wall clock as it was written.

The time zone is dropped, not applied: ``2020-03-01T23:30:00-05:00`` is half past eleven on 1 March,
the day that the clinic wrote, and no conversion moves an event over midnight. A partial date stands
for all that it may mean: ``2020-02`` is from the first to the last microsecond of that February.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from workbench.data.events import DAY
from workbench.data.sources.fhir.json_shape import Misshapen
from workbench.data.sources.span import FIRST_YEAR, LAST_YEAR, OUTSIDE

_WRITTEN = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
_EPOCH = date(1970, 1, 1).toordinal()
_SECOND = 1_000_000


@dataclass(frozen=True)
class Moment:
    """What was written: its first and last microsecond, and how precise it is."""

    first: int
    last: int
    precision: Literal["year", "month", "day", "time"]

    @property
    def partial(self) -> bool:
        """Whether the day is not known."""
        return self.precision in ("year", "month")


def read_moment(written: str) -> Moment:
    """Read one date, dateTime or instant.

    A second of 60, a leap second, is the first of the next minute.

    Raises
    ------
    Misshapen
        If it is no such date, the calendar does not have it, or its year cannot be meant.
    """
    match = _WRITTEN.fullmatch(written)
    if match is None:
        raise Misshapen("a date that is not written as FHIR writes dates")
    year, month, day, hour, minute, second, fraction = match.groups()
    first, last = _days(int(year), month and int(month), day and int(day))
    if hour is None:
        precision = "day" if day else "month" if month else "year"
        return Moment(first * DAY, (last + 1) * DAY - 1, precision)
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        raise Misshapen("a time of day that the clock does not have")
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second or 0)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    at = first * DAY + seconds * _SECOND + micro
    return Moment(at, at, "time")


@lru_cache(maxsize=1 << 16)
def _days(year: int, month: int | None, day: int | None) -> tuple[int, int]:
    """First and last day since 1970-01-01; a month or day of None is not known."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Misshapen(OUTSIDE)
    try:
        first = date(year, 1 if month is None else month, 1 if day is None else day).toordinal()
    except ValueError:
        raise Misshapen("a date that the calendar does not have") from None
    if day is not None:
        return first - _EPOCH, first - _EPOCH
    after = date(year + 1, 1, 1) if month in (None, 12) else date(year, month + 1, 1)
    return first - _EPOCH, after.toordinal() - 1 - _EPOCH
