"""A definition asked of a database, and the account of the answer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohort.account import Account, entry_steps, limited, step_name
from workbench.cohort.flow import Flow, Step
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql.database import Database
from workbench.cohort.sql.names import check_names
from workbench.cohort.sql.server import Rows
from workbench.cohort.sql.source import PATIENT, Source
from workbench.cohort.sql.statement import (
    Statement,
    definition_statement,
    population_statement,
)
from workbench.cohort.sql.text import as_sql
from workbench.data.events import DAY


@dataclass(frozen=True, eq=False, repr=False)
class DatabaseCohort(Account):
    """Patients of a database, each at an index date, and the account of how they were chosen.

    Rules may be left out or stand in another order without a new query; another rule needs one.

    Parameters
    ----------
    name
        What the database is called.
    definition
        What decides who is in.
    patient_ids
        Patients with a record, (patient,) str, sorted.
    index_dates
        Of every candidate record, (record,): datetime64[us], or int64 µs on each patient's own
        clock; by patient and time.
    flow
        What each step asks, and of which records it holds.
    """

    name: str
    definition: RecordDefinition
    patient_ids: np.ndarray
    index_dates: np.ndarray
    flow: Flow

    def __repr__(self) -> str:
        """Counts only: what a notebook shows and saves holds no patient."""
        return f"DatabaseCohort({self.name}: {self.n_patients} patients, {self.n_records} records)"

    @property
    def release_name(self) -> str:
        return f"database {self.name}"

    @property
    def _ids(self) -> np.ndarray:
        return np.asarray(self.patient_ids, object)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """The records: ``patient_id``, ``index_date``, and with an outcome ``event``.

        ``index_date`` is datetime64[us] on a calendar clock, else int64 days on the patient's own.
        """
        where = np.flatnonzero(self._kept)
        index = self.index_dates[where]
        if index.dtype.kind == "i":
            index = np.floor_divide(index, DAY)
        columns: dict[str, Any] = {
            "patient_id": self.patient_ids[self.flow.patient[where]],
            "index_date": index,
        }
        if self.definition.outcome is not None:
            columns["event"] = self.flow.event[where]
        return pd.DataFrame(columns)


def run_in_database(definition: RecordDefinition, database: Database) -> DatabaseCohort:
    """Find the patients of a definition in a database, which does the work.

    Two statements check that the definition fits, one counts the patients, and one gives a row a
    candidate record: patient, index date, and one boolean or two for each step. Nothing else leaves
    the database, and nothing in it is changed.

    Parameters
    ----------
    definition
        Who is in, since when, until when.
    database
        :class:`OmopDatabase` or :class:`MedsDatabase`.

    Raises
    ------
    CohortError
        If a code, column or modality of the definition does not exist there, or the definition
        needs dates or observation periods that the database does not have.
    RecordsError
        If the database cannot be reached, refuses, or lacks a table or column.
    """
    with database.server.session() as session:
        source = database.source(session)
        statement = definition_statement(definition, source)
        check_names(definition, source, session)
        n_population = session.select(as_sql(population_statement(source)))["n"][0]
        rows = session.select(as_sql(statement.select))
    return _cohort(definition, source, statement, n_population, rows)


def _cohort(
    definition: RecordDefinition,
    source: Source,
    statement: Statement,
    n_population: int,
    rows: Rows,
) -> DatabaseCohort:
    ids = np.array(list(map(str, rows[PATIENT])), object)
    calendar = source.clock.kind == "calendar"
    index = np.array(rows["index_date"], "datetime64[us]" if calendar else np.int64)
    order = np.lexsort((index, pd.factorize(ids, sort=True)[0]))
    patient_ids, patient = np.unique(ids[order], return_inverse=True)

    def mask(column: str) -> np.ndarray:
        return np.array(rows[column], bool)[order]

    flow = Flow(
        patient=patient,
        event=mask("event") if definition.outcome is not None else np.zeros(len(ids), bool),
        n_population=n_population,
        population=f"every patient of {source.name}",
        entry=f"has the entry event: {' or '.join(q.words() for q in definition.entry.events)}",
        before=entry_steps(
            patient,
            definition,
            statement.asked,
            {step: mask(f"entry_{i}") for i, step in enumerate(statement.asked, 1)},
        ),
    )
    for i, criterion in enumerate(definition.select, 1):
        words = (step_name(criterion, i), criterion.sentence())
        flow = flow.rule(Step(*words, mask(f"holds_{i}"), mask(f"unknown_{i}")))
    return DatabaseCohort(
        source.name, definition, patient_ids, index[order], limited(flow, definition)
    )
