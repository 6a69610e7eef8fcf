"""Rows of CSV and TSV files in blocks, with the line of each, and every line that is no row.

A general reader stops at the first line that it cannot split, or swallows what follows an open
quotation mark. Here a line that is not a row is left out and listed, and all others are read.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from workbench.errors import RecordsError, printable

_BLOCK = 1 << 24
"""Bytes read at a time."""
_LONGEST_ROW = 1 << 20
_NULLS = ("", "\\N", "NULL")
"""Texts of a missing value: what CSV, PostgreSQL and SQL Server write."""
_NEWLINE, _QUOTE = ord("\n"), ord('"')


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Some rows of a table.

    Parameters
    ----------
    rows
        Columns as asked for; of text files all are text, null where missing.
    numbers
        Number of each row, (row,) int64: the line in a text file (the header is line 1), else the
        row from 1.
    bad
        Numbers of what is not a row, by reason.
    """

    rows: pa.Table
    numbers: np.ndarray
    bad: dict[str, np.ndarray]


def csv_header(path: Path) -> tuple[list[str], str]:
    """Names of the columns, and what separates them (comma, tab, semicolon or bar).

    Raises
    ------
    RecordsError
        If the file is empty or its first line is no header.
    """
    shown = printable(path.name)
    with path.open("rb") as file:
        first = file.readline(_LONGEST_ROW)
    try:
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise RecordsError(f"{shown}: the header is not UTF-8: save the file as UTF-8") from None
    if not line.strip() or "\0" in line:
        what = "is empty" if not line.strip() else "is no text"
        raise RecordsError(f"{shown}: {what}: the first line must name the columns")
    delimiter = max(",\t;|", key=line.count)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True)), delimiter
    except csv.Error:
        raise RecordsError(f"{shown}: unbalanced quotes in the header: mend line 1") from None


def csv_blocks(path: Path, columns: Sequence[str]) -> Iterator[RowBlock]:
    """Rows of a file, some columns of them, block by block.

    Parameters
    ----------
    path
        CSV or TSV in UTF-8.
    columns
        Columns wanted, as the header writes them.
    """
    header, delimiter = csv_header(path)
    with path.open("rb") as file:
        file.readline(_LONGEST_ROW)
        line, rest = 2, b""
        while chunk := file.read(_BLOCK):
            content = rest + chunk
            cut = content.rfind(b"\n") + 1
            # An open quotation mark may go on in the next block: leave its line for that.
            cut = _before_open_quote(content, cut)
            if not cut and len(content) < _BLOCK + _LONGEST_ROW:
                rest = content
                continue
            cut = cut or content.rfind(b"\n") + 1 or len(content)
            block, rest = content[:cut], content[cut:]
            yield _block(block, line, header, delimiter, columns)
            line += block.count(b"\n")
        if rest:
            yield _block(rest + b"\n", line, header, delimiter, columns)


def _before_open_quote(content: bytes, cut: int) -> int:
    """``cut``, or before it the line that opens a quotation mark and does not close it."""
    end = cut
    if content.count(b'"', 0, cut) % 2:
        while end and cut - end < _LONGEST_ROW:
            start = content.rfind(b"\n", 0, end - 1) + 1
            if content.count(b'"', start, end) % 2:
                return start
            end = start
    return cut


def _block(
    content: bytes, first_line: int, header: list[str], delimiter: str, columns: Sequence[str]
) -> RowBlock:
    """Read whole lines."""
    data = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(data == _NEWLINE) + 1
    starts = np.concatenate([[0], ends[:-1]])
    first_of_row = np.ones(len(starts), bool)  # False where a line goes on with the row before
    reason = np.zeros(len(starts), np.int8)
    _mark(reason, _not_utf8(content, starts, ends), 1)
    _mark(reason, np.unique(np.searchsorted(ends, np.flatnonzero(data == 0), "right")), 2)
    _join_quoted(content, starts, ends, first_of_row, reason, len(header), delimiter)
    lengths = ends - starts
    blank = (lengths == 1) | ((lengths == 2) & (data[starts] == ord("\r")))
    keep = (reason == 0) & ~(blank & first_of_row)
    numbers = first_line + np.flatnonzero(keep & first_of_row)
    if not keep.all():
        content = data[np.repeat(keep, lengths)].tobytes()
    rows, wrong = _parse(content, header, delimiter, columns)
    bad = {
        why: first_line + np.flatnonzero(reason == code)
        for code, why in enumerate(_REASONS, 1)
        if (reason == code).any()
    }
    if len(wrong):
        bad[_WRONG_LENGTH] = numbers[wrong]
        numbers = np.delete(numbers, wrong)
    return RowBlock(rows, numbers, bad)


_REASONS = (
    "not UTF-8",
    "holds a NUL byte",
    "a quotation mark that is not closed",
)
_WRONG_LENGTH = "another number of values than the header"


def _mark(reason: np.ndarray, lines: np.ndarray, code: int) -> None:
    reason[lines] = np.where(reason[lines] == 0, code, reason[lines])


def _not_utf8(content: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Lines that are not UTF-8."""
    if _is_utf8(content):
        return np.zeros(0, np.int64)
    beyond_ascii = np.flatnonzero(np.frombuffer(content, np.uint8) >= 0x80)
    lines = np.unique(np.searchsorted(ends, beyond_ascii, "right"))
    return lines[[not _is_utf8(content[starts[line] : ends[line]]) for line in lines]]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _join_quoted(
    content: bytes, starts: np.ndarray, ends: np.ndarray, first_of_row: np.ndarray,
    reason: np.ndarray, n_columns: int, delimiter: str,
) -> None:  # fmt: skip
    """Lines that a quotation mark leaves open: a value over several lines, or a broken line."""
    data = np.frombuffer(content, np.uint8)
    quotes = np.bincount(
        np.searchsorted(ends, np.flatnonzero(data == _QUOTE), "right"), minlength=len(ends)
    )
    odd = np.flatnonzero(quotes % 2)
    i = 0
    while i < len(odd):
        first = odd[i]
        last = odd[i + 1] if i + 1 < len(odd) else first
        if (
            last > first
            and not reason[first : last + 1].any()
            and ends[last] - starts[first] <= _LONGEST_ROW
            and _is_row(content[starts[first] : ends[last]], n_columns, delimiter)
        ):
            first_of_row[first + 1 : last + 1] = False
            i += 2
        else:
            _mark(reason, odd[i : i + 1], 3)
            i += 1


def _is_row(content: bytes, n_columns: int, delimiter: str) -> bool:
    """Do these lines make one row, by the letter of CSV?"""
    try:
        text = io.StringIO(content.decode("utf-8"), newline="")
        rows = list(csv.reader(text, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return len(rows) == 1 and len(rows[0]) == n_columns


def _parse(
    content: bytes, header: list[str], delimiter: str, columns: Sequence[str]
) -> tuple[pa.Table, np.ndarray]:
    """Columns as text, and which rows have another number of values than the header."""
    wrong: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        assert row.number is not None  # known, for one thread reads
        wrong.append(row.number - 1)
        return "skip"

    schema = pa.schema([(name, pa.string()) for name in columns])
    if not content:
        return schema.empty_table(), np.zeros(0, np.int64)
    table = arrow_csv.read_csv(
        pa.BufferReader(content),
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=len(content) + 1, column_names=header
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=list(columns),
            column_types=schema,
            null_values=list(_NULLS),
            strings_can_be_null=True,
        ),
    )
    return table, np.array(wrong, np.int64)
