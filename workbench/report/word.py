"""``report.docx``: the report for co-authors to edit, with real headings, tables and captions."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from workbench.errors import StudyError
from workbench.figures.style import INK, RULE, printable, shorten
from workbench.report.bundle import archive
from workbench.report.outline import (
    Bullets,
    Code,
    Facts,
    Grid,
    Heading,
    Paragraph,
    Part,
    Picture,
    outline,
)
from workbench.report.page import Shown
from workbench.report.report_title import report_title, running_head
from workbench.report.shown import as_png, drawings
from workbench.report.words import RESEARCH_USE, SIMULATED

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph as Lines

WIDE = 8
"""From so many columns on, a table lies on its side, on a page with others of its kind."""
FONT, CODE_FONT = "Arial", "Courier New"
MARGIN = 20
ACROSS, HALF, NARROW = 168, 80, 120
"""Millimetres: a figure's greatest width, that of two beside each other, and up to what width they
stand so."""
LETTER, BOLD, PADDING = 1.65, 1.85, 4.5
"""Millimetres that a letter of a table takes, one of its head, and the room around a text."""
LONGEST_WORD, LONGEST_CELL = 70, 140
"""Letters from which on a word, and a cell's text, are broken into lines."""
LONGEST_CODE = 60
"""Lines of what machines read, such as a Croissant record, that are repeated for co-authors."""

NO_DOCX = (
    "report.docx was not made: python-docx is missing. Install it with "
    "`pip install precision-workbench[docx]`, and write it again"
)
_LONGEST = 2000


class NoDocxError(StudyError):
    """The library that writes Word documents is not installed."""


def render_docx(document: Mapping[str, Any], sections: Sequence[Shown]) -> bytes:
    """The Word document; the same bytes for the same document.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`.
    sections
        Of :func:`workbench.report.page.shown_sections`.

    Raises
    ------
    NoDocxError
        python-docx is not installed.
    """
    try:
        import docx
    except ImportError as error:
        raise NoDocxError(NO_DOCX) from error
    author = document.get("author", {})
    title = _words(report_title(document))
    file = docx.Document()
    _without_thumbnail(file)
    _properties(file, title)
    _styles(file)
    file.add_heading(title, 0)
    if author.get("authors"):
        file.add_paragraph(_words(", ".join(author["authors"])))
    file.add_paragraph(f"{RESEARCH_USE}{f' {SIMULATED}.' if document['simulated'] else ''}")
    counts = {"Table": 0, "Figure": 0}
    for shown in sections:
        _lay(file, on_its_side=False)
        file.add_heading(shown.section.title, 1)
        pictures = {str(drawing.svg): as_png(drawing) for drawing in drawings(shown)}
        for _, alike in groupby(outline(shown.html), type):
            parts = list(alike)
            figure = [p for p in parts if isinstance(p, Picture)]
            if figure:
                _lay(file, on_its_side=False)
                _pictures(file, [(pictures.get(p.svg), p.description) for p in figure])
                continue
            for part in parts:
                _lay(file, on_its_side=isinstance(part, Grid) and len(part.head) >= WIDE)
                _add(file, part, counts)
    _running(file, running_head(document))
    buffer = io.BytesIO()
    file.save(buffer)
    with zipfile.ZipFile(buffer) as saved:
        members = {name: saved.read(name) for name in saved.namelist()}
    return archive(members)


def _add(file: "Document", part: Part, counts: dict[str, int]) -> None:
    match part:
        case Heading(text):
            file.add_heading(_words(text), 2)
        case Paragraph(text, caption):
            if caption:
                _caption(file, "Figure", text, counts)
            else:
                file.add_paragraph(_words(text))
        case Bullets(items):
            for item in items:
                file.add_paragraph(_words(item), style="List Bullet")
        case Facts(rows):
            _table(file, ("", ""), rows)
        case Grid(caption, head, rows):
            _caption(file, "Table", caption, counts)
            _table(file, head, rows)
        case Code(text) if len(text.split("\n")) > LONGEST_CODE:
            file.add_paragraph(f"{len(text.splitlines()):,} lines, which stand in report.html.")
        case Code(text):
            paragraph = file.add_paragraph(style="Intense Quote")
            paragraph.add_run("\n".join(map(printable, text.split("\n"))))


def _words(text: str) -> str:
    return shorten(text, _LONGEST)


def _properties(file: "Document", title: str) -> None:
    """Its title, and neither a person nor a time."""
    from docx.oxml.ns import qn

    properties = file.core_properties
    properties.title, properties.author, properties.last_modified_by = title[:255], "", ""
    properties.comments, properties.keywords = "", ""
    for tag in ("dcterms:created", "dcterms:modified"):
        for element in properties._element.findall(qn(tag)):
            properties._element.remove(element)


def _without_thumbnail(file: "Document") -> None:
    """The picture of its template, which knows who took it."""
    relations: Any = getattr(file.part.package, "rels", {})
    for name in [key for key, each in relations.items() if each.reltype.endswith("/thumbnail")]:
        del relations[name]


def _styles(file: "Document") -> None:
    from docx.shared import Mm, Pt, RGBColor

    for name, size in (("Normal", 10), ("Caption", 9), ("Intense Quote", 7)):
        style: Any = file.styles[name]
        style.font.size = Pt(size)
    for name in ("Normal", "Title", "Heading 1", "Heading 2"):
        _in_font(file.styles[name], FONT)
    code: Any = file.styles["Intense Quote"]
    _in_font(code, CODE_FONT)
    code.font.italic = code.font.bold = False
    code.font.color.rgb = RGBColor.from_string(INK.removeprefix("#"))
    page = file.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(MARGIN)
    page.top_margin = page.bottom_margin = Mm(MARGIN)


