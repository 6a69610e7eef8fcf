"""A table as a Word document."""

from os import PathLike, fspath
from typing import TYPE_CHECKING

from workbench.cohort.sheet import Sheet
from workbench.errors import CohortError

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table, _Cell

WIDE = 7
"""From so many columns on, the page lies on its side."""


def write_docx(sheet: Sheet, path: str | PathLike[str]) -> None:
    """Write a document with a real table: heads repeat on each page, rows do not break.

    Parameters
    ----------
    sheet
        Its words.
    path
        Where the document goes; one that is there is replaced.

    Raises
    ------
    CohortError
        If python-docx is not installed.
    """
    try:
        import docx
        from docx.enum.section import WD_ORIENT
        from docx.shared import Pt
        from docx.styles.style import ParagraphStyle
    except ImportError as error:
        raise CohortError(
            "a Word document needs python-docx: pip install precision-workbench[docx]"
        ) from error
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = sheet.caption, ""
    style = document.styles["Normal"]
    if isinstance(style, ParagraphStyle):
        style.font.size = Pt(9)
    if sheet.n_columns >= WIDE:
        section = document.sections[0]
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
    document.add_paragraph(sheet.caption, style="Caption").paragraph_format.keep_with_next = True
    _fill(document, sheet)
    for note in sheet.notes:
        document.add_paragraph(note).paragraph_format.space_after = Pt(2)
    document.save(fspath(path))


def _fill(document: "Document", sheet: Sheet) -> None:
    lines = [line for body in sheet.bodies for line in body]
    n_heads = len(sheet.heads)
    table = document.add_table(n_heads + len(lines), 1 + sheet.n_columns)
    table.autofit = True
    cells = [list(row.cells) for row in table.rows]
    _write(_merged(table, (0, 0), (n_heads - 1, 0)), sheet.corner, bold=True, right=False)
    taken: set[tuple[int, int]] = set()
    for i, heads in enumerate(sheet.heads):
        column = 1
        for head in heads:
            while (i, column) in taken:
                column += 1
            end = (i + head.rows - 1, column + head.columns - 1)
            taken |= {(a, b) for a in range(i, end[0] + 1) for b in range(column, end[1] + 1)}
            text = f"{head.text}\n{head.below}" if head.below else head.text
            _write(_merged(table, (i, column), end), text, bold=True, right=True)
    for texts, line in zip(cells[n_heads:], lines, strict=True):
        beside = f", {line.beside}" if line.beside else ""
        _write(texts[0], line.title + beside, bold=False, right=False, part=line.part)
        for cell, text in zip(texts[1:], line.cells, strict=True):
            _write(cell, text, bold=False, right=True)
    _rule(table, n_heads)


def _merged(table: "Table", first: tuple[int, int], last: tuple[int, int]) -> "_Cell":
    return table.cell(*first).merge(table.cell(*last))


def _write(cell: "_Cell", text: str, *, bold: bool, right: bool, part: bool = False) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(1)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if part:
        paragraph.paragraph_format.left_indent = Mm(5)
    paragraph.add_run(_printable(text)).bold = bold


def _printable(text: str) -> str:
    """Without control characters, which XML cannot hold."""
    return "".join(c if c >= " " or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _rule(table: "Table", n_heads: int) -> None:
    """Lines above and below the heads and below the table; heads repeat, rows stay whole."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    last = len(table.rows) - 1
    for i, row in enumerate(table.rows):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if i < n_heads:
            properties.append(OxmlElement("w:tblHeader"))
        sides = [("top", i == 0), ("bottom", i in (n_heads - 1, last))]
        for tc in row._tr.tc_lst if any(there for _, there in sides) else ():
            borders = OxmlElement("w:tcBorders")
            for side, there in sides:
                if there:
                    line = OxmlElement(f"w:{side}")
                    line.set(qn("w:val"), "single")
                    line.set(qn("w:sz"), "8")
                    borders.append(line)
            tc.get_or_add_tcPr().append(borders)
