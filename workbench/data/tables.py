"""Table files as Arrow tables: CSV, TSV, Parquet and XLSX, gzipped or inside a zip.

Values are left as the file has them; what is text stays text (``007``), and no message repeats a
value.
"""

import gzip
import hashlib
import io
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils.exceptions import InvalidFileException
from pyarrow import csv

from workbench.data.card import did_you_mean
from workbench.data.fingerprint import write_atomically
from workbench.data.paths import cache_folder
from workbench.errors import DataCardError

LARGEST_MEMBER = 8 << 30
_BLOCK = 1 << 28
_NOT_XLSX = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, KeyError, ValueError, OSError
)  # fmt: skip
_FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
}


def read_arrow(
    path: Path,
    *,
    file_format: str | None = None,
    member: str | None = None,
    sheet: str | None = None,
    missing: Sequence[str] = (),
    text: Iterable[str] = (),
) -> pa.Table:
    """Read one table.

    Parameters
    ----------
    path
        The file.
    file_format
        ``csv``, ``tsv``, ``parquet`` or ``xlsx``; told by the name if not given.
    member
        Which file of a zip; needed where it holds several.
    sheet
        Which sheet of a workbook; needed where it holds several.
    missing
        Texts that stand for a missing value in CSV and TSV.
    text
        Columns of CSV and TSV that are text even where they look like numbers.

    Raises
    ------
    DataCardError
        If the file, member or sheet is absent, or is not such a table; the message says why.
    """
    if not path.is_file():
        raise DataCardError("no such file")
    state = path.stat()
    return _read(
        path, state.st_size, state.st_mtime_ns, file_format, member, sheet,
        tuple(sorted(missing)), frozenset(text),
    )  # fmt: skip


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name: CSV, TSV, XLSX or Parquet, also gzipped."""
    name = path.name.lower().removesuffix(".gz")
    return not name.startswith(".") and PurePosixPath(name).suffix in _FORMATS


def sheet_names(path: Path) -> tuple[str, ...]:
    """Sheets of an XLSX workbook; none for any other file.

    Raises
    ------
    DataCardError
        It is called XLSX and is none.
    """
    if path.suffix.lower() != ".xlsx":
        return ()
    try:
        workbook = openpyxl.load_workbook(path, read_only=True)
    except _NOT_XLSX:
        raise DataCardError("not an XLSX file, or damaged: save it again") from None
    try:
        return tuple(workbook.sheetnames)
    finally:
        workbook.close()


@lru_cache(maxsize=16)
def _read(
    path: Path,
    n_bytes: int,
    changed_ns: int,
    file_format: str | None,
    member: str | None,
    sheet: str | None,
    missing: tuple[str, ...],
    text: frozenset[str],
) -> pa.Table:
    name = path.name
    suffix = path.suffix.lower()
    workbook = suffix == ".xlsx" or (file_format == "xlsx" and suffix != ".zip")
    if zipfile.is_zipfile(path) and not workbook:
        content, name = _from_zip(path, member)
    elif member is not None:
        raise DataCardError("the card names a member, but this is not a zip")
    else:
        content = path.read_bytes()
    kind = file_format or _format(name)
    if content[:2] == b"\x1f\x8b":
        content = _gunzip(content)
    if sheet is not None and kind != "xlsx":
        raise DataCardError(f"the card names a sheet, but this is a {kind} file")
    if kind == "parquet":
        return _parse_parquet(content)
    if kind == "xlsx":
        return _parse_xlsx(content, sheet)
    return _parse_csv(content, "\t" if kind == "tsv" else ",", missing, text)


def _format(name: str) -> str:
    """Format by name; ``.zip`` and ``.gz`` at its end say nothing of the table inside."""
    stem = PurePosixPath(name.lower())
    while stem.suffix in (".zip", ".gz"):
        stem = stem.with_suffix("")
    if stem.suffix not in _FORMATS:
        raise DataCardError(
            f"{stem.suffix or 'no ending'} tells no table format: say `format: csv`, tsv, parquet "
            "or xlsx"
        )
    return _FORMATS[stem.suffix]


def _from_zip(path: Path, member: str | None) -> tuple[bytes, str]:
    """Content and name of one member, read in memory: nothing is unpacked to disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = [m for m in archive.infolist() if not m.is_dir()]
            names = [m.filename for m in files]
            if member is None and len(files) != 1:
                raise DataCardError(
                    f"the zip holds {len(files)} files: name one as `member:`, such as "
                    f"{names[0]!r}" if files else "the zip is empty"
                )  # fmt: skip
            if member is not None and member not in names:
                raise DataCardError(
                    f"the zip has no member {member!r}{did_you_mean(member, names)}"
                )
            info = files[0] if member is None else files[names.index(member)]
            if info.file_size > LARGEST_MEMBER:
                raise DataCardError(f"unpacks to more than {LARGEST_MEMBER >> 30} GB: refused")
            return archive.read(info), info.filename
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):
        raise DataCardError("the zip is damaged: fetch it again") from None
    except RuntimeError:
        raise DataCardError("the zip is encrypted: unpack it first") from None


