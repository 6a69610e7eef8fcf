"""The account of a cohort of health records: what holds for the cohort wherever events lie."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.cohort.criteria import Criterion
from workbench.cohort.flow import Flow, Step
from workbench.cohort.privacy import SUPPRESSED, ReleaseLog, release_attrition, small
from workbench.cohort.record_definition import RecordDefinition
from workbench.errors import CohortError

LANDMARK = "landmark"
"""What the attrition calls that step."""


class Account(ABC):
    """A definition and its flow: counts, attrition, and rules in another order or left out.

    The events may lie in memory or in a database; nothing here asks for them.
    """

    definition: RecordDefinition
    flow: Flow

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

    @property
    @abstractmethod
    def release_name(self) -> str:
        """Under which name :mod:`~workbench.cohort.privacy.release_log` remembers the source."""

    @property
    @abstractmethod
    def _ids(self) -> np.ndarray:
        """(patient,) str, by row in ``flow.patient``."""

    def attrition_for_export(self, minimum_cell: int) -> pd.DataFrame:
        """The attrition without small cells.

        Where a count of patients is withheld, or one of records is small, all counts of records
        are: they give each other away.

        Raises
        ------
        PrivacyError
            If together with what was shown before, the patients who are left would give a small
            group away. Counts on the way to them are withheld instead.
        """
        return self._released_attrition(minimum_cell)[0]

    def _released_attrition(self, minimum_cell: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
        table = self.attrition
        log = ReleaseLog(self.release_name, minimum_cell)
        words = self.definition.title or ", ".join(self.definition.sentences())
        shown, notes = release_attrition(table, self.flow, self._ids, log=log, words=words)
        records = ["records_removed", "records_after"]
        counts = table[records].to_numpy()
        if (shown["n_removed"] == SUPPRESSED).any() or small(counts, minimum_cell).any():
            shown[records] = SUPPRESSED
        return shown, notes

    def dropping(self, position: int) -> Self:
        """Without one criterion."""
        if not 0 <= position < len(self.definition.select):
            raise CohortError(f"there is no criterion {position} to drop")
        select, rules = list(self.definition.select), list(self.flow.rules)
        del select[position], rules[position]
        return self._with_rules(tuple(select), tuple(rules))

    def reordered(self, order: Sequence[int]) -> Self:
        """With the criteria in another order, such as ``[2, 0, 1]``; nothing is asked again."""
        self._without_limit()
        # Who passes all criteria does not depend on their order, so the limit stays as it is.
        flow = self.flow.reordered(order)
        select = tuple(self.definition.select[i] for i in order)
        changed: Any = self
        return replace(
            changed,
            definition=replace(self.definition, select=select),
            flow=replace(flow, rules=_named(select, flow.rules)),
        )

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
        whole = np.ones(len(self.flow.patient), bool)
        whole[self._kept] = holds
        step = Step(name, sentence, whole, np.zeros(len(whole), bool))
        changed: Any = self
        return replace(changed, flow=self.flow.later(step))

    def _with_rules(self, select: tuple[Criterion, ...], rules: tuple[Step, ...]) -> Self:
        flow = replace(self._without_limit(), rules=_named(select, rules))
        return self._with_flow(replace(self.definition, select=select), flow)

    def _with_flow(self, definition: RecordDefinition, flow: Flow) -> Self:
        changed: Any = self
        return replace(changed, definition=definition, flow=limited(flow, definition))

    def _without_limit(self) -> Flow:
        n_limits = int(self.definition.limit != "all")
        if len(self.flow.after) > n_limits:
            lost = self.flow.after[n_limits].name
            raise CohortError(f"change the criteria before the later loss {lost!r} is counted")
        return replace(self.flow, after=())


def _named(select: Sequence[Criterion], rules: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(
        replace(rule, name=step_name(criterion, i))
        for i, (criterion, rule) in enumerate(zip(select, rules, strict=True), 1)
    )


def step_name(criterion: Criterion, position: int) -> str:
    """What the attrition calls a criterion."""
    return criterion.name or f"criterion {position}"


def limited(flow: Flow, definition: RecordDefinition) -> Flow:
    """With the step that keeps one record a patient, where the definition asks for it."""
    if definition.limit == "all":
        return flow
    kept = flow.kept
    one = _one_each(flow.patient, kept, definition.limit) | ~kept
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


def entry_questions(definition: RecordDefinition, *, observed: bool) -> dict[str, str]:
    """What is asked of every entry event before the criteria, in order: step → sentence.

    Parameters
    ----------
    definition
        Who is in.
    observed
        Whether the source has observation periods.
    """
    entry, asked = definition.entry, {}
    if entry.since is not None or entry.until is not None:
        asked["study period"] = f"index date {entry.period_words()}"
    if observed:
        asked["observed"] = f"observed {entry.observed_words()}"
    if entry.washout_days is not None:
        asked["washout"] = entry.washout_words()
    if definition.outcome is not None:
        asked["followed up"] = "followed up beyond the index date"
    if definition.landmark is not None:
        outcome = "" if definition.outcome is None else definition.outcome.words()
        asked[LANDMARK] = definition.landmark.question(outcome)
    return asked


def entry_steps(
    patient: np.ndarray,
    definition: RecordDefinition,
    asked: Mapping[str, str],
    masks: Mapping[str, np.ndarray],
) -> tuple[Step, ...]:
    """The steps between the entry event and the criteria.

    Parameters
    ----------
    patient
        Row of each record's patient, (record,) int; records lie by patient and time.
    definition
        Who is in.
    asked
        Of :func:`entry_questions`.
    masks
        Step → of which records it holds, (record,) bool each.
    """
    steps, left = [], np.ones(len(patient), bool)
    nobody = np.zeros(len(patient), bool)
    for name, sentence in asked.items():
        if name != LANDMARK:
            steps.append(Step(name, sentence, masks[name] | ~left, nobody))
            left = left & masks[name]
    which = definition.entry.which
    if which != "all":
        one = _one_each(patient, left, which) | ~left
        steps.append(Step(f"{which} entry", f"the {which} such event of each patient", one, nobody))
        left = left & one
    if LANDMARK in asked:
        # After the entry is chosen: whoever leaves does not come back with a later one.
        steps.append(Step(LANDMARK, asked[LANDMARK], masks[LANDMARK] | ~left, nobody))
    return tuple(steps)
