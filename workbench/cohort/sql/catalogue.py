"""Which tables and columns a database has."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text, column, select, table
from sqlalchemy.sql import cast

from workbench.cohort.sql import bound
from workbench.cohort.sql.server import Session
from workbench.cohort.sql.text import as_sql
from workbench.errors import RecordsError, printable

Tables = Mapping[str, Mapping[str, str]]
"""Table → column → its type, as the database calls it."""


def tables_of(session: Session, schema: str) -> Tables:
    """Tables of a schema that the user may read.

    Raises
    ------
    RecordsError
        If there is none.
    """
    names = ("table_schema", "table_name", "column_name", "data_type")
    columns = table("columns", *map(column, names), schema="information_schema")
    shown: list[Any] = [cast(columns.c[name], Text()).label(name) for name in names[1:]]
    rows = session.select(
        as_sql(select(*shown).where(columns.c.table_schema == bound.text(schema)))
    )
    found: dict[str, dict[str, str]] = {}
    for name, field, kind in zip(*(rows[name] for name in names[1:]), strict=True):
        found.setdefault(name, {})[field] = kind.upper()
    if not found:
        raise RecordsError(
            f"schema {printable(schema)[:60]}: this user may read no table of it: name the schema "
            "of the tables"
        )
    return found


def check_no_zone(name: str, columns: Mapping[str, str]) -> None:
    """Refuse times with a time zone: a day is the day that the clinic wrote."""
    for field, kind in columns.items():
        if "WITH TIME ZONE" in kind or kind == "TIMESTAMPTZ":
            raise RecordsError(
                f"{printable(name)}: {printable(field)} carries a time zone: give a view without, "
                "so that a day is the day that the clinic wrote"
            )
