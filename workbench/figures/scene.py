"""Shapes in pixels: for a page without a library, and for SVG without matplotlib.

What :mod:`workbench.figures.in_pixels` makes of a drawing: the same places and numbers as in the
other renderers, in milliseconds, so that a widget can draw anew while a person looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from workbench.figures.drawing import Dash
from workbench.figures.style import FONT_STACK, GREY, INK, RULE, printable

NEUTRAL: Mapping[str, str] = {INK: "#757b82", GREY: "#757b82", RULE: "#80889147"}
"""Inks that read on white and on dark ground, for a picture that does not know where it stands."""


@dataclass(frozen=True)
class Shape:
    """A path in pixels from the upper left corner.

    Parameters
    ----------
    d
        The path, as SVG writes it.
    stroke, fill
        Colours of the house, or "" for none.
    width
        Of the line, in pixels.
    dash
        In pixels; () is solid.
    opacity
        0 to 1.
    series
        The entry of the legend that it belongs to.
    hover
        What is said where the pointer is on it.
    panel
        The panel that clips it; -1: none does.
    hatched
        Whether ``fill`` is drawn as hatching, for a number that is withheld.
    """

    d: str
    stroke: str = ""
    fill: str = ""
    width: float = 1.0
    dash: Dash = ()
    opacity: float = 1.0
    series: str = ""
    hover: str = ""
    panel: int = -1
    hatched: bool = False


@dataclass(frozen=True)
class Text:
    """A line of text, or several, around (x, y); ``anchor`` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str
    color: str
    size: float
    bold: bool = False
    upright: bool = False
    series: str = ""


@dataclass(frozen=True)
class Frame:
    """Where a panel stands, in pixels, and what its ends mean: a place becomes a value again."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    x_log: bool = False
    y_log: bool = False


@dataclass(frozen=True)
class Scene:
    """A drawing in pixels.

    Parameters
    ----------
    width, height
        In pixels.
    description
        For a person who cannot see it.
    shapes, texts
        In the order in which they are drawn.
    frames
        The panels.
    spots
        Points that say something: x, y, series and text, all in pixels.
    """

    width: float
    height: float
    description: str
    shapes: tuple[Shape, ...] = ()
    texts: tuple[Text, ...] = ()
    frames: tuple[Frame, ...] = ()
    spots: tuple[tuple[float, float, str, str], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and texts; what has its default value is left out."""
        return {
            "width": self.width,
            "height": self.height,
            "description": self.description,
            "shapes": [_short(each) for each in self.shapes],
            "texts": [_short(each) for each in self.texts],
            "frames": [_short(each) for each in self.frames],
            "spots": [list(spot) for spot in self.spots],
        }

    def svg(self, inks: Mapping[str, str] = NEUTRAL) -> str:
        """One ``<svg>`` element: the same bytes for the same drawing."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" role="img" '
            f'aria-label="{_attribute(self.description)}" '
            f'font-family="{_attribute(FONT_STACK)}">'
        ]
        clips = "".join(
            f'<clipPath id="p{at}"><rect x="{f.left:g}" y="{f.top:g}" width="{f.width:g}" '
            f'height="{f.height:g}"/></clipPath>'
            for at, f in enumerate(self.frames)
        )
        clips += "".join(
            _hatching(color, inks)
            for color in sorted({shape.fill for shape in self.shapes if shape.hatched})
        )
        parts += [f"<defs>{clips}</defs>"] if clips else []
        parts += [_svg_shape(shape, inks) for shape in self.shapes]
        parts += [_svg_text(text, inks) for text in self.texts]
        return "".join((*parts, "</svg>"))


def _short(record: Any) -> dict[str, Any]:
    """The fields of a record that differ from what they are by default."""
    fields = type(record).__dataclass_fields__
    pairs = ((name, getattr(record, name)) for name in fields)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in pairs
        if value != fields[name].default
    }


def _svg_shape(shape: Shape, inks: Mapping[str, str]) -> str:
    fill = f"url(#{_hatch_name(shape.fill)})" if shape.hatched else inks.get(shape.fill, shape.fill)
    look = [f'fill="{fill or "none"}"']
    if shape.stroke:
        look.append(f'stroke="{inks.get(shape.stroke, shape.stroke)}"')
        look.append(f'stroke-width="{shape.width:g}"')
    if shape.dash:
        look.append(f'stroke-dasharray="{" ".join(f"{part:g}" for part in shape.dash)}"')
    if shape.opacity != 1:
        look.append(f'opacity="{shape.opacity:g}"')
    if shape.panel >= 0:
        look.append(f'clip-path="url(#p{shape.panel})"')
    return f'<path d="{shape.d}" {" ".join(look)}/>'


def _hatch_name(color: str) -> str:
    return f"h{color.removeprefix('#')}"


def _hatching(color: str, inks: Mapping[str, str]) -> str:
    return (
        f'<pattern id="{_hatch_name(color)}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path d="M0 0V6" stroke="{inks.get(color, color)}" '
        'stroke-width="1.6"/></pattern>'
    )


def _svg_text(text: Text, inks: Mapping[str, str]) -> str:
    look = f'font-size="{text.size:g}" fill="{inks.get(text.color, text.color)}" '
    look += f'text-anchor="{text.anchor}"' + (' font-weight="bold"' if text.bold else "")
    if text.upright:
        look += f' transform="rotate(-90 {text.x:g} {text.y:g})"'
    lines = text.text.split("\n")
    first = text.y - (len(lines) - 1) * 0.6 * text.size
    return "".join(
        f'<text x="{text.x:g}" y="{first + at * 1.2 * text.size:.1f}" dy="0.35em" {look}>'
        f"{escape(line)}</text>"
        for at, line in enumerate(lines)
    )


def _attribute(text: str) -> str:
    return escape(printable(text), quote=True)
