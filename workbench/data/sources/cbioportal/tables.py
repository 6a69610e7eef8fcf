"""Tab-separated files of a study: header, rows, and what stands for a missing value.

Quotes are characters like any other, as in the portal's own importer; nothing spans lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.data.bad_rows import BadRows
from workbench.data.sources.text_lines import text_lines
from workbench.errors import RecordsError

_MISSING = frozenset(
    ("", "na", "[not applicable]", "[not available]", "[pending]", "[discrepancy]", "[completed]",
     "[null]")
)  # fmt: skip
"""What the portal's importer takes for a missing value, in lower case."""


@dataclass(frozen=True, eq=False)
class Table:
    """One file: lines before the header that start with ``#``, column names, and rows.

    ``rows`` holds the line of each and its cells by column; a missing value is None. ``comments``
    are without their ``#``.
    """

    name: str
    comments: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[tuple[int, dict[str, str | None]]]


def read_table(file: Path, name: str, required: tuple[str, ...], bad: BadRows) -> Table:
    """Read one whole file.

    Parameters
    ----------
    file, name
        The file, and how messages call it.
    required
        Columns without which it is not what it should be.
    bad
        Takes rows that have another number of cells than the header, or are not UTF-8.

    Raises
    ------
    RecordsError
        If there is no header, it names a column twice, or lacks a required one.
    """
    comments, columns, lines = open_table(file, name, required, bad)
    rows = [(number, dict(zip(columns, map(known, cells), strict=True))) for number, cells in lines]
    return Table(name, comments, columns, rows)


def open_table(
    file: Path, name: str, required: tuple[str, ...], bad: BadRows
) -> tuple[tuple[str, ...], tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    """As :func:`read_table`, row by row: comments, column names, then line and cells of each row.

    Cells are as they are written.
    """
    lines = text_lines(file, name, bad)
    comments, columns = _header(lines, name, required)
    return comments, columns, _rows(lines, name, len(columns), bad)


def _rows(
    lines: Iterator[tuple[int, str]], name: str, n_columns: int, bad: BadRows
) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) == n_columns:
            yield number, cells
        else:
            bad.add(name, f"line {number}", "another number of cells than the header")


def known(cell: str) -> str | None:
    """The cell without blanks around it, or None where it stands for a missing value."""
    plain = cell.strip()
    return None if plain.lower() in _MISSING else plain


def _header(
    lines: Iterator[tuple[int, str]], name: str, required: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    comments = []
    for _, line in lines:
        if line.startswith("#"):
            comments.append(line[1:])
        elif line.strip():
            break
    else:
        raise RecordsError(f"{name}: no header: an empty file, or not UTF-8 text")
    columns = tuple(column.strip() for column in line.split("\t"))
    repeated = len(columns) - len(set(columns))
    if repeated:
        raise RecordsError(f"{name}: {repeated} columns have the name of another: rename them")
    absent = [column for column in required if column not in columns]
    if absent:
        raise RecordsError(
            f"{name}: no column {', '.join(absent)} among {len(columns)}: expected cells between "
            "tabs, and a header"
        )
    return tuple(comments), columns
