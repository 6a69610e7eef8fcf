"""Criteria on a column: comparisons with constants, ranges, lists, missing values."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from workbench.cohort.criteria.criterion import Criterion, Truth
from workbench.cohort.criteria.population import INDEX_DATE, Population
from workbench.cohort.values import (
    Value,
    as_number,
    as_text,
    as_value,
    check_fits,
    comparable,
    plain,
    read_column,
)
from workbench.errors import CohortError

Op = Literal["==", "!=", "<", "<=", ">", ">="]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"==": "is", "!=": "is not", "<": "<", "<=": "≤", ">": ">", ">=": "≥"}


@dataclass(frozen=True)
class Compare(Criterion):
    """A column compared with a constant."""

    column: str
    op: Op
    value: Value

    def truth(self, population: Population) -> Truth:
        values, known = read_column(population.table, self.column)
        check_fits(population.table, self.column, [self.value], ordered=self.op not in ("==", "!="))
        with np.errstate(over="ignore"):  # A limit beyond the column's precision is infinite.
            compared = _COMPARE[self.op](values, comparable(values, self.value))
        holds = known & compared.fillna(False).to_numpy(bool)
        return holds, known & ~holds

    def words(self, anchor: str = INDEX_DATE) -> str:
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

    def truth(self, population: Population) -> Truth:
        values, known = read_column(population.table, self.column)
        check_fits(population.table, self.column, self.values, ordered=False)
        wanted = [comparable(values, value) for value in self.values]
        holds = known & values.isin(wanted).to_numpy(bool)
        return holds, known & ~holds

    def words(self, anchor: str = INDEX_DATE) -> str:
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

    def truth(self, population: Population) -> Truth:
        values, known = read_column(population.table, self.column)
        check_fits(population.table, self.column, [self.low, self.high], ordered=True)
        with np.errstate(over="ignore"):
            between = values.between(self.low, self.high)
        holds = known & between.fillna(False).to_numpy(bool)
        return holds, known & ~holds

    def words(self, anchor: str = INDEX_DATE) -> str:
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

    def truth(self, population: Population) -> Truth:
        _, known = read_column(population.table, self.column)
        return ~known, known

    def words(self, anchor: str = INDEX_DATE) -> str:
        return f"{self.column} is missing"

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})

    def _body(self) -> dict[str, Any]:
        return {"column": self.column, "op": "is_missing"}


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
    >>> (col("grade").isin(["G3", "G4"]) & ~(col("age") > 80)).to_json()["all"][0]
    {'column': 'grade', 'op': 'in', 'value': ['G3', 'G4']}
    """
    return ColumnReference(name)
