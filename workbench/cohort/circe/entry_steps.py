"""The steps between an entry event and a qualified one, read off circe's own query.

circe finds entry events, ties them to observation periods, keeps those observed long enough, takes
the first, and asks the additional criteria, all in one query. Its parts are counted one by one.
"""

from typing import TYPE_CHECKING, Any

from workbench.cohort.circe.definition import CirceDefinition
from workbench.cohort.circe.duck_sql import Statement
from workbench.cohort.circe.extra import import_extra
from workbench.errors import CohortError

if TYPE_CHECKING:
    from sqlglot import exp

LIMITS = {"First": "first", "Last": "last"}


def entry_steps(
    definition: CirceDefinition, statement: Statement
) -> tuple[tuple[str, Statement], ...]:
    """Step → a query that returns one row with the records and the patients left.

    Parameters
    ----------
    definition
        What is asked for.
    statement
        The one that makes ``qualified_events``.
    """
    kinds = import_extra("sqlglot").exp
    # circe's own aliases: events E, with their periods P, limited PE, qualified QE.
    qualified = _inner(statement.tree, "QE", kinds)
    limited = _inner(qualified, "PE", kinds)
    windowed = _inner(limited, "P", kinds)
    events = _inner(windowed, "E", kinds)
    under_observation = windowed.copy()
    under_observation.set("where", None)
    primary = definition.document["PrimaryCriteria"]
    days = primary["ObservationWindow"]
    steps = [
        ("entry events", events),
        ("under observation", under_observation),
        (f"observed {days['PriorDays']} days before and {days['PostDays']} after", windowed),
    ]
    limit = LIMITS.get(limit_of(primary, "PrimaryCriteriaLimit", "First"))
    if limit:
        steps.append((f"{limit} entry event of each patient", limited))
    if "AdditionalCriteria" in definition.document:
        steps.append(("additional criteria", qualified))
    return tuple((name, _counting(tree, statement, kinds)) for name, tree in steps)


def limit_of(document: Any, key: str, default: str) -> str:
    """``First``, ``Last`` or ``All``."""
    return document.get(key, {}).get("Type", default)


def _inner(tree: "exp.Expr", alias: str, kinds: Any) -> "exp.Expr":
    """The outermost query of an alias."""
    for node in tree.walk(bfs=True):
        if isinstance(node, kinds.Subquery) and node.alias.upper() == alias:
            return node.this
    raise CohortError(f"the installed circe writes its queries in another way: no {alias} in it")


def _counting(tree: "exp.Expr", statement: Statement, kinds: Any) -> Statement:
    used = {holder.name for holder in tree.find_all(kinds.Placeholder)}
    inner = tree.sql(dialect="duckdb")
    sql = f"SELECT count(*), count(DISTINCT person_id) FROM ({inner}) AS counted"
    return Statement(sql, {n: t for n, t in statement.bound.items() if n in used}, "", tree)
