"""A cohort of health records: index dates from events, criteria around them, and the account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion, records_at
from workbench.cohort.criteria.population import FIRST, LAST, Population, day_of
from workbench.cohort.entry import Entry
from workbench.cohort.flow import Flow, Step
from workbench.cohort.follow_up import first_after
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.records import Records
from workbench.errors import CohortError


@dataclass(frozen=True, eq=False, repr=False)
class RecordCohort:
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
        """Counts only: what a notebook shows and saves holds no patient."""
        return (
            f"RecordCohort({self.records.source.name}: {self.n_patients} patients, "
            f"{self.n_records} records)"
        )

    @cached_property
    def _kept(self) -> np.ndarray:
        return self.flow.kept

    @property
    def n_records(self) -> int:
        """Records in the cohort."""
        return int(np.count_nonzero(self._kept))

    @property
    def n_patients(self) -> int:
        """Patients in the cohort."""
        return self.flow.n_patients(self._kept)

    @property
    def attrition(self) -> pd.DataFrame:
        """Who was lost at which step; see :meth:`workbench.cohort.flow.Flow.table`."""
        return self.flow.table()

    @cached_property
    def patients(self) -> pd.DataFrame:
        """The records: patient columns, and when each begins and ends.

        ``patient_id``, ``index_date`` and ``exit_date`` (datetime64[us] on a calendar clock, else
        int64 days on the patient's own), ``days`` of follow-up, and with an outcome ``time`` in
        days and ``event``; then every patient column, with ``age`` and ``index_year`` at the index
        date where the source has dates.
        """
        where, population = np.flatnonzero(self._kept), self.candidates
        table = population.table.iloc[where].reset_index(drop=True)
        ids = self.records.patients.index[population.patient[where]]
        index, end = population.index[where], population.exit[where]
        first: dict[str, object] = {"patient_id": ids.to_numpy()}
        if self.records.clock == "calendar":
            first |= {"index_date": _dates(index), "exit_date": _dates(end)}
        else:
            first |= {"index_date": day_of(index), "exit_date": day_of(end)}
        first["days"] = _days(index, end)
        if self.definition.outcome is not None:
            time, event = self._outcome
            first |= {"time": time[where], "event": event[where]}
        return pd.concat([pd.DataFrame(first), table], axis=1)

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

    def dropping(self, position: int) -> Self:
        """Without one criterion."""
        if not 0 <= position < len(self.definition.select):
            raise CohortError(f"there is no criterion {position} to drop")
        select, rules = list(self.definition.select), list(self.flow.rules)
        del select[position], rules[position]
        return self._with_rules(tuple(select), tuple(rules))

    def reordered(self, order: Sequence[int]) -> Self:
        """With the criteria in another order, such as ``[2, 0, 1]``; nothing is asked again."""
        rules = self._without_limit().reordered(order).rules
        return self._with_rules(tuple(self.definition.select[i] for i in order), rules)

    def losing(self, name: str, sentence: str, holds: np.ndarray) -> Self:
        """With a later loss: images that cannot be read, inputs that a model lacks.

        Parameters
        ----------
        name, sentence
            What to call the step, and what it asks.
        holds
            Who stays, one value a row of :attr:`patients`.
        """
        holds = np.asarray(holds, bool)
        if holds.shape != (self.n_records,):
            raise CohortError(
                f"{name}: expected one value for each of {self.n_records} records, got "
                f"{holds.shape}"
            )
        whole = np.ones(len(self.candidates), bool)
        whole[self._kept] = holds
        step = Step(name, sentence, whole, np.zeros(len(whole), bool))
        return replace(self, flow=self.flow.later(step))

    def _with_rules(self, select: tuple[Criterion, ...], rules: tuple[Step, ...]) -> Self:
        named = tuple(
            replace(rule, name=_step_name(criterion, i))
            for i, (criterion, rule) in enumerate(zip(select, rules, strict=True), 1)
        )
        definition = replace(self.definition, select=select)
        return self._with_flow(definition, replace(self._without_limit(), rules=named))

    def _with_flow(self, definition: RecordDefinition, flow: Flow) -> Self:
        flow = _limited(flow, definition, self.candidates)
        return replace(self, definition=definition, flow=flow)

    def _without_limit(self) -> Flow:
        n_limits = int(self.definition.limit != "all")
        if len(self.flow.after) > n_limits:
            lost = self.flow.after[n_limits].name
            raise CohortError(f"change the criteria before the later loss {lost!r} is counted")
        return replace(self.flow, after=())


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
    candidates = replace(candidates, exit=definition.follow_up.end(candidates))
    n = len(candidates)
    event = np.zeros(n, bool)
    if definition.outcome is not None:
        event = outcome_of(candidates, definition)[1]
    flow = Flow(
        patient=candidates.patient,
        event=event,
        n_population=len(records.patients),
        population=f"every patient of {records.source.name}",
        entry=f"has the entry event: {' or '.join(q.words() for q in definition.entry.events)}",
        before=_entry_steps(candidates, definition.entry, definition.outcome is not None),
    )
    for rule in _rules(candidates, definition.select, 0):
        flow = flow.rule(rule)
    return RecordCohort(records, definition, candidates, _limited(flow, definition, candidates))


def outcome_of(
    population: Population, definition: RecordDefinition
) -> tuple[np.ndarray, np.ndarray]:
    """Days from the index date to the outcome or the end of follow-up, and which of the two.

    Returns
    -------
    time
        (record,) float64 days by calendar.
    event
        Whether the outcome came first, on a later day than the index date, (record,) bool.
    """
    if definition.outcome is None:
        raise CohortError("the definition waits for no outcome: give it one")
    first = first_after(population, definition.outcome.rows(population.with_events))
    event = (first != LAST) & (day_of(first) <= day_of(population.exit))
    end = np.where(event, first, population.exit)
    return _days(population.index, end).astype(float), event


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


def _entry_steps(candidates: Population, entry: Entry, waits: bool) -> tuple[Step, ...]:
    steps, left = [], np.ones(len(candidates), bool)
    nobody = np.zeros(len(candidates), bool)
    index = candidates.index
    day = day_of(index)

    def add(name: str, sentence: str, holds: np.ndarray) -> None:
        nonlocal left
        steps.append(Step(name, sentence, holds | ~left, nobody))
        left = left & holds

    if entry.since is not None or entry.until is not None:
        date = index.view("datetime64[us]").astype("datetime64[D]")
        inside = np.ones(len(date), bool)
        if entry.since is not None:
            inside &= date >= np.datetime64(entry.since)
        if entry.until is not None:
            inside &= date <= np.datetime64(entry.until)
        add("study period", f"index date {entry.period_words()}", inside)
    if candidates.with_events.observation is not None:
        first, last = candidates.observed_from, candidates.observed_to
        held = first <= last
        before = np.where(held, day - day_of(np.where(held, first, 0)), -1)
        after = np.where(held, day_of(np.where(held, last, 0)) - day, -1)
        enough = held & (before >= entry.observed_before) & (after >= entry.observed_after)
        add("observed", f"observed {entry.observed_words()}", enough)
    if entry.washout_days is not None:
        # Rows lie by patient and time, so the event before is the row before.
        since = np.full(len(day), np.iinfo(np.int64).max)
        same = candidates.patient[1:] == candidates.patient[:-1]
        since[1:][same] = (day[1:] - day[:-1])[same]
        add("washout", entry.washout_words(), since > entry.washout_days)
    if waits:
        followed = day_of(candidates.exit) > day
        add("followed up", "followed up beyond the index date", followed)
    if entry.which != "all":
        one = _one_each(candidates.patient, left, entry.which)
        add(f"{entry.which} entry", f"the {entry.which} such event of each patient", one)
    return tuple(steps)


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
        steps.append(Step(_step_name(criterion, i), criterion.sentence(), holds, ~holds & ~fails))
    return tuple(steps)


def _step_name(criterion: Criterion, position: int) -> str:
    return criterion.name or f"criterion {position}"


def _limited(flow: Flow, definition: RecordDefinition, candidates: Population) -> Flow:
    if definition.limit == "all":
        return flow
    kept = flow.kept
    one = _one_each(candidates.patient, kept, definition.limit) | ~kept
    sentence = f"the {definition.limit} record of each patient"
    step = Step(f"{definition.limit} record", sentence, one, np.zeros(len(one), bool))
    return replace(flow, after=(step,))


def _one_each(patient: np.ndarray, among: np.ndarray, which: str) -> np.ndarray:
    """The first or last of each patient's records among some; they lie by patient and time."""
    where = np.flatnonzero(among)
    owner = patient[where]
    edge = np.ones(len(owner), bool)
    changes = owner[1:] != owner[:-1]
    if which == "first":
        edge[1:] = changes
    else:
        edge[:-1] = changes
    one = np.zeros(len(patient), bool)
    one[where[edge]] = True
    return one


def _days(index: np.ndarray, end: np.ndarray) -> np.ndarray:
    return day_of(end) - day_of(index)


def _dates(moment: np.ndarray) -> np.ndarray:
    open_end = (moment == FIRST) | (moment == LAST)
    dates = np.where(open_end, 0, moment).astype("datetime64[us]")
    dates[open_end] = np.datetime64("NaT")
    return dates
