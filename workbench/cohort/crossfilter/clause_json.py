"""JSON → clause: typed, and nothing else."""

from collections.abc import Mapping
from typing import Any

from workbench.cohort.crossfilter.clauses import (
    Clause,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    Presence,
    Range,
)
from workbench.errors import CohortError


def parse_clause(written: Mapping[str, Any]) -> Clause:
    """Read a clause from JSON.

    Parameters
    ----------
    written
        One of ``{column, range: [low, high]}`` (with ``closed``), ``{column, levels: [...]}``,
        ``{column, other_than: [...]}``, each with ``missing: "in"`` where patients without a value
        are in as well; ``{column, missing: "only" | "out"}``; ``{modalities: [[...], ...]}`` and
        ``{modalities_other_than: [[...], ...]}``.

    Raises
    ------
    CohortError
        It is none of these.

    Examples
    --------
    >>> parse_clause({"column": "age", "range": [40, None], "missing": "in"})
    Range(column='age', low=40, high=None, closed='left', missing='in')
    """
    if not isinstance(written, Mapping):
        raise CohortError(
            f"a clause is a mapping such as {{'column': 'age', 'range': [40, 60]}}, got "
            f"{type(written).__name__}"
        )
    match dict(written):
        case {"column": str(name), "range": [low, high], **rest} if rest.keys() <= {
            "closed",
            "missing",
        }:
            return Range(name, low, high, **rest)
        case {"column": str(name), "levels": list(levels), **rest} if rest.keys() <= {"missing"}:
            return Levels(name, tuple(levels), **rest)
        case {"column": str(name), "other_than": list(levels), **rest} if rest.keys() <= {
            "missing"
        }:
            return OtherThan(name, tuple(levels), **rest)
        case {"column": str(name), "missing": missing, **rest} if not rest:
            return Presence(name, missing)
        case {"modalities": list(patterns), **rest} if not rest:
            return Modalities(_patterns(patterns))
        case {"modalities_other_than": list(patterns), **rest} if not rest:
            return OtherModalities(_patterns(patterns))
    raise CohortError(
        f"clause with {', '.join(map(str, written)) or 'no entries'}: expected column with range, "
        "levels, other_than or missing; or modalities; or modalities_other_than"
    )


def _patterns(written: list[Any]) -> tuple[tuple[str, ...], ...]:
    for pattern in written:
        if not isinstance(pattern, list) or not all(isinstance(name, str) for name in pattern):
            raise CohortError(
                "modalities: expected a list of combinations such as [['mri', 'rna'], []], each a "
                "list of names"
            )
    return tuple(map(tuple, written))
