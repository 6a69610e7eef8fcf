"""A cohort of health records: index dates from events, criteria around them, and the account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from workbench.cohort.account import (
    Account,
    entry_questions,
    entry_steps,
    limited,
    step_name,
)
from workbench.cohort.criteria import Criterion, records_at
from workbench.cohort.criteria.population import Population
from workbench.cohort.entry_masks import entry_masks
from workbench.cohort.features import Feature, feature_table
from workbench.cohort.flow import Flow, Step
from workbench.cohort.flow_warnings import earlier_outcome, flow_warnings
from workbench.cohort.outcome_times import moments, outcome_of
from workbench.cohort.privacy import COUNTS_ELSEWHERE, ReleaseLog, records_log
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.source_warnings import source_warnings
from workbench.cohort.table_one.of_records import table_one_of_records
from workbench.cohort.table_one.record import TableOne
from workbench.data.records import Records
from workbench.errors import CohortError

OWN = ("patient_id", "index_date", "exit_date", "days", "time", "event")
"""Columns that the cohort adds to what the records know of a patient."""


@dataclass(frozen=True, eq=False, repr=False)
class RecordCohort(Account):
    """Patients of health records, each at an index date, and the account of how they were chosen.

    Parameters
    ----------
    records
        Patients and events.
    definition
        What decides who is in.
    candidates
        Every entry event as a record, with its index date and follow-up, before any step.
    flow
        What each step asks, and of which records it holds.
    """

    records: Records
    definition: RecordDefinition
    candidates: Population
    flow: Flow

    def __repr__(self) -> str:
        """What a notebook shows and saves: no patient, and no count that nobody asked for."""
        counts = f"{self.n_patients} patients, {self.n_records} records"
        counts = COUNTS_ELSEWHERE if self.release_log.minimum > 1 else counts
        return f"RecordCohort({self.records.source.name}: {counts})"

    @property
    def release_log(self) -> ReleaseLog:
        """What was shown of the records; it allows everything where they have no minimum cell."""
        return records_log(self.records)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know, of the records and of the definition, one sentence each."""
        own = flow_warnings(self.definition, self.flow, self._earlier, self.records.minimum_cell)
        return (*self.records.warnings, *self.definition.warnings(), *own, *self._of_both)

    @cached_property
    def _earlier(self) -> np.ndarray:
        earlier = earlier_outcome(self.definition)
        if earlier is None:
            return np.zeros(len(self.candidates), bool)
        return earlier.mask(self.candidates)

    @cached_property
    def _of_both(self) -> tuple[str, ...]:
        renamed = tuple(
            f"the records have a column {old!r}, as the cohort has: theirs is {new!r} in patients"
            for old, new in _apart(self.candidates.table).items()
            if old != new
        )
        return (*source_warnings(self.records, self.definition), *renamed)

    @property
    def release_name(self) -> str:
        return self.release_log.dataset

    @property
    def _ids(self) -> np.ndarray:
        return self.records.patients.index.to_numpy(object)

    def attrition_for_export(self, minimum_cell: int | None = None) -> pd.DataFrame:
        """The attrition without small cells, as the records ask unless another size is given."""
        return super().attrition_for_export(self._minimum(minimum_cell))

    def withheld_notes(self, minimum_cell: int | None = None) -> tuple[str, ...]:
        """Why the attrition withholds counts that are not small, one sentence each."""
        return self._released_attrition(self._minimum(minimum_cell))[1]

    def _minimum(self, minimum_cell: int | None) -> int:
        return self.records.minimum_cell if minimum_cell is None else minimum_cell

    def patients_with(self, features: Sequence[Feature]) -> pd.DataFrame:
        """As :attr:`patients`, with variables out of events as further columns.

        Raises
        ------
        CohortError
            If a variable has the name of a column, or two have one name.
        """
        return self._measured(self.patients, features, np.flatnonzero(self._kept))

    def candidates_with(self, features: Sequence[Feature]) -> pd.DataFrame:
        """As :meth:`patients_with`, of every candidate, also of those who are not in."""
        everyone = np.arange(len(self.candidates))
        return self._measured(self._described(everyone), features, everyone)

    def _measured(
        self, described: pd.DataFrame, features: Sequence[Feature], where: np.ndarray
    ) -> pd.DataFrame:
        measured = feature_table(self.candidates, features, self.definition.landmark)
        taken = sorted(set(measured) & set(described))
        if taken:
            raise CohortError(f"{taken[0]!r} is a column already: call the feature something else")
        measured = measured.iloc[where].reset_index(drop=True)
        return pd.concat([described, measured], axis=1)

    def table_one(
        self,
        by: str | None = None,
        columns: Sequence[str] | None = None,
        features: Sequence[Feature] = (),
    ) -> TableOne:
        """Who they are at the index date.

        See :func:`workbench.cohort.table_one.of_records.table_one_of_records`.

        Raises
        ------
        CohortError
            If a column does not exist, or a feature looks beyond the index date.
        PrivacyError
            If together with what was shown before, the table would give a small group away.
        """
        return table_one_of_records(self, by=by, columns=columns, features=features)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """The records: patient columns, and when each begins and ends.

        ``patient_id``, ``index_date`` and ``exit_date`` (datetime64[us] on a calendar clock, else
        int64 days on the patient's own), ``days`` of follow-up from the index date, and with an
        outcome ``time`` (in the unit of the definition, from the index date or the landmark) and
        ``event``; then every patient column, with ``age`` and ``index_year`` at the index date
        where the source has dates. A column of the records that has one of the first names is
        called ``source_<name>``.
        """
        return self._described(np.flatnonzero(self._kept))

    def _described(self, where: np.ndarray) -> pd.DataFrame:
        population = self.candidates
        who, when = population.patient[where], population.index[where]
        table = records_at(self.records, who, when).table
        ids = self.records.patients.index[population.patient[where]]
        index, end = population.index[where], population.exit[where]
        first: dict[str, object] = {"patient_id": ids.to_numpy()}
        first |= moments(index, end, calendar=self.records.clock == "calendar")
        if self.definition.outcome is not None:
            time, event = self._outcome
            first |= {"time": time[where], "event": event[where]}
        known = {_apart(table)[name]: table[name] for name in table}
        return pd.concat([pd.DataFrame(first), pd.DataFrame(known)], axis=1)

    @cached_property
    def _outcome(self) -> tuple[np.ndarray, np.ndarray]:
        return outcome_of(self.candidates, self.definition)

    def select(self, *criteria: Criterion) -> Self:
        """With more criteria; those that are there are not asked again.

        Raises
        ------
        CohortError
            If a criterion does not fit the records.
        """
        rules = _rules(self.candidates, criteria, len(self.definition.select))
        flow = self._without_limit()
        for rule in rules:
            flow = flow.rule(rule)
        return self._with_flow(self.definition.selecting(*criteria), flow)

    def replacing(self, position: int, criterion: Criterion) -> Self:
        """With one criterion exchanged; only the new one is asked.

        Parameters
        ----------
        position
            Of the criterion in ``definition.select``, from 0.
        criterion
            What takes its place.
        """
        select = list(self.definition.select)
        if not 0 <= position < len(select):
            raise CohortError(f"there is no criterion {position}: there are {len(select)}, from 0")
        select[position] = criterion
        rules = list(self.flow.rules)
        rules[position] = _rules(self.candidates, [criterion], position)[0]
        return self._with_rules(tuple(select), tuple(rules))


