"""Which tables of a CDM there are, and texts and numbers of the mapping in SQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, TableClause, Text, column, func, table
from sqlalchemy.sql import ColumnElement, literal_column

from workbench.data.sources.omop_tables import (
    EVENT_TABLES,
    PERIOD_REQUIRED,
    PERSON_OPTIONAL,
    PERSON_REQUIRED,
)

ANCESTOR = ("ancestor_concept_id", "descendant_concept_id")
CONCEPT = ("concept_id", "concept_name")
RELATIONSHIP = ("concept_id_1", "concept_id_2", "relationship_id")
VOCABULARY = ("concept", "concept_ancestor", "concept_relationship")

_OURS = re.compile(r"[A-Za-z0-9_/ ]*")


@dataclass(frozen=True, eq=False)
class Cdm:
    """Tables of a CDM.

    Parameters
    ----------
    schema, vocabulary_schema
        Where the clinical tables and the vocabulary lie.
    columns
        Table → its columns, all in lower case; tables that are not there are left out.
    """

    schema: str
    vocabulary_schema: str
    columns: Mapping[str, frozenset[str]]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def table(self, name: str) -> TableClause:
        """A table, with the columns that it has."""
        schema = self.vocabulary_schema if name in VOCABULARY else self.schema
        columns = [column(c) for c in sorted(self.columns[name])]
        return table(name, *columns, schema=schema)


def standard_cdm(schema: str = "cdm") -> Cdm:
    """A CDM 5.4 with every table and column of the standard, for showing statements."""
    columns = {t.name: frozenset((*t.required, *t.optional)) for t in EVENT_TABLES}
    columns |= {
        "person": frozenset((*PERSON_REQUIRED, *PERSON_OPTIONAL)),
        "observation_period": frozenset(PERIOD_REQUIRED),
        "concept": frozenset(CONCEPT),
        "concept_ancestor": frozenset(ANCESTOR),
    }
    return Cdm(schema, schema, columns)


def words(text: str) -> ColumnElement[str]:
    """A text of the mapping, which needs no parameter: no value of a definition comes here."""
    assert _OURS.fullmatch(text) is not None
    return literal_column(f"'{text}'", Text())


def constant(number: int) -> ColumnElement[int]:
    """A number of the mapping."""
    return literal_column(str(number), Integer())


def midnight(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Midnight before a moment."""
    return func.date_trunc(words("day"), moment)
