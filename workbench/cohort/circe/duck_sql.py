"""From the SQL of circe to statements of DuckDB, each of them looked at before it may run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.cohort.circe.cdm import SCHEMA
from workbench.cohort.circe.cdm_tables import TABLES
from workbench.cohort.circe.extra import import_extra
from workbench.cohort.circe.rendering import TARGET, Rendering
from workbench.errors import CohortError

if TYPE_CHECKING:
    from sqlglot import exp

_MARKER = re.compile(r"(%?)(qqtext\d+qq)(%?)")
_LITERALS = re.compile(r"Maps to|PERSON|CARE_SITE|1900-01-01|-?\d{1,9}")
"""The only texts that circe itself, or the translation, writes into SQL."""


@dataclass(frozen=True)
class Statement:
    """One statement with the texts that are bound to it, and the table that it makes."""

    sql: str
    bound: Mapping[str, str]
    makes: str
    tree: "exp.Expr"


def statements(rendering: Rendering) -> tuple[Statement, ...]:
    """What fills the cohort table, in DuckDB's SQL.

    Only temporary tables are made and filled; what circe cleans up at the end is left, so that it
    can be counted.

    Raises
    ------
    CohortError
        If the SQL holds anything but queries of CDM tables and temporary tables.
    """
    sqlglot = import_extra("sqlglot")
    kinds = sqlglot.exp
    sql = re.sub(r"UPDATE STATISTICS #\w+;", "", rendering.sql)
    done, made = [], {TARGET}
    try:
        trees = sqlglot.parse(sql, read="tsql")
    except sqlglot.errors.SqlglotError:
        raise CohortError(
            "circe wrote SQL that cannot be read; circepy 0.3 does so for PayerPlanPeriod and "
            "LocationRegion: leave them out"
        ) from None
    for tree in trees:
        if tree is None or isinstance(tree, kinds.Drop | kinds.TruncateTable | kinds.Delete):
            continue
        name = _made_by(tree, kinds)
        made.add(name)
        _check_tables(tree, kinds, made)
        bound = _bind(tree, kinds, rendering.texts)
        # Only the entry query is looked at again; the others need not be kept as they were.
        sql = tree.sql(dialect="duckdb", copy=name == "qualified_events")
        done.append(Statement(sql, bound, name, tree))
    return tuple(done)


def _made_by(tree: "exp.Expr", kinds: Any) -> str:
    """The temporary table that a statement makes or fills."""
    if isinstance(tree, kinds.Select) and tree.args.get("into") is not None:
        table = tree.args["into"].this
    elif isinstance(tree, kinds.Create | kinds.Insert):
        table = tree.find(kinds.Table)
    else:
        table = None
    if table is None or table.db or table.catalog:
        raise CohortError("circe wrote a statement that is no query of the CDM: refused")
    return table.name.lower()


def _check_tables(tree: "exp.Expr", kinds: Any, made: set[str]) -> None:
    """Every table is one of the CDM or was made on the way."""
    named = {alias.alias.lower() for alias in tree.find_all(kinds.CTE)}
    for table in tree.find_all(kinds.Table):
        name, schema = table.name.lower(), table.db.lower()
        if table.catalog or not isinstance(table.this, kinds.Identifier):
            raise CohortError("circe wrote a query of something that is no table: refused")
        if name not in (TABLES if schema == SCHEMA else made | named) or schema not in ("", SCHEMA):
            raise CohortError("circe wrote a query of a table outside the CDM: refused")


def _bind(tree: "exp.Expr", kinds: Any, texts: Mapping[str, str]) -> dict[str, str]:
    """Put parameters in the place of markers; refuse any other text."""
    bound: dict[str, str] = {}
    for literal in list(tree.find_all(kinds.Literal)):
        if not literal.is_string or _LITERALS.fullmatch(literal.this):
            continue
        match = _MARKER.fullmatch(literal.this)
        if match is None or match[2] not in texts:
            raise CohortError("circe wrote a text that the definition does not bind: refused")
        name = f"text_{len(bound)}"
        bound[name] = f"{match[1]}{texts[match[2]]}{match[3]}"
        literal.replace(kinds.Placeholder(this=name))
    return bound
