"""Criteria: which patients are in. Each is a predicate, a sentence and canonical JSON.

A comparison with a missing value is unknown, and so is its negation: whoever is unknown is not
in. ``~(col("age") >= 18)`` holds for patients known to be under 18 (Kleene's three-valued logic,
as in SQL).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from workbench.cohort.criteria.population import INDEX_DATE, Population
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.criteria.landmark import Landmark
    from workbench.cohort.criteria.query import EventQuery
    from workbench.cohort.sql.text import Sql

Truth = tuple[np.ndarray, np.ndarray]
"""Of whom a criterion is known to hold, and known not to hold, (record,) bool each."""


@dataclass(frozen=True, kw_only=True)
class Criterion(ABC):
    """One inclusion rule.

    Parameters
    ----------
    name
        What to call it in the attrition, such as "Adults".
    rationale
        Why it is there.
    """

    name: str = ""
    rationale: str = ""

    @abstractmethod
    def truth(self, population: Population) -> Truth:
        """Of whom it is known to hold, and known not to hold, (record,) bool each."""

    @abstractmethod
    def words(self, anchor: str = INDEX_DATE) -> str:
        """The rule in words, without its name; ``anchor`` is what windows are counted from."""

    @abstractmethod
    def columns(self) -> frozenset[str]:
        """Columns that it reads."""

    @abstractmethod
    def _body(self) -> dict[str, Any]:
        """JSON without name and rationale."""

    def queries(self) -> "tuple[EventQuery, ...]":
        """The events that it asks for, those around them among them."""
        return ()

    def reads_events(self) -> bool:
        """Whether it asks for events, which a table of patients alone does not have."""
        return bool(self.queries())

    def looks_ahead(self, landmark: "Landmark | None" = None) -> bool:
        """Whether it sees what happens after the index date, or the landmark if there is one.

        Whoever is chosen by that must live to see it: they are immortal until then.
        """
        return False

    def undated(self) -> frozenset[str]:
        """Modalities that it asks for whenever they were acquired, also after the index date."""
        return frozenset()

    def mask(self, population: Population) -> np.ndarray:
        """Who is in, (record,) bool.

        Raises
        ------
        CohortError
            If a column, modality or code does not exist, or a value does not fit its column.
        """
        return self.truth(population)[0]

    def unknown(self, population: Population) -> np.ndarray:
        """Who is not in because a value is missing, (record,) bool."""
        holds, fails = self.truth(population)
        return ~holds & ~fails

    def sentence(self, anchor: str = INDEX_DATE) -> str:
        """The rule as a person reads it."""
        return f"{self.name}: {self.words(anchor)}" if self.name else self.words(anchor)

    def to_json(self) -> dict[str, Any]:
        """What :func:`parse` reads; equal criteria give equal JSON."""
        notes = {"name": self.name, "rationale": self.rationale}
        return {**self._body(), **{key: text for key, text in notes.items() if text}}

    def to_sql(self) -> "Sql":
        """As PostgreSQL and DuckDB ask it of a CDM 5.4, values apart from the text."""
        from workbench.cohort.sql.show import criterion_sql

        return criterion_sql(self)

    def named(self, name: str, rationale: str = "") -> Self:
        """The same rule with a name, and why it is there."""
        return replace(self, name=name, rationale=rationale)

    def __and__(self, other: "Criterion") -> "Several":
        parts = [p for side in (self, other) for p in _unwrap(side, lambda s: s.n == len(s.parts))]
        return Several(len(parts), tuple(parts))

    def __or__(self, other: "Criterion") -> "Several":
        parts = [p for side in (self, other) for p in _unwrap(side, lambda s: s.n == 1)]
        return Several(1, tuple(parts))

    def __invert__(self) -> "Not":
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise CohortError(
            "a criterion has no truth value of its own: combine criteria with &, | and ~ in "
            "brackets, and write `col(...).between(low, high)` for a range"
        )


@dataclass(frozen=True)
class Several(Criterion):
    """At least ``n`` of several criteria hold: all of them, any of them, or a number between."""

    n: int
    parts: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        _check_parts(self.parts)
        if not 1 <= self.n <= len(self.parts):
            raise CohortError(f"at least {self.n} of {len(self.parts)} criteria cannot be meant")

    def truth(self, population: Population) -> Truth:
        truths = [part.truth(population) for part in self.parts]
        n_holding = np.sum([holds for holds, _ in truths], axis=0)
        n_failing = np.sum([fails for _, fails in truths], axis=0)
        return n_holding >= self.n, n_failing > len(self.parts) - self.n

    def words(self, anchor: str = INDEX_DATE) -> str:
        parts = [
            f"({part.sentence(anchor)})" if isinstance(part, Several) else part.sentence(anchor)
            for part in self.parts
        ]
        if self.n in (1, len(self.parts)):
            return (" or " if self.n < len(parts) else " and ").join(parts)
        return f"at least {self.n} of: {'; '.join(parts)}"

    def columns(self) -> frozenset[str]:
        return frozenset().union(*(part.columns() for part in self.parts))

    def queries(self) -> "tuple[EventQuery, ...]":
        return tuple(query for part in self.parts for query in part.queries())

    def reads_events(self) -> bool:
        return any(part.reads_events() for part in self.parts)

    def looks_ahead(self, landmark: "Landmark | None" = None) -> bool:
        return any(part.looks_ahead(landmark) for part in self.parts)

    def undated(self) -> frozenset[str]:
        return frozenset().union(*(part.undated() for part in self.parts))

    def _body(self) -> dict[str, Any]:
        parts = [part.to_json() for part in self.parts]
        if self.n == len(parts):
            return {"all": parts}
        return {"any": parts} if self.n == 1 else {"at_least": self.n, "of": parts}


@dataclass(frozen=True)
class Not(Criterion):
    """A criterion is known not to hold."""

    part: Criterion

    def __post_init__(self) -> None:
        _check_parts([self.part])

    def truth(self, population: Population) -> Truth:
        holds, fails = self.part.truth(population)
        return fails, holds

    def words(self, anchor: str = INDEX_DATE) -> str:
        return f"not ({self.part.sentence(anchor)})"

    def columns(self) -> frozenset[str]:
        return self.part.columns()

    def queries(self) -> "tuple[EventQuery, ...]":
        return self.part.queries()

    def reads_events(self) -> bool:
        return self.part.reads_events()

    def looks_ahead(self, landmark: "Landmark | None" = None) -> bool:
        return self.part.looks_ahead(landmark)

    def undated(self) -> frozenset[str]:
        return self.part.undated()

    def _body(self) -> dict[str, Any]:
        return {"not": self.part.to_json()}


def at_least(n: int, *criteria: Criterion) -> Several:
    """Patients for whom at least ``n`` of ``criteria`` hold."""
    return Several(n, criteria)


def _unwrap(side: Criterion, same: Callable[[Several], bool]) -> tuple[Criterion, ...]:
    """The parts of an unnamed group of the same kind, so that a & b & c has three parts."""
    _check_parts([side])
    unnamed = not side.name and not side.rationale
    return side.parts if isinstance(side, Several) and unnamed and same(side) else (side,)


def _check_parts(parts: Iterable[Any]) -> None:
    parts = list(parts)
    if not parts:
        raise CohortError("a group of criteria needs at least one")
    for part in parts:
        if not isinstance(part, Criterion):
            raise CohortError(
                f"expected a criterion such as `col('age') >= 18`, got {type(part).__name__}"
            )
