"""Drawings by matplotlib: SVG and PNG without a browser."""

from functools import singledispatch
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import NullLocator

from workbench.figures.drawing import (
    Axis,
    Band,
    Bars,
    Dash,
    Drawing,
    Intervals,
    Label,
    Legend,
    Line,
    Panel,
    Points,
    Polygon,
    Stroke,
)
from workbench.figures.placing import SWATCH, entry_place, placed_strokes, placed_texts
from workbench.figures.shapes import band_outlines, stepped
from workbench.figures.style import GREY, INK, RULE, inset_axes, new_figure, printable, styled

MARKERS = {"circle": "o", "square": "s", "diamond": "D", "tick": "|", "left": "<", "right": ">"}
CAPS: dict[str, Literal["round", "butt"]] = {"circle": "round", "tick": "butt"}
"""Symbols that are strokes, and how those end."""
TICK = 0.9
BAND_OPACITY = 0.14
HATCH = "/////"


def draw_static(drawing: Drawing) -> Figure:
    """The drawing as a matplotlib figure, in the shared style; pyplot takes no part."""
    with styled():
        figure = new_figure(drawing.width, drawing.height)
        for panel in drawing.panels:
            _panel(figure, panel)
        for stroke in placed_strokes(drawing):
            _stroke(figure, stroke)
        for label in placed_texts(drawing):
            _label(figure, label)
        if drawing.legend:
            _legend(figure, drawing.legend)
    return figure


def _panel(figure: Figure, panel: Panel) -> None:
    axes = inset_axes(figure, panel.left, panel.bottom, panel.width, panel.height)
    _axis(axes, panel.x, "x")
    _axis(axes, panel.y, "y")
    if panel.grid:
        axes.grid(axis="both" if panel.grid == "xy" else panel.grid, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for order, mark in enumerate(panel.marks):
        _mark(mark, axes, 2 + 0.01 * order)


def _axis(axes: Axes, axis: Axis, side: str) -> None:
    drawn = axes.xaxis if side == "x" else axes.yaxis
    if axis.log:
        axes.set(**{f"{side}scale": "log"})
    axes.set(**{f"{side}lim": axis.limits})
    drawn.set_ticks(axis.ticks, axis.labels)
    drawn.set_minor_locator(NullLocator())
    if not axis.shown:
        drawn.set_tick_params(length=0, labelleft=False, labelbottom=False)
        axes.spines["bottom" if side == "x" else "left"].set_visible(False)


@singledispatch
def _mark(mark: Any, axes: Axes, order: float) -> None:
    raise TypeError(f"no way to draw {type(mark).__name__}")


@_mark.register
def _(mark: Line, axes: Axes, order: float) -> None:
    x, y = stepped(mark.x, mark.y) if mark.step else (mark.x, mark.y)
    axes.plot(x, y, color=mark.color, linewidth=mark.width, zorder=order, **_dashes(mark.dash))


@_mark.register
def _(mark: Band, axes: Axes, order: float) -> None:
    for x, y in band_outlines(mark):
        axes.fill(x, y, color=mark.color, alpha=BAND_OPACITY, linewidth=0, zorder=order)


@_mark.register
def _(mark: Points, axes: Axes, order: float) -> None:
    if mark.symbol in CAPS:
        axes.add_patch(_strokes(mark, axes, order))
        return
    axes.plot(
        mark.x,
        mark.y,
        MARKERS[mark.symbol],
        color=mark.color,
        markersize=mark.size,
        markeredgewidth=0,
        alpha=mark.opacity,
        zorder=order,
        clip_on=False,
    )


def _strokes(mark: Points, axes: Axes, order: float) -> PathPatch:
    """All circles, or ticks, of a mark as one path: thousands are as quick to lay out as one.

    A circle is a stroke of next to no length with round ends.
    """
    inches = axes.figure.dpi_scale_trans
    at = (axes.transData - inches).transform(np.column_stack([mark.x, mark.y]))
    circle = mark.symbol == "circle"
    up = np.array([0, 0.001 if circle else mark.size / 2]) / 72
    ends = np.stack([at - up, at + up], axis=1).reshape(-1, 2)
    path = Path(ends, np.tile([Path.MOVETO, Path.LINETO], len(at)))
    path.should_simplify = False
    return PathPatch(
        path,
        transform=inches,
        fill=False,
        edgecolor=mark.color,
        linewidth=mark.size if circle else TICK,
        capstyle=CAPS[mark.symbol],
        alpha=mark.opacity,
        zorder=order,
        clip_on=not circle,
        snap=False,  # Onto a pixel, a circle's stroke would have no length, and not be drawn.
    )


@_mark.register
def _(mark: Intervals, axes: Axes, order: float) -> None:
    draw = axes.vlines if mark.upright else axes.hlines
    draw(mark.at, mark.lower, mark.upper, colors=mark.color, linewidth=mark.width, zorder=order)


@_mark.register
def _(mark: Polygon, axes: Axes, order: float) -> None:
    axes.fill(mark.x, mark.y, zorder=order, **_filling(mark, "none"))


@_mark.register
def _(mark: Bars, axes: Axes, order: float) -> None:
    axes.bar(
        mark.left,
        mark.height,
        mark.right - mark.left,
        align="edge",
        zorder=order,
        **_filling(mark, "white"),
    )


def _filling(mark: Polygon | Bars, edge: str) -> dict[str, Any]:
    if mark.hatched:
        look = {"facecolor": "none", "edgecolor": mark.color, "hatch": HATCH}
        return look | {"linewidth": 0.8}
    return {"facecolor": mark.color, "edgecolor": edge, "linewidth": 0.5 if edge == "white" else 0}


def _dashes(dash: Dash) -> dict[str, Any]:
    return {"dashes": dash} if dash else {}


def _stroke(figure: Figure, stroke: Stroke) -> None:
    (x0, y0), (x1, y1) = stroke.start, stroke.end
    line = Line2D(
        [x0, x1],
        [y0, y1],
        color=stroke.color,
        linewidth=stroke.width,
        transform=figure.dpi_scale_trans,
        **_dashes(stroke.dash),
    )
    figure.add_artist(line)


def _label(figure: Figure, label: Label) -> None:
    figure.text(
        label.x,
        label.y,
        printable(label.text),
        transform=figure.dpi_scale_trans,
        ha=label.align,
        va="center",
        rotation=90 if label.upright else 0,
        rotation_mode="anchor" if label.upright else None,
        color=label.color,
        fontsize=label.size,
        fontweight="bold" if label.bold else "normal",
    )


def _legend(figure: Figure, legend: Legend) -> None:
    for position, entry in enumerate(legend.entries):
        x, y = entry_place(legend, position)
        if entry.symbol is None:
            _stroke(figure, Stroke((x, y), (x + SWATCH, y), entry.color, entry.dash, 2.0))
        else:
            mark = Line2D(
                [x + SWATCH / 2],
                [y],
                marker=MARKERS[entry.symbol],
                markersize=6,
                color=entry.color,
                linestyle="none",
                markeredgewidth=0,
                transform=figure.dpi_scale_trans,
            )
            figure.add_artist(mark)
        _label(figure, Label(x + SWATCH + 0.1, y, entry.text, color=INK if entry.text else GREY))
