"""What a reader must know of a definition asked of a database, one sentence each."""

from collections import Counter
from collections.abc import Iterator

import pandas as pd
from sqlalchemy import func, select

from workbench.cohort.criteria.domains import absent_domains, domains_of
from workbench.cohort.criteria.query import EventQuery
from workbench.cohort.criteria.units import compared, mixed_sentences
from workbench.cohort.flow_warnings import FEWEST
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql.omop import OmopSource
from workbench.cohort.sql.server import Session
from workbench.cohort.sql.source import CODE, NUMBER, TEXT, Source
from workbench.cohort.sql.text import as_sql
from workbench.data.sources.omop_tables import EVENT_TABLES, UNIT, absent_tables, text_parts


def source_warnings(
    definition: RecordDefinition, source: Source, session: Session
) -> tuple[str, ...]:
    """Tables that are not there, domains that no event has, and units that are mixed."""
    queries = definition.queries()
    if isinstance(source, OmopSource):
        absent = absent_tables(table.name for table in EVENT_TABLES if table.name in source.cdm)
        return (*absent, *_mixed_units(queries, source, session))
    return tuple(_absent_domains(queries, source, session))


def _absent_domains(
    queries: tuple[EventQuery, ...], source: Source, session: Session
) -> Iterator[str]:
    names = sorted({d for q in queries for d in domains_of(q.codes, q.prefixes, q.domain)})
    if not names:
        return
    asked = [source.events(EventQuery(prefixes=(f"{name}//",))).exists() for name in names]
    columns = [there.label(f"there_{i}") for i, there in enumerate(asked)]
    row = session.select(as_sql(select(*columns)))
    there = [f"{name}//" for i, name in enumerate(names) if row[f"there_{i}"][0]]
    yield from absent_domains(names, there)


def _mixed_units(
    queries: tuple[EventQuery, ...], source: OmopSource, session: Session
) -> Iterator[str]:
    counts: Counter[tuple[str, str]] = Counter()
    for query in compared(queries):
        events = source.events(query).subquery("valued")
        by_text = (
            select(events.c[CODE], events.c[TEXT], func.count().label("n"))
            .where(events.c[NUMBER].is_not(None), events.c[TEXT].is_not(None))
            .group_by(events.c[CODE], events.c[TEXT])
        )
        rows = session.select(as_sql(by_text))
        of_query: Counter[tuple[str, str]] = Counter()
        for code, text, n in zip(rows[CODE], rows[TEXT], rows["n"], strict=True):
            unit = text_parts(text).unit_concept
            if unit is not None:
                of_query[code, f"{UNIT}{unit}"] += n
        counts |= of_query
    if counts:
        ordered = pd.Series(counts).sort_index()
        ordered.index.names = ["code", "unit"]
        yield from mixed_sentences(ordered, FEWEST)
