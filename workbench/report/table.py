"""A table of the page, each number tied to its place in ``report.json``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.report.format import WRITERS


@dataclass(frozen=True)
class Cell:
    """One value of the document and how it is written.

    Parameters
    ----------
    text
        What the reader sees; of an estimate, the estimate alone.
    below
        Its interval, set under the estimate; else empty.
    pointer
        Where the value stands in ``report.json`` (JSON Pointer, RFC 6901); empty for words that
        are the page's own.
    written_as
        Which of ``format.WRITERS`` wrote it.
    sort
        What the column is sorted by, where that is a number.
    share
        0 to 100: how far the cell is tinted; None for no tint.
    quiet
        Repeats the cell above: read out, not shown.
    indent
        Belongs to the row above that names it.
    section
        Anchor of the section of the page that the words lead to; else empty.
    """

    text: str
    below: str = ""
    pointer: str = ""
    written_as: str = ""
    sort: float | None = None
    share: float | None = None
    quiet: bool = False
    indent: bool = False
    section: str = ""


@dataclass(frozen=True)
class Column:
    """Heading of a column; ``meaning`` is read out beside it."""

    title: str
    numeric: bool = True
    meaning: str = ""


@dataclass(frozen=True)
class Table:
    """Caption, headings and rows; the first cell of a row is its heading.

    ``strong`` names the rows (by position) that the study judges; ``note`` stands below.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    strong: frozenset[int] = frozenset()


def words(content: str) -> Cell:
    """A cell of the page's own words, such as the title of a model."""
    return Cell(WRITERS["text"](content))


def resolve(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list | tuple) else document[key]
    return document


def pointer(*parts: str | int) -> str:
    """A JSON Pointer from keys and positions."""
    return "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in parts)


def cell(document: Mapping[str, Any], written_as: str, *parts: str | int) -> Cell:
    """The cell for one value of the document, written as ``format.WRITERS`` says."""
    at = pointer(*parts)
    value = resolve(document, at)
    written = WRITERS[written_as](value)
    if isinstance(value, Mapping) and "estimate" in value:
        head, _, interval = written.partition(" (")
        return Cell(head, interval.rstrip(")"), at, written_as, sort=_number(value["estimate"]))
    return Cell(written, "", at, written_as, sort=_number(value))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
