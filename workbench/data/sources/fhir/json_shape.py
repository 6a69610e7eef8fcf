"""Elements of a JSON object, each of the kind that R4 gives it, or refused.

R4's own JSON Schema runs to thousands of types; what becomes an event touches a few dozen elements,
and each is checked here where it is read. A message names the element, never its value.
"""

import math
from typing import Any

from workbench.errors import RecordsError

Json = dict[str, Any]


class Misshapen(RecordsError):
    """An element that is not what R4 says; the message is the reason."""


def child(parent: Json, name: str) -> Json | None:
    """An object, or None where there is none."""
    value = parent.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise Misshapen(f"{name}: expected an object, got {_kind(value)}")


def children(parent: Json, name: str) -> list[Json]:
    """Objects of a list; none where there is no list."""
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Misshapen(f"{name}: expected a list, got {_kind(value)}")
    if not all(isinstance(item, dict) for item in value):
        raise Misshapen(f"{name}: expected a list of objects only")
    return value


def text(parent: Json, name: str) -> str | None:
    """Text without blanks around it; None where there is none, or it is empty."""
    value = parent.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Misshapen(f"{name}: expected text, got {_kind(value)}")
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise Misshapen(f"{name}: half a surrogate pair, expected Unicode text")
    return value.strip() or None


def number(parent: Json, name: str) -> float | None:
    """A finite number; None where there is none."""
    value = parent.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misshapen(f"{name}: expected a number, got {_kind(value)}")
    try:
        converted = float(value)
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise Misshapen(f"{name}: a number too large to hold")
    return converted


def truth(parent: Json, name: str) -> bool | None:
    """True or False; None where there is neither."""
    value = parent.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise Misshapen(f"{name}: expected true or false, got {_kind(value)}")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return kinds.get(type(value), "a number")
