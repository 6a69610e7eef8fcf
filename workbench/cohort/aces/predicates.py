"""Predicates of ACES as event queries."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from workbench.cohort.aces.file import Code, Derived, Plain, Task, refuse
from workbench.cohort.criteria import Criterion, EventQuery, Happened, Range, Window, at_least
from workbench.cohort.criteria.events import Counted

ANY_EVENT = "_ANY_EVENT"
_BEGINNING = re.compile(r"\^([\w/ \-:]+)(?:\.\*)?|([\w/ \-:]+)\.\*")
_EXPR = re.compile(r"\s*(and|or)\s*\(([^()]*)\)\s*")


class Predicates:
    """The predicates of a task by name, each as a query of its own."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._made: dict[str, EventQuery] = {}

    @cached_property
    def static(self) -> tuple[Criterion, ...]:
        """What must hold of the patient at whatever time."""
        found = self._task.patient_demographics
        return tuple(
            Happened(_plain(one, f"patient_demographics.{name}", name)).named(name)
            for name, one in found.items()
        )

    def query(self, name: str, place: str) -> EventQuery:
        """The events of a predicate.

        Parameters
        ----------
        name
            Of the predicate.
        place
            Where the task names it.
        """
        if name not in self._made:
            self._made[name] = self._query(name, place)
        return self._made[name]

    def counted(self, name: str) -> Counted:
        """What ACES counts: events of a plain predicate, moments of a derived one."""
        return "events" if isinstance(self._task.predicates.get(name), Plain) else "moments"

    def parts(self, name: str) -> tuple[str, ...]:
        """The predicates of an ``or``; the predicate itself if it is none."""
        one = self._task.predicates.get(name)
        kind, parts = _parts(one, name) if isinstance(one, Derived) else ("", ())
        return parts if kind == "or" else (name,)

    def _query(self, name: str, place: str) -> EventQuery:
        if name == ANY_EVENT:
            return EventQuery(prefixes=("",), title="any event")
        one = self._task.predicates.get(name)
        if one is None:
            refuse(place, f"no predicate is called {name!r}; a record begins and ends with null")
        if isinstance(one, Plain):
            return _plain(one, f"predicates.{name}", name)
        kind, names = _parts(one, name)
        if any(not isinstance(self._task.predicates.get(part), Plain) for part in names):
            refuse(f"predicates.{name}", "and(…) and or(…) take predicates that have a code")
        parts = [self.query(part, f"predicates.{name}") for part in names]
        if kind == "and":
            first, *others = parts
            where = _at_once(len(others), others) if others else None
            return replace(first, where=where, title=name)
        codes = {code for part in parts for code in part.codes}
        prefixes = {prefix for part in parts for prefix in part.prefixes}
        valued = any(part.value is not None for part in parts)
        either = _at_once(1, parts) if valued else None
        return EventQuery(tuple(sorted(codes)), tuple(sorted(prefixes)), where=either, title=name)


def _at_once(n: int, queries: Sequence[EventQuery]) -> Criterion:
    """At least so many of these at the same moment."""
    return at_least(n, *(Happened(query, (Window(0, 0, "hours"),)) for query in queries))


def _parts(one: Derived, name: str) -> tuple[str, tuple[str, ...]]:
    found = _EXPR.fullmatch(one.expr)
    names = tuple(part.strip() for part in found[2].split(",")) if found else ()
    if found is None or "" in names:
        refuse(f"predicates.{name}.expr", "expected and(a, b, …) or or(a, b, …)")
    return found[1], names


def _plain(one: Plain, place: str, name: str) -> EventQuery:
    codes, prefixes = _of_code(one.code, f"{place}.code")
    value = None
    if one.value_min is not None or one.value_max is not None:
        # Left out, an end does not count: so ACES has it.
        value = Range(
            one.value_min,
            one.value_max,
            bool(one.value_min_inclusive) or one.value_min is None,
            bool(one.value_max_inclusive) or one.value_max is None,
        )
    return EventQuery(codes, prefixes, value=value, title=name)


def _of_code(code: str | Code, place: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Exact codes, and beginnings of codes."""
    if isinstance(code, str):
        return (code,), ()
    if (code.regex is None) == (not code.any):
        refuse(place, "expected a code, or one of regex and any")
    if code.any:
        return code.any, ()
    found = _BEGINNING.fullmatch(code.regex or "")
    if found is None:
        refuse(
            f"{place}.regex",
            "only the beginning of a code can be said, such as ADMISSION//.*: list the codes "
            "under any",
        )
    return (), (found[1] or found[2],)
