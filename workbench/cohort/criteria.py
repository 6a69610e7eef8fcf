"""Criteria: which patients are in. Each is a predicate, a sentence and canonical JSON.

A comparison with a missing value is unknown, and so is its negation: whoever is unknown is not
in. ``~(col("age") >= 18)`` holds for patients known to be under 18 (Kleene's three-valued logic,
as in SQL).
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, Self, cast, get_args

import numpy as np
import pandas as pd

from workbench.cohort.values import (
    Value,
    as_number,
    as_text,
    as_value,
    check_fits,
    plain,
    read_column,
)
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

Op = Literal["==", "!=", "<", "<=", ">", ">="]
Available = Mapping[str, np.ndarray]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"==": "is", "!=": "is not", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}


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
    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        """Whether it is known to hold, and known not to hold, (patient,) bool each."""

    @abstractmethod
    def words(self) -> str:
        """The rule in words, without its name."""

    @abstractmethod
    def columns(self) -> frozenset[str]:
        """Columns that it reads."""

    @abstractmethod
    def _body(self) -> dict[str, Any]:
        """JSON without name and rationale."""

    def mask(self, patients: pd.DataFrame, available: Available) -> np.ndarray:
        """Who is in, (patient,) bool.

        Parameters
        ----------
        patients
            One row a patient, with the columns that the criterion names.
        available
            Modality → whether the patient has it, (patient,) bool.

        Raises
        ------
        CohortError
            If a column or modality does not exist, or a value does not fit its column.
        """
        return self.truth(patients, available)[0]

    def unknown(self, patients: pd.DataFrame, available: Available) -> np.ndarray:
        """Who is not in because a value is missing, (patient,) bool."""
        holds, fails = self.truth(patients, available)
        return ~holds & ~fails

    def sentence(self) -> str:
        """The rule as a person reads it."""
        return f"{self.name}: {self.words()}" if self.name else self.words()

    def to_json(self) -> dict[str, Any]:
        """What :func:`parse` reads; equal criteria give equal JSON."""
        notes = {"name": self.name, "rationale": self.rationale}
        return {**self._body(), **{key: text for key, text in notes.items() if text}}

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
class Compare(Criterion):
    """A column compared with a constant."""

    column: str
    op: Op
    value: Value

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        values, known = read_column(patients, self.column)
        check_fits(patients, self.column, [self.value], ordered=self.op not in ("==", "!="))
        holds = np.zeros(len(values), bool)
        holds[known] = _COMPARE[self.op](values[known], self.value)
        return holds, known & ~holds

    def words(self) -> str:
        return f"{self.column} {_WORDS[self.op]} {as_text(self.value)}"

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})

    def _body(self) -> dict[str, Any]:
        return {"column": self.column, "op": self.op, "value": plain(self.value)}


@dataclass(frozen=True)
class IsIn(Criterion):
    """A column that has one of several values."""

    column: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise CohortError(f"{self.column}: name at least one value")

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        values, known = read_column(patients, self.column)
        check_fits(patients, self.column, self.values, ordered=False)
        holds = np.array([k and v in self.values for v, k in zip(values, known, strict=True)], bool)
        return holds, known & ~holds

    def words(self) -> str:
        return f"{self.column} is one of {', '.join(map(as_text, self.values))}"

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})

    def _body(self) -> dict[str, Any]:
        return {"column": self.column, "op": "in", "value": [plain(v) for v in self.values]}


@dataclass(frozen=True)
class Between(Criterion):
    """A column within a range, both ends included."""

    column: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise CohortError(
                f"{self.column}: between needs low ≤ high, got {self.low} and {self.high}"
            )

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        values, known = read_column(patients, self.column)
        check_fits(patients, self.column, [self.low, self.high], ordered=True)
        holds = np.zeros(len(values), bool)
        holds[known] = (values[known] >= self.low) & (values[known] <= self.high)
        return holds, known & ~holds

    def words(self) -> str:
        return f"{self.column} is between {as_text(self.low)} and {as_text(self.high)}"

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})

    def _body(self) -> dict[str, Any]:
        ends = [plain(self.low), plain(self.high)]
        return {"column": self.column, "op": "between", "value": ends}


@dataclass(frozen=True)
class IsMissing(Criterion):
    """A column without a value."""

    column: str

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        _, known = read_column(patients, self.column)
        return ~known, known

    def words(self) -> str:
        return f"{self.column} is missing"

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})

    def _body(self) -> dict[str, Any]:
        return {"column": self.column, "op": "is_missing"}


@dataclass(frozen=True)
class Has(Criterion):
    """A modality that the patient has."""

    modality: str

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        if self.modality not in available:
            raise CohortError(
                f"no modality is called {self.modality!r}; there are {', '.join(available)}"
                f"{did_you_mean(self.modality, available)}"
            )
        holds = np.asarray(available[self.modality], bool)
        return holds, ~holds

    def words(self) -> str:
        return f"has {self.modality}"

    def columns(self) -> frozenset[str]:
        return frozenset()

    def _body(self) -> dict[str, Any]:
        return {"has": self.modality}


@dataclass(frozen=True)
class Several(Criterion):
    """At least ``n`` of several criteria hold: all of them, any of them, or a number between."""

    n: int
    parts: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        _check_parts(self.parts)
        if not 1 <= self.n <= len(self.parts):
            raise CohortError(f"at least {self.n} of {len(self.parts)} criteria cannot be meant")

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        truths = [part.truth(patients, available) for part in self.parts]
        n_holding = np.sum([holds for holds, _ in truths], axis=0)
        n_failing = np.sum([fails for _, fails in truths], axis=0)
        return n_holding >= self.n, n_failing > len(self.parts) - self.n

    def words(self) -> str:
        parts = [
            f"({part.sentence()})" if isinstance(part, Several) else part.sentence()
            for part in self.parts
        ]
        if self.n in (1, len(self.parts)):
            return (" or " if self.n < len(parts) else " and ").join(parts)
        return f"at least {self.n} of: {'; '.join(parts)}"

    def columns(self) -> frozenset[str]:
        return frozenset().union(*(part.columns() for part in self.parts))

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

    def truth(self, patients: pd.DataFrame, available: Available) -> tuple[np.ndarray, np.ndarray]:
        holds, fails = self.part.truth(patients, available)
        return fails, holds

    def words(self) -> str:
        return f"not ({self.part.sentence()})"

    def columns(self) -> frozenset[str]:
        return self.part.columns()

    def _body(self) -> dict[str, Any]:
        return {"not": self.part.to_json()}


class ColumnReference:
    """A column, waiting for a comparison: ``col("age") >= 18``."""

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __init__(self, name: str) -> None:
        self._name = name

    def _compare(self, op: Op, value: Any) -> Compare:
        return Compare(self._name, op, as_value(self._name, value))

    def __eq__(self, value: object) -> Compare:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("==", value)

    def __ne__(self, value: object) -> Compare:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("!=", value)

    def __lt__(self, value: Any) -> Compare:
        return self._compare("<", value)

    def __le__(self, value: Any) -> Compare:
        return self._compare("<=", value)

    def __gt__(self, value: Any) -> Compare:
        return self._compare(">", value)

    def __ge__(self, value: Any) -> Compare:
        return self._compare(">=", value)

    def isin(self, values: Iterable[Any]) -> IsIn:
        """One of several values."""
        if isinstance(values, str):
            raise CohortError(f"{self._name}: isin needs a list, got the text {values!r}")
        return IsIn(self._name, tuple(as_value(self._name, value) for value in values))

    def between(self, low: float, high: float) -> Between:
        """From ``low`` to ``high``, both included."""
        return Between(self._name, *(as_number(self._name, end) for end in (low, high)))

    def is_missing(self) -> IsMissing:
        """Without a value."""
        return IsMissing(self._name)


def col(name: str) -> ColumnReference:
    """A column of the card, to be compared.

    Examples
    --------
    >>> (col("age") >= 18).sentence()
    'age ≥ 18'
    >>> (col("grade").isin(["G3", "G4"]) & ~has("mri")).to_json()
    {'all': [{'column': 'grade', 'op': 'in', 'value': ['G3', 'G4']}, {'not': {'has': 'mri'}}]}
    """
    return ColumnReference(name)


def has(modality: str) -> Has:
    """Patients for whom the files of a modality are there and readable."""
    return Has(modality)


def at_least(n: int, *criteria: Criterion) -> Several:
    """Patients for whom at least ``n`` of ``criteria`` hold."""
    return Several(n, criteria)


def parse(written: Mapping[str, Any]) -> Criterion:
    """Read a criterion as a study file writes it.

    Parameters
    ----------
    written
        One of ``{column, op, value}`` (op: ==, !=, <, <=, >, >=, in, between, is_missing),
        ``{has: modality}``, ``{all: [...]}``, ``{any: [...]}``, ``{not: {...}}`` and
        ``{at_least: n, of: [...]}``; each may add ``name`` and ``rationale``.

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
        case {"has": str(modality), **rest} if not rest:
            return Has(modality)
        case {"all": list(parts), **rest} if not rest:
            return Several(len(parts), tuple(map(parse, parts)))
        case {"any": list(parts), **rest} if not rest:
            return Several(1, tuple(map(parse, parts)))
        case {"at_least": int(n), "of": list(parts), **rest} if not rest:
            return Several(n, tuple(map(parse, parts)))
        case {"not": part, **rest} if not rest:
            return Not(parse(part))
    raise CohortError(
        f"criterion with {', '.join(map(str, body)) or 'no entries'}: expected column, op and "
        "value; has; all; any; not; or at_least and of"
    )


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
        f"criterion on {name}: op {op!r} with a {type(value).__name__}: expected one of "
        "==, !=, <, <=, >, >= with one value, `in` with a list, `between` with [low, high]"
    )


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
