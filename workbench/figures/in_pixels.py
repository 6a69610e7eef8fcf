"""A drawing → its scene: every mark, axis, text and legend as shapes in pixels.

A third renderer beside :mod:`workbench.figures.static` and :mod:`workbench.figures.interactive`; it
takes places and numbers from the drawing as they do.
"""

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

import numpy as np

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
)
from workbench.figures.placing import SWATCH, entry_place, placed_strokes, placed_texts
from workbench.figures.scene import Frame, Scene, Shape, Text
from workbench.figures.shapes import band_outlines, stepped
from workbench.figures.style import GREY, INK, RULE, printable

PIXELS = 96
TICK = 4
FINEST = 0.1
"""Pixels: vertices nearer to each other are one."""


def scene_of(drawing: Drawing) -> Scene:
    """The drawing in pixels.

    Examples
    --------
    >>> scene_of(Drawing("Nothing yet", 4.0, 3.0, (), "An empty figure.")).texts[0].text
    'Nothing yet'
    """
    up = drawing.height * PIXELS
    frames = tuple(_frame(panel, up) for panel in drawing.panels)
    shapes: list[Shape] = []
    texts: list[Text] = []
    spots: list[tuple[float, float, str, str]] = []
    for at, (panel, frame) in enumerate(zip(drawing.panels, frames, strict=True)):
        shapes += _grid(panel, frame)
        for mark in panel.marks:
            shapes += _shapes(mark, frame, at)
            spots += _spots(mark, frame)
        _axes(panel, frame, shapes, texts)
    for stroke in placed_strokes(drawing):
        (x0, y0), (x1, y1) = stroke.start, stroke.end
        d = _path([x0 * PIXELS, x1 * PIXELS], [up - y0 * PIXELS, up - y1 * PIXELS])
        shapes.append(_line(d, stroke.color, stroke.width, stroke.dash))
    texts += [_text(label, up) for label in placed_texts(drawing)]
    if drawing.legend:
        _legend(drawing.legend, up, shapes, texts)
    size = (round(drawing.width * PIXELS), round(up))
    return Scene(
        *size, printable(drawing.description), tuple(shapes), tuple(texts), frames, tuple(spots)
    )


def _frame(panel: Panel, up: float) -> Frame:
    return Frame(
        _near(panel.left * PIXELS),
        _near(up - (panel.bottom + panel.height) * PIXELS),
        _near(panel.width * PIXELS),
        _near(panel.height * PIXELS),
        panel.x.limits,
        panel.y.limits,
        panel.x.log,
        panel.y.log,
    )


def _along(values: np.ndarray, limits: tuple[float, float], log: bool) -> np.ndarray:
    low, high = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        if log:
            return (np.log(values) - np.log(low)) / (np.log(high) - np.log(low))
        return (np.asarray(values, float) - low) / (high - low)


