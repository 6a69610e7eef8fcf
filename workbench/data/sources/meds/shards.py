"""Shards of a MEDS dataset → rows of the schema's types."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.data.bad_rows import BadRows
from workbench.data.sources.folder import relative_name
from workbench.data.sources.span import FIRST, LAST, OUTSIDE
from workbench.data.sources.text_lines import WHOLE_FILE
from workbench.errors import RecordsError

_READ = {"subject_id", "time", "code", "numeric_value", "text_value", "end", "unit"}
_ROWS = ["subject_id", "time", "end", "code", "numeric_value", "text_value"]


@dataclass(frozen=True, eq=False)
class Shard:
    """Rows of one file: ``subject_id, time, end, code, numeric_value, text_value``.

    ``unread`` names its further columns.
    """

    rows: pa.Table
    unread: tuple[str, ...]


def shard_files(root: Path) -> list[Path]:
    """Every Parquet file below ``data/``, or where there is none, below the folder itself."""
    data = root / "data"
    below = data if data.is_dir() else root
    shards = sorted(
        file
        for file in below.rglob("*.parquet")
        if file.is_file() and (root / "metadata") not in file.parents
    )
    if not shards:
        raise RecordsError("no Parquet file below data/ or the folder itself: not a MEDS dataset")
    return shards


def read_shard(shard: Path, root: Path, bad: BadRows) -> Shard | None:
    """Rows of one shard that are as they should be; None if it is not Parquet at all.

    Raises
    ------
    RecordsError
        If its schema is not that of MEDS 0.3 or 0.4.
    """
    name = relative_name(shard, root)
    table = read_parquet(shard, name, bad)
    if table is None:
        return None
    unread = sorted(set(table.column_names) - _READ)
    table, row = _with_valid_text(_typed(table, name), name, bad)
    keep = np.ones(len(table), bool)
    for reason, wrong in _faults(table).items():
        wrong &= keep
        bad.add_all(name, row[wrong].tolist(), reason)
        keep &= ~wrong
    return Shard(table.filter(pa.array(keep)).select(_ROWS), tuple(unread))


def _faults(table: pa.Table) -> dict[str, np.ndarray]:
    """Reason → the rows, (row,) bool, that cannot be used for it."""
    time, end = (table[column].cast(pa.int64()) for column in ("time", "end"))
    blank = pc.equal(pc.utf8_trim_whitespace(table["code"]), "")
    faults = {
        "no subject_id": pc.is_null(table["subject_id"]),
        "no code": pc.or_kleene(pc.is_null(table["code"]), blank),
        OUTSIDE: pc.or_(*(pc.fill_null(_is_outside(t), False) for t in (time, end))),
        "ends before it begins": pc.less(end, time),
        "an end without a time": pc.and_(pc.is_valid(end), pc.is_null(time)),
        "numeric_value is infinite": pc.is_inf(table["numeric_value"]),
    }
    return {
        reason: pc.fill_null(wrong, False).to_numpy(zero_copy_only=False).copy()
        for reason, wrong in faults.items()
    }


def _is_outside(time: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.or_(pc.less(time, FIRST), pc.greater(time, LAST))


def read_parquet(file: Path, name: str, bad: BadRows) -> pa.Table | None:
    """One file as a table; None, and a note in ``bad``, if it is not Parquet."""
    try:
        # One file alone: Arrow would take columns from names of folders such as `a=1`.
        with pq.ParquetFile(file) as parquet:
            table = parquet.read()
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        bad.add(name, WHOLE_FILE, "not a Parquet file, or damaged or cut short")
        return None
    if len(set(names)) < len(names):
        raise RecordsError(f"{name}: {len(names) - len(set(names))} columns stand more than once")
    # What pandas notes of an index would make columns vanish.
    return table.replace_schema_metadata(None)


def _typed(table: pa.Table, name: str) -> pa.Table:
    """The columns that are read, in the types of the schema; others are left as they are."""
    if "subject_id" not in table.column_names and "patient_id" in table.column_names:
        raise RecordsError(f"{name}: patient_id as before MEDS 0.3: convert it to 0.3 or later")
    missing = [c for c in ("subject_id", "time", "code") if c not in table.column_names]
    if missing:
        raise RecordsError(f"{name}: no column {', '.join(missing)}: not a MEDS shard")
    wanted = {
        "subject_id": (pa.types.is_integer, pa.int64(), "integers"),
        "time": (_is_moment, pa.timestamp("us"), "timestamps without a time zone"),
        "end": (_is_moment, pa.timestamp("us"), "timestamps without a time zone"),
        "code": (_is_text, pa.string(), "text"),
        "numeric_value": (_is_number, pa.float64(), "numbers"),
        "text_value": (_is_text, pa.string(), "text"),
        "unit": (_is_text, pa.string(), "text"),
    }
    for column, (fits, wanted_type, words) in wanted.items():
        if column not in table.column_names:
            table = table.append_column(column, pa.nulls(len(table), wanted_type))
            continue
        found = table.schema.field(column).type
        if not (fits(found) or pa.types.is_null(found)):
            raise RecordsError(f"{name}: expected {column} to be {words}, got {found}")
        at = table.column_names.index(column)
        try:
            # Nanoseconds are cut: no clinic wrote them down.
            typed = table.column(column).cast(wanted_type, safe=found != pa.timestamp("ns"))
        except pa.ArrowInvalid:
            raise RecordsError(f"{name}: {column} does not fit {wanted_type}") from None
        table = table.set_column(at, column, typed)
    text = pc.coalesce(table["text_value"], table["unit"])
    return table.set_column(table.column_names.index("text_value"), "text_value", text)


def _with_valid_text(table: pa.Table, name: str, bad: BadRows) -> tuple[pa.Table, np.ndarray]:
    """Rows whose text is UTF-8, which Parquet promises and nobody checks; and their numbers."""
    table = table.select([column for column in table.column_names if column in _READ])
    row = np.arange(1, len(table) + 1)
    for column in ("code", "text_value", "unit"):
        written = table[column].cast(pa.binary())
        try:
            written.cast(pa.string())
        except pa.ArrowInvalid:
            valid = np.array([_is_utf8(value) for value in written.to_pylist()], bool)
            bad.add_all(name, row[~valid].tolist(), f"{column}: not UTF-8")
            table, row = table.filter(pa.array(valid)), row[valid]
    return table, row


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_moment(found: pa.DataType) -> bool:
    return pa.types.is_timestamp(found) and found.tz is None


def _is_text(found: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    return pa.types.is_string(found) or pa.types.is_large_string(found)


def _is_number(found: pa.DataType) -> bool:
    return pa.types.is_floating(found) or pa.types.is_integer(found)
