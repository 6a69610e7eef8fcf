"""Numbers → bins with round edges, and the bin of each patient."""

from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.cohort.crossfilter.bins import Dimension, RangeBins
from workbench.cohort.crossfilter.ticks import decimals, round_edges
from workbench.errors import CohortError

TAIL = 0.005
"""Share of patients that each outer, open bin may hold beyond the round edges."""
FEWEST_IN_TAIL = 20
FEWEST_SAMPLED = 1_000
EXACT_WHOLE = 2**53
BLOCK = 2**14


def number_dimension(name: str, values: np.ndarray, sample: np.ndarray, most: int) -> Dimension:
    """A numeric column, binned.

    Parameters
    ----------
    name
        Of the column.
    values
        (patient,) int or float, NaN where missing.
    sample
        Rows from which edges are chosen; every patient is counted.
    most
        Bins at most.

    Raises
    ------
    CohortError
        A value is infinite, or a whole number too large to be held exactly as a float.
    """
    _check(name, values)
    bins = number_bins(values, sample, most)
    return Dimension(name, bins, range_codes(values, bins.edges), values)


def number_bins(values: np.ndarray, sample: np.ndarray, most: int) -> RangeBins:
    """A bin a value for whole numbers of which there are few, else ranges between round numbers."""
    known = _known(values[sample])
    if len(known) < FEWEST_SAMPLED and len(sample) < len(values):
        known = _known(values)
    if not len(known):
        return RangeBins(np.empty(0, values.dtype), ("no value",))
    places = decimals(known)
    if known.min() == known.max() or (places == 0 and len(pd.unique(known)) <= most):
        single = _single_values(values, most)
        if single is not None:
            return RangeBins(single[1:], tuple(map(_text, single)), single=single)
    share = min(max(TAIL, FEWEST_IN_TAIL / len(known)), 0.05)
    low, high = np.quantile(known.astype(np.float64), [share, 1 - share]).tolist()
    if low == high:
        low, high = float(known.min()), float(known.max())
    finest = None if places is None else -places
    edges = round_edges(low, high, most - 1, finest)
    edges = np.unique(edges.astype(values.dtype if values.dtype.kind == "f" else np.float64))
    return RangeBins(edges, range_labels(tuple(map(_text, edges))))


def _single_values(values: np.ndarray, most: int) -> np.ndarray | None:
    """All values, if there is one or there are few whole ones; without gaps if that stays few."""
    whole = values.dtype.kind != "f"
    ends = np.array([values.min(), values.max()]) if whole else None
    if ends is None or int(ends[1]) - int(ends[0]) >= most:
        ends = distinct = np.sort(_known(pd.unique(values)))
        if len(distinct) > 1 and (len(distinct) > most or decimals(distinct) != 0):
            return None
    low, high = float(ends[0]), float(ends[-1])
    if high - low < most and low.is_integer() and high.is_integer():
        return np.arange(int(low), int(high) + 1).astype(values.dtype)
    return ends


def range_labels(edges: tuple[str, ...]) -> tuple[str, ...]:
    """What the bins between ``edges`` are called.

    >>> range_labels(("20", "30"))
    ('< 20', '20 to < 30', '≥ 30')
    """
    if not edges:
        return ("any",)
    inner = (f"{a} to < {b}" for a, b in pairwise(edges))
    return (f"< {edges[0]}", *inner, f"≥ {edges[-1]}")


def range_codes(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value, (patient,) uint8: how many ``edges`` are at most the value.

    Missing values get the code after the last bin. Exact: a value on an edge is in the bin above.
    """
    codes = np.empty(len(values), np.uint8)
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    edges = edges.astype(kind)
    place = _nearest_edge if _even(edges) else _by_search
    for start in range(0, len(values), BLOCK):
        block = slice(start, start + BLOCK)
        place(values[block], edges, codes[block])
        if values.dtype.kind == "f" and (missing := np.isnan(values[block])).any():
            np.copyto(codes[block], len(edges) + 1, where=missing)
    return codes


def _even(edges: np.ndarray) -> bool:
    """Whether ``edges`` lie within a tenth of a step of where they would lie evenly."""
    spread = float(edges[-1]) - float(edges[0]) if len(edges) > 1 else 0.0
    if not 0 < spread < np.inf or len(edges) / spread > float(np.finfo(edges.dtype).max):
        return False
    even = np.linspace(edges[0], edges[-1], len(edges))
    return bool(np.abs(edges - even).max() < (even[1] - even[0]) / 10)


def _nearest_edge(values: np.ndarray, edges: np.ndarray, codes: np.ndarray) -> None:
    """Division tells the nearest edge, a comparison with it on which side the value lies."""
    steps = edges.dtype.type((len(edges) - 1) / (float(edges[-1]) - float(edges[0])))
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = values - edges[0]
        nearest *= steps
        np.clip(nearest, 0, len(edges) - 1, out=nearest)
        nearest += 0.5
        codes[:] = nearest  # anything where the value is missing
    codes += values >= np.take(edges, codes, mode="clip")


def _by_search(values: np.ndarray, edges: np.ndarray, codes: np.ndarray) -> None:
    codes[:] = np.searchsorted(edges, values, side="right")


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values


def _check(name: str, values: np.ndarray) -> None:
    if values.dtype.kind == "f":
        wrong = sum(
            int(np.isinf(values[start : start + BLOCK]).sum())
            for start in range(0, len(values), BLOCK)
        )
        if wrong:
            row = int(np.flatnonzero(np.isinf(values))[0])
            raise CohortError(
                f"{name} must be finite, got {wrong} infinite values (first in row {row}): "
                "make them missing, or correct them"
            )
    elif values.dtype.itemsize == 8 and len(values):
        large = max(int(values.max()), -int(values.min()))
        if large > EXACT_WHOLE:
            raise CohortError(
                f"{name} holds whole numbers beyond 2^53, which look like identifiers and are no "
                "measurement: leave the column out, or make it categorical"
            )


def _text(number: float) -> str:
    return f"{float(number):.12g}".replace("-", "−")
