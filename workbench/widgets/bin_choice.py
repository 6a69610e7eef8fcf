"""From what a hand did to the bins of a view to the clause that it asks for."""

from dataclasses import replace

import numpy as np

from workbench.cohort.crossfilter import (
    Clause,
    Dimension,
    Levels,
    OtherThan,
    Range,
    RangeBins,
    clause_of,
    cover,
)


def only_bin(dimension: Dimension, now: Clause | None, at: int) -> Clause | None:
    """One bin alone; None, which lets go, if it was chosen alone already.

    Parameters
    ----------
    dimension
        The column of the view.
    now
        What the view asks.
    at
        The bin; ``n_bins`` is that of missing values.
    """
    chosen = np.arange(dimension.n_codes) == at
    if now is not None and np.array_equal(cover(dimension, now).chosen, chosen):
        return None
    return clause_of(dimension, chosen)


def toggle_bin(dimension: Dimension, now: Clause | None, at: int) -> Clause | None:
    """One bin more or less; a range grows up to the bin, so that it stays one.

    Examples
    --------
    >>> import pandas as pd
    >>> from workbench.cohort.crossfilter import crossfilter
    >>> grade = crossfilter(pd.DataFrame({"grade": ["2", "3", "4", "4"]})).dimensions["grade"]
    >>> toggle_bin(grade, Levels("grade", ("4",)), 2)
    Levels(column='grade', levels=('4', '3'), missing='out')
    """
    if now is None:
        return only_bin(dimension, None, at)
    if at == dimension.bins.n_bins and isinstance(now, Range | Levels | OtherThan):
        return replace(now, missing="out" if now.missing == "in" else "in")
    chosen = cover(dimension, now).chosen.copy()
    if isinstance(dimension.bins, RangeBins) and at < dimension.bins.n_bins:
        places = [*np.flatnonzero(chosen[:-1]).tolist(), at]
        chosen[min(places) : max(places) + 1] = True
    else:
        chosen[at] = not chosen[at]
    return clause_of(dimension, chosen) if chosen.any() else None


def range_of_bins(
    dimension: Dimension, now: Clause | None, ends: tuple[float, float], *, some_missing: bool
) -> Clause | None:
    """The range that is brushed, at the edges of bins nearest to its ends.

    Parameters
    ----------
    dimension
        An ordered column.
    now
        What the view asks: it stays as it is where the brush stands for it, and missing values
        stay in where they are.
    ends
        In bins: 0 is the beginning of the first bin, ``n_bins`` the end of the last.
    some_missing
        Whether the column has missing values: the range of all bins then leaves them out.
    """
    n_bins = dimension.bins.n_bins
    first, last = (int(np.clip(round(end), 0, n_bins)) for end in ends)
    if first == last:
        first = int(np.clip(np.floor(ends[0]), 0, n_bins - 1))
        last = first + 1
    chosen = np.zeros(dimension.n_codes, bool)
    chosen[first:last] = True
    held = cover(dimension, now).chosen if now is not None else None
    # Missing values that are chosen alone are no part of a range that is drawn afresh.
    if held is not None and held[:-1].any():
        chosen[-1] = held[-1]
        if np.array_equal(held, chosen):
            return now
    if chosen[:-1].all() and not some_missing:
        return None
    return clause_of(dimension, chosen)
