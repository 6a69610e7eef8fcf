"""Where windows of ACES begin and end, in hours from the trigger or from a later event."""

import re
from dataclasses import dataclass
from typing import Literal

from workbench.cohort.aces.file import Task, refuse

Side = Literal["start", "end"]

_BOUND = re.compile(
    r"(?P<of>\w+(\.\w+)?)\s*((?P<sign>[+-])\s*(?P<length>[\w ,]+)|(?P<arrow>->|<-)\s*(?P<to>\w+))?"
)
_LENGTH = re.compile(r"\s*,?\s*(\d{1,7})\s*([a-z]+)")
_HOURS = {"w": 168.0, "d": 24.0, "h": 1.0, "m": 1 / 60, "s": 1 / 3600}
_UNITS = {
    "w": ("w", "week", "weeks"),
    "d": ("d", "day", "days"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "s": ("s", "sec", "secs", "second", "seconds"),
}


@dataclass(frozen=True)
class Reached:
    """The next event of a predicate after a moment, or the last one before it.

    Parameters
    ----------
    predicate
        Of the event.
    origin
        The moment.
    after
        Whether it is the next one.
    window
        Which it bounds.
    """

    predicate: str
    origin: "Moment"
    after: bool
    window: str


@dataclass(frozen=True)
class Moment:
    """So many hours after the trigger, or after an event that another window ends with."""

    hours: int
    root: Reached | None = None


Place = Moment | Reached | None
"""A moment; an event; or where the record begins or ends."""


def place_of(task: Task, window: str, side: Side, seen: tuple[str, ...] = ()) -> Place:
    """Where a window begins or ends.

    Raises
    ------
    CohortError
        If the bound cannot be read, runs in a circle, or hangs on where the record begins or ends.
    """
    here = f"windows.{window}.{side}"
    if here in seen:
        refuse(here, "bounds refer to each other in a circle: one must refer to the trigger")
    written = getattr(task.windows[window], side)
    if written is None:
        return None
    found = _BOUND.fullmatch(written.strip())
    if found is None:
        refuse(here, "expected such as trigger, gap.end, start + 24h, or start -> discharge")
    origin = _origin(task, window, found["of"], here, (*seen, here))
    if found["arrow"] is not None:
        if (found["arrow"] == "->") != (side == "end"):
            refuse(here, "an end is the next event (start -> …), a start the last (end <- …)")
        return Reached(found["to"], origin, found["arrow"] == "->", window)
    if found["sign"] is None:
        return origin
    hours = _hours(found["length"], here)
    later = hours if found["sign"] == "+" else -hours
    return Moment(origin.hours + later, origin.root)


def _origin(task: Task, window: str, of: str, here: str, seen: tuple[str, ...]) -> Moment:
    """What a bound refers to."""
    if of == "trigger":
        return Moment(0)
    other, _, side = (window, "", of) if of in ("start", "end") else of.partition(".")
    if other not in task.windows or side not in ("start", "end"):
        refuse(here, f"{of!r} is neither trigger, start, end, nor the start or end of a window")
    place = place_of(task, other, side, seen)
    if place is None:
        refuse(
            here, f"{other}.{side} is where the record {'begins' if side == 'start' else 'ends'}"
        )
    if isinstance(place, Moment):
        return place
    if not place.after or place.origin != Moment(0):
        refuse(
            here,
            f"{other}.{side} is no fixed time from the trigger, nor the next event after it: make "
            "the event that it waits for the trigger",
        )
    return Moment(0, place)


def _hours(length: str, here: str) -> int:
    parts = _LENGTH.findall(length.lower())
    units = {word: unit for unit, words in _UNITS.items() for word in words}
    whole = _LENGTH.sub("", length.lower()).strip() == ""
    if not parts or not whole or any(word not in units for _, word in parts):
        refuse(here, "expected a length of time such as 24h, 7 days or 1 day 12 hours")
    hours = sum(int(number) * _HOURS[units[word]] for number, word in parts)
    if hours != round(hours):
        refuse(here, "only whole hours can be said here")
    return round(hours)