def _gunzip(content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(LARGEST_MEMBER + 1)
    except (OSError, EOFError, zlib.error):
        raise DataCardError("the gzip file is damaged or cut short: fetch it again") from None
    if len(unpacked) > LARGEST_MEMBER:
        raise DataCardError(f"unpacks to more than {LARGEST_MEMBER >> 30} GB: refused")
    return unpacked


def _parse_csv(
    content: bytes, delimiter: str, missing: tuple[str, ...], text: frozenset[str]
) -> pa.Table:
    _check_text(content)
    wrong_rows: list[tuple[int, int]] = []

    def refuse(row: csv.InvalidRow) -> str:
        wrong_rows.append((row.expected_columns, row.actual_columns))
        return "skip"

    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(block_size=min(max(len(content), 1), _BLOCK)),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            convert_options=csv.ConvertOptions(
                null_values=list(missing),
                strings_can_be_null=True,
                column_types={name: pa.string() for name in text},
            ),
        )
    except pa.ArrowInvalid:
        # Arrow's message would repeat the row.
        raise DataCardError("not a table: the first row must name the columns") from None
    if wrong_rows:
        expected, actual = wrong_rows[0]
        raise DataCardError(
            f"{len(wrong_rows)} rows have another number of values than the header "
            f"({actual} instead of {expected}): look for stray separators or quotes"
        )
    repeated = [name for name, n in Counter(table.column_names).items() if n > 1]
    if repeated:
        raise DataCardError(f"{len(repeated)} headers stand more than once: give each its own")
    if table.num_columns == 1:
        other = next((s for s in ";\t|," if s != delimiter and s in table.column_names[0]), None)
        if other is not None:
            raise DataCardError(
                f"one column only; the header holds {other!r}: save the table with {delimiter!r}, "
                "or say `format: tsv` where it is tab-separated"
            )
    return table


def _check_text(content: bytes) -> None:
    """Refuse what Arrow would refuse with the row in its message, or swallow silently."""
    if not content.strip():
        raise DataCardError("the file is empty")
    if b"\0" in content[:4096]:
        raise DataCardError("not text: a binary file, or UTF-16: save it as UTF-8")
    try:
        str(memoryview(content), "utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataCardError(f"not UTF-8 at line {line}: save it as UTF-8") from None
    if content.count(b'"') % 2:
        odd = (n for n, line in enumerate(content.split(b"\n"), 1) if line.count(b'"') % 2)
        raise DataCardError(f'unbalanced quotes, first at line {next(odd)}: close or remove the "')


def _parse_parquet(content: bytes) -> pa.Table:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        raise DataCardError("not a Parquet file, or damaged: fetch or save it again") from None
    # A pandas index is a column like any other, and a category is its value.
    plain = [
        pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type)
        for f in table.schema
    ]
    return table.replace_schema_metadata(None).cast(pa.schema(plain))


def _parse_xlsx(content: bytes, sheet: str | None) -> pa.Table:
    """One sheet; the parsed sheet is kept in the cache folder, for XLSX is slow to read."""
    key = hashlib.sha256(content + repr(("xlsx 1", sheet)).encode()).hexdigest()
    kept = cache_folder() / "tables" / f"{key}.parquet"
    if kept.is_file():
        return pq.read_table(kept)
    try:
        table = _sheet(content, sheet)
    except DataCardError:
        raise
    except _NOT_XLSX:
        raise DataCardError("not an XLSX file, or damaged: save it again") from None
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_atomically(kept, buffer.getvalue())
    return table


def _sheet(content: bytes, sheet: str | None) -> pa.Table:
    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        names = workbook.sheetnames
        if not names:
            raise DataCardError("the workbook has no sheet: save it again")
        if sheet is None and len(names) != 1:
            raise DataCardError(f"{len(names)} sheets: name one as `sheet:`, such as {names[0]!r}")
        if sheet is not None and sheet not in names:
            near = did_you_mean(sheet, names) or f"; there are {', '.join(names)}"
            raise DataCardError(f"no sheet is called {sheet!r}{near}")
        return _from_rows(workbook[sheet or names[0]].iter_rows(values_only=True))
    finally:
        workbook.close()


def _from_rows(rows: Iterator[tuple[Any, ...]]) -> pa.Table:
    header = next(rows, ())
    named = [(i, str(name)) for i, name in enumerate(header) if name is not None]
    if not named:
        raise DataCardError("the first row of the sheet is empty: it must name the columns")
    if len({name for _, name in named}) < len(named):
        raise DataCardError("a header stands more than once in the sheet: give each its own")
    body = [row for row in rows if any(cell is not None for cell in row)]
    columns = [[row[i] if i < len(row) else None for row in body] for i, _ in named]
    return pa.table(dict(zip([n for _, n in named], map(_column, columns), strict=True)))


def _column(cells: list[Any]) -> pa.Array:
    """Numbers where every cell that is not empty is one, else text."""
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds <= {int, float}:
        return pa.array(cells, pa.float64() if float in kinds else pa.int64())
    return pa.array([None if cell is None else as_text(cell) for cell in cells], pa.string())


def as_text(value: Any) -> str:
    """A cell as text: whole numbers without a decimal point, dates as ISO 8601."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, date | time):
        return re.sub(r"T00:00:00$", "", value.isoformat())
    return str(value)
