"""A section as its parts in reading order, read from its page, so that all formats say the same."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_LABEL = re.compile(r'aria-label="([^"]*)"')
_OF_WHAT_FOLLOWS = {"verdict", "strip-title"}
"""Classes of spans that are set apart by type on the page, and by a colon in a text."""
_PARAGRAPHS = {"p", "li", "h3", "h4", "pre", "figcaption", "caption", "dt", "dd", "td", "th"}


@dataclass(frozen=True)
class Heading:
    """A heading below the section's own."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; ``caption`` if it stands under a figure."""

    text: str
    caption: bool = False


@dataclass(frozen=True)
class Bullets:
    """Items of a list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Terms and what is said of each."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table of text."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A drawing, and what a person who cannot see it should know."""

    svg: str
    description: str


@dataclass(frozen=True)
class Code:
    """Text whose line ends matter."""

    text: str


Part = Heading | Paragraph | Bullets | Facts | Grid | Picture | Code


def outline(html: str) -> tuple[Part, ...]:
    """Headings, paragraphs, lists, tables and figures of one section.

    Parameters
    ----------
    html
        Of :func:`workbench.report.page.section_html`.

    Examples
    --------
    >>> outline("<p>Ten patients &amp; more.</p>")
    (Paragraph(text='Ten patients & more.', caption=False),)
    >>> outline('<div class="lead"><p>Better. <a href="#why">Why</a></p></div>')
    (Paragraph(text='Better.', caption=False),)
    """
    reader = _Reader(_SVG.findall(html))
    reader.feed(_SVG.sub("<svg>", html))
    reader.close()
    return tuple(reader.parts)


class _Reader(HTMLParser):
    """Our own templates, and no other HTML."""

    def __init__(self, drawings: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Part] = []
        self._drawings = iter(drawings)
        self._text: list[str] = []
        self._open: list[tuple[str, str]] = []  # Tags with their classes.
        self._caption = ""
        self._rows: list[tuple[str, ...]] = []
        self._facts: list[tuple[str, str]] = []
        self._term = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "svg":
            svg = next(self._drawings)
            label = _LABEL.search(svg)
            words = unescape(label[1]) if label else "Figure of the report"
            self.parts.append(Picture(svg, words))
            return
        if tag in _PARAGRAPHS:
            self._say()
        if tag == "tr":
            self._rows.append(())
        self._open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _PARAGRAPHS or tag == "ul":
            self._say(tag)
        if tag == "table" and self._rows:
            head, *rows = self._rows
            self.parts.append(Grid(self._caption, head, tuple(rows)))
            self._rows, self._caption = [], ""
        if tag == "dl" and self._facts:
            self.parts.append(Facts(tuple(self._facts)))
            self._facts = []
        for at in reversed(range(len(self._open))):
            name, kind = self._open[at]
            if name == tag:
                if kind in _OF_WHAT_FOLLOWS:
                    self._text.append(":")
                del self._open[at:]
                break

    def handle_data(self, data: str) -> None:
        if not self._leads_elsewhere():
            self._text.append(data)

    def _leads_elsewhere(self) -> bool:
        """Whether this is a link of the summary to its sections: of use on a screen alone."""
        kinds = {kind for _, kind in self._open}
        return "more" in kinds or ("lead" in kinds and self._within("a"))

    def _within(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)

    def _say(self, tag: str = "") -> None:
        """Put down what was read since the last paragraph, as ``tag`` says."""
        said = "".join(self._text)
        text = said.strip() if tag == "pre" else " ".join(said.split())
        self._text = []
        if tag in ("td", "th"):
            self._rows[-1] = (*self._rows[-1], text)
        elif not text:
            return
        elif tag == "caption":
            self._caption = text
        elif tag == "dt":
            self._term = text
        elif tag == "dd":
            self._facts.append((self._term, text))
        elif tag == "pre":
            self.parts.append(Code(text))
        elif tag in ("h3", "h4"):
            self.parts.append(Heading(text))
        elif self._within("li"):
            before = self.parts[-1] if self.parts else None
            earlier = before.items if isinstance(before, Bullets) else ()
            self.parts[len(self.parts) - bool(earlier) :] = [Bullets((*earlier, text))]
        else:
            self.parts.append(Paragraph(text, caption=tag == "figcaption"))
