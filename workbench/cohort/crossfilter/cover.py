"""Between clauses and bins: which bins a clause covers, and the clause that bins stand for."""

from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from workbench.cohort.crossfilter.bins import Dimension, LevelBins, PatternBins, RangeBins
from workbench.cohort.crossfilter.clauses import (
    Bound,
    Clause,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    Presence,
    Range,
)
from workbench.cohort.crossfilter.masks import in_range, level_table, shown_levels
from workbench.errors import CohortError


class Cover(NamedTuple):
    """Bins that stand for a clause, (bin + 1,) bool, and whether they do so exactly."""

    chosen: np.ndarray
    exact: bool


def cover(dimension: Dimension, clause: Clause | None) -> Cover:
    """Bins that ``clause`` covers; those nearest to its limits where it cuts through one.

    ``exact`` is True only if the patients in the chosen bins are those of the clause, whoever
    they are.
    """
    if clause is None:
        return Cover(np.ones(dimension.n_codes, bool), True)
    bins = dimension.bins
    if isinstance(clause, Presence):
        missing = np.arange(dimension.n_codes) == bins.n_bins
        return Cover(missing if clause.missing == "only" else ~missing, True)
    if isinstance(bins, RangeBins):
        return _cover_range(dimension, bins, clause)  # pyright: ignore[reportArgumentType]
    return _cover_levels(dimension, bins, clause)


def _cover_range(dimension: Dimension, bins: RangeBins, clause: Range) -> Cover:
    chosen = np.zeros(dimension.n_codes, bool)
    chosen[-1] = clause.missing == "in"
    if bins.single is not None:
        chosen[:-1] = in_range(bins.single, dimension.name, clause)
        return Cover(chosen, True)
    edges = bins.edges
    # Where an edge would be, were it a patient's value: on which side of the limits?
    above_low = in_range(edges, dimension.name, Range(clause.column, clause.low, None))
    below_high = in_range(edges, dimension.name, Range(clause.column, None, clause.high))
    first, exact_low = 0, True
    last, exact_high = bins.n_bins, True
    if clause.low is not None:
        first, exact_low = _nearest(edges, int(np.argmax(np.append(above_low, True))), clause.low)
    if clause.high is not None:
        last, exact_high = _nearest(edges, int(below_high.sum()), clause.high)
        exact_high &= clause.closed == "left"
    chosen[first:last] = True
    return Cover(chosen, exact_low and exact_high)


def _nearest(edges: np.ndarray, at: int, limit: Bound) -> tuple[int, bool]:
    """The bin that begins nearest to ``limit``, and whether it begins there.

    ``at`` is the first edge that does not lie below the limit.
    """
    if not len(edges):
        return 0, False
    if isinstance(limit, str):
        place = np.datetime64(datetime.fromisoformat(limit), "us")
    else:
        with np.errstate(over="ignore"):
            place = edges.dtype.type(limit)
    if at < len(edges) and edges[at] == place:
        return at + 1, True
    if at == len(edges) or (at > 0 and place - edges[at - 1] <= edges[at] - place):
        return at, False
    return at + 1, False


def _cover_levels(dimension: Dimension, bins: LevelBins | PatternBins, clause: Clause) -> Cover:
    """The bin of all other levels is covered if all of them are in, and cut if only some are."""
    inside = level_table(dimension, clause)
    shown = shown_levels(dimension)
    others = np.delete(inside[:-1], shown)
    chosen = np.append(inside[shown], inside[-1])
    if not bins.n_other:
        return Cover(chosen, True)
    chosen = np.insert(chosen, -1, others.all())
    return Cover(chosen, bool(others.all() or not others.any()))


def clause_of(dimension: Dimension, chosen: np.ndarray) -> Clause | None:
    """The clause that bins stand for; None if all are chosen, which asks nothing.

    Parameters
    ----------
    dimension
        Whose bins they are.
    chosen
        (bin + 1,) bool, the last for missing values; bins of a range must lie side by side.

    Raises
    ------
    CohortError
        No bin is chosen, or bins of a range that do not lie side by side.
    """
    bins, name = dimension.bins, dimension.name
    if not chosen.any():
        raise CohortError(f"{name}: choose at least one bin, or clear the clause")
    if chosen[:-1].all() and (chosen[-1] or isinstance(bins, PatternBins)):
        return None
    if not isinstance(bins, PatternBins) and (chosen[:-1].all() or not chosen[:-1].any()):
        return Presence(name, "only" if chosen[-1] else "out")
    missing = "in" if chosen[-1] else "out"
    if isinstance(bins, RangeBins):
        at = np.flatnonzero(chosen[:-1])
        first, last = int(at[0]), int(at[-1])
        if last - first + 1 != len(at):
            raise CohortError(f"{name}: the bins of a range lie side by side")
        if bins.single is not None:
            low, high = bins.single[[first, last]].tolist()
            return Range(name, low, high, "both", missing)
        low = _limit(bins.edges[first - 1]) if first else None
        high = _limit(bins.edges[last]) if last < len(bins.edges) else None
        return Range(name, low, high, "left", missing)
    other = bins.n_other > 0 and bool(chosen[-2])
    if isinstance(bins, PatternBins):
        patterns = _picked(bins.patterns, chosen, other)
        return OtherModalities(patterns) if other else Modalities(patterns)
    levels = _picked(bins.levels, chosen, other)
    return (OtherThan if other else Levels)(name, levels, missing)


def _picked(shown: tuple[Any, ...], chosen: np.ndarray, other: bool) -> tuple[Any, ...]:
    """Chosen levels; with the bin of all others, those that are not chosen."""
    return tuple(level for level, inside in zip(shown, chosen, strict=False) if inside != other)


def _limit(edge: np.generic) -> float | str:
    return str(edge) if isinstance(edge, np.datetime64) else edge.item()
