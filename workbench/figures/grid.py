"""Panels of one size in rows and columns under a heading."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from workbench.figures.drawing import Axis, Drawing, Entry, Label, Mark, Panel
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room, fit_text

WIDTH = 9.6
RIGHT = 0.25
FOOT = 0.6
HEAD = 0.5


class Cell(NamedTuple):
    """A panel without a place: title, a line under it, axes and marks."""

    title: str
    subtitle: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    grid: Literal["", "x", "y", "xy"] = "y"


def grid_figure(
    cells: Sequence[Cell],
    *,
    title: str,
    notes: Sequence[str],
    entries: Sequence[Entry] = (),
    description: str,
    across: int = 3,
    panel_height: float = 2.3,
) -> Drawing:
    """Cells from left to right and top to bottom, at most ``across`` beside each other."""
    across = 2 if len(cells) == 4 and across == 3 else min(across, len(cells))
    down = math.ceil(len(cells) / across)
    left = max(axis_room(cell.y) for cell in cells) + EDGE
    wide = (WIDTH - across * (left + RIGHT)) / across
    head = heading(title, notes, entries, width=WIDTH)
    row = HEAD + panel_height + FOOT
    height = head.room + down * row
    labels, panels = list(head.labels(height)), []
    for at, cell in enumerate(cells):
        place = left + (at % across) * (wide + left + RIGHT)
        bottom = height - head.room - (at // across + 1) * row + FOOT
        top = bottom + panel_height
        labels += [
            Label(
                place, top + 0.34, fit_text(cell.title, wide, 9.5, bold=True), size=9.5, bold=True
            ),
            Label(place, top + 0.13, fit_text(cell.subtitle, wide + RIGHT), size=9),
        ]
        panels.append(
            Panel(place, bottom, wide, panel_height, cell.x, cell.y, cell.marks, grid=cell.grid)
        )
    return Drawing(
        head.title,
        WIDTH,
        height,
        tuple(panels),
        description,
        labels=tuple(labels),
        legend=head.legend_in(height),
    )