def _places(x: np.ndarray, y: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    across = frame.left + frame.width * _along(np.asarray(x, float), frame.x, frame.x_log)
    down = frame.top + frame.height * (1 - _along(np.asarray(y, float), frame.y, frame.y_log))
    # Far outside the panel nothing is seen: a bound keeps the numbers short and finite.
    room = 4 * (frame.width + frame.height)
    return (
        np.clip(across, frame.left - room, frame.left + frame.width + room),
        np.clip(down, frame.top - room, frame.top + frame.height + room),
    )


def _path(x: Iterable[float], y: Iterable[float], *, closed: bool = False) -> str:
    """A path through the points, broken where one is unknown; points that fall together are one."""
    across, down = np.asarray(x, float), np.asarray(y, float)
    near = np.round(np.stack([across, down]) / FINEST)
    again = np.zeros(near.shape[1], bool)
    again[1:] = (near[:, 1:] == near[:, :-1]).all(axis=0)
    written, pen = [], "M"
    for a, d, same in zip(across.tolist(), down.tolist(), again.tolist(), strict=True):
        if not (np.isfinite(a) and np.isfinite(d)):
            pen = "M"
        elif pen == "M" or not same:
            written.append(f"{pen}{a:.1f} {d:.1f}")
            pen = "L"
    return "".join(written) + ("Z" if closed and written else "")


def _line(d: str, color: str, width: float, dash: Dash, series: str = "", at: int = -1) -> Shape:
    pixels = width * PIXELS / 72
    dashed = tuple(_near(part * pixels) for part in dash)
    return Shape(d, color, width=_near(pixels), dash=dashed, series=series, panel=at)


@singledispatch
def _shapes(mark: Any, frame: Frame, at: int) -> list[Shape]:
    raise TypeError(f"no way to draw {type(mark).__name__}")


@_shapes.register
def _(mark: Line, frame: Frame, at: int) -> list[Shape]:
    x, y = stepped(mark.x, mark.y) if mark.step else (mark.x, mark.y)
    d = _path(*_places(x, y, frame))
    return [_line(d, mark.color, mark.width, mark.dash, mark.series, at)] if d else []


@_shapes.register
def _(mark: Band, frame: Frame, at: int) -> list[Shape]:
    return [
        Shape(
            _path(*_places(x, y, frame), closed=True),
            fill=mark.color,
            opacity=0.16,
            series=mark.series,
            panel=at,
        )
        for x, y in band_outlines(mark)
    ]


@_shapes.register
def _(mark: Points, frame: Frame, at: int) -> list[Shape]:
    x, y = _places(mark.x, mark.y, frame)
    radius = mark.size * PIXELS / 144
    known = np.isfinite(x) & np.isfinite(y)
    d = "".join(
        _symbol(mark.symbol, a, b, radius)
        for a, b in zip(x[known].tolist(), y[known].tolist(), strict=True)
    )
    if not d:
        return []
    if mark.symbol == "tick":
        return [Shape(d, mark.color, width=1.2, opacity=mark.opacity, series=mark.series)]
    return [Shape(d, fill=mark.color, opacity=mark.opacity, series=mark.series)]


@_shapes.register
def _(mark: Intervals, frame: Frame, at: int) -> list[Shape]:
    along = np.column_stack([mark.lower, mark.upper, np.full(len(mark.at), np.nan)]).ravel()
    beside = np.repeat(np.asarray(mark.at, float), 3)
    x, y = (beside, along) if mark.upright else (along, beside)
    d = _path(*_places(x, y, frame))
    return [_line(d, mark.color, mark.width, (), mark.series, at)] if d else []


@_shapes.register
def _(mark: Polygon, frame: Frame, at: int) -> list[Shape]:
    d = _path(*_places(mark.x, mark.y, frame), closed=True)
    words = printable(mark.hover)
    return [_filled(d, mark.color, mark.series, words, at, mark.hatched)]


@_shapes.register
def _(mark: Bars, frame: Frame, at: int) -> list[Shape]:
    left, top = _places(mark.left, mark.height, frame)
    right, foot = _places(mark.right, np.zeros(len(mark.right)), frame)
    hover = mark.hover or ("",) * len(left)
    found = []
    for a, b, c, d, text in zip(left, right, top, foot, hover, strict=True):
        if not np.isfinite([a, b, c, d]).all():
            continue
        ends = (min(a, b) + 0.5, max(a, b) - 0.5)
        outline = _path((ends[0], ends[0], ends[1], ends[1]), (d, c, c, d), closed=True)
        found.append(_filled(outline, mark.color, mark.series, printable(text), at, mark.hatched))
    return found


def _filled(d: str, color: str, series: str, hover: str, at: int, hatched: bool) -> Shape:
    return Shape(
        d,
        stroke=color if hatched else "",
        fill=color,
        series=series,
        hover=hover,
        panel=at,
        hatched=hatched,
    )


def _symbol(symbol: str, x: float, y: float, r: float) -> str:
    if symbol == "circle":
        half = f"a{r:.1f} {r:.1f} 0 1 0"
        return f"M{x - r:.1f} {y:.1f}{half} {2 * r:.1f} 0{half} {-2 * r:.1f} 0Z"
    if symbol == "tick":
        return f"M{x:.1f} {y - r:.1f}V{y + r:.1f}"
    corners: dict[str, Sequence[tuple[float, float]]] = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
        "left": ((-1.1, 0), (0.7, -1), (0.7, 1)),
        "right": ((1.1, 0), (-0.7, -1), (-0.7, 1)),
    }
    at = corners[symbol]
    return _path([x + r * a for a, _ in at], [y + r * b for _, b in at], closed=True)


