"""Where texts stand around panels, in inches, measured and not guessed."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextToPath

from workbench.figures.drawing import Axis, Drawing, Entry, Label, Legend, Panel, Stroke
from workbench.figures.style import GREY, MEASURED_FONT, printable

SMALL = 9.0
BODY = 9.5
TITLE = 10.5
LINE = 0.24
TICK_ROOM = 0.22
AXIS_TITLE = 0.42
TABLE_GAP = 0.68
SWATCH = 0.3
EDGE = 0.15


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Inches that ``text`` takes in the measured font, the widest that a reader may get."""
    font = FontProperties(family=MEASURED_FONT, weight="bold" if bold else "normal", size=size)
    path = TextToPath()
    lines = [_measurable(line) for line in text.split("\n")]
    return max(path.get_text_width_height_descent(li, font, ismath=False)[0] for li in lines) / 72


def _measurable(line: str) -> str:
    """A line in letters that the measured font has: another letter is taken for its widest."""
    letters = get_font(findfont(MEASURED_FONT)).get_charmap()
    return "".join(c if ord(c) in letters else "W" for c in printable(line)) or " "


def widest(texts: Sequence[str], size: float = SMALL, *, bold: bool = False) -> float:
    """Inches that the widest of ``texts`` takes; 0 without any."""
    return max((text_width(text, size, bold=bold) for text in texts), default=0.0)


def fit_text(text: str, room: float, size: float = SMALL, *, bold: bool = False) -> str:
    """``text`` as long as it fits into ``room`` inches, ending in an ellipsis where it was cut."""
    if text_width(text, size, bold=bold) <= room:
        return text
    kept = bisect_left(
        range(len(text)),
        True,
        key=lambda n: text_width(text[: n + 1] + "…", size, bold=bold) > room,
    )
    return text[:kept].rstrip() + "…"


def axis_room(axis: Axis) -> float:
    """Inches that tick labels and title of a y axis take, left of its panel."""
    return 0.12 + widest(axis.labels) + (0.3 if axis.title else 0.0)


def table_room(n_rows: int) -> float:
    """Inches below a panel for its x axis and a table of ``n_rows``."""
    return TABLE_GAP + LINE * (n_rows + 0.5) if n_rows else 0.62


def legend_of(entries: Sequence[Entry], left: float, top: float, width: float) -> Legend:
    """Entries in as many columns as ``width`` holds."""
    entries = [replace(e, text=fit_text(e.text, width - 0.75)) for e in entries]
    column = 0.5 + widest([entry.text for entry in entries]) + 0.2
    columns = max(1, min(len(entries), int(width // column)))
    return Legend(left, top, columns, column, tuple(entries))


def legend_height(legend: Legend) -> float:
    """Inches from the top of the first row to the foot of the last."""
    return LINE * -(-len(legend.entries) // legend.columns)


def entry_place(legend: Legend, position: int) -> tuple[float, float]:
    """Left end and middle of an entry, in inches."""
    row, column = divmod(position, legend.columns)
    return legend.left + column * legend.column_width, legend.top - (row + 0.5) * LINE


def placed_texts(drawing: Drawing) -> list[Label]:
    """Every text outside the plotting areas but tick labels and the legend."""
    title = Label(EDGE, drawing.height - 0.24, drawing.title, size=TITLE, bold=True)
    found = [title, *drawing.labels] if drawing.title else [*drawing.labels]
    for panel in drawing.panels:
        found += _panel_texts(panel)
    return found


def placed_strokes(drawing: Drawing) -> list[Stroke]:
    """Lines outside the panels: the drawing's own and the samples in tables."""
    found = list(drawing.strokes)
    for panel in drawing.panels:
        for at, row in enumerate(panel.table.rows if panel.table else ()):
            y = panel.bottom - TABLE_GAP - (at + 1) * LINE
            right = _table_left(panel)
            if not row.color or not row.label:
                continue
            start, end = (right - SWATCH, y), (right, y)
            found.append(Stroke(start, end, row.color, row.dash, 2.0))
    return found


def table_left_room(labels: Sequence[str], heading: str) -> float:
    """Inches that the labels of a table take, left of its panel."""
    return EDGE + max(widest(labels) + SWATCH + 0.1, widest([heading])) + 0.24


def _table_left(panel: Panel) -> float:
    """Right end of the table's labels: clear of the first count, which is centred on the axis."""
    table = panel.table
    first = widest([row.cells[0] for row in table.rows]) if table else 0.0
    return panel.left - max(0.2, first / 2 + 0.14)


def _panel_texts(panel: Panel) -> list[Label]:
    found: list[Label] = []
    middle, right = panel.left + panel.width / 2, _table_left(panel)
    if panel.title:
        top = panel.bottom + panel.height + 0.16
        found.append(Label(panel.left, top, panel.title, size=BODY, bold=True))
    if panel.x.title:
        under = panel.bottom - (AXIS_TITLE if panel.x.shown else TICK_ROOM)
        found.append(Label(middle, under, panel.x.title, "center", size=BODY))
    if panel.y.title:
        x = panel.left - (axis_room(panel.y) if panel.y.shown else 0.3) + 0.1
        found.append(
            Label(
                x, panel.bottom + panel.height / 2, panel.y.title, "center", upright=True, size=BODY
            )
        )
    if panel.table:
        y = panel.bottom - TABLE_GAP
        found.append(Label(right, y, panel.table.heading, "right", GREY))
        for at, row in enumerate(panel.table.rows):
            down = y - (at + 1) * LINE
            beside = SWATCH + 0.08 if row.color else 0.0
            found.append(Label(right - beside, down, row.label, "right"))
            for tick, cell in zip(panel.x.ticks, row.cells, strict=True):
                x = panel.left + panel.width * panel.x.share(tick)
                found.append(Label(x, down, cell, "center"))
    return found
