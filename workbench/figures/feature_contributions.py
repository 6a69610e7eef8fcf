"""What single variables and genes do to a prediction: how much, and which way with their value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import (
    Axis,
    Band,
    Drawing,
    Entry,
    Intervals,
    Label,
    Line,
    Mark,
    Panel,
    Points,
    Polygon,
)
from workbench.figures.grid import Cell, grid_figure
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, fit_text, widest
from workbench.figures.style import BLUE, GREY, INK, VERMILION
from workbench.figures.ticks import number_axis, percent
from workbench.figures.wording import fixed, sentences

WIDTH = 9.6
ROW = 0.3
SWARM_ROW = 0.44
FOOT = 0.62
GAP = 0.24
HEAD = 0.26
NAME_ROOM = 3.6
N_BINS = 70
THIRDS = ("low value", "middle value", "high value")
COLORS = (BLUE, GREY, VERMILION)


@dataclass(frozen=True)
class FeatureSize:
    """How far a feature moves predictions, over the models of several folds.

    Parameters
    ----------
    name
        What a person reads.
    estimate, lower, upper
        Mean absolute contribution: mean over the folds' models, and their interval.
    top_share
        Share of the models in which it is among the largest.
    """

    name: str
    estimate: float
    lower: float
    upper: float
    top_share: float


@dataclass(frozen=True, eq=False)
class FeatureValues:
    """Contributions beside values: single patients, or bins of enough of them.

    Parameters
    ----------
    name
        What a person reads.
    place
        Of the value, 0 lowest to 1 highest, (item,).
    median
        Contribution of each patient, or median of each bin, (item,).
    lower, upper
        5 % and 95 % of each bin, (item,); None of single patients.
    """

    name: str
    place: np.ndarray
    median: np.ndarray
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class FeatureCurve:
    """Contributions of one feature along its value, in bins of patients, all (bin,)."""

    name: str
    kind: str
    value_title: str
    value: np.ndarray
    lower: np.ndarray
    median: np.ndarray
    upper: np.ndarray


def plot_feature_sizes(
    features: Sequence[FeatureSize], *, unit: str, title: str, notes: Sequence[str] = ()
) -> Drawing:
    """A bar a feature with its interval over folds, and how many folds have it among the largest.

    Raises
    ------
    SurvivalError
        No feature.
    """
    _require(len(features))
    shown = [fit_text(each.name, NAME_ROOM) for each in features]
    head = heading(title, notes, (), width=WIDTH)
    left = EDGE + widest(shown) + GAP
    beside = 1.5
    body = ROW * len(features)
    height = FOOT + body + HEAD + head.room
    wide = WIDTH - left - beside - EDGE
    x = number_axis(f"Mean size ({unit})", 0.0, max(f.upper for f in features) or 1.0, n_ticks=6)
    y = Axis("", (len(features) - 0.5, -0.5), (), (), shown=False)
    labels = [
        *head.labels(height),
        Label(left + wide + GAP, FOOT + body + HEAD / 2, "Among the largest", bold=True),
    ]
    write = fixed(3)
    marks: list[Mark] = []
    for at, each in enumerate(features):
        up = FOOT + body - ROW * (at + 0.5)
        labels += [
            Label(EDGE, up, shown[at]),
            Label(left + wide + GAP, up, f"{percent(each.top_share)} of models"),
        ]
        hover = (
            f"{each.name}\n{write(each.estimate)} ({write(each.lower)} to {write(each.upper)})\n"
            f"among the largest in {percent(each.top_share)} of models"
        )
        corners = at + 0.3 * np.array([-1.0, -1.0, 1.0, 1.0, -1.0])
        end = each.estimate
        marks.append(Polygon(np.array([0.0, end, end, 0.0, 0.0]), corners, BLUE, hover, each.name))
    limits = np.array([[f.lower, f.upper] for f in features])
    places = np.arange(len(features), dtype=float)
    marks.append(Intervals(places, limits[:, 0], limits[:, 1], INK, width=1.4))
    said = "; ".join(
        f"{f.name} {write(f.estimate)}, {percent(f.top_share)} of models" for f in features
    )
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, wide, body, x, y, tuple(marks), grid="x"),),
        sentences(title, f"Mean size in {unit}, and share of models that agree: {said}"),
        labels=tuple(labels),
    )


def plot_beeswarm(
    features: Sequence[FeatureValues], *, unit: str, title: str, notes: Sequence[str] = ()
) -> Drawing:
    """Contributions of each feature in a row, coloured by whether its value is low or high.

    Points lie beside each other where many have the same contribution. Bins of patients are drawn
    as a median and a line from 5 % to 95 %, one above the other.

    Raises
    ------
    SurvivalError
        No feature.
    """
    _require(len(features))
    shown = [fit_text(each.name, NAME_ROOM) for each in features]
    entries = [
        Entry(text, text, color, symbol="circle")
        for text, color in zip(THIRDS, COLORS, strict=True)
    ]
    head = heading(title, notes, entries, width=WIDTH)
    left = EDGE + widest(shown) + GAP
    wide = WIDTH - left - GAP - EDGE
    body = SWARM_ROW * len(features)
    height = FOOT + body + head.room
    low = min(float(np.min(f.median if f.lower is None else f.lower)) for f in features)
    high = max(float(np.max(f.median if f.upper is None else f.upper)) for f in features)
    x = number_axis(f"Contribution ({unit}): to the right, higher risk", min(low, 0), max(high, 0))
    y = Axis("", (len(features) - 0.5, -0.5), (), (), shown=False)
    marks: list[Mark] = [Line(np.zeros(2), np.array([-0.5, len(features) - 0.5]), INK, width=1.0)]
    for at, each in enumerate(features):
        marks += _swarm(at, each, x)
    labels = [
        Label(EDGE, FOOT + body - SWARM_ROW * (at + 0.5), name) for at, name in enumerate(shown)
    ]
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, wide, body, x, y, tuple(marks), grid="x"),),
        sentences(title, "; ".join(_direction(each) for each in features)),
        labels=(*head.labels(height), *labels),
        legend=head.legend_in(height),
    )


def plot_dependence(
    curves: Sequence[FeatureCurve], *, unit: str, title: str, notes: Sequence[str] = ()
) -> Drawing:
    """Contribution along the value of each feature: median of a bin, and 5 to 95 % of it.

    Raises
    ------
    SurvivalError
        No feature.
    """
    _require(len(curves))
    low = min(0.0, *(float(c.lower.min()) for c in curves))
    high = max(0.0, *(float(c.upper.max()) for c in curves))
    cells = []
    for curve in curves:
        first, last = float(curve.value[0]), float(curve.value[-1])
        room = 0.06 * (last - first) or 0.5
        x = number_axis(curve.value_title, first - room, last + room, n_ticks=4, fit=True)
        y = number_axis(f"Contribution ({unit})", low, high, n_ticks=7)
        marks: tuple[Mark, ...] = (
            Line(np.array([first - room, last + room]), np.zeros(2), INK, width=0.8),
            Band(curve.value, curve.lower, curve.upper, BLUE),
            Line(curve.value, curve.median, BLUE),
            Points(curve.value, curve.median, BLUE, size=4.5),
        )
        cells.append(Cell(curve.name, curve.kind, x, y, marks))
    said = "; ".join(f"{c.name}: {_from_to(c)}" for c in curves)
    return grid_figure(cells, title=title, notes=notes, description=sentences(title, said))


def _swarm(at: int, each: FeatureValues, x: Axis) -> list[Mark]:
    """Marks of one row; the height of a point only keeps it apart from its neighbours."""
    third = np.minimum((each.place * 3).astype(int), 2)
    marks: list[Mark] = []
    if each.lower is None or each.upper is None:
        up = at + _apart(each.median, x)
        for color, text, t in zip(COLORS, THIRDS, range(3), strict=True):
            rows = third == t
            if rows.any():
                marks.append(
                    Points(each.median[rows], up[rows], color, size=3.4, opacity=0.75, series=text)
                )
        return marks
    n = len(each.median)
    up = at + np.linspace(0.34, -0.34, n) if n > 1 else np.array([float(at)])
    for color, text, t in zip(COLORS, THIRDS, range(3), strict=True):
        rows = third == t
        if rows.any():
            limits = each.lower[rows], each.upper[rows]
            marks += [
                Intervals(up[rows], *limits, color, width=2.0, series=text),
                Points(each.median[rows], up[rows], color, size=4.5, series=text),
            ]
    return marks


def _apart(values: np.ndarray, x: Axis) -> np.ndarray:
    """Offsets, (point,), within ±0.36: points of one bin stand around the middle of the row."""
    bins = np.floor([x.share(value) * N_BINS for value in values.tolist()]).astype(int)
    offset = np.zeros(len(values))
    most = max(int(np.bincount(bins - bins.min()).max()), 1)
    step = min(0.08, 0.72 / most)
    for one in np.unique(bins):
        rows = np.flatnonzero(bins == one)
        k = np.arange(len(rows))
        offset[rows] = step * np.where(k % 2, (k + 1) // 2, -(k // 2))
    return offset


def _direction(each: FeatureValues) -> str:
    low, high = each.place <= 1 / 3, each.place >= 2 / 3
    if not low.any() or not high.any():
        return f"{each.name}: one value"
    write = fixed(2, sign=True)
    ends = np.median(each.median[low]), np.median(each.median[high])
    return f"{each.name}: {write(ends[0])} at low values, {write(ends[1])} at high ones"


def _from_to(curve: FeatureCurve) -> str:
    write = fixed(2, sign=True)
    return f"{write(curve.median[0])} at the lowest values to {write(curve.median[-1])}"


def _require(n: int) -> None:
    if not n:
        raise SurvivalError("nothing to draw: pass one feature or more")
