"""One variable in every group: counts or summaries, differences, tests, and what is withheld."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

import numpy as np
import pandas as pd

from workbench.cohort.privacy.suppression import suppress_blocks, suppress_sizes
from workbench.cohort.table_one import levels, numbers
from workbench.cohort.table_one.columns import Levels, Numbers, read_column
from workbench.cohort.table_one.earlier import Between
from workbench.cohort.table_one.groups import Groups, count
from workbench.cohort.table_one.hypothesis_tests import compare_levels, compare_numbers
from workbench.cohort.table_one.people import People
from workbench.cohort.table_one.record import (
    Difference,
    Kind,
    Row,
    Statistic,
    Summary,
    Test,
    Variable,
)

SKEWED = 1.0
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Asked:
    """A column to describe: its ``values``, one a patient, and what a reader is told of it."""

    values: pd.Series
    kind: Kind | None
    title: str
    unit: str | None


def describe_variable(asked: Asked, groups: Groups, p_values: bool) -> Variable:
    """A column in every group.

    Raises
    ------
    CohortError
        If its values do not fit its kind.
    """
    column = read_column(asked.values, asked.kind)
    if isinstance(column, Numbers):
        return _numbers(column, asked, groups, p_values)
    return _levels(column, asked, groups, p_values)


def _levels(column: Levels, asked: Asked, groups: Groups, p_values: bool) -> Variable:
    n_levels = len(column.levels)
    counts = count(groups.divisions, column.codes, n_levels, None)
    weight = None
    if groups.weights is not None:
        weight = count(groups.divisions, column.codes, n_levels, groups.weights)
    apart = groups.earlier.levels(asked.values, column.levels, groups.titles)
    hidden = _hidden(groups.people(counts, column.codes, n_levels), groups, apart)
    cells = [
        groups.shares(row, None if weight is None else weight[i], hidden[i])
        for i, row in enumerate(counts)
    ]
    known = (counts if weight is None else weight)[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = known / known.sum(axis=0)
    withheld = bool(hidden.any())
    tests = ()
    if p_values and not withheld:
        tests = _tests(
            groups,
            [
                compare_levels(counts[:-1, block][:, division.known])
                for division, block in zip(groups.divisions, groups.blocks, strict=True)
            ],
        )
    return Variable(
        name=str(asked.values.name),
        title=asked.title,
        unit=asked.unit,
        kind=column.kind,
        statistic="n (%)",
        rows=tuple(Row(level, c) for level, c in zip(column.levels, cells[:-1], strict=True)),
        missing=cells[-1],
        differences=None if withheld else _pairs(groups, lambda a, b: levels.smd(shares, a, b)),
        tests=None if withheld else tests,
    )


def _numbers(column: Numbers, asked: Asked, groups: Groups, p_values: bool) -> Variable:
    parts = [order.parts(column.values, groups.weights) for order in groups.orders]
    found = [numbers.moments(part) for part in parts]
    whole = found[0].together()
    moments = numbers.side_by_side([whole, *found]) if groups.divisions else whole
    kind = column.kind or ("skewed" if abs(found[0].skewness()) > SKEWED else "normal")
    statistic = _statistic(kind, groups.minimum)
    counts = np.array([moments.n, groups.sizes - moments.n]).astype(np.int64)
    apart = groups.earlier.known(asked.values, groups.titles)
    people = groups.people(counts, -np.isnan(column.values).astype(np.int64), 1)
    hidden, withheld = _hidden(people, groups, apart), _withheld(people, groups, apart)
    tests = ()
    if p_values and not withheld.any():
        tests = _tests(groups, _compared(parts, groups, normal=kind == "normal"))
    weight = None if groups.weight is None else groups.weight - moments.weight
    return Variable(
        name=str(asked.values.name),
        title=asked.title,
        unit=asked.unit,
        kind=kind,
        statistic=statistic,
        rows=(Row("", _summaries(kind, statistic, parts, moments, hidden[0], withheld)),),
        missing=groups.shares(counts[1], weight, hidden[1]),
        differences=None
        if withheld.any()
        else _pairs(groups, lambda a, b: numbers.smd(moments, a, b)),
        tests=None if withheld.any() else tests,
    )


def _statistic(kind: Kind, minimum: int) -> Statistic:
    if kind == "date":
        # The ends of a range are those of one patient.
        return "median [IQR]" if minimum > 1 else "median [range]"
    return "median [IQR]" if kind == "skewed" else "mean (SD)"


def _hidden(people: People, groups: Groups, apart: Sequence[Between]) -> np.ndarray:
    """Counts that are withheld, (level + 1, column) bool."""
    return suppress_blocks(
        people.inside,
        groups.blocks,
        groups.minimum,
        apart,
        alone=people.alone,
        hidden_sizes=groups.hidden,
    )[0]


def _withheld(people: People, groups: Groups, apart: Sequence[Between]) -> np.ndarray:
    """Summaries of few patients, and of further groups, so that no group is everyone's rest.

    Where an earlier table and a summary would give that of few, a block tells no summary at all.
    """
    known, alone = people.inside[0], people.alone[0]
    hidden = groups.hidden | suppress_sizes(known, groups.blocks, groups.minimum, alone)
    few = {column for column, inside, _ in apart if 0 < inside[0] < groups.minimum}
    for block in groups.blocks:
        hidden[block] |= bool(few & {0, *range(block.start, block.stop)})
    hidden[0] |= 0 in few
    return hidden


def _summaries(
    kind: Kind,
    statistic: Statistic,
    parts: Sequence[numbers.Parts],
    moments: numbers.Moments,
    hidden: np.ndarray,
    withheld: np.ndarray,
) -> tuple[Summary, ...]:
    n_known = [None if hide else int(n) for n, hide in zip(moments.n, hidden, strict=True)]
    if statistic == "mean (SD)":
        spread = np.sqrt(moments.variance)
        shown = [
            Summary(n, estimate=_number(mean), spread=_number(sd))
            for n, mean, sd in zip(n_known, moments.mean, spread, strict=True)
        ]
    else:
        wide = numbers.RANGE if statistic == "median [range]" else numbers.QUARTILES
        each = [numbers.quantiles(part, wide) for part in parts]
        rows = [each[0][1], *(row for of_groups, _ in each for row in of_groups)]
        read = _moment if kind == "date" else _number
        # Without divisions the one part is everyone, who stand first already.
        shown = [
            Summary(n, estimate=read(middle), lower=read(low), upper=read(high))
            for n, (middle, low, high) in zip(n_known, rows, strict=False)
        ]
    return tuple(
        Summary(cell.n, suppressed=True) if hide else cell
        for cell, hide in zip(shown, withheld, strict=True)
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _moment(days: float) -> datetime | None:
    return None if np.isnan(days) else EPOCH + timedelta(days=float(days))


def _pairs(groups: Groups, smd: Callable[[int, int], float]) -> tuple[Difference, ...]:
    """Differences of every two groups of one division, where they are defined."""
    found = [
        Difference(division.titles[a], division.titles[b], smd(block.start + a, block.start + b))
        for division, block in zip(groups.divisions, groups.blocks, strict=True)
        for a, b in combinations(range(len(division)), 2)
    ]
    return tuple(pair for pair in found if np.isfinite(pair.smd))


def _compared(
    parts: Sequence[numbers.Parts], groups: Groups, *, normal: bool
) -> list[tuple[str, float] | None]:
    found = []
    for part, division in zip(parts, groups.divisions, strict=False):
        known = [x for x, is_known in zip(part.values, division.known, strict=True) if is_known]
        found.append(compare_numbers(known, normal=normal))
    return found


def _tests(groups: Groups, found: Sequence[tuple[str, float] | None]) -> tuple[Test, ...]:
    return tuple(
        Test(" and ".join(division.by), *test)
        for division, test in zip(groups.divisions, found, strict=True)
        if test is not None
    )
