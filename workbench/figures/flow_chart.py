"""Boxes with texts, and arrows between them, on a canvas in inches."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.figures.drawing import Axis, Label, Line, Mark, Panel, Polygon
from workbench.figures.style import GREY, INK

LINE = 0.2
PAD = 0.12
HEAD = 0.09


class Words(NamedTuple):
    """One line of text in a box."""

    text: str
    bold: bool = False
    color: str = INK


@dataclass(frozen=True)
class Box:
    """Lines of text in a frame.

    Parameters
    ----------
    left, width
        In inches.
    lines
        From top to bottom; they fit.
    color, stroke
        Of the frame; its width in points.
    """

    left: float
    width: float
    lines: tuple[Words, ...]
    color: str = GREY
    stroke: float = 0.9

    @property
    def height(self) -> float:
        """Inches."""
        return LINE * len(self.lines) + 2 * PAD - 0.04

    @property
    def middle(self) -> float:
        """Where an arrow from above meets it, in inches."""
        return self.left + self.width / 2

    def frame(self, top: float) -> Line:
        """Its outline with the upper edge at ``top``."""
        left, right, bottom = self.left, self.left + self.width, top - self.height
        x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
        return Line(np.array(x), np.array(y), self.color, width=self.stroke)

    def labels(self, top: float) -> list[Label]:
        """Its texts with the upper edge at ``top``."""
        first = top - PAD + 0.02 - LINE / 2
        return [
            Label(self.left + PAD, first - at * LINE, line.text, "left", line.color, bold=line.bold)
            for at, line in enumerate(self.lines)
        ]


def arrow(start: tuple[float, float], end: tuple[float, float]) -> tuple[Mark, ...]:
    """A straight line, upright or level, with a head at its end."""
    from_, to = np.array(start), np.array(end)
    along = (to - from_) / np.linalg.norm(to - from_)
    across = np.array([-along[1], along[0]]) * HEAD * 0.45
    foot = to - along * HEAD
    corners = np.array([to, foot + across, foot - across, to])
    return (
        Line(np.array([from_[0], foot[0]]), np.array([from_[1], foot[1]]), GREY, width=0.9),
        Polygon(corners[:, 0], corners[:, 1], GREY),
    )


def canvas(width: float, height: float, marks: tuple[Mark, ...]) -> Panel:
    """Marks anywhere in a drawing: both axes are inches from its lower left corner."""
    x, y = (Axis("", (0.0, end), (), (), shown=False) for end in (width, height))
    return Panel(0.0, 0.0, width, height, x, y, marks, grid="")
