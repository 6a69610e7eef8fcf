"""From ``report.json`` to pages on paper: bookmarks, page numbers, running heads, tags."""

import base64
import re
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from markupsafe import Markup
from PIL import ImageFile

from workbench.errors import StudyError
from workbench.figures.style import alone
from workbench.report.page import Shown, render, source
from workbench.report.report_title import running_head

WIDE = 10
"""From so many columns on, a table lies on its side."""

NO_PANGO = (
    "report.pdf was not made: Pango is missing. Install it with `apt install libpango-1.0-0 "
    "libpangoft2-1.0-0` (Debian, Ubuntu) or `brew install pango` (macOS), and write it again"
)
_SECTION = re.compile(r"<section\b.*?</section>", re.DOTALL)
_TABLE = re.compile(r'<div class="scroll( long)?"[^>]*>\s*<table>.*?</table>\s*</div>', re.DOTALL)
_WIDE = '<div class="wide scroll'
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_LABEL = re.compile(r'aria-label="([^"]*)"')
_TINT = re.compile(r'style="--share:(\d{1,3})%"')


class NoPangoError(StudyError):
    """The libraries that lay out a PDF are not on this machine."""


def render_pdf(document: Mapping[str, Any], paged: str) -> bytes:
    """The report as PDF/UA-1; the same bytes for the same document and the same fonts.

    Parameters
    ----------
    document
        As of :func:`workbench.report.page.render_page`.
    paged
        Of :func:`render_paged`.

    Raises
    ------
    NoPangoError
        WeasyPrint finds no Pango; the message says how to install it.
    """
    weasyprint = _weasyprint()
    # The page holds all it needs: no other address is asked for.
    inside = weasyprint.urls.URLFetcher(allowed_protocols=["data"])
    page = weasyprint.HTML(string=paged, url_fetcher=inside)
    written = page.write_pdf(
        pdf_variant="pdf/ua-1",
        pdf_identifier=str(document["definition_hash"])[:32].encode(),
    )
    return bytes(written or b"")


def _weasyprint() -> ModuleType:
    """WeasyPrint, whose import tells Pillow to read cut pictures as if they were whole: undone."""
    as_before = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        import weasyprint
    except OSError as error:
        raise NoPangoError(NO_PANGO) from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = as_before
    return weasyprint


def render_paged(document: Mapping[str, Any], sections: Sequence[Shown]) -> str:
    """The HTML that is laid out as pages: the sections of the page, without what needs a screen."""
    html = render(
        "paged.html",
        document,
        sections,
        style=Markup(source("paged.css")),
        running=running_head(document),
    )
    return _TINT.sub(_tinted, _SVG.sub(_as_image, _SECTION.sub(_laid, html)))


def _laid(section: re.Match[str]) -> str:
    """A section with its wide tables turned; all of it where it has no other table.

    Its heading and the note under the table would stay behind on a page of their own.
    """
    turned = _TABLE.sub(_turned, section[0])
    if turned.count("<table") == 1 and _WIDE in turned:
        return turned.replace(_WIDE, '<div class="scroll', 1).replace(
            "<section ", '<section class="wide" ', 1
        )
    return turned


def _turned(table: re.Match[str]) -> str:
    """A table too wide for an upright page, marked so."""
    wide = table[0].count('<th scope="col"') >= WIDE
    return table[0].replace('<div class="scroll', _WIDE, 1) if wide else table[0]


def _as_image(svg: re.Match[str]) -> str:
    """A drawing as an image of its own: laid out once, and described where tags look for it."""
    label = _LABEL.search(svg[0])
    data = base64.b64encode(alone(svg[0]).encode()).decode()
    words = label[1] if label else "Figure of the report"
    return f'<img class="drawing" alt="{words}" src="data:image/svg+xml;base64,{data}">'


def _tinted(share: re.Match[str]) -> str:
    """The tint of a cell as the screen mixes it."""
    return f'style="background: rgba(0, 114, 178, {int(share[1]) * 0.0038:.3f})"'
