"""What the parts of a circe definition may be: shapes that a JSON value is read through.

A shape is a function of a value and its place. It returns the value in one canonical form, or
notes what is wrong at the place and returns None. All problems are found in one reading.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_SPAN = 100_000
"""Days; more than 270 years either way is no window of a patient's life."""


@dataclass(frozen=True)
class Place:
    """Where in the JSON we are, and what has been found on the way."""

    path: str = "$"
    problems: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def at(self, step: str | int) -> "Place":
        """One step further in."""
        path = f"{self.path}[{step}]" if isinstance(step, int) else f"{self.path}.{step}"
        return Place(path, self.problems, self.ignored)

    def refuse(self, expected: str, value: Any) -> None:
        """Note that the value is not what was expected; the value itself is not repeated."""
        kinds = {dict: "an object", list: "a list", str: "text", bool: "true/false"}
        came = kinds.get(type(value), f"{value}" if isinstance(value, int | float) else "nothing")
        self.problems.append(f"{self.path}: expected {expected}, got {came}")


Shape = Callable[[Any, Place], Any]


def whole(low: int, high: int) -> Shape:
    """A whole number within a range, both ends included."""

    def read(value: Any, place: Place) -> int | None:
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
            return number
        return place.refuse(f"a whole number from {low} to {high}", value)

    return read


days = whole(-_LONGEST_SPAN, _LONGEST_SPAN)
some_days = whole(0, _LONGEST_SPAN)
count = whole(0, 1_000_000)
set_number = whole(-(2**31), 2**31 - 1)
concept_number = whole(0, 2**53)


def number(value: Any, place: Place) -> float | int | None:
    """A finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return value if math.isfinite(value) else place.refuse("a finite number", value)
    return place.refuse("a finite number", value)


def flag(value: Any, place: Place) -> bool | None:
    """True or false."""
    return value if isinstance(value, bool) else place.refuse("true or false", value)


def words(value: Any, place: Place) -> str | None:
    """Text for a reader, or text to search for: it is data, and never part of a query."""
    return value if isinstance(value, str) else place.refuse("text", value)


def day(value: Any, place: Place) -> str | None:
    """A date that exists."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    return place.refuse("a date such as 2020-01-31", value)


def anything(value: Any, place: Place) -> None:
    """What no query reads, such as who wrote a concept set."""


def choice(*options: str) -> Shape:
    """One of several words, in any case; it comes back as listed."""
    listed = {option.lower(): option for option in options}

    def read(value: Any, place: Place) -> str | None:
        known = listed.get(value.lower()) if isinstance(value, str) else None
        return known or place.refuse(f"one of {', '.join(options)}", value)

    return read


def listing(shape: Shape) -> Shape:
    """A list of values of one shape."""

    def read(value: Any, place: Place) -> list[Any] | None:
        if not isinstance(value, list):
            return place.refuse("a list", value)
        return [shape(item, place.at(i)) for i, item in enumerate(value)]

    return read


def record(parts: Mapping[str, Shape], required: tuple[str, ...] = ()) -> Shape:
    """An object with known keys; null is as good as absent.

    Keys may begin with a small letter. As in circe, unknown keys do not count: they are noted,
    for what they ask for is not done.
    """
    known = {key.lower(): key for key in parts}

    def read(value: Any, place: Place) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return place.refuse("an object", value)
        clean: dict[str, Any] = {}
        for key, part in value.items():
            name = known.get(key.lower())
            if name is None:
                place.ignored.append(f"{place.path}.{_shown(key)}")
            elif part is not None:
                if name in clean:
                    place.problems.append(f"{place.path}.{name} stands twice")
                clean[name] = parts[name](part, place.at(name))
        place.problems.extend(
            f"{place.path}.{name} is missing" for name in required if name not in clean
        )
        return {name: part for name, part in clean.items() if part is not None}

    return read


def one_of(shapes: Mapping[str, Shape]) -> Shape:
    """An object with one key that says what it is, such as ``{"Death": {…}}``."""
    known = {key.lower(): key for key in shapes}

    def read(value: Any, place: Place) -> dict[str, Any] | None:
        if not isinstance(value, dict) or len(value) != 1:
            return place.refuse(f"an object with one key of {', '.join(shapes)}", value)
        ((key, part),) = value.items()
        name = known.get(key.lower())
        if name is None:
            place.problems.append(f"{place.path}: {_shown(key)} is none of {', '.join(shapes)}")
            return None
        return {name: shapes[name]({} if part is None else part, place.at(name))}

    return read


def _shown(key: str) -> str:
    """A key as a message may show it."""
    return key if re.fullmatch(r"[\w .:$-]{1,60}", key) else "a key that is no name"