def _in_font(style: Any, font: str) -> None:
    """The font by its name: a theme's may not be on the reader's machine."""
    from docx.oxml.ns import qn

    style.font.name = font
    fonts = style.element.rPr.rFonts
    for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
        del fonts.attrib[theme]
    fonts.set(qn("w:cs"), font)


def _running(file: "Document", head: str) -> None:
    """Running head, and the page's number as a field."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    page = file.sections[0]
    page.header.paragraphs[0].text = head
    foot = page.footer.paragraphs[0]
    foot.add_run(f"{RESEARCH_USE} Page ")
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    foot._p.append(field)


def _caption(file: "Document", kind: str, text: str, counts: dict[str, int]) -> None:
    counts[kind] += 1
    paragraph = file.add_paragraph(f"{kind} {counts[kind]}. {_words(text)}", style="Caption")
    paragraph.paragraph_format.keep_with_next = kind == "Table"


def _table(file: "Document", head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table ruled as journals rule them, each column as wide as what stands in it."""
    from docx.oxml import OxmlElement
    from docx.shared import Mm, Pt

    lines = [head, *rows] if any(head) else list(rows)
    table = file.add_table(len(lines), len(head))
    _rules(table)
    page = file.sections[-1]
    widths = column_widths(lines, (page.page_width or 0) / Mm(1) - 2 * MARGIN)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    for i, (line, row) in enumerate(zip(lines, table.rows, strict=True)):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if i == 0 and any(head):
            properties.append(OxmlElement("w:tblHeader"))
        for text, cell, width in zip(line, row.cells, widths, strict=False):
            cell.width = Mm(width)
            run = cell.paragraphs[0].add_run(_words(text))
            run.font.size = Pt(8)
            run.bold = i == 0 and any(head)
            cell.paragraphs[0].paragraph_format.space_after = Pt(1)
    file.add_paragraph()


def _rules(table: "Table") -> None:
    """A line above and below, and a pale one under each row."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tblBorders")
    for side, color in (("top", INK), ("bottom", INK), ("insideH", RULE)):
        line = OxmlElement(f"w:{side}")
        for key, value in (("val", "single"), ("sz", "4"), ("color", color.removeprefix("#"))):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    properties = table._tbl.tblPr
    properties.insert_element_before(borders, "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")


def column_widths(lines: Sequence[Sequence[str]], room: float) -> list[float]:
    """Millimetres of each column: its longest text, or less where ``room`` ends.

    Words stay whole, unless they alone are wider than the page; those of the first line are bold.

    Examples
    --------
    >>> column_widths([["Model", "C"], ["Clinical Cox", "0.84"]], 100)
    [24.3, 11.1]
    >>> column_widths([["n", "What it means"], ["1", "A long sentence that goes on and on"]], 50)
    [6.35, 43.65]
    >>> column_widths([["n" * 10_000, "C"]], 50)
    [47.74, 2.26]
    """
    columns = list(zip(*lines, strict=True))
    least = [
        max(_longest_word(text, BOLD if at == 0 else LETTER) for at, text in enumerate(column))
        for column in columns
    ]
    if sum(least) > room:
        return [round(each * room / sum(least), 2) for each in least]
    wanted = [max(min(len(t), LONGEST_CELL) for t in c) * LETTER + PADDING for c in columns]
    more = [max(want - low, 0) for want, low in zip(wanted, least, strict=True)]
    share = min(1.0, (room - sum(least)) / (sum(more) or 1))
    return [round(low + share * extra, 2) for low, extra in zip(least, more, strict=True)]


def _longest_word(text: str, letter: float) -> float:
    """Millimetres that a cell needs so that no word of it is broken."""
    return max(len(word[:LONGEST_WORD]) for word in text.split() or [""]) * letter + PADDING


def _pictures(file: "Document", pictures: Sequence[tuple[bytes | None, str]]) -> None:
    """Pictures of one figure, each with its description, its caption on the page of the last."""
    for _, description in (each for each in pictures if each[0] is None):
        file.add_paragraph(_words(description))
    drawn = [(png, description) for png, description in pictures if png is not None]
    beside = len(drawn) > 1 and all(_millimetres(png) <= NARROW for png, _ in drawn)
    for at in range(0, len(drawn), 2 if beside else 1):
        if beside:
            [row] = file.add_table(1, 2).rows
            places = [cell.paragraphs[0] for cell in row.cells]
        else:
            places = [file.add_paragraph()]
        for paragraph, (png, description) in zip(places, drawn[at:], strict=False):
            _picture(paragraph, png, description, HALF if beside else ACROSS)
        for paragraph in places if at + len(places) >= len(drawn) else ():
            paragraph.paragraph_format.keep_with_next = True


def _millimetres(png: bytes) -> float:
    """Width of a picture as it would be printed."""
    from docx.image.image import Image
    from docx.shared import Mm

    return Image.from_blob(png).width / Mm(1)


def _picture(paragraph: "Lines", png: bytes, description: str, across: int) -> None:
    from docx.shared import Emu, Mm

    shape = paragraph.add_run().add_picture(io.BytesIO(png))
    width = min(shape.width, Mm(across))
    shape.height, shape.width = Emu(shape.height * width // shape.width), width
    shape._inline.docPr.set("descr", _words(description))


def _lay(file: "Document", *, on_its_side: bool) -> None:
    """Go on upon pages that lie on their side, or stand; a new one where the last are not so."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    orientation = WD_ORIENT.LANDSCAPE if on_its_side else WD_ORIENT.PORTRAIT
    if file.sections[-1].orientation == orientation:
        return
    page = file.add_section()
    page.orientation = orientation
    page.page_width, page.page_height = (Mm(297), Mm(210)) if on_its_side else (Mm(210), Mm(297))
