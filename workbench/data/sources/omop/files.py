"""The tables of a CDM, wherever they lie: a folder, a zip, a DuckDB file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.duck import Duck, open_duck, quoted
from workbench.data.sources.archive import unpacked
from workbench.data.sources.csv_rows import RowBlock, csv_blocks, csv_header
from workbench.data.sources.omop_tables import REQUIRED_TABLES, TABLES
from workbench.errors import RecordsError, printable

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_DATABASES = (".duckdb", ".db", ".ddb")
_BATCH = 1 << 20
_CALLED = "person.csv, .tsv or .parquet, or a folder person/ of such parts"


@dataclass(frozen=True, eq=False)
class SourceTable:
    """A table of the CDM.

    Parameters
    ----------
    name
        Its name in the CDM, in lower case.
    file
        What a message calls it.
    columns
        Name in lower case → name as written.
    blocks
        Gives its rows, for some columns as written.
    """

    name: str
    file: str
    columns: dict[str, str]
    _blocks: Callable[[Sequence[str]], Iterator[RowBlock]]

    def require(self, names: Sequence[str]) -> None:
        """Refuse the table if it lacks one of these columns."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise RecordsError(
                f"{self.file}: no column {missing[0]} ({len(missing)} of {len(names)} that are "
                f"needed are missing): {self.name} of the CDM has "
                f"{', '.join(names)}; here are {printable(', '.join(self.columns))}"
            )

    def blocks(self, names: Sequence[str]) -> Iterator[RowBlock]:
        """Rows, with columns called as in the CDM; those that are not there are left out."""
        present = [name for name in names if name in self.columns]
        for block in self._blocks([self.columns[name] for name in present]):
            yield RowBlock(block.rows.rename_columns(present), block.numbers, block.bad)


@dataclass(frozen=True, eq=False)
class CdmFiles:
    """Where the tables of one CDM are, and which files that is."""

    name: str
    tables: dict[str, SourceTable]
    files: tuple[Path, ...]

    def required(self, name: str) -> SourceTable:
        """A table that must be there."""
        if name not in self.tables:
            there = ", ".join(sorted(self.tables)) or "none of its tables"
            raise RecordsError(
                f"{self.name}: no table {name}; of the CDM there are {there}: give a folder, zip "
                f"or DuckDB file with {', '.join(REQUIRED_TABLES)} ({_CALLED})"
            )
        return self.tables[name]


@contextmanager
def open_cdm(path: Path, *, schema: str | None = None) -> Iterator[CdmFiles]:
    """Find the tables of a CDM.

    Parameters
    ----------
    path
        A folder, a zip, or a DuckDB file.
    schema
        Schema of the tables in a DuckDB file, if several have them.
    """
    shown = printable(path.name)
    if not path.exists():
        raise RecordsError(f"{shown}: no such file or folder")
    with ExitStack() as stack:
        if path.is_file() and path.suffix.lower() in _DATABASES:
            duck = stack.enter_context(open_duck(database=path))
            yield CdmFiles(shown, _database_tables(duck, shown, schema), (path,))
            return
        if path.is_file() and path.suffix.lower() != ".zip":
            raise RecordsError(f"{shown}: give a folder, a .zip, or a DuckDB file (.duckdb, .db)")
        zipped = path.is_file()
        folder = unpacked(path, lambda name: _table_of(name) is not None) if zipped else path
        found = _folder_files(folder, shown)
        tables = {name: _file_table(name, files) for name, files in found.items()}
        files = tuple(file for name in sorted(found) for file in found[name])
        yield CdmFiles(shown, tables, files)


def _table_of(name: str) -> str | None:
    """The CDM's table that a file of this name holds; None for none."""
    place = Path(name)
    stem = place.stem.lower()
    return stem if stem in TABLES and place.suffix.lower() in _SUFFIXES else None


