"""Clauses: what a view asks of the patients, in real values, as typed JSON.

A clause never speaks of bins, so that it means the same on other data.
"""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from workbench.cohort.values import Value, as_value, plain
from workbench.errors import CohortError

Closed = Literal["left", "both"]
Missing = Literal["in", "out"]
Bound = int | float | str | None


@dataclass(frozen=True)
class Range:
    """An ordered column within a range.

    Parameters
    ----------
    column
        Numeric, or dates.
    low, high
        Numbers, or dates as ISO text ("2020-01-31", "2020-01-31T12:00:00"); None: no limit.
    closed
        "left": ``low <= value < high``, as bins are; "both": ``low <= value <= high``.
    missing
        Whether patients without a value are in as well.

    Raises
    ------
    CohortError
        Limits that are not finite, of two kinds, or not in order.
    """

    column: str
    low: Bound
    high: Bound
    closed: Closed = "left"
    missing: Missing = "out"

    def __post_init__(self) -> None:
        _check_choice(self.column, "closed", self.closed, get_args(Closed))
        _check_choice(self.column, "missing", self.missing, get_args(Missing))
        given = [bound for bound in (self.low, self.high) if bound is not None]
        texts = [_check_bound(self.column, bound) for bound in given]
        if len(given) == 2:
            if texts[0] != texts[1]:
                raise CohortError(f"{self.column}: a range has two numbers or two dates")
            ends = [datetime.fromisoformat(e) if isinstance(e, str) else e for e in given]
            if ends[0] > ends[1]:  # pyright: ignore[reportOperatorIssue]
                raise CohortError(f"{self.column}: a range needs low ≤ high")

    def to_json(self) -> dict[str, Any]:
        """What ``parse_clause`` reads."""
        ends = [
            plain(end) if isinstance(end, int | float) else end for end in (self.low, self.high)
        ]
        body: dict[str, Any] = {"column": self.column, "range": ends}
        if self.closed != "left":
            body["closed"] = self.closed
        return _with_missing(body, self.missing)


@dataclass(frozen=True)
class Levels:
    """A column with one of several levels, in the order given."""

    column: str
    levels: tuple[Value, ...]
    missing: Missing = "out"

    def __post_init__(self) -> None:
        _check_levels(self.column, self.levels, self.missing)

    def to_json(self) -> dict[str, Any]:
        """What ``parse_clause`` reads."""
        body = {"column": self.column, "levels": [plain(level) for level in self.levels]}
        return _with_missing(body, self.missing)


@dataclass(frozen=True)
class OtherThan:
    """A column with a level, and none of these: what "other" means, level by level."""

    column: str
    levels: tuple[Value, ...]
    missing: Missing = "out"

    def __post_init__(self) -> None:
        _check_levels(self.column, self.levels, self.missing)

    def to_json(self) -> dict[str, Any]:
        """What ``parse_clause`` reads."""
        body = {"column": self.column, "other_than": [plain(level) for level in self.levels]}
        return _with_missing(body, self.missing)


@dataclass(frozen=True)
class Presence:
    """A column without a value ("only" missing), or with one (missing is "out")."""

    column: str
    missing: Literal["only", "out"]

    def __post_init__(self) -> None:
        _check_choice(self.column, "missing", self.missing, ("only", "out"))

    def to_json(self) -> dict[str, Any]:
        """What ``parse_clause`` reads."""
        return {"column": self.column, "missing": self.missing}


@dataclass(frozen=True)
class Modalities:
    """Patients with exactly one of these combinations of modalities, and no other modality."""

    patterns: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """What ``parse_clause`` reads."""
        return {"modalities": [list(pattern) for pattern in self.patterns]}


@dataclass(frozen=True)
class OtherModalities:
    """Patients with any combination of modalities but these."""

    patterns: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """What ``parse_clause`` reads."""
        return {"modalities_other_than": [list(pattern) for pattern in self.patterns]}


Clause = Range | Levels | OtherThan | Presence | Modalities | OtherModalities


def _with_missing(body: dict[str, Any], missing: Missing) -> dict[str, Any]:
    return {**body, "missing": missing} if missing != "out" else body


def _check_choice(column: str, entry: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise CohortError(f"{column}: {entry} must be one of {', '.join(choices)}, got {value!r}")


def _check_bound(column: str, bound: object) -> bool:
    """Whether a bound is a date."""
    if isinstance(bound, str):
        try:
            date = datetime.fromisoformat(bound)
        except ValueError as error:
            raise CohortError(
                f"{column}: a limit must be a number, a date such as '2020-01-31' or null, got "
                "text that is no date"
            ) from error
        if date.tzinfo is not None:
            raise CohortError(f"{column}: a limit is a local date, without a time zone")
        return True
    largest = sys.float_info.max
    number = isinstance(bound, int | float) and not isinstance(bound, bool)
    if number and -largest <= bound <= largest:  # pyright: ignore[reportOperatorIssue]
        return False
    raise CohortError(
        f"{column}: a limit must be a finite number, a date such as '2020-01-31' or null, got "
        f"{type(bound).__name__}"
    )


def _check_levels(column: str, levels: tuple[Value, ...], missing: str) -> None:
    _check_choice(column, "missing", missing, get_args(Missing))
    for level in levels:
        as_value(column, level)
