"""A section of the report as blocks: read from what its page says, so that both say the same."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from itertools import groupby

from workbench.widgets.blocks import Block, Picture, Row, Section, Table, Words

_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_WIDTH = re.compile(r'<svg\b[^>]*\bviewBox="0 0 ([\d.]+)')
NARROW = 420.0
"""Points of width under which a picture shares its row."""
_LABEL = re.compile(r'aria-label="([^"]*)"')
_PARAGRAPHS = {"p", "li", "h3", "h4", "pre", "figcaption", "caption", "dt", "dd", "td", "th"}


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
    drawings = _SVG.findall(html)
    reader = _Reader(drawings)
    reader.feed(_SVG.sub("<svg>", html))
    reader.close()
    return tuple(_side_by_side(reader.blocks))


def _side_by_side(blocks: list[Block]) -> Iterator[Block]:
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


class _Reader(HTMLParser):
    """Our own templates, and no other HTML."""

    def __init__(self, drawings: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._drawings = iter(drawings)
        self._text: list[str] = []
        self._open: list[str] = []
        self._caption = ""
        self._rows: list[list[str]] = []
        self._facts: list[tuple[str, str]] = []
        self._term = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "svg":
            svg = next(self._drawings)
            label = _LABEL.search(svg)
            words = unescape(label[1]) if label else "Figure of the report"
            self.blocks.append(Picture(self._name("figure"), _alone(svg), words))
            return
        if tag in _PARAGRAPHS:
            self._say()
        if tag == "tr":
            self._rows.append([])
        verdict = tag == "span" and ("class", "verdict") in attrs
        self._open.append("verdict" if verdict else tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _PARAGRAPHS or tag == "ul":
            self._say(tag)
        if tag == "table" and self._rows:
            head, *rows = self._rows
            name = self._name("table")
            self.blocks.append(Table(name, self._caption, tuple(head), tuple(map(tuple, rows))))
            self._rows, self._caption = [], ""
        if tag == "dl" and self._facts:
            self.blocks.append(
                Table(self._name("facts"), "", ("Item", "Value"), tuple(self._facts))
            )
            self._facts = []
        if tag == "span" and self._open[-1:] == ["verdict"]:
            self._text.append(":")
            self._open.pop()
        elif tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def _say(self, tag: str = "") -> None:
        """Put down what was read since the last paragraph, as ``tag`` says."""
        said = "".join(self._text)
        text = said.strip() if tag == "pre" else " ".join(said.split())
        self._text = []
        if tag in ("td", "th"):
            self._rows[-1].append(text)
        elif not text:
            return
        elif tag == "caption":
            self._caption = text
        elif tag == "dt":
            self._term = text
        elif tag == "dd":
            self._facts.append((self._term, text))
        elif tag == "pre":
            words = Words(text, name=self._name("json"))
            self.blocks.append(Section(self._name("folded"), "As JSON", (words,), open=False))
        elif tag in ("h3", "h4"):
            self.blocks.append(Words(text, 2, self._name("heading")))
        elif "li" in self._open:
            before = self.blocks[-1] if self.blocks else None
            text = f"• {text}"
            if isinstance(before, Words) and before.text.startswith("• "):
                self.blocks.pop()
                text = f"{before.text}\n{text}"
            self.blocks.append(Words(text, name=self._name("list")))
        else:
            self.blocks.append(Words(text, name=self._name("text")))

    def _name(self, kind: str) -> str:
        return f"{kind}-{len(self.blocks) + 1}"


def _alone(svg: str) -> str:
    """With the name spaces that an SVG needs where it stands in no page."""
    head, rest = svg.split(">", 1)
    if "xmlns=" not in head:
        head += ' xmlns="http://www.w3.org/2000/svg"'
    if "xmlns:xlink=" not in head and "xlink:" in rest:
        head += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{head}>{rest}"