def _folder_files(folder: Path, shown: str) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name.lower() in TABLES:
            parts = [f for f in sorted(entry.iterdir()) if f.suffix.lower() in _SUFFIXES]
            name = entry.name.lower()
            files = [f for f in parts if not f.name.startswith((".", "_"))]
        else:
            name, files = _table_of(entry.name), [entry]
        if name is None or not files:
            continue
        if name in found:
            raise RecordsError(
                f"{shown}: {printable(found[name][0].name)} and {printable(files[0].name)} both "
                f"hold table {name}: keep one"
            )
        found[name] = files
    return found


def _file_table(name: str, files: Sequence[Path]) -> SourceTable:
    """A table in one file, or in parts with the same columns."""
    shown = printable(files[0].name)
    headers = [_file_columns(file) for file in files]
    for file, header in zip(files, headers, strict=True):
        if set(header) != set(headers[0]):
            raise RecordsError(f"{printable(file.name)}: other columns than {shown}")
        lower = [column.strip().lower() for column in header]
        if len(set(lower)) < len(lower):
            raise RecordsError(f"{printable(file.name)}: a column stands twice: give each its own")

    def blocks(columns: Sequence[str]) -> Iterator[RowBlock]:
        for file in files:
            parquet = file.suffix.lower() == ".parquet"
            yield from _parquet_blocks(file, columns) if parquet else csv_blocks(file, columns)

    if len(files) > 1:
        shown = f"{printable(files[0].parent.name)}/ ({len(files)} parts)"
    return SourceTable(name, shown, {c.strip().lower(): c for c in headers[0]}, blocks)


def _file_columns(file: Path) -> list[str]:
    if file.suffix.lower() != ".parquet":
        return csv_header(file)[0]
    with _parquet_errors(file):
        return pq.read_schema(file).names


def _parquet_blocks(file: Path, columns: Sequence[str]) -> Iterator[RowBlock]:
    first = 1
    with _parquet_errors(file), pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(_BATCH, columns=list(columns)):
            rows = pa.Table.from_batches([batch]).select(list(columns))
            yield RowBlock(rows, np.arange(first, first + len(rows)), {})
            first += len(rows)


@contextmanager
def _parquet_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError):
        raise RecordsError(
            f"{printable(file.name)}: not a Parquet file, or damaged or cut short: fetch or save "
            "it again"
        ) from None


def _database_tables(duck: Duck, shown: str, schema: str | None) -> dict[str, SourceTable]:
    columns = duck.select(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "WHERE table_catalog = current_database() "
        "ORDER BY table_schema, table_name, ordinal_position"
    ).to_pandas()
    columns["table"] = columns["table_name"].str.lower()
    columns = columns[columns["table"].isin(TABLES)]
    if schema is not None:
        columns = columns[columns["table_schema"] == schema]
    tables = {}
    for name, rows in columns.groupby("table"):
        places = rows[["table_schema", "table_name"]].drop_duplicates()
        if len(places) > 1:
            raise RecordsError(
                f"{shown}: table {name} stands {len(places)} times: name the schema, such as "
                f"schema={places['table_schema'].iloc[0]!r}"
            )
        place = ".".join(quoted(part) for part in places.iloc[0])
        written = {c.lower(): c for c in rows["column_name"]}
        tables[str(name)] = SourceTable(
            str(name), f"{shown}, table {name}", written, _database_blocks(duck, place)
        )
    return tables


def _database_blocks(duck: Duck, place: str) -> Callable[[Sequence[str]], Iterator[RowBlock]]:
    def blocks(columns: Sequence[str]) -> Iterator[RowBlock]:
        first = 1
        chosen = ", ".join(quoted(column) for column in columns)
        for batch in duck.batches(f"SELECT {chosen} FROM {place}"):
            rows = pa.Table.from_batches([batch])
            yield RowBlock(rows, np.arange(first, first + len(rows)), {})
            first += len(rows)

    return blocks
