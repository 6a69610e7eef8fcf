"""Servers that answer one SELECT after another, from one snapshot, and change nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from workbench.cohort.sql.text import Sql
from workbench.data.duck import Duck, open_duck
from workbench.errors import RecordsError

if TYPE_CHECKING:
    import psycopg

Rows = dict[str, list[Any]]
"""Column → its values."""


class Session(Protocol):
    """An open database, at one moment."""

    def select(self, sql: Sql) -> Rows:
        """The rows of one SELECT."""
        ...


class Server(Protocol):
    """Where a database is."""

    @property
    def default_schema(self) -> str:
        """Where tables lie, if nobody says."""
        ...

    def session(self) -> Any:
        """A context manager that opens a :class:`Session`."""
        ...


@dataclass(frozen=True, eq=False)
class _DuckSession:
    duck: Duck

    def select(self, sql: Sql) -> Rows:
        return self.duck.select(sql.text, sql.parameters).to_pydict()


@dataclass(frozen=True)
class DuckFile:
    """A DuckDB file, opened to read.

    Parameters
    ----------
    path
        The file.
    reads
        Files and folders that its views read, such as Parquet files.
    """

    path: Path
    reads: tuple[Path, ...] = ()
    threads: int = 2
    memory: str = "2GB"
    default_schema: str = "main"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open it."""
        with open_duck(
            database=Path(self.path), reads=self.reads, threads=self.threads, memory=self.memory
        ) as duck:
            yield _DuckSession(duck)


@dataclass(frozen=True, eq=False, repr=False)
class DuckMemory:
    """A DuckDB that is open already, such as one in memory; only SELECTs are sent to it."""

    connection: duckdb.DuckDBPyConnection
    default_schema: str = "main"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Use it, and leave it open."""
        with self.connection.cursor() as cursor:
            yield _DuckSession(Duck(cursor))


@dataclass(frozen=True, eq=False, repr=False)
class Postgres:
    """A PostgreSQL server, used in one read-only transaction that always rolls back.

    Parameters
    ----------
    place
        An SQLAlchemy URL such as ``postgresql+psycopg://reader@db.example/cdm`` (a password may
        stand in it; it is shown nowhere; better, it stands in ``~/.pgpass``), or an open psycopg
        connection that is in no transaction, which stays open.
    timeout_seconds
        After how long the server gives up a statement.
    """

    place: "str | URL | psycopg.Connection[Any]" = field(repr=False)
    timeout_seconds: int = 600
    default_schema: str = "public"

    def __repr__(self) -> str:
        """Without the address, which may hold a password."""
        return f"Postgres(timeout_seconds={self.timeout_seconds})"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Connect, or use the open connection.

        Raises
        ------
        RecordsError
            If psycopg is not installed, the URL is none of PostgreSQL, the server refuses, or the
            open connection is in a transaction.
        """
        import_psycopg()
        if isinstance(self.place, str | URL):
            with _connected(self.place) as connection:
                yield from _reading(connection, self.timeout_seconds)
        else:
            yield from _reading(self.place, self.timeout_seconds)


@dataclass(frozen=True, eq=False)
class _PostgresSession:
    connection: Any

    def select(self, sql: Sql) -> Rows:
        psycopg = import_psycopg()
        try:
            with psycopg.RawCursor(self.connection) as cursor:
                cursor.execute(sql.text, sql.parameters, prepare=False)
                names = [column.name for column in cursor.description]
                rows = cursor.fetchall()
        except psycopg.Error as error:
            raise RecordsError(_refusal(error)) from None
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        return dict(zip(names, map(list, columns), strict=True))


def import_psycopg() -> Any:
    """The driver of PostgreSQL, which is an extra.

    Raises
    ------
    RecordsError
        If it is not installed.
    """
    try:
        import psycopg
    except ImportError:
        raise RecordsError(
            "PostgreSQL needs psycopg: install precision-workbench[postgres]"
        ) from None
    return psycopg


def _reading(connection: Any, timeout_seconds: int) -> Iterator[Session]:
    """One read-only transaction, in which nothing that the role owns can shadow a function."""
    psycopg = import_psycopg()
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise RecordsError("the PostgreSQL connection is in a transaction: end it first")
    before = connection.read_only, connection.isolation_level
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    session = _PostgresSession(connection)
    settings = {
        "statement_timeout": str(1000 * timeout_seconds),
        "search_path": "pg_catalog",
        "jit": "off",
    }
    try:
        with connection.transaction(force_rollback=True):
            for name, value in settings.items():
                session.select(Sql("SELECT set_config($1, $2, true)", (name, value)))
            yield session
    finally:
        if not connection.closed:
            connection.read_only, connection.isolation_level = before


@contextmanager
def _connected(place: str | URL) -> Iterator[Any]:
    psycopg = import_psycopg()
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise RecordsError(
            "expected an address such as postgresql+psycopg://reader@db.example/cdm (characters "
            "such as @ and / in a password are written as %40 and %2F)"
        )
    options: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    try:
        connection = psycopg.connect(**options, **url.query)
    except psycopg.Error as error:
        raise RecordsError(_refusal(error)) from None
    with connection:
        yield connection


_REASONS = {
    "28P01": "user or password is wrong",
    "28000": "this user may not connect",
    "3D000": "there is no such database",
    "57014": "it took longer than timeout_seconds",
    "25006": "it would have changed the database",
    "42501": "this user may not read one of the tables",
    "53300": "it has too many connections",
}


def _refusal(error: Any) -> str:
    """Why, without the message of the server: it may repeat an address or a value."""
    if error.sqlstate is None:
        return "no connection to PostgreSQL: check host, port, user, password and database"
    reason = _REASONS.get(error.sqlstate, f"SQLSTATE {error.sqlstate}")
    return f"PostgreSQL refused: {reason}"
