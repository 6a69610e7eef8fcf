"""What the page is told of one column: its bins in words, and ticks that may be written."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from workbench.cohort.crossfilter import Dimension, LevelBins, PatternBins, RangeBins
from workbench.errors import printable

Tick = tuple[float, str]

STEPS = {
    "month": (1, 3, 6, 12, 24, 60),
    "quarter": (1, 2, 4, 8, 20),
    "year": (1, 2, 5, 10),
    "week": (1, 2, 4, 8, 13, 26),
    "day": (1, 7, 14),
}
"""Every how many bins of a calendar a tick may stand."""


def column_view(dimension: Dimension, title: str) -> dict[str, Any]:
    """What does not change while patients are selected, as JSON.

    ``kind`` says how it is drawn; ``labels`` are those of the bins, missing values last; ``ticks``
    are rows of (place in bins, text), the densest first; ``edges`` the texts of what separates the
    bins; ``dots`` tells for each combination which modalities it has.
    """
    bins = dimension.bins
    view: dict[str, Any] = {
        "column": dimension.name,
        "title": printable(title),
        "labels": [printable(label) for label in dimension.labels],
    }
    match bins:
        case RangeBins():
            ticks = [[list(tick) for tick in row] for row in tick_rows(bins)]
            edges = None if bins.single is not None else _edge_texts(bins)
            return {**view, "kind": "histogram", "ticks": ticks, "edges": edges}
        case PatternBins(modalities, patterns):
            dots = [[name in pattern for name in modalities] for pattern in patterns]
            names = [printable(name) for name in modalities]
            return {**view, "kind": "levels", "modalities": names, "dots": dots}
        case LevelBins():
            return {**view, "kind": "levels"}


def names_patients(dimension: Dimension, n_patients: int) -> bool:
    """Whether the levels of a column tell patients apart, as identifiers do: no view shows it.

    >>> import pandas as pd
    >>> from workbench.cohort.crossfilter import crossfilter
    >>> index = crossfilter(pd.DataFrame({"code": [f"P{i}" for i in range(90)], "arm": ["a"] * 90}))
    >>> [names_patients(each, 90) for each in index.dimensions.values()]
    [True, False]
    """
    bins = dimension.bins
    return (
        isinstance(bins, LevelBins) and bins.n_other > 0 and 2 * len(dimension.levels) > n_patients
    )


def tick_rows(bins: RangeBins) -> list[list[Tick]]:
    """Ticks that may be written along the bins, from all of them to very few.

    Examples
    --------
    >>> bins = RangeBins(np.array([10.0, 20, 30, 40]), ("<", "a", "b", "c", ">"))
    >>> tick_rows(bins)[1]
    [(2.0, '20'), (4.0, '40')]
    """
    if bins.single is not None:
        every = [(at + 0.5, label) for at, label in enumerate(bins.labels)]
    elif not len(bins.edges):
        return [[(0.5, bins.labels[0])]]
    else:
        every = [(at + 1.0, text) for at, text in enumerate(_edge_texts(bins))]
    rows = [every[start::step] for step, start in _round_steps(bins, len(every))]
    return [*(row for row in rows if len(row) > 1), [every[0], every[-1]], [every[len(every) // 2]]]


def _round_steps(bins: RangeBins, n: int) -> Iterator[tuple[int, int]]:
    """Every how many bins a tick may stand, and from which on, so that ticks are round."""
    edges = bins.edges
    if bins.single is not None:
        even = bool((np.diff(bins.single) == 1).all())
        for step in (1, 2, 5, 10, 20):
            if step < n:
                yield step, int(-bins.single[0] % step) if even else 0
    elif edges.dtype.kind == "M":
        months = edges.astype("datetime64[M]").astype(int)
        in_months = {"month": 1, "quarter": 3, "year": 12}.get(bins.unit, 0)
        for step in STEPS.get(bins.unit, (1, 2, 5, 10)):
            if step < n:
                yield step, int(np.argmin(months[:step] % (step * in_months or 12)))
    elif n > 1:
        width = float(edges[1] - edges[0])
        for step in range(1, n):
            if f"{step * width:.3e}"[:5] in ("1.000", "2.000", "5.000", "2.500"):
                away = edges[:step] / (step * width)
                yield step, int(np.argmin(np.abs(away - np.round(away))))


def _edge_texts(bins: RangeBins) -> Sequence[str]:
    if bins.edges.dtype.kind != "M":
        return [f"{float(edge):,.6g}".replace("-", "−") for edge in bins.edges]
    texts = [str(edge) for edge in bins.edges.astype("datetime64[D]")]
    for _ in range(2):  # whole months, then whole years
        if all(text.endswith("-01") for text in texts):
            texts = [text.removesuffix("-01") for text in texts]
    return texts
