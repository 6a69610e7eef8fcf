"""Columns as the CDM means them, whatever a file made of them: whole numbers, moments, numbers.

Each function gives an SQL expression that is null where the value is missing or is not such a
value; :func:`is_wrong` tells the two apart.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.data.duck import Duck, quoted
from workbench.errors import RecordsError


def typed_rows(duck: Duck, rows: pa.Table, query: str) -> pa.Table:
    """What a query makes of the rows of ``block``, one row each and in their order.

    The query passes the column ``place`` on: DuckDB promises no order.
    """
    places = pa.array(np.arange(len(rows)))
    with duck.table("block", rows.append_column("place", places)):
        found = duck.select(query)
    return found.take(pc.sort_indices(found["place"])).drop_columns("place")


def whole(schema: pa.Schema, column: str | None) -> str:
    """Whole number, also where it was written as ``8507.0``."""
    if column is None or column not in schema.names:
        return "CAST(NULL AS BIGINT)"
    name, kind = quoted(column), schema.field(column).type
    if _is_text(kind):
        # DuckDB's cast rounds decimals: what does not read back as written is looked at again.
        plain = f"TRY_CAST({name} AS BIGINT)"
        return (
            f"CASE WHEN CAST({plain} AS VARCHAR) = {name} THEN {plain} "
            rf"WHEN regexp_full_match(trim({name}), '[+-]?\d+(\.0*)?') "
            f"THEN TRY_CAST(split_part(trim({name}), '.', 1) AS BIGINT) END"
        )
    if pa.types.is_integer(kind):
        return f"TRY_CAST({name} AS BIGINT)"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return f"CASE WHEN {name} = floor({name}) THEN TRY_CAST({name} AS BIGINT) END"
    return "CAST(NULL AS BIGINT)"


def moment(schema: pa.Schema, column: str | None, file: str) -> str:
    """Date or datetime as a timestamp; an offset in a text is dropped, the day stands as written.

    Raises
    ------
    RecordsError
        If the column carries a time zone.
    """
    if column is None or column not in schema.names:
        return "CAST(NULL AS TIMESTAMP)"
    name, kind = quoted(column), schema.field(column).type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        raise RecordsError(
            f"{file}: {column} carries a time zone: store it without, so that a day is the day "
            "that the clinic wrote"
        )
    if _is_text(kind):
        # DuckDB also casts words (epoch, infinity) and years before Christ.
        cast = f"TRY_CAST({name} AS TIMESTAMP)"
        return (
            f"CASE WHEN {name} < ':' AND {cast} BETWEEN TIMESTAMP '0001-01-01' "
            f"AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN {cast} END"
        )
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return f"TRY_CAST({name} AS TIMESTAMP)"
    return "CAST(NULL AS TIMESTAMP)"


def number(schema: pa.Schema, column: str | None) -> str:
    """Finite number; NaN is missing."""
    if column is None or column not in schema.names:
        return "CAST(NULL AS DOUBLE)"
    name, kind = quoted(column), schema.field(column).type
    if _is_text(kind):
        # DuckDB also casts 1_000.
        return (
            f"CASE WHEN NOT contains({name}, '_') THEN {_finite(f'TRY_CAST({name} AS DOUBLE)')} END"
        )
    if pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        return "CAST(NULL AS DOUBLE)"
    return _finite(f"TRY_CAST({name} AS DOUBLE)")


def words(schema: pa.Schema, column: str | None) -> str:
    """Text as it stands; an empty one is missing."""
    if column is None or column not in schema.names:
        return "CAST(NULL AS VARCHAR)"
    return f"NULLIF(CAST({quoted(column)} AS VARCHAR), '')"


def is_there(schema: pa.Schema, column: str | None) -> str:
    """Is there a value, right or wrong?"""
    if column is None or column not in schema.names:
        return "FALSE"
    name, kind = quoted(column), schema.field(column).type
    if _is_text(kind):
        return f"coalesce({name}, '') NOT IN ('', 'NaN', 'nan')"
    if pa.types.is_floating(kind):
        return f"({name} IS NOT NULL AND NOT isnan({name}))"
    return f"{name} IS NOT NULL"


def is_wrong(schema: pa.Schema, column: str | None, value: str) -> str:
    """Is there a value, and is it not what ``value``, an expression of the above, takes it for?"""
    return f"({is_there(schema, column)} AND ({value}) IS NULL)"


def _finite(expression: str) -> str:
    return f"CASE WHEN isfinite({expression}) THEN {expression} END"


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
