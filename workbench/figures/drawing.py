"""A figure described once for every renderer: what stands where, in inches, with which numbers.

A ``plot_*`` function makes a :class:`Drawing`; :mod:`workbench.figures.static` draws it with
matplotlib, :mod:`workbench.figures.interactive` with plotly. Neither chooses a number, a tick or a
place, so the two show the same.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.figures.style import GREY, INK

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

Dash = tuple[float, ...]
Symbol = Literal["circle", "square", "diamond", "tick", "left", "right"]
Theme = Literal["both", "light", "dark"]


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a panel.

    Parameters
    ----------
    title
        What it measures, with its unit.
    limits
        Lowest and highest value shown; the higher first turns the axis around.
    ticks, labels
        Where the ticks stand, and what is written there.
    log
        Whether equal ratios take equal room.
    shown
        Whether line, ticks and labels are drawn; the limits hold in any case.
    """

    title: str
    limits: tuple[float, float]
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    log: bool = False
    shown: bool = True

    def share(self, value: float) -> float:
        """How far along the axis ``value`` stands: 0 at the first limit, 1 at the second."""
        low, high, at = self.limits[0], self.limits[1], value
        if self.log:
            low, high, at = np.log([low, high, at]).tolist()
        return (at - low) / (high - low)


@dataclass(frozen=True, eq=False)
class Line:
    """A line through (x, y), both (point,); NaN breaks it. A step keeps its value to the next x.

    ``series`` ties marks to an entry of the legend; ``hover`` is one text a point, or none.
    """

    x: np.ndarray
    y: np.ndarray
    color: str
    dash: Dash = ()
    width: float = 2.0
    step: bool = False
    series: str = ""
    hover: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Band:
    """The room between two lines, (point,); nothing where either is NaN."""

    x: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    color: str
    step: bool = False
    series: str = ""


@dataclass(frozen=True, eq=False)
class Points:
    """Symbols at (x, y), (point,); ``size`` in points."""

    x: np.ndarray
    y: np.ndarray
    color: str
    symbol: Symbol = "circle"
    size: float = 5.5
    opacity: float = 1.0
    series: str = ""
    hover: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Intervals:
    """Segments from ``lower`` to ``upper`` at ``at``, (segment,); ``at`` is x where upright."""

    at: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    color: str
    upright: bool = False
    width: float = 1.6
    series: str = ""


@dataclass(frozen=True, eq=False)
class Polygon:
    """A filled shape with corners (x, y), (corner,); ``hatched`` where a number is withheld."""

    x: np.ndarray
    y: np.ndarray
    color: str
    hover: str = ""
    series: str = ""
    hatched: bool = False


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars from 0 to ``height`` between ``left`` and ``right``, (bar,); hatched as a Polygon."""

    left: np.ndarray
    right: np.ndarray
    height: np.ndarray
    color: str
    hover: tuple[str, ...] = ()
    series: str = ""
    hatched: bool = False


Mark = Line | Band | Points | Intervals | Polygon | Bars


@dataclass(frozen=True)
class Row:
    """One line of a table under a panel: a label, its sample of line if coloured, a text a tick."""

    label: str
    color: str
    dash: Dash
    cells: tuple[str, ...]


@dataclass(frozen=True)
class RiskTable:
    """Texts under the ticks of a panel's x axis: by construction one cell a tick."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Panel:
    """Axes at a place of the drawing, in inches from its lower left corner; marks, lowest first."""

    left: float
    bottom: float
    width: float
    height: float
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    grid: Literal["", "x", "y", "xy"] = "y"
    table: RiskTable | None = None


@dataclass(frozen=True)
class Label:
    """A text at a place of the drawing, in inches from its lower left corner."""

    x: float
    y: float
    text: str
    align: Literal["left", "center", "right"] = "left"
    color: str = INK
    size: float = 9.0
    bold: bool = False
    upright: bool = False


@dataclass(frozen=True)
class Stroke:
    """A straight line between two places of the drawing, in inches."""

    start: tuple[float, float]
    end: tuple[float, float]
    color: str = GREY
    dash: Dash = ()
    width: float = 0.8


@dataclass(frozen=True)
class Entry:
    """What the legend says of a series; without a symbol a line stands for it."""

    series: str
    text: str
    color: str
    dash: Dash = ()
    symbol: Symbol | None = None


@dataclass(frozen=True)
class Legend:
    """Entries row by row in columns of one width, from ``left`` and ``top`` on, in inches."""

    left: float
    top: float
    columns: int
    column_width: float
    entries: tuple[Entry, ...]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A whole figure, not yet drawn.

    In a notebook it shows itself: interactive where JupyterLab has plotly, and as SVG everywhere
    else, also after the kernel has gone. Colours there read on the dark and on the light theme.

    Parameters
    ----------
    title
        First line of the figure.
    width, height
        In inches.
    panels
        Axes and marks.
    description
        What a person who cannot see the figure should know.
    labels, strokes
        Texts and lines outside the panels.
    legend
        What stands for what, or None.
    """

    title: str
    width: float
    height: float
    panels: tuple[Panel, ...]
    description: str
    labels: tuple[Label, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    legend: Legend | None = field(default=None)

    def static(self) -> "Figure":
        """The figure drawn by matplotlib: white, for paper; no browser takes part."""
        from workbench.figures.static import draw_static

        return draw_static(self)

    def interactive(self, *, theme: Theme = "both") -> "go.Figure":
        """The figure drawn by plotly: numbers where the pointer is, series that can be hidden.

        Parameters
        ----------
        theme
            "both" reads on dark and light ground; "light" and "dark" have more contrast on one.

        Raises
        ------
        WorkbenchError
            plotly is not installed.
        """
        from workbench.figures.interactive import draw_interactive

        return draw_interactive(self, theme=theme)

    def svg(self, name: str = "figure") -> str:
        """One ``<svg>`` element, the same bytes each time; ``name`` prefixes every id in it."""
        from workbench.figures.style import to_svg

        return to_svg(self.static(), name, self.description)

    def save(self, path: str | Path) -> Path:
        """Write the figure, as the suffix of ``path`` says: .svg, .png (300 dpi), .pdf or .html.

        HTML is interactive and complete in itself (plotly.js is inside, about 5 MB).

        Raises
        ------
        WorkbenchError
            Another suffix; HTML without plotly.
        """
        from workbench.figures.saving import save_drawing

        return save_drawing(self, Path(path))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from workbench.figures.saving import notebook_bundle

        return notebook_bundle(self)
