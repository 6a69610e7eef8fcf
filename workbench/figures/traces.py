"""Marks as traces of plotly, in plain numbers and plain text."""

import html
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

import numpy as np

from workbench.figures.drawing import Band, Bars, Dash, Intervals, Line, Points, Polygon
from workbench.figures.shapes import band_outlines
from workbench.figures.style import printable

PIXELS = 96
SYMBOLS = {
    "circle": "circle",
    "square": "square",
    "diamond": "diamond",
    "tick": "line-ns-open",
    "left": "triangle-left",
    "right": "triangle-right",
}
Inks = dict[str, str]
"""What stands for the colours of paper on the ground of a screen."""


@singledispatch
def traces(mark: Any, inks: Inks) -> list[dict[str, Any]]:
    """Traces that draw a mark."""
    raise TypeError(f"no way to draw {type(mark).__name__}")


@traces.register
def _(mark: Line, inks: Inks) -> list[dict[str, Any]]:
    line = line_style(mark.color, mark.width, mark.dash, inks)
    if mark.step:
        line["shape"] = "hv"
    return [_scatter(mark.x, mark.y, "lines", mark.hover) | {"line": line}]


@traces.register
def _(mark: Band, inks: Inks) -> list[dict[str, Any]]:
    color = inks.get(mark.color, mark.color)
    return [_fill(x, y, _faint(color, 0.18)) for x, y in band_outlines(mark)]


@traces.register
def _(mark: Points, inks: Inks) -> list[dict[str, Any]]:
    color = inks.get(mark.color, mark.color)
    marker: dict[str, Any] = {
        "symbol": SYMBOLS[mark.symbol],
        "size": mark.size * PIXELS / 72,
        "color": color,
        "opacity": mark.opacity,
    }
    if mark.symbol == "tick":
        marker["line"] = {"width": 1.2, "color": color}
    return [_scatter(mark.x, mark.y, "markers", mark.hover) | {"marker": marker}]


@traces.register
def _(mark: Intervals, inks: Inks) -> list[dict[str, Any]]:
    along = np.column_stack([mark.lower, mark.upper, np.full(len(mark.at), np.nan)]).ravel()
    at = np.repeat(mark.at, 3)
    x, y = (at, along) if mark.upright else (along, at)
    return [_scatter(x, y, "lines", ()) | {"line": line_style(mark.color, mark.width, (), inks)}]


@traces.register
def _(mark: Polygon, inks: Inks) -> list[dict[str, Any]]:
    color = inks.get(mark.color, mark.color)
    trace = _fill(mark.x, mark.y, color)
    if mark.hatched:
        trace |= {"fillpattern": _hatching(color), "line": {"width": 1, "color": color}}
    if mark.hover:
        trace |= {"hoveron": "fills", "hoverinfo": "text", "text": safe_text(mark.hover)}
    return [trace]


@traces.register
def _(mark: Bars, inks: Inks) -> list[dict[str, Any]]:
    color = inks.get(mark.color, mark.color)
    trace: dict[str, Any] = {
        "type": "bar",
        "x": _numbers((mark.left + mark.right) / 2),
        "y": _numbers(mark.height),
        "width": _numbers((mark.right - mark.left) * 0.97),
        "marker": {"color": color, "line": {"width": 0}},
    }
    if mark.hatched:
        look = {"pattern": _hatching(color), "line": {"width": 1, "color": color}}
        trace["marker"] |= look
    return [trace | _hover(mark.hover)]


def _scatter(x: np.ndarray, y: np.ndarray, mode: str, hover: Sequence[str]) -> dict[str, Any]:
    found = {"type": "scatter", "mode": mode, "x": _numbers(x), "y": _numbers(y)}
    return found | _hover(hover) | ({"cliponaxis": False} if mode == "markers" else {})


def _fill(x: np.ndarray, y: np.ndarray, color: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _numbers(x),
        "y": _numbers(y),
        "fill": "toself",
        "fillcolor": color,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _hover(texts: Sequence[str]) -> dict[str, Any]:
    if not texts:
        return {"hoverinfo": "skip"}
    # Not "text": plotly would also write that on bars.
    return {
        "hovertext": [safe_text(t) for t in texts],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def line_style(color: str, width: float, dash: Dash, inks: Inks) -> dict[str, Any]:
    """Colour, width and dashes of a line."""
    return {"color": inks.get(color, color), "width": width, "dash": dashes(dash, width)}


def dashes(dash: Dash, width: float) -> str:
    """Dashes in pixels: like matplotlib, in widths of the line."""
    return ",".join(f"{part * width:g}px" for part in dash) or "solid"


def _hatching(color: str) -> dict[str, Any]:
    clear = "rgba(0,0,0,0)"
    return {"shape": "/", "fgcolor": color, "bgcolor": clear, "size": 6, "solidity": 0.25}


def _faint(color: str, opacity: float) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def _numbers(values: Iterable[float]) -> list[float | None]:
    """Plain numbers: JSON has no NaN."""
    return [v if np.isfinite(v) else None for v in np.asarray(values, dtype=float).tolist()]


def safe_text(text: str) -> str:
    """Text as text: plotly would take tags and links from a label."""
    return "<br>".join(html.escape(printable(line), quote=False) for line in text.split("\n"))
