"""Clauses in words, and as the Python that asks the same of a cohort."""

import json
from collections.abc import Sequence
from datetime import datetime

from workbench.cohort.crossfilter import (
    Clause,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    Presence,
    Range,
)
from workbench.errors import CohortError

MOST_NAMED = 6
"""Levels that are named; of the others it is said how many there are."""


def clause_words(clause: Clause) -> str:
    """What a clause asks of its column, without the column's name.

    Examples
    --------
    >>> clause_words(Range("age", 40, 60)), clause_words(Range("age", None, 60, missing="in"))
    ('40 to < 60', '< 60 or missing')
    >>> clause_words(Levels("sex", ("female",))), clause_words(Presence("crp", "out"))
    ('female', 'not missing')
    """
    match clause:
        case Presence(_, missing):
            return "missing" if missing == "only" else "not missing"
        case Modalities(patterns):
            return _listed([_pattern(each) for each in patterns])
        case OtherModalities(patterns):
            return f"other than {_listed([_pattern(each) for each in patterns])}"
        case Levels(_, levels):
            known = _listed([_level(each) for each in levels])
        case OtherThan(_, levels):
            known = f"other than {_listed([_level(each) for each in levels])}"
        case Range():
            known = _range(clause)
    return f"{known} or missing" if clause.missing == "in" else known


def clause_python(clause: Clause, modalities: Sequence[str] = ()) -> str:
    """The expression that is the criterion of a clause, with ``workbench`` imported as ``wb``.

    Parameters
    ----------
    clause
        What a view asks.
    modalities
        All modalities of the index.

    Raises
    ------
    CohortError
        A clause that holds for no one.

    Examples
    --------
    >>> clause_python(Range("age", 40, 60))
    '(wb.col("age") >= 40) & (wb.col("age") < 60)'
    """
    match clause:
        case Presence(column, missing):
            absent = f"{_column(column)}.is_missing()"
            return absent if missing == "only" else f"~{absent}"
        case Modalities(patterns) | OtherModalities(patterns):
            if not patterns:
                raise CohortError("modalities: name at least one combination to make it a rule")
            several = [_exactly(pattern, modalities) for pattern in patterns]
            known = several[0] if len(several) == 1 else " | ".join(f"({s})" for s in several)
            return known if isinstance(clause, Modalities) else f"~({known})"
        case Levels(column, levels):
            known = f"{_column(column)}.isin({_tuple(levels)})"
        case OtherThan(column, levels):
            known = f"~{_column(column)}.isin({_tuple(levels)})"
        case Range(column):
            known = _within(clause, _column(column))
    if clause.missing == "in":
        return f"({known}) | {_column(clause.column)}.is_missing()"
    return known


def _within(clause: Range, column: str) -> str:
    low, high = clause.low, clause.high
    if isinstance(low, int | float) and isinstance(high, int | float) and clause.closed == "both":
        return f"{column}.between({_literal(low)}, {_literal(high)})"
    ends = [] if low is None else [f"{column} >= {_literal(low)}"]
    if high is not None:
        ends.append(f"{column} {'<' if clause.closed == 'left' else '<='} {_literal(high)}")
    if not ends:
        return f"~{column}.is_missing()"
    return ends[0] if len(ends) == 1 else " & ".join(f"({end})" for end in ends)


def _exactly(pattern: Sequence[str], modalities: Sequence[str]) -> str:
    return " & ".join(
        f"{'' if name in pattern else '~'}wb.has({_literal(name)})" for name in modalities
    )


def _column(name: str) -> str:
    return f"wb.col({_literal(name)})"


def _literal(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _tuple(values: Sequence[object]) -> str:
    return f"[{', '.join(map(_literal, values))}]"


def _range(clause: Range) -> str:
    if clause.low is not None and clause.low == clause.high and clause.closed == "both":
        return _bound(clause.low)
    low, high = (_bound(end) for end in (clause.low, clause.high))
    if clause.low is None and clause.high is None:
        return "any value"
    if clause.low is None:
        return f"{'<' if clause.closed == 'left' else '≤'} {high}"
    if clause.high is None:
        return f"≥ {low}"
    return f"{low} to {'< ' if clause.closed == 'left' else ''}{high}"


def _bound(end: float | str | None) -> str:
    if isinstance(end, str):
        at = datetime.fromisoformat(end)
        return at.date().isoformat() if at == datetime.combine(at.date(), at.min.time()) else end
    return "" if end is None else f"{end:,.6g}".replace("-", "−")


def _level(level: object) -> str:
    return {True: "yes", False: "no"}[level] if isinstance(level, bool) else str(level)


def _pattern(pattern: Sequence[str]) -> str:
    return " + ".join(pattern) or "no modality"


def _listed(names: list[str]) -> str:
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} or {len(names) - MOST_NAMED} more"
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names) or "none"
