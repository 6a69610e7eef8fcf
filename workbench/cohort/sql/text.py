"""A statement as text with numbered parameters: what is shown is what runs."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import Select

_WIDTH = 60
_CLAUSES = (" LEFT OUTER JOIN ", " GROUP BY ")
_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\n|, | AND | LEFT OUTER JOIN | GROUP BY """
    r"""|[()]|[^'"\n, ()]+|."""
)

_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")


@dataclass(frozen=True)
class Sql:
    """One statement that PostgreSQL and DuckDB both understand, and its parameters.

    Parameters
    ----------
    text
        With ``$1``, ``$2``, … where values stand.
    parameters
        Their values, in this order.
    """

    text: str
    parameters: tuple[Any, ...]

    def __str__(self) -> str:
        """The statement, and each parameter on a line below it."""
        lines = [f"${i} = {value!r}" for i, value in enumerate(self.parameters, 1)]
        return "\n".join([self.text, *([""] if lines else []), *lines])


def as_sql(statement: Select) -> Sql:
    """Compile a statement."""
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    order = compiled.positiontup or []
    return Sql(_wrapped(str(compiled)), tuple(compiled.params[name] for name in order))


def _wrapped(text: str) -> str:
    """Broken into lines where a reader would, and never within quotes."""
    written, length, depth = [], 0, 0
    for token in _TOKEN.findall(text):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "\n":
            length = 0
        elif token in _CLAUSES or (token == " AND " and depth < 2 and length > _WIDTH):
            token, length = "\n    " + token.strip(" ") + " ", 0
        elif token == ", " and depth < 2 and length > _WIDTH:
            token, length = ",\n    ", 0
        written.append(token)
        length += len(token)
    return "\n".join(line.rstrip(" ") for line in "".join(written).split("\n"))
