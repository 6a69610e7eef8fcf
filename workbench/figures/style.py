"""One look for every figure, and its drawing as SVG that is the same byte for byte each time."""

import io
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito (2008), in the order in which the report needs them; grey and ink are for context.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#AA4499"
INK = "#1c2733"
GREY = "#5b6875"
RULE = "#d5dbe1"
PALE = "#b4bdc7"
"""Everyone, under those who are chosen."""
SERIES = (BLUE, VERMILION, GREEN, PURPLE, INK, GREY)
ORDERED = {1: (BLUE,), 2: (BLUE, VERMILION), 3: (BLUE, GREY, VERMILION)}
DASHES = ((), (5, 1.5), (1.5, 1.5), (7, 1.5, 1.5, 1.5), (3, 1), (1, 1))

# Text is measured with the font that comes with matplotlib, so that the layout is the same on
# every machine. The reader's browser draws it in the first of these that it has; all are narrower
# than the measured font, so nothing grows into its neighbour.
MEASURED_FONT = "DejaVu Sans"
FONT_STACK = "'Helvetica Neue', Arial, 'Liberation Sans', 'Noto Sans', sans-serif"

STYLE: dict[Any, Any] = {
    "font.family": MEASURED_FONT,
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "workbench",
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in the shared style, in inches; call it inside ``with styled():``."""
    return Figure(figsize=(width, height), dpi=96)


def styled() -> Any:
    """The shared style, for the length of a ``with`` block."""
    return mpl.rc_context(STYLE)


def inset_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the figure's lower left corner, where text has known room."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def shorten(text: str, length: int) -> str:
    """At most ``length`` characters, ending in an ellipsis where something was left out."""
    text = printable(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def wrap(text: str, width: int, lines: int = 2) -> str:
    """Broken into lines of ``width`` characters; at most ``lines`` of them."""
    text = printable(text)
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder="…")) or " "


def printable(text: str) -> str:
    """Without control and direction marks, which could turn the rest of a figure around."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", " ", str(text))


def tally(value: int | str) -> str:
    """A count with thousands apart; a withheld count, such as ``"<10"``, as it is."""
    return value if isinstance(value, str) else f"{value:,d}"


def text_room(texts: Sequence[str], *, size: float = 9.0) -> float:
    """Inches that the longest of ``texts`` takes, by the width of an average letter."""
    longest = max((max(map(len, t.split("\n"))) for t in texts), default=0)
    return longest * size * 0.56 / 72


def to_svg(figure: Figure, name: str, description: str) -> str:
    """Draw as one ``<svg>`` element that can stand in a page beside others.

    Parameters
    ----------
    figure
        From one of the ``plot_*`` functions.
    name
        Unique in the page: letters, digits and hyphens. Prefixes every id.
    description
        What a person who cannot see the figure should know; becomes its accessible name.

    Returns
    -------
    str
        SVG with text as text; the same bytes for the same figure. No date, no remote address.
    """
    buffer = io.StringIO()
    with styled():
        figure.savefig(
            buffer,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    # Matplotlib writes one rule for "*", which would reach the whole page that holds the drawing.
    drawing = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", drawing, count=1, flags=re.DOTALL)
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, count=1, flags=re.DOTALL)
    drawing = re.sub(r"<!--.*?-->\n?", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace(f"'{MEASURED_FONT}'", FONT_STACK)
    drawing = re.sub(r'\bid="', f'id="{name}-', drawing)
    drawing = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", drawing)
    label = f'role="img" aria-label="{_attribute(description)}"'
    shape = 'stroke-linejoin="round" stroke-linecap="butt" class="drawing"'
    return drawing.replace("<svg ", f"<svg {label} {shape} ", 1).strip()


def alone(svg: str) -> str:
    """With the name spaces that an ``<svg>`` needs where it stands in no page."""
    head, rest = svg.split(">", 1)
    if "xmlns=" not in head:
        head += ' xmlns="http://www.w3.org/2000/svg"'
    if "xmlns:xlink=" not in head and "xlink:" in rest:
        head += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{head}>{rest}"


def _attribute(text: str) -> str:
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace(">", "&gt;").replace('"', "&quot;")
