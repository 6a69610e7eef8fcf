"""Definitions and criteria as SQL to read."""

from workbench.cohort.criteria import Criterion
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql.omop import standard_source
from workbench.cohort.sql.source import Source
from workbench.cohort.sql.statement import criterion_statement, definition_statement
from workbench.cohort.sql.text import Sql, as_sql


def definition_sql(definition: RecordDefinition, source: Source | None = None) -> Sql:
    """The statement of a definition: what PostgreSQL and DuckDB run.

    Parameters
    ----------
    definition
        Who is in.
    source
        Of which tables; of a CDM 5.4 with every table and column of the standard, if not given.
    """
    source = standard_source() if source is None else source
    return as_sql(definition_statement(definition, source).select)


def criterion_sql(criterion: Criterion, source: Source | None = None) -> Sql:
    """One criterion, asked of every patient and index date of a table ``index_dates``.

    Parameters
    ----------
    criterion
        What is asked.
    source
        Of which tables; of a CDM 5.4 with every table and column of the standard, if not given.

    Examples
    --------
    >>> from workbench.cohort.criteria import event
    >>> shown = criterion_sql(event("drug//1503297").within(-30, 0))
    >>> [1503297] in shown.parameters and -30 in shown.parameters
    True
    """
    source = standard_source() if source is None else source
    return as_sql(criterion_statement(criterion, source))
