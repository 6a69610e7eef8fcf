"""Who was lost where, from one stored mask a step: any order of the rules without a new query."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.cohort.joint_counts import JointCounts, count_jointly
from workbench.errors import CohortError

COLUMNS = (
    "step",
    "sentence",
    "n_before",
    "n_removed",
    "n_after",
    "records_removed",
    "records_after",
    "n_unknown",
    "events_removed",
    "events_after",
    "n_regained",
)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the flow.

    Parameters
    ----------
    name
        What to call it.
    sentence
        What it asks.
    holds
        Of which records it holds, (record,) bool.
    unknown
        Of which it does not hold because a value is missing, (record,) bool.
    """

    name: str
    sentence: str
    holds: np.ndarray
    unknown: np.ndarray


@dataclass(frozen=True, eq=False)
class Flow:
    """The steps from all patients to those who are analysed.

    A record is one patient at one index date. Patients without any record are in no mask; they
    are counted as the first loss.

    Parameters
    ----------
    patient
        Row of the patient in the source, (record,) int.
    event
        Whether the outcome's event was observed, (record,) bool.
    n_population
        Patients of the source.
    population, entry
        Sentences: who they are, and what gave them a record; "" where every patient has one.
    before, rules, after
        Steps in their order. Rules may stand in any order; what comes before and after them is
        defined by what the steps before it left.
    counted
        Counts of an earlier order of the same steps.
    """

    patient: np.ndarray
    event: np.ndarray
    n_population: int
    population: str
    entry: str = ""
    before: tuple[Step, ...] = ()
    rules: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    counted: JointCounts | None = field(default=None, repr=False)

    def rule(self, step: Step) -> Self:
        """With one more rule."""
        if self.after:
            raise CohortError("rules come before what is lost later")
        return replace(self, rules=(*self.rules, self._checked(step)))

    def later(self, step: Step) -> Self:
        """With one more loss after the rules: a limit, an unreadable image, a missing input.

        Its mask is True for the records that did not come so far.
        """
        return replace(self, after=(*self.after, self._checked(step)))

    def _checked(self, step: Step) -> Step:
        if step.holds.shape != self.patient.shape:
            raise CohortError(
                f"step {step.name!r} has a mask of {step.holds.shape}, expected one value for "
                f"each of {len(self.patient)} records"
            )
        return step

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return (*self.before, *self.rules, *self.after)

    @property
    def kept(self) -> np.ndarray:
        """Records that passed every step, (record,) bool."""
        kept = np.ones(len(self.patient), bool)
        for step in self.steps:
            kept &= step.holds
        return kept

    def n_patients(self, kept: np.ndarray) -> int:
        """Patients of the kept records."""
        seen = np.zeros(self.n_population, bool)
        seen[self.patient[kept]] = True
        return int(np.count_nonzero(seen))

    def reordered(self, order: Sequence[int]) -> Self:
        """With the rules in another order, such as ``[2, 0, 1]``.

        Raises
        ------
        CohortError
            If the order does not name each rule once, from 0.
        """
        if sorted(order) != list(range(len(self.rules))):
            raise CohortError(
                f"an order names each of {len(self.rules)} rules once, from 0; got {list(order)}"
            )
        rules = tuple(self.rules[i] for i in order)
        return replace(self, rules=rules, counted=self._joint_counts)

    def table(self) -> pd.DataFrame:
        """The attrition, exact: one row a step, in the order of the steps.

        ``n_*`` counts patients, ``records_*`` records and ``events_*`` records with the outcome's
        event; ``n_unknown`` are removed patients for whom a value is missing; ``n_regained`` are
        the patients who would be in if this rule alone were dropped (missing for what is no rule).
        """
        left = self._joint_counts.survivors(self.steps)
        start = self.n_population
        rows = [self._row("population", self.population, start, start, left.records[0])]
        if self.entry:
            n, records = left.patients[0], left.records[0]
            rows.append(self._row("entry event", self.entry, start, n, records))
        for row in rows:
            row |= {"events_removed": 0, "events_after": left.events[0]}
        for k, step in enumerate(self.steps):
            n_before, n_after = left.patients[k : k + 2].tolist()
            row = self._row(step.name, step.sentence, n_before, n_after, 0)
            for name, after in (("records", left.records), ("events", left.events)):
                row[f"{name}_removed"] = after[k] - after[k + 1]
                row[f"{name}_after"] = after[k + 1]
            row["n_unknown"] = left.unknown[k]
            if any(step is rule for rule in self.rules):
                row["n_regained"] = left.regained[k]
            rows.append(row)
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        return table.astype({"n_regained": "Int64"})

    @cached_property
    def _joint_counts(self) -> JointCounts:
        if self.counted is not None and self.counted.of(self.steps):
            return self.counted
        return count_jointly(self.steps, self.patient, self.event, n_first=len(self.before))

    def _row(
        self, step: str, sentence: str, n_before: int, n_after: int, records: int
    ) -> dict[str, Any]:
        return {
            "step": step,
            "sentence": sentence,
            "n_before": n_before,
            "n_removed": n_before - n_after,
            "n_after": n_after,
            "records_removed": 0,
            "records_after": records,
            "n_unknown": 0,
            "n_regained": pd.NA,
        }
