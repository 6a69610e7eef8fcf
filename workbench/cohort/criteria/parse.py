"""Criteria as study files and definitions write them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from workbench.cohort.criteria.columns import Compare, IsMissing, Op, col
from workbench.cohort.criteria.criterion import Criterion, Not, Several
from workbench.cohort.criteria.events import Happened
from workbench.cohort.criteria.modality import Has
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.window import Window
from workbench.cohort.values import as_value
from workbench.cohort.written import check_plain, shown
from workbench.errors import CohortError


def parse(written: Mapping[str, Any]) -> Criterion:
    """Read a criterion as a study file writes it.

    Parameters
    ----------
    written
        One of ``{column, op, value}`` (op: ==, !=, <, <=, >, >=, in, between, is_missing),
        ``{has: modality}`` (also with ``window``), ``{event: {codes: [...], …}}`` (also with
        ``window`` or ``windows``, ``least``, ``most``, ``counted``), ``{all: [...]}``,
        ``{any: [...]}``, ``{not: {...}}`` and ``{at_least: n, of: [...]}``; each may add ``name``
        and ``rationale``.

    Raises
    ------
    CohortError
        If it is none of these; the message says which entry is wrong.
    """
    if not isinstance(written, Mapping):
        raise CohortError(
            f"a criterion is a mapping such as {{column: age, op: '>=', value: 18}}, "
            f"got {type(written).__name__}"
        )
    check_plain(written)
    body = dict(written)
    notes = {key: body.pop(key) for key in ("name", "rationale") if key in body}
    for key, text in notes.items():
        if not isinstance(text, str):
            raise CohortError(f"criterion: {key} must be text, got {type(text).__name__}")
    return replace(_parse_body(body), **notes)


def _parse_body(body: dict[str, Any]) -> Criterion:
    match body:
        case {"column": str(name), "op": str(op), **rest} if rest.keys() <= {"value"}:
            return _parse_comparison(name, op, rest)
        case {"has": str(modality), **rest} if rest.keys() <= {"window"}:
            window = rest.get("window")
            return Has(modality, None if window is None else Window.from_json(window))
        case {"event": query, **rest} if rest.keys() <= _HAPPENED:
            return _parse_happened(query, rest)
        case {"all": list(parts), **rest} if not rest:
            return Several(len(parts), tuple(map(parse, parts)))
        case {"any": list(parts), **rest} if not rest:
            return Several(1, tuple(map(parse, parts)))
        case {"at_least": int(n), "of": list(parts), **rest} if not rest and n is not True:
            return Several(n, tuple(map(parse, parts)))
        case {"not": part, **rest} if not rest:
            return Not(parse(part))
    entries = ", ".join(repr(str(entry)[:40])[1:-1] for entry in list(body)[:6])
    raise CohortError(
        f"criterion with {entries or 'no entries'}: expected column, op and "
        "value; has; event; all; any; not; or at_least and of"
    )


_HAPPENED = {"window", "windows", "least", "most", "counted"}


def _parse_happened(query: Any, rest: dict[str, Any]) -> Happened:
    if {"window", "windows"} <= rest.keys():
        raise CohortError("criterion on events: give window or windows, not both")
    written = rest.pop("windows", None)
    if written is None:
        written = [rest.pop("window", {})]
    if not isinstance(written, list):
        raise CohortError("criterion on events: windows is a list")
    windows = tuple(Window.from_json(window) for window in written)
    return Happened(EventQuery.from_json(query), windows, **rest)


def _parse_comparison(name: str, op: str, rest: dict[str, Any]) -> Criterion:
    if op == "is_missing":
        if rest:
            raise CohortError(f"criterion on {name}: is_missing takes no value")
        return IsMissing(name)
    if "value" not in rest:
        raise CohortError(f"criterion on {name}: {op} needs a value")
    value, column = rest["value"], col(name)
    if op in get_args(Op):
        return Compare(name, cast(Op, op), as_value(name, value))
    if op == "in" and isinstance(value, list):
        return column.isin(value)
    if op == "between" and isinstance(value, list) and len(value) == 2:
        return column.between(*value)
    raise CohortError(
        f"criterion on {name}: op {shown(op)} with a {type(value).__name__}: expected one of "
        "==, !=, <, <=, >, >= with one value, `in` with a list, `between` with [low, high]"
    )
