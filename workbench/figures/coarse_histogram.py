"""How values are spread, in bins that hold enough patients each."""

from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Bars
from workbench.figures.style import GREY
from workbench.figures.ticks import plain

MINIMUM_CELL = 10
"""Fewest patients in a bin: a rug or a narrow bin would show single patients."""


class Bins(NamedTuple):
    """Edges, (bin + 1,), and patients in each bin, (bin,)."""

    edges: np.ndarray
    counts: np.ndarray


def coarse_bins(
    values: np.ndarray,
    low: float,
    high: float,
    *,
    n_bins: int = 24,
    minimum_cell: int = MINIMUM_CELL,
) -> Bins:
    """Even bins between ``low`` and ``high``; neighbours are merged until each holds enough.

    Values beyond the limits are left out. With fewer than ``minimum_cell`` values there is no bin.

    Raises
    ------
    SurvivalError
        Values that are not finite, or limits that do not ascend.
    """
    values = np.asarray(values, dtype=float)
    if not np.isfinite(values).all() or not high > low:
        raise SurvivalError(
            f"a histogram needs finite values and ascending limits, got "
            f"{int((~np.isfinite(values)).sum())} values that are not finite: drop them"
        )
    counts, edges = np.histogram(values, n_bins, (low, high))
    kept_edges, kept = [edges[0]], []
    waiting = 0
    for count, edge in zip(counts.tolist(), edges[1:].tolist(), strict=True):
        waiting += count
        if waiting >= minimum_cell:
            kept.append(waiting)
            kept_edges.append(edge)
            waiting = 0
    if not kept:
        return Bins(np.array([low]), np.empty(0, dtype=int))
    kept[-1] += waiting
    if waiting:
        kept_edges[-1] = edges[-1]
    return Bins(np.array(kept_edges), np.array(kept))


def histogram_bars(bins: Bins, color: str = GREY, *, unit: str = "", series: str = "") -> Bars:
    """Bars whose area is the count, 1 at the highest; merged bins are wide and low."""
    width = np.diff(bins.edges)
    density = bins.counts / width if len(width) else bins.counts
    return Bars(
        bins.edges[:-1],
        bins.edges[1:],
        density / max(density, default=1.0),
        color,
        hover=tuple(
            f"{plain(round(a, 4))} to {plain(round(b, 4))}{unit}: {count:,d} patients"
            for a, b, count in zip(bins.edges, bins.edges[1:], bins.counts.tolist(), strict=False)
        ),
        series=series,
    )
