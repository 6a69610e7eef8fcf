"""``report.zip``: every figure as SVG and PNG, every table as CSV, and the numbers."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.figures.style import alone, printable
from workbench.report.page import Shown
from workbench.report.shown import as_png, drawings, tables
from workbench.report.table import Cell, Table, resolve

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet would run."""

_ZERO_TIME = (1980, 1, 1, 0, 0, 0)
Value = str | int | float | None


def render_zip(document: Mapping[str, Any], sections: Sequence[Shown], numbers: str) -> bytes:
    """The archive; the same bytes for the same document.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`.
    sections
        Of :func:`workbench.report.page.shown_sections`.
    numbers
        ``report.json`` as text.
    """
    members = {"report.json": numbers.encode()}
    for shown in sections:
        for drawing in drawings(shown):
            members[f"figures/{drawing.name}.svg"] = alone(str(drawing.svg)).encode()
            members[f"figures/{drawing.name}.png"] = as_png(drawing)
        for i, table in enumerate(tables(shown), 1):
            members[f"tables/{shown.section.anchor}-{i}.csv"] = as_csv(document, table).encode()
    return archive(members)


def archive(members: Mapping[str, bytes]) -> bytes:
    """A zip of members, without their times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _ZERO_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(entry, content)
    return buffer.getvalue()


def as_csv(document: Mapping[str, Any], table: Table) -> str:
    """A table with the numbers of ``report.json``: an estimate takes three columns.

    The first line is the heads; words that a spreadsheet would run begin with an apostrophe.
    """
    values = [[_value(document, cell) for cell in row] for row in table.rows]
    wide = [
        any(isinstance(row[i], Mapping) for row in values if i < len(row))
        for i in range(len(table.columns))
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    titles = zip(table.columns, wide, strict=True)
    writer.writerow([guarded(t) for column, w in titles for t in _titles(column.title, w)])
    for row in values:
        cells = zip(row, wide, strict=False)
        writer.writerow([guarded(v) for value, w in cells for v in _spread(value, w)])
    return "\ufeff" + buffer.getvalue()


def guarded(value: Value) -> str:
    """Text as text and a number as a number, whatever a spreadsheet makes of its first letter."""
    if isinstance(value, int | float):
        return repr(value)
    text = re.sub(r"\s+", " ", printable(value or ""))
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def _value(document: Mapping[str, Any], cell: Cell) -> Any:
    """The document's own number where the cell is one, else what is shown."""
    found = resolve(document, cell.pointer) if cell.pointer else None
    if isinstance(found, Mapping) and {"estimate", "lower", "upper"} <= found.keys():
        return found
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    return cell.text if not cell.below else f"{cell.text} ({cell.below})"


def _titles(title: str, wide: bool) -> Iterator[str]:
    yield title
    if wide:
        yield from (f"{title}, lower", f"{title}, upper")


def _spread(value: Any, wide: bool) -> Iterator[Value]:
    if isinstance(value, Mapping):
        yield from (value[name] for name in ("estimate", "lower", "upper"))
    else:
        yield value
        if wide:
            yield from ("", "")