def _apart(names: Iterable[str]) -> dict[str, str]:
    """What each column of the records is called beside the cohort's own."""
    taken, called = {*names, *OWN}, {}
    for name in names:
        new = name
        while (new != name and new in taken) or new in OWN:
            new = f"source_{new}"
        called[name] = new
    return called


def build_cohort(records: Records, definition: RecordDefinition) -> RecordCohort:
    """Find the patients of a definition.

    Parameters
    ----------
    records
        Patients and events.
    definition
        Who is in, since when, until when.

    Raises
    ------
    CohortError
        If a code, column or modality of the definition does not exist here, or the definition
        needs dates or observation periods that the records do not have.
    """
    _check_clock(records, definition)
    rows = definition.entry.rows(records)
    candidates = records_at(records, rows.patient, rows.time)
    candidates = replace(candidates, exit=definition.follow_up.end(candidates, definition.unit))
    n = len(candidates)
    event = np.zeros(n, bool)
    if definition.outcome is not None:
        event = outcome_of(candidates, definition)[1]
    asked = entry_questions(definition, observed=records.observation is not None)
    masks = entry_masks(candidates, definition, asked)
    flow = Flow(
        patient=candidates.patient,
        event=event,
        n_population=len(records.patients),
        population=f"every patient of {records.source.name}",
        entry=f"has the entry event: {' or '.join(q.words() for q in definition.entry.events)}",
        before=entry_steps(candidates.patient, definition, asked, masks),
    )
    for rule in _rules(candidates, definition.select, 0):
        flow = flow.rule(rule)
    return RecordCohort(records, definition, candidates, limited(flow, definition))


def _check_clock(records: Records, definition: RecordDefinition) -> None:
    entry, calendar = definition.entry, records.clock == "calendar"
    dated = [entry.since, entry.until, definition.follow_up.until]
    if not calendar and any(day is not None for day in dated):
        raise CohortError(
            "these records count days from each patient's own zero: a study period in dates "
            "cannot be asked of them"
        )
    if records.observation is None and (entry.observed_before or entry.observed_after):
        raise CohortError(
            f"{records.source.kind} records have no observation periods: ask for an event in "
            "the time before instead, such as event('*').within(-730, -365)"
        )


def _rules(
    candidates: Population, criteria: Sequence[Criterion], n_before: int
) -> tuple[Step, ...]:
    steps = []
    for i, criterion in enumerate(criteria, n_before + 1):
        if not isinstance(criterion, Criterion):
            raise CohortError(
                f"select takes criteria such as col('age') >= 18, got {type(criterion).__name__}"
            )
        holds, fails = criterion.truth(candidates)
        steps.append(Step(step_name(criterion, i), criterion.sentence(), holds, ~holds & ~fails))
    return tuple(steps)
