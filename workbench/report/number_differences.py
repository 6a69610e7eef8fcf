"""What differs between the numbers of two reports, each named by its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

NOT_NUMBERS = frozenset(
    {
        "author",
        "code_version",
        "croissant",
        "data_hash",
        "definition_hash",
        "environment",
        "left_out",
        "saved_model",
        "schema",
        "study_hash",
    }
)
"""Entries that say where numbers come from; compared on their own, before the numbers."""

ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """One place at which two reports differ.

    Parameters
    ----------
    place
        JSON Pointer into ``report.json``.
    before, after
        The values; "absent" where a report has no such place.
    """

    place: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.place}: {self.before} before, {self.after} now"


def number_differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, tolerance: float = 0.0
) -> tuple[tuple[Difference, ...], int]:
    """Differences between two reports, and how many numbers the first has.

    Parameters
    ----------
    before, after
        ``report.json`` of each, read back.
    tolerance
        Relative difference of two numbers that still count as equal, and absolute where both are
        below 1; 0 asks for equality, then of sentences too. With a tolerance sentences are left
        out: they repeat numbers, rounded.

    Examples
    --------
    >>> found, n = number_differences({"c": 0.71, "n": 3}, {"c": 0.72, "n": 3})
    >>> str(found[0]), n
    ('/c: 0.71 before, 0.72 now', 2)
    """
    one, other = (dict(_leaves(document)) for document in (before, after))
    n_numbers = sum(_is_number(value) for value in one.values())
    found = [
        Difference(place, one.get(place, ABSENT), other.get(place, ABSENT))
        for place in sorted({*one, *other})
        if not _same(one.get(place, ABSENT), other.get(place, ABSENT), tolerance)
    ]
    return tuple(found), n_numbers


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if place or key not in NOT_NUMBERS:
                yield from _leaves(
                    inner, f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}"
                )
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{place}/{at}")
    else:
        yield place, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if _is_number(one) and _is_number(other):
        return one == other or isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    if tolerance and isinstance(one, str) and isinstance(other, str) and ABSENT not in (one, other):
        return True
    return type(one) is type(other) and one == other
