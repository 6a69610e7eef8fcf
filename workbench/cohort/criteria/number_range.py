"""Numbers between two ends, each of which counts or not: a predicate, words and JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from workbench.cohort.values import as_number, as_text, plain
from workbench.errors import CohortError


@dataclass(frozen=True)
class Range:
    """Numbers between two ends; an end that is None is open, ``*_included`` says if it counts."""

    low: float | None = None
    high: float | None = None
    low_included: bool = True
    high_included: bool = True

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise CohortError("a range needs a low or a high end")
        for end in (self.low, self.high):
            if end is not None:
                as_number("a range", end)
        if self.low is not None and self.high is not None:
            empty = self.low > self.high or (
                self.low == self.high and not (self.low_included and self.high_included)
            )
            if empty:
                raise CohortError(f"no number lies between {self.low} and {self.high}")

    def contains(self, numbers: np.ndarray) -> np.ndarray:
        """Which numbers lie inside, bool; NaN does not."""
        inside = ~np.isnan(numbers)
        if self.low is not None:
            inside &= numbers >= self.low if self.low_included else numbers > self.low
        if self.high is not None:
            inside &= numbers <= self.high if self.high_included else numbers < self.high
        return inside

    def words(self) -> str:
        """Such as ``≥ 6.5 and < 9``."""
        parts = []
        if self.low is not None:
            parts.append(f"{'≥' if self.low_included else '>'} {as_text(self.low)}")
        if self.high is not None:
            parts.append(f"{'≤' if self.high_included else '<'} {as_text(self.high)}")
        return " and ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Such as ``{">=": 6.5, "<": 9}``."""
        written: dict[str, Any] = {}
        if self.low is not None:
            written[">=" if self.low_included else ">"] = plain(self.low)
        if self.high is not None:
            written["<=" if self.high_included else "<"] = plain(self.high)
        return written

    @classmethod
    def from_json(cls, written: Any, what: str) -> Self:
        """Read what :meth:`to_json` wrote."""
        ends = {">=", ">", "<=", "<"}
        if (
            not isinstance(written, Mapping)
            or not written
            or not written.keys() <= ends
            or {">=", ">"} <= written.keys()
            or {"<=", "<"} <= written.keys()
        ):
            raise CohortError(f"{what}: expected a range such as {{'>=': 6.5, '<': 9}}")
        numbers = {key: as_number(what, value) for key, value in written.items()}
        return cls(
            numbers.get(">=", numbers.get(">")),
            numbers.get("<=", numbers.get("<")),
            ">" not in numbers,
            "<" not in numbers,
        )
