"""A definition asked of a database, and the account of the answer."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohort.account import Account, entry_steps, limited, step_name
from workbench.cohort.flow import Flow, Step
from workbench.cohort.flow_warnings import FEWEST, earlier_outcome, flow_warnings
from workbench.cohort.outcome_times import moments, time_to
from workbench.cohort.privacy import COUNTS_ELSEWHERE
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.sql.database import Database
from workbench.cohort.sql.doubts import source_warnings
from workbench.cohort.sql.names import check_names
from workbench.cohort.sql.server import Rows
from workbench.cohort.sql.source import PATIENT, Source
from workbench.cohort.sql.statement import (
    Statement,
    definition_statement,
    population_statement,
)
from workbench.cohort.sql.text import as_sql


@dataclass(frozen=True, eq=False, repr=False)
class DatabaseCohort(Account):
    """Patients of a database, each at an index date, and the account of how they were chosen.

    Rules may be left out or stand in another order without a new query; another rule needs one.

    Parameters
    ----------
    kind, name
        Format of the database, and what it is called.
    definition
        What decides who is in.
    patient_ids
        Patients with a record, (patient,) str, sorted.
    index_dates
        Of every candidate record, (record,): datetime64[us], or int64 µs on each patient's own
        clock; by patient and time.
    flow
        What each step asks, and of which records it holds.
    exit_dates
        End of each candidate's follow-up, as ``index_dates`` are written.
    times
        To the outcome or that end, as of :func:`workbench.cohort.outcome_times.outcome_of`,
        (record,); NaN where nothing is waited for.
    earlier
        Whose outcome came before the index date, (record,) bool.
    doubts
        What a reader must know of the database, one sentence each.
    """

    kind: str
    name: str
    definition: RecordDefinition
    patient_ids: np.ndarray
    index_dates: np.ndarray
    flow: Flow
    exit_dates: np.ndarray
    times: np.ndarray
    earlier: np.ndarray
    doubts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """What a notebook shows and saves: no patient, and no count that nobody asked for."""
        return f"DatabaseCohort({self.name}: {COUNTS_ELSEWHERE})"

    @property
    def release_name(self) -> str:
        """As of the same data read from files, so that what either showed is remembered of both."""
        return f"{self.kind} {self.name}"

    @property
    def _ids(self) -> np.ndarray:
        return np.asarray(self.patient_ids, object)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know, of the definition and of the database, one sentence each."""
        own = flow_warnings(self.definition, self.flow, self.earlier, FEWEST)
        return (*self.definition.warnings(), *own, *self.doubts)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """The records: when each begins and ends, and when the outcome came.

        ``patient_id``, ``index_date`` and ``exit_date`` (datetime64[us] on a calendar clock, else
        int64 days on the patient's own), ``days`` of follow-up, and with an outcome ``time`` (in
        the unit of the definition, from the index date or the landmark) and ``event``.
        """
        where = np.flatnonzero(self._kept)
        index, end = self.index_dates[where], self.exit_dates[where]
        columns: dict[str, Any] = {"patient_id": self.patient_ids[self.flow.patient[where]]}
        columns |= moments(_whole(index), _whole(end), calendar=index.dtype.kind == "M")
        if self.definition.outcome is not None:
            columns |= {"time": self.times[where], "event": self.flow.event[where]}
        return pd.DataFrame(columns)


def run_in_database(definition: RecordDefinition, database: Database) -> DatabaseCohort:
    """Find the patients of a definition in a database, which does the work.

    A few statements check that the definition fits and what is doubtful of it, one counts the
    patients, and one gives a row a candidate record: patient, index date, end of follow-up, when
    the outcome came, and one boolean or two for each step. Nothing else leaves the database, and
    nothing in it is changed.

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
        doubts = source_warnings(definition, source, session)
    return replace(_cohort(definition, source, statement, n_population, rows), doubts=doubts)


def _cohort(
    definition: RecordDefinition,
    source: Source,
    statement: Statement,
    n_population: int,
    rows: Rows,
) -> DatabaseCohort:
    ids = np.array(list(map(str, rows[PATIENT])), object)
    calendar = source.clock.kind == "calendar"
    kind = "datetime64[us]" if calendar else np.int64
    index, end = (np.array(rows[name], kind) for name in ("index_date", "exit_date"))
    order = np.lexsort((index, pd.factorize(ids, sort=True)[0]))
    patient_ids, patient = np.unique(ids[order], return_inverse=True)

    def mask(column: str) -> np.ndarray:
        return np.array(rows[column], bool)[order]

    nobody = np.zeros(len(ids), bool)
    event, times = nobody, np.full(len(ids), np.nan)
    if definition.outcome is not None:
        event = mask("event")
        came = pd.Series(rows["outcome_date"], dtype=object)[order].where(event, end[order])
        times = time_to(_whole(index[order]), _whole(np.array(came, kind)), definition)
    flow = Flow(
        patient=patient,
        event=event,
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
        source.kind,
        source.name,
        definition,
        patient_ids,
        index[order],
        limited(flow, definition),
        end[order],
        times,
        mask("earlier") if earlier_outcome(definition) is not None else nobody,
    )


def _whole(moment: np.ndarray) -> np.ndarray:
    """Moments as int64 µs."""
    return moment.astype(np.int64)
