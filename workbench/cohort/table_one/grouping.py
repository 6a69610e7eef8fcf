"""Divisions of the patients into the groups that a table compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.errors import CohortError

ALL = "all"
MISSING = "missing"
MOST_GROUPS = 100

Arrangement = Literal["nested", "side by side"]


@dataclass(frozen=True, eq=False)
class Division:
    """Every patient in one group.

    Parameters
    ----------
    by
        The columns that make it, outermost first.
    codes
        Group of each patient, (patient,) int64, from 0.
    titles, paths
        What each group is called, and the column and level that make it.
    known
        (group,) bool; False where a column that makes the group is missing.
    """

    by: tuple[str, ...]
    codes: np.ndarray
    titles: tuple[str, ...]
    paths: tuple[tuple[tuple[str, str], ...], ...]
    known: np.ndarray

    def __len__(self) -> int:
        return len(self.titles)


def blocks_of(divisions: Sequence[Division]) -> tuple[slice, ...]:
    """The columns of each division in a table whose first column is everyone."""
    ends = np.cumsum([1, *map(len, divisions)]).tolist()
    return tuple(slice(start, end) for start, end in pairwise(ends))


def divide(patients: pd.DataFrame, by: Sequence[str], arrangement: Arrangement) -> list[Division]:
    """Divisions by columns: one of their combinations, or one a column.

    Raises
    ------
    CohortError
        If a column does not exist, stands twice, is a number, or makes too many groups.
    """
    if len(set(by)) < len(by):
        raise CohortError(f"by: a column stands twice among {len(by)}: name each once")
    single = [_by_column(patients, name) for name in by]
    if not single:
        return []
    divisions = [reduce(_nested, single)] if arrangement == "nested" else single
    for division in divisions:
        if len(division) > MOST_GROUPS:
            raise CohortError(
                f"{' and '.join(division.by)} make {len(division)} groups, at most {MOST_GROUPS} "
                "can be compared: group their levels"
            )
    return divisions if len(divisions) == 1 else [_titled_by_column(d) for d in divisions]


def by_levels(column: str, values: pd.Series) -> Division:
    """The division by a column's levels that occur, in their order; who has none comes last."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, levels = values.cat.codes.to_numpy(), list(values.cat.categories)
    else:
        codes, levels = pd.factorize(values, sort=True)
        levels = list(levels)
    codes = np.where(codes < 0, len(levels), codes).astype(np.int64)
    occurs = np.bincount(codes, minlength=len(levels) + 1) > 0
    titles = [*(level_title(column, level) for level in levels), f"{column} {MISSING}"]
    paths = [*(((column, str(level)),) for level in levels), ((column, MISSING),)]
    return Division(
        (column,),
        (np.cumsum(occurs) - 1)[codes],
        tuple(np.array(titles, object)[occurs]),
        tuple(path for path, there in zip(paths, occurs, strict=True) if there),
        np.arange(len(levels) + 1)[occurs] < len(levels),
    )


def level_title(column: str, level: Any) -> str:
    """How a group is called: a level as it is, yes and no by what they have."""
    if isinstance(level, bool | np.bool_):
        return f"{'with' if level else 'without'} {column.removeprefix('has_')}"
    return str(level)


def _by_column(patients: pd.DataFrame, name: str) -> Division:
    if name not in patients:
        raise CohortError(f"by: no column is called {name!r}")
    values = patients[name]
    if pd.api.types.is_float_dtype(values.dtype) or values.dtype.kind == "M":
        raise CohortError(f"{name} is a number or a date: compare groups by a column with levels")
    return by_levels(name, values)


def _nested(outer: Division, inner: Division) -> Division:
    codes = outer.codes * len(inner) + inner.codes
    occurs = np.flatnonzero(np.bincount(codes, minlength=len(outer) * len(inner)))
    position = np.zeros(len(outer) * len(inner), np.int64)
    position[occurs] = np.arange(len(occurs))
    pairs = [divmod(int(code), len(inner)) for code in occurs]
    return Division(
        (*outer.by, *inner.by),
        position[codes],
        tuple(f"{outer.titles[i]} / {inner.titles[j]}" for i, j in pairs),
        tuple((*outer.paths[i], *inner.paths[j]) for i, j in pairs),
        np.array([outer.known[i] and inner.known[j] for i, j in pairs]),
    )


def _titled_by_column(division: Division) -> Division:
    titles = tuple(f"{division.by[0]}: {path[0][1]}" for path in division.paths)
    return Division(division.by, division.codes, titles, division.paths, division.known)
