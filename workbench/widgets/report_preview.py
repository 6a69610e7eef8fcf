"""A section of the report as blocks: read from what its page says, so that both say the same."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from workbench.figures.style import alone
from workbench.report import outline as parts
from workbench.report.outline import Part, outline
from workbench.widgets.blocks import Block, Picture, Row, Section, Table, Words

_WIDTH = re.compile(r'<svg\b[^>]*\bviewBox="0 0 ([\d.]+)')
NARROW = 420.0
"""Points of width under which a picture shares its row."""


def preview_blocks(html: str) -> tuple[Block, ...]:
    """Headings, paragraphs, lists, tables and figures of one section.

    Parameters
    ----------
    html
        Of :func:`workbench.report.page.section_html`.

    Examples
    --------
    >>> preview_blocks("<p>Ten patients &amp; more.</p>")
    (Words(text='Ten patients & more.', heading=0, name='text-1'),)
    """
    return tuple(_side_by_side([_block(part, i) for i, part in enumerate(outline(html), 1)]))


def _block(part: Part, place: int) -> Block:
    match part:
        case parts.Picture(svg, description):
            return Picture(f"figure-{place}", alone(svg), description)
        case parts.Grid(caption, head, rows):
            return Table(f"table-{place}", caption, head, rows)
        case parts.Facts(rows):
            return Table(f"facts-{place}", "", ("Item", "Value"), rows)
        case parts.Code(text):
            words = Words(text, name=f"json-{place}")
            return Section(f"folded-{place}", "As JSON", (words,), open=False)
        case parts.Heading(text):
            return Words(text, 2, f"heading-{place}")
        case parts.Bullets(items):
            return Words("\n".join(f"• {item}" for item in items), name=f"list-{place}")
        case parts.Paragraph(text):
            return Words(text, name=f"text-{place}")


def _side_by_side(blocks: Sequence[Block]) -> Iterator[Block]:
    """Narrow pictures that follow each other stand in one row, as on the page."""
    for is_narrow, run in groupby(blocks, key=_narrow):
        if is_narrow:
            pictures = tuple(run)
            yield Row(pictures, name=f"row-{pictures[0].name}")
        else:
            yield from run


def _narrow(block: Block) -> bool:
    width = _WIDTH.search(block.svg) if isinstance(block, Picture) else None
    return width is not None and float(width[1]) < NARROW
