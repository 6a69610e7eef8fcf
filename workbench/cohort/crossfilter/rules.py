"""A brush made a rule: a clause as a criterion, which holds for the same patients."""

from collections.abc import Iterable
from functools import reduce
from operator import and_, or_

from workbench.cohort.criteria import Criterion, col, has
from workbench.cohort.crossfilter.brushes import Brushes
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


def rule(clause: Clause, modalities: Iterable[str] = ()) -> Criterion:
    """The criterion that holds for the patients of ``clause``.

    Parameters
    ----------
    clause
        What a view asks.
    modalities
        All modalities of the index: a combination is those it names and no other.

    Raises
    ------
    CohortError
        A range of dates, with which criteria do not compare, or a clause that holds for no one.

    Examples
    --------
    >>> rule(Range("age", 40, 60)).sentence(), rule(Range("age", 40, 60, closed="both")).sentence()
    ('age ≥ 40 and age < 60', 'age is between 40 and 60')
    >>> rule(OtherThan("site", ("A", "B"), missing="in")).sentence()
    'not (site is one of A, B) or site is missing'
    """
    match clause:
        case Presence(column, missing):
            absent = col(column).is_missing()
            return absent if missing == "only" else ~absent
        case Modalities(patterns) | OtherModalities(patterns):
            if not patterns:
                raise CohortError("modalities: name at least one combination to make it a rule")
            names = tuple(modalities)
            known = reduce(or_, (_exactly(pattern, names) for pattern in patterns))
            return known if isinstance(clause, Modalities) else ~known
        case Levels(column, levels):
            known = col(column).isin(levels)
        case OtherThan(column, levels):
            known = ~col(column).isin(levels)
        case Range():
            known = _within(clause)
    return known | col(clause.column).is_missing() if clause.missing == "in" else known


def rules(brushes: Brushes, modalities: Iterable[str] = ()) -> tuple[Criterion, ...]:
    """One criterion a clause, in the order of the views: together they hold for the selected."""
    names = tuple(modalities)
    return tuple(rule(clause, names) for _, clause in brushes.present)


def _within(clause: Range) -> Criterion:
    column, low, high = col(clause.column), clause.low, clause.high
    if isinstance(low, str) or isinstance(high, str):
        raise CohortError(
            f"{clause.column}: criteria compare numbers and levels, not dates: make the days since "
            "a reference date a column of the card, and brush that"
        )
    if low is not None and high is not None and clause.closed == "both":
        return column.between(low, high)
    ends = [] if low is None else [column >= low]
    if high is not None:
        ends.append(column < high if clause.closed == "left" else column <= high)
    return reduce(and_, ends) if ends else ~column.is_missing()


def _exactly(pattern: tuple[str, ...], modalities: tuple[str, ...]) -> Criterion:
    unknown = set(pattern) - set(modalities)
    if unknown:
        raise CohortError(
            f"pass the modalities of the index: {', '.join(sorted(unknown))} is not among them"
        )
    return reduce(and_, (has(name) if name in pattern else ~has(name) for name in modalities))
