"""The one place that opens DuckDB: it reads, and it reads only what it was given.

DuckDB itself refuses every other file, folder, address and extension, and its settings are locked
before the first query. A query is one SELECT whose text comes from this code: values are bound, and
a name from outside (a table, a column) enters through :func:`quoted` alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from workbench.errors import RecordsError, printable

_BATCH = 1 << 20
"""Rows of one batch of :meth:`Duck.batches`."""


def quoted(name: str) -> str:
    """A name as SQL takes it literally, whatever it holds.

    Raises
    ------
    RecordsError
        If the name is empty or holds a NUL or half a character, which no table or column has.

    >>> quoted('say "x"; DROP TABLE person --')
    '"say ""x""; DROP TABLE person --"'
    """
    if not name or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in name):
        raise RecordsError("a table or column has an empty name or one with a NUL: rename it")
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, eq=False)
class Duck:
    """An open DuckDB that only reads."""

    _connection: duckdb.DuckDBPyConnection

    def select(self, sql: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> pa.Table:
        """Result of one SELECT, as a whole.

        Parameters
        ----------
        sql
            One SELECT; ``?`` or ``$name`` where a value stands.
        values
            What is bound to them.

        Raises
        ------
        RecordsError
            If it is another statement, or more than one, or DuckDB refuses it.
        """
        with _in_one_line():
            return self._run(sql, values).to_arrow_table()

    def batches(
        self, sql: str, values: Mapping[str, Any] | Sequence[Any] = ()
    ) -> Iterator[pa.RecordBatch]:
        """Result of one SELECT, in parts, so that it need not fit into memory."""
        with _in_one_line():
            yield from self._run(sql, values).to_arrow_reader(_BATCH)

    def _run(
        self, sql: str, values: Mapping[str, Any] | Sequence[Any]
    ) -> duckdb.DuckDBPyConnection:
        statements = duckdb.extract_statements(sql)
        kinds = [statement.type for statement in statements]
        if kinds != [duckdb.StatementType.SELECT]:
            raise RecordsError("a query must be one SELECT: DuckDB is opened to read")
        return self._connection.execute(statements[0], values or None)

    @contextmanager
    def table(self, name: str, rows: pa.Table | pa.RecordBatch) -> Iterator[None]:
        """Let queries read ``rows`` under a name, as long as the block lasts."""
        self._connection.register(name, rows)
        try:
            yield
        finally:
            self._connection.unregister(name)


@contextmanager
def open_duck(
    *,
    reads: Sequence[Path] = (),
    database: Path | None = None,
    threads: int = 2,
    memory: str = "2GB",
) -> Iterator[Duck]:
    """Open DuckDB for reading.

    Parameters
    ----------
    reads
        Files and folders that queries may read; everything else is refused, also where a link
        leads out of them.
    database
        A DuckDB file, opened read-only; None for a DuckDB without tables.
    threads, memory
        Limits of what it may use. What does not fit is refused: nothing is spilled to disk.

    Raises
    ------
    RecordsError
        If there is no such file, it is no DuckDB file, or it is in use for writing.
    """
    if database is not None and not database.is_file():
        raise RecordsError(f"{_shown(database)}: no such file")
    config: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
    }
    try:
        connection = duckdb.connect(
            str(database) if database is not None else ":memory:",
            read_only=database is not None,
            config=config,
        )
    except duckdb.Error as error:
        busy = "lock" in str(error).lower()
        raise RecordsError(
            f"{_shown(database)}: "
            + ("in use for writing: close it there, or copy the file" if busy
               else "not a DuckDB file, or damaged, or of a newer DuckDB")
        ) from None  # fmt: skip
    try:
        folders = [str(path.resolve()) for path in reads if path.is_dir()]
        files = [str(path.resolve()) for path in reads if not path.is_dir()]
        connection.execute("SET allowed_directories = ?", [folders])
        connection.execute("SET allowed_paths = ?", [files])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield Duck(connection)
    finally:
        connection.close()


def _shown(path: Path | None) -> str:
    return printable(path.name) if path is not None else "DuckDB"


@contextmanager
def _in_one_line() -> Iterator[None]:
    """DuckDB's refusals as ours: its first line, without the query and the values in it."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise RecordsError("DuckDB needs more memory than its limit: pass more memory") from None
    except duckdb.PermissionException:
        raise RecordsError(
            "DuckDB refused to read outside the given files and folders: name them when opening"
        ) from None
    except (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException):
        raise RecordsError("DuckDB cannot read the file: damaged or cut short") from None
    except duckdb.Error as error:
        kind = type(error).__name__.removesuffix("Exception")
        raise RecordsError(f"DuckDB refused a query ({kind}): see its table and columns") from None
