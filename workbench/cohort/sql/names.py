"""Does what a definition names occur? Asked in one statement that gives nothing but booleans."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql import ColumnElement

from workbench.cohort.criteria import Criterion
from workbench.cohort.criteria.columns import Compare, IsIn
from workbench.cohort.criteria.criterion import Not, Several
from workbench.cohort.criteria.domains import check_cdm
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql import bound
from workbench.cohort.sql.server import Session
from workbench.cohort.sql.source import Source
from workbench.cohort.sql.text import as_sql
from workbench.errors import CohortError, RecordsError

Asked = tuple[ColumnElement[bool], Exception]
"""What must be true, and what to say if it is not."""


def check_names(definition: RecordDefinition, source: Source, session: Session) -> None:
    """Refuse a code, concept or level that occurs nowhere: it would silently find nobody.

    Raises
    ------
    CohortError
        If a code, every code under a prefix, or a level of a column occurs nowhere.
    RecordsError
        If a concept set does not resolve.
    """
    asked: dict[str, Asked] = {}
    for query in definition.queries():
        if source.kind == "omop":
            check_cdm(query.codes, query.prefixes, query.domain)
        asked |= {str(error): (true, error) for true, error in _of_query(query, source)}
    for criterion in _criteria(definition):
        asked |= {str(error): (true, error) for true, error in _of_column(criterion, source)}
    if not asked:
        return
    columns = [true.label(f"known_{i}") for i, (true, _) in enumerate(asked.values(), 1)]
    rows = session.select(as_sql(select(*columns)))
    for i, (_, error) in enumerate(asked.values(), 1):
        if not rows[f"known_{i}"][0]:
            raise error


def _of_query(query: EventQuery, source: Source) -> Iterator[Asked]:
    for code in query.codes:
        yield (
            source.knows_code(code),
            CohortError(f"no event has the code {code!r}, and no vocabulary here names it"),
        )
    for prefix in query.prefixes:
        if not prefix.endswith("//"):
            found = source.events(EventQuery(prefixes=(prefix,))).exists()
            yield found, CohortError(f"no code begins with {prefix!r}")
    for concepts in query.concept_sets():
        name = concepts.name
        for concept in sorted({c.concept_id for c in concepts.concepts}):
            yield (
                source.knows_concept(concept),
                RecordsError(
                    f"concept set {name!r}: the vocabulary of this source does not know concept "
                    f"{concept!r}"
                ),
            )
        yield (
            source.resolves(concepts),
            RecordsError(f"concept set {name!r}: everything in it is taken out again"),
        )


def _of_column(criterion: Criterion, source: Source) -> Iterator[Asked]:
    match criterion:
        case Compare(column=name, value=value):
            values: tuple[Any, ...] = (value,)
        case IsIn(column=name, values=values):
            pass
        case _:
            return
    people = source.patients({name})
    column = people.columns.get(name)
    if column is None or column.kind != "categorical":
        return
    for value in values:
        found = select(bound.ONE).select_from(people.table)
        occurs = found.where(column.value == bound.text(str(value))).exists()
        yield occurs, CohortError(f"{name} has no level {value!r}")


def _criteria(definition: RecordDefinition) -> Iterator[Criterion]:
    """Every criterion of a definition, also those inside others and around events."""
    around = (query.where for query in definition.queries())
    waiting = [*definition.select, *(where for where in around if where is not None)]
    while waiting:
        criterion = waiting.pop()
        yield criterion
        match criterion:
            case Several(parts=parts):
                waiting += parts
            case Not(part=part):
                waiting.append(part)
            case _:
                pass
