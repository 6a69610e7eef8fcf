"""Which patients a clause holds for: judged by their values, never by bins."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from workbench.cohort.crossfilter.bins import Dimension, LevelBins, PatternBins, RangeBins
from workbench.cohort.crossfilter.clauses import (
    Clause,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    Presence,
    Range,
)
from workbench.cohort.crossfilter.levels import MODALITIES, pattern_bits
from workbench.cohort.values import Value
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

EARLIEST, LATEST = -(2**63) + 1, 2**63 - 1
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def dimension_of(dimensions: Mapping[str, Dimension], clause: Clause) -> Dimension:
    """The dimension that ``clause`` speaks of.

    Raises
    ------
    CohortError
        There is none, or it is of another kind.
    """
    whole = isinstance(clause, Modalities | OtherModalities)
    name = MODALITIES if whole else clause.column
    if name not in dimensions:
        known = ", ".join(dimensions) or "none"
        near = did_you_mean(name, dimensions)
        raise CohortError(f"no column of the index is called {name!r}{near}; there are {known}")
    dimension = dimensions[name]
    fits = {
        Range: RangeBins,
        Levels: LevelBins,
        OtherThan: LevelBins,
        Presence: RangeBins | LevelBins,
        Modalities: PatternBins,
        OtherModalities: PatternBins,
    }
    if not isinstance(dimension.bins, fits[type(clause)]):
        expected = {RangeBins: "a range", LevelBins: "levels", PatternBins: "modalities"}
        raise CohortError(
            f"{name}: a clause on this column names {expected[type(dimension.bins)]}, got "
            f"{type(clause).__name__}"
        )
    return dimension


def row_mask(dimension: Dimension, clause: Clause) -> np.ndarray:
    """Patients for whom ``clause`` holds, (patient,) bool.

    Raises
    ------
    CohortError
        A limit does not fit the column, or a level or modality does not exist.
    """
    match clause:
        case Range():
            inside = in_range(dimension.values, dimension.name, clause)
            if clause.missing == "in":
                inside |= dimension.codes == dimension.bins.n_bins
            return inside
        case Presence():
            missing = dimension.codes == dimension.bins.n_bins
            return missing if clause.missing == "only" else ~missing
        case Levels() | OtherThan() | Modalities() | OtherModalities():
            return level_table(dimension, clause)[dimension.values]


def in_range(values: np.ndarray, name: str, clause: Range) -> np.ndarray:
    """Which of ``values`` (any shape; numbers or datetime64) lie in the range; missing never."""
    dates = values.dtype.kind == "M"
    for bound in (clause.low, clause.high):
        if bound is not None and isinstance(bound, str) != dates:
            raise CohortError(
                f"{name} holds {'dates' if dates else 'numbers'}: its limits must be "
                f"{'dates such as 2020-01-31' if dates else 'numbers'}, got "
                f"{type(bound).__name__}"
            )
    if dates:
        return _in_dates(values, clause)
    inside = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    # Limits are Python's numbers, compared in the column's own precision, as a criterion does.
    with np.errstate(over="ignore"):
        if clause.low is not None:
            inside &= values >= clause.low
        if clause.high is not None:
            inside &= values < clause.high if clause.closed == "left" else values <= clause.high
    return inside


def _in_dates(values: np.ndarray, clause: Range) -> np.ndarray:
    unit = np.datetime_data(values.dtype)[0]
    if unit not in PER_SECOND:  # whole days
        values, unit = values.astype("datetime64[s]"), "s"
    ticks = values.view(np.int64)
    inside = ~np.isnat(values)
    if isinstance(clause.low, str):
        inside &= ticks >= min(_ticks(clause.low, unit, up=True), LATEST)
    if isinstance(clause.high, str):
        left = clause.closed == "left"
        high = max(min(_ticks(clause.high, unit, up=left), LATEST), EARLIEST)
        inside &= ticks < high if left else ticks <= high
    return inside


def _ticks(date: str, unit: str, *, up: bool) -> int:
    """A date on the clock of a column: the first tick from it on (``up``), or the last until it."""
    since = datetime.fromisoformat(date) - datetime(1970, 1, 1)
    micros = (since.days * 86400 + since.seconds) * 10**6 + since.microseconds
    scaled = micros * PER_SECOND[unit]
    return -(-scaled // 10**6) if up else scaled // 10**6


def level_table(dimension: Dimension, clause: Clause) -> np.ndarray:
    """Whether each level or combination is in, and last missing values, (level + 1,) bool.

    Missing values are -1 among ``dimension.values``, so that these index the table.
    """
    table = np.zeros(n_levels(dimension) + 1, bool)
    match clause:
        case Modalities() | OtherModalities():
            named = [_pattern_place(dimension, pattern) for pattern in clause.patterns]
        case Levels() | OtherThan():
            named = [_level_place(dimension, level) for level in clause.levels]
        case _:
            raise TypeError(f"{type(clause).__name__} names no levels")
    table[named] = True
    if isinstance(clause, OtherThan | OtherModalities):
        table = ~table
    table[-1] = getattr(clause, "missing", "out") == "in"
    return table


def n_levels(dimension: Dimension) -> int:
    """Levels, or combinations of modalities, that there could be."""
    if isinstance(dimension.bins, PatternBins):
        return 2 ** len(dimension.bins.modalities)
    return len(dimension.levels)


def shown_levels(dimension: Dimension) -> np.ndarray:
    """Places of the levels, or combinations, that have a bin of their own, (level,) int."""
    bins = dimension.bins
    if isinstance(bins, PatternBins):
        places = [pattern_bits(bins.modalities, pattern) for pattern in bins.patterns]
    else:
        places = [_level_place(dimension, level) for level in bins.levels]  # pyright: ignore[reportAttributeAccessIssue]
    return np.array(places, np.intp)


def _level_place(dimension: Dimension, level: Value) -> int:
    """True is not 1."""
    for place, known in enumerate(dimension.levels):
        if known == level and isinstance(known, bool) == isinstance(level, bool):
            return place
    near = did_you_mean(str(level), map(str, dimension.levels))
    raise CohortError(f"{dimension.name} has no level {level!r}{near}")


def _pattern_place(dimension: Dimension, pattern: tuple[str, ...]) -> int:
    names = dimension.bins.modalities  # pyright: ignore[reportAttributeAccessIssue]
    for name in pattern:
        if name not in names:
            raise CohortError(
                f"no modality is called {name!r}; there are {', '.join(names)}"
                f"{did_you_mean(name, names)}"
            )
    return pattern_bits(names, pattern)
