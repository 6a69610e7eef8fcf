"""An OMOP Common Data Model in DuckDB: every table that circe reads is there, with its types."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from workbench.cohort.circe.cdm_tables import TABLES
from workbench.cohort.circe.extra import import_extra
from workbench.data.tables import read_arrow
from workbench.errors import DataCardError, RecordsError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SCHEMA = "cdm"
_TABLE_FILES = (".csv", ".parquet", ".tsv")
_CLOSED = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}
"""No extension is fetched, and no name in a query can mean a variable of this process."""


@dataclass(frozen=True, eq=False, repr=False)
class CommonDataModel:
    """An open connection, with the tables of the model in the schema ``cdm``.

    The connection reaches no file and no network. Nothing is ever written to the source.
    """

    connection: "duckdb.DuckDBPyConnection"
    absent: tuple[str, ...]
    """Tables that the source does not have; they are empty here."""

    def count(self, table: str) -> int:
        """Rows of a table."""
        if table not in TABLES:
            raise RecordsError(f"{table!r} is no table that circe reads")
        row = self.connection.execute(f"SELECT count(*) FROM {SCHEMA}.{table}").fetchone()
        return 0 if row is None else row[0]

    def __repr__(self) -> str:
        return f"CommonDataModel({self.count('person')} patients)"


@contextmanager
def open_cdm(source: Path | str, *, schema: str = "main") -> Iterator[CommonDataModel]:
    """Open a CDM: a DuckDB file, a folder of tables, or a zip of tables.

    Parameters
    ----------
    source
        A ``.duckdb`` file, which is only read; or a folder or zip with a CSV, TSV or Parquet file
        a table, in any case (``PERSON.csv``).
    schema
        Where the tables are in a DuckDB file.

    Raises
    ------
    RecordsError
        If it is none of these, has no patients, or a value does not fit its column.
    """
    source = Path(source)
    if not source.exists():
        raise RecordsError(f"{source.name}: no such file or folder")
    if source.is_dir() or zipfile.is_zipfile(source):
        with _loaded(_table_files(source)) as model:
            yield model
    else:
        with _attached(source, schema) as model:
            yield model


@contextmanager
def cdm_from_frames(frames: Mapping[str, pd.DataFrame]) -> Iterator[CommonDataModel]:
    """Open a CDM whose tables are in memory.

    Parameters
    ----------
    frames
        Table (``person``) → its rows. Columns that are missing are empty.
    """
    import pyarrow as pa

    tables = {name: pa.Table.from_pandas(f, preserve_index=False) for name, f in frames.items()}
    with _loaded(tables) as model:
        yield model


def _table_files(source: Path) -> "dict[str, pa.Table]":
    """Tables of a folder or zip, as text."""
    if source.is_dir():
        found = {path.name: (path, None) for path in sorted(source.iterdir()) if path.is_file()}
    else:
        with zipfile.ZipFile(source) as archive:
            found = {Path(name).name: (source, name) for name in archive.namelist()}
    tables = {}
    for name, (path, member) in found.items():
        table, suffix = Path(name).stem.lower(), Path(name).suffix.lower()
        if table not in TABLES or suffix not in _TABLE_FILES:
            continue
        if table in tables:
            raise RecordsError(f"{table} stands twice in {source.name}: keep one file of it")
        columns = TABLES[table]
        text = [*columns, *map(str.upper, columns)]
        try:
            tables[table] = read_arrow(path, member=member, missing=("",), text=text)
        except DataCardError as error:
            raise RecordsError(f"{name}: {error}") from None
    return tables


@contextmanager
def _loaded(tables: "Mapping[str, pa.Table]") -> Iterator[CommonDataModel]:
    duckdb = import_extra("duckdb")
    with duckdb.connect(config=_CLOSED) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for name in TABLES:
            if name in tables:
                connection.register("incoming", tables[name])
                _copy(connection, name, "incoming", as_view=False)
                connection.unregister("incoming")
        yield _finished(connection, set(tables))


@contextmanager
def _attached(source: Path, schema: str) -> Iterator[CommonDataModel]:
    duckdb = import_extra("duckdb")
    with duckdb.connect(config=_CLOSED) as connection:
        path = str(source).replace("'", "''")
        try:
            connection.execute(f"ATTACH '{path}' AS source (READ_ONLY, TYPE duckdb)")
        except duckdb.Error:
            raise RecordsError(
                f"{source.name}: expected a DuckDB file, or a folder or zip of CSV or Parquet "
                "tables"
            ) from None
        rows = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'source' "
            "AND schema_name = $schema UNION SELECT view_name FROM duckdb_views() "
            "WHERE database_name = 'source' AND schema_name = $schema",
            {"schema": schema},
        ).fetchall()
        there = {name.lower(): name for (name,) in rows}
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for name in TABLES:
            if name in there:
                origin = f"source.{_quoted(schema)}.{_quoted(there[name])}"
                _copy(connection, name, origin, as_view=True)
        yield _finished(connection, set(there))


def _finished(connection: "duckdb.DuckDBPyConnection", there: set[str]) -> CommonDataModel:
    """Fill in what the source lacks, and shut every door."""
    absent = tuple(name for name in TABLES if name not in there)
    for name in absent:
        columns = ", ".join(f"{column} {kind}" for column, kind in TABLES[name].items())
        connection.execute(f"CREATE TABLE {SCHEMA}.{name} ({columns})")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    model = CommonDataModel(connection, absent)
    if not model.count("person"):
        raise RecordsError("the CDM has no patients: is there a table PERSON?")
    return model


def _copy(
    connection: "duckdb.DuckDBPyConnection", table: str, origin: str, *, as_view: bool
) -> None:
    """One table with the columns and types that circe expects; what is missing is null."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {origin}").fetchall()
    there = {row[0].lower(): row[0] for row in described}
    wanted = {c: (kind, _quoted(there[c])) for c, kind in TABLES[table].items() if c in there}
    _check_values(connection, table, origin, wanted)
    parts = [
        f"CAST({wanted[c][1]} AS {kind}) AS {c}" if c in wanted else f"CAST(NULL AS {kind}) AS {c}"
        for c, kind in TABLES[table].items()
    ]
    made = "VIEW" if as_view else "TABLE"
    connection.execute(f"CREATE {made} {SCHEMA}.{table} AS SELECT {', '.join(parts)} FROM {origin}")


def _check_values(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    origin: str,
    wanted: Mapping[str, tuple[str, str]],
) -> None:
    """Refuse values that are not of their column's type, with how many there are."""
    if not wanted:
        return
    misfits = ", ".join(
        f"count(*) FILTER (WHERE {column} IS NOT NULL AND TRY_CAST({column} AS {kind}) IS NULL)"
        for kind, column in wanted.values()
    )
    counts = connection.execute(f"SELECT {misfits} FROM {origin}").fetchone() or ()
    for (name, (kind, _)), n in zip(wanted.items(), counts, strict=True):
        if n:
            raise RecordsError(f"{table}.{name}: {n} values are no {kind}: mend the table")


def _quoted(name: str) -> str:
    """An identifier of the source."""
    return '"' + name.replace('"', '""') + '"'
