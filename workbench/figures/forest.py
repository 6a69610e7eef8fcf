"""Forests: one line a row, with its texts, beside one or more panels of intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import (
    Axis,
    Drawing,
    Intervals,
    Label,
    Line,
    Mark,
    Panel,
    Points,
    Polygon,
    Stroke,
)
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, fit_text, text_width, widest
from workbench.figures.style import BLUE, GREY, INK, RULE
from workbench.figures.wording import span_words
from workbench.survival.inputs import Estimate

WIDTH = 9.6
ROW = 0.27
GAP = 0.22
INDENT = 0.16
LABEL_ROOM = 3.0
NARROWEST = 1.9
FOOT = 0.62
Value = tuple[float, float, float]


def value_of(found: Mapping[str, float] | None) -> Value | None:
    """A number with its limits, as a panel draws it; None where there is none."""
    return None if found is None else (found["estimate"], found["lower"], found["upper"])


def value_words(value: Value | None, write: Callable[[float], str]) -> str:
    """The same in words; "" where there is none."""
    return "" if value is None else span_words(Estimate(*value), write)


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest.

    Parameters
    ----------
    label
        Who or what it is about.
    before, after
        Texts left and right of the panels, under the forest's headers.
    values
        Estimate, lower and upper limit for each panel; None leaves it empty.
    texts
        What stands beside each panel: the numbers in words, or why there are none.
    kind
        "reference" is what others are compared with, "summary" a diamond, "prediction" an interval
        without an estimate, "heading" a name only.
    indent
        Whether the label stands under a heading.
    """

    label: str
    before: tuple[str, ...] = ()
    values: tuple[Value | None, ...] = ()
    texts: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    kind: Literal["row", "reference", "summary", "prediction", "heading"] = "row"
    indent: bool = False


@dataclass(frozen=True)
class ForestPanel:
    """One panel of a forest: its axis, the header of its texts, and where no difference lies."""

    axis: Axis
    header: str
    null: float | None = None


def forest(
    rows: Sequence[ForestRow],
    panels: Sequence[ForestPanel],
    *,
    title: str,
    label: str,
    description: str,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Drawing:
    """Draw rows from top to bottom; ``label``, ``before`` and ``after`` are headers of texts.

    Raises
    ------
    SurvivalError
        No rows.
    """
    if not rows:
        raise SurvivalError("a forest needs one row or more, got none: pass what to compare")
    names = [fit_text(row.label, LABEL_ROOM, bold=row.kind == "heading") for row in rows]
    label_room = max(
        widest(names, bold=True) + INDENT * any(r.indent for r in rows),
        text_width(label, bold=True),
    )
    before_room = [_column([h, *(_at(r.before, i) for r in rows)]) for i, h in enumerate(before)]
    after_room = [_column([h, *(_at(r.after, i) for r in rows)]) for i, h in enumerate(after)]
    text_room = [
        _column([p.header, *(_at(r.texts, i) for r in rows)]) for i, p in enumerate(panels)
    ]
    texts = label_room + sum(before_room) + sum(after_room) + sum(text_room)
    fixed = 2 * EDGE + texts + GAP * (len(panels) + 1)
    wide = max(NARROWEST, (WIDTH - fixed) / len(panels))
    width = fixed + wide * len(panels)
    head = heading(title, notes, (), width=width)
    body = ROW * len(rows)
    height = FOOT + body + ROW + head.room
    y = Axis("", (len(rows) - 0.5, -0.5), (), (), shown=False)
    up = [FOOT + body - ROW * (at + 0.5) for at in range(len(rows))]
    top = FOOT + body + ROW / 2
    labels = [*head.labels(height), Label(EDGE, top, label, size=9, bold=True)]
    for row, name, level in zip(rows, names, up, strict=True):
        bold = row.kind in ("heading", "summary")
        labels.append(Label(EDGE + INDENT * row.indent, level, name, bold=bold))
    at = EDGE + label_room
    for i, (header, room) in enumerate(zip(before, before_room, strict=True)):
        at += room
        labels += _texts(header, [_at(r.before, i) for r in rows], at, up, top, "right")
    drawn: list[Panel] = []
    for i, panel in enumerate(panels):
        at += GAP
        marks = _marks(rows, names, i, panel)
        drawn.append(Panel(at, FOOT, wide, body, panel.axis, y, marks, grid="x"))
        at += wide
        texts_here = [_at(r.texts, i) for r in rows]
        labels += _texts(panel.header, texts_here, at + GAP * 0.7, up, top, "left")
        at += text_room[i]
    for i, (header, room) in enumerate(zip(after, after_room, strict=True)):
        at += room
        labels += _texts(header, [_at(r.after, i) for r in rows], at, up, top, "right")
    return Drawing(
        head.title,
        width,
        height,
        tuple(drawn),
        description,
        labels=tuple(labels),
        strokes=(Stroke((EDGE, FOOT + body), (width - EDGE, FOOT + body), RULE, (), 0.8),),
    )


def _column(texts: Sequence[str]) -> float:
    return widest(texts, bold=True) + GAP


def _at(texts: Sequence[str], position: int) -> str:
    return texts[position] if position < len(texts) else ""


def _texts(
    header: str,
    texts: Sequence[str],
    x: float,
    up: Sequence[float],
    top: float,
    align: Literal["left", "right"],
) -> list[Label]:
    found = [Label(x, y, text, align) for text, y in zip(texts, up, strict=True) if text]
    return [Label(x, top, header, align, bold=True), *found]


def _marks(
    rows: Sequence[ForestRow], names: Sequence[str], position: int, panel: ForestPanel
) -> tuple[Mark, ...]:
    """Line of no difference, then intervals with their estimates; arrows where the axis ends."""
    low, high = panel.axis.limits
    ends = np.array([-0.5, len(rows) - 0.5])
    marks: list[Mark] = []
    if panel.null is not None:
        marks.append(Line(np.full(2, panel.null), ends, INK, (4, 2), 1.0))
    for at, (row, name) in enumerate(zip(rows, names, strict=True)):
        value = row.values[position] if position < len(row.values) else None
        if value is None:
            continue
        estimate, lower, upper = value
        hover = f"{name}\n{_at(row.texts, position)}"
        if row.kind == "summary":
            marks.append(_diamond(at, value, hover))
            continue
        color = {"reference": GREY, "prediction": INK}.get(row.kind, BLUE)
        place = np.array([float(at)])
        if math.isfinite(lower) and math.isfinite(upper):
            shown = np.clip([lower, upper], low, high)
            marks.append(Intervals(place, shown[:1], shown[1:], color))
            if lower < low:
                marks.append(Points(np.array([low]), place, color, "left", 6))
            if upper > high:
                marks.append(Points(np.array([high]), place, color, "right", 6))
        if low <= estimate <= high:
            symbol = "diamond" if row.kind == "reference" else "square"
            marks.append(Points(np.array([estimate]), place, color, symbol, 6, hover=(hover,)))
    return tuple(marks)


def _diamond(at: int, value: Value, hover: str) -> Polygon:
    estimate, lower, upper = value
    x = np.array([lower, estimate, upper, estimate, lower])
    return Polygon(x, at + np.array([0.0, -0.26, 0.0, 0.26, 0.0]), INK, hover)