def _spots(mark: Any, frame: Frame) -> list[tuple[float, float, str, str]]:
    if not isinstance(mark, Line | Points) or not mark.hover:
        return []
    x, y = _places(mark.x, mark.y, frame)
    return [
        (_near(a), _near(b), mark.series, printable(text))
        for a, b, text in zip(x.tolist(), y.tolist(), mark.hover, strict=True)
        if text and np.isfinite([a, b]).all()
    ]


def _ticks(axis: Axis, start: float, length: float, *, down: bool) -> list[float]:
    shares = [axis.share(tick) for tick in axis.ticks]
    return [start + length * (1 - s if down else s) for s in shares]


def _grid(panel: Panel, frame: Frame) -> list[Shape]:
    right, foot = frame.left + frame.width, frame.top + frame.height
    d = ""
    if "x" in panel.grid:
        for x in _ticks(panel.x, frame.left, frame.width, down=False):
            d += f"M{x:.1f} {frame.top:.1f}V{foot:.1f}"
    if "y" in panel.grid:
        for y in _ticks(panel.y, frame.top, frame.height, down=True):
            d += f"M{frame.left:.1f} {y:.1f}H{right:.1f}"
    return [Shape(d, RULE, width=0.8)] if d else []


def _axes(panel: Panel, frame: Frame, shapes: list[Shape], texts: list[Text]) -> None:
    foot, size = frame.top + frame.height, 9 * PIXELS / 72
    d = ""
    if panel.x.shown:
        d += f"M{frame.left:.1f} {foot:.1f}h{frame.width:.1f}"
        places = _ticks(panel.x, frame.left, frame.width, down=False)
        for x, label in zip(places, panel.x.labels, strict=True):
            d += f"M{x:.1f} {foot:.1f}v{TICK}"
            texts.append(Text(_near(x), foot + TICK + 9, printable(label), "middle", INK, size))
    if panel.y.shown:
        d += f"M{frame.left:.1f} {foot:.1f}V{frame.top:.1f}"
        places = _ticks(panel.y, frame.top, frame.height, down=True)
        for y, label in zip(places, panel.y.labels, strict=True):
            d += f"M{frame.left:.1f} {y:.1f}h-{TICK}"
            texts.append(Text(frame.left - TICK - 4, _near(y), printable(label), "end", INK, size))
    if d:
        shapes.append(Shape(d, GREY))


def _legend(legend: Legend, up: float, shapes: list[Shape], texts: list[Text]) -> None:
    for position, entry in enumerate(legend.entries):
        x, y = (PIXELS * part for part in entry_place(legend, position))
        y, swatch = up - y, SWATCH * PIXELS
        if entry.symbol is None:
            d = f"M{x:.1f} {y:.1f}h{swatch:.1f}"
            shapes.append(_line(d, entry.color, 2.0, entry.dash, entry.series))
        else:
            d = _symbol(entry.symbol, x + swatch / 2, y, 4.0)
            tick = entry.symbol == "tick"
            shapes.append(
                Shape(
                    d,
                    stroke=entry.color if tick else "",
                    fill="" if tick else entry.color,
                    series=entry.series,
                )
            )
        texts.append(
            Text(
                _near(x + swatch + 9.6),
                _near(y),
                printable(entry.text),
                "start",
                INK,
                12,
                series=entry.series,
            )
        )


def _text(label: Label, up: float) -> Text:
    lines = "\n".join(printable(line) for line in label.text.split("\n"))
    anchors = {"left": "start", "center": "middle", "right": "end"}
    return Text(
        _near(label.x * PIXELS),
        _near(up - label.y * PIXELS),
        lines,
        "middle" if label.upright else anchors[label.align],
        label.color,
        _near(label.size * PIXELS / 72),
        label.bold,
        label.upright,
    )


def _near(value: float) -> float:
    return round(float(value), 1)
