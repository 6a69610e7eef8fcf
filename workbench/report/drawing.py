"""A figure as it stands in the page."""

from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure

from workbench.figures import to_svg


@dataclass(frozen=True)
class Drawing:
    """SVG with its caption; ``narrow`` figures stand two beside each other.

    ``name`` is unique in the page; ``figure`` is what was drawn, for other formats.
    """

    svg: Markup
    caption: str
    name: str
    description: str
    figure: Figure
    narrow: bool = False


def draw(
    figure: Figure, name: str, description: str, caption: str, *, narrow: bool = False
) -> Drawing:
    """Draw for the page; ``name`` is unique in it, ``description`` is for those who cannot see."""
    svg = Markup(to_svg(figure, name, description))
    return Drawing(svg, caption, name, description, figure, narrow)
