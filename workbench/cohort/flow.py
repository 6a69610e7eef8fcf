"""Who was lost where, from one stored mask a step: any order of the rules without a new query."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

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
    """

    patient: np.ndarray
    event: np.ndarray
    n_population: int
    population: str
    entry: str = ""
    before: tuple[Step, ...] = ()
    rules: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()

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
        return replace(self, rules=tuple(self.rules[i] for i in order))

    def table(self) -> pd.DataFrame:
        """The attrition, exact: one row a step, in the order of the steps.

        ``n_*`` counts patients, ``records_*`` records and ``events_*`` records with the outcome's
        event; ``n_unknown`` are removed patients for whom a value is missing; ``n_regained`` are
        the patients who would be in if this rule alone were dropped (missing for what is no rule).
        """
        if (self.patient[1:] < self.patient[:-1]).any():
            return self._by_patient().table()
        n_steps = len(self.steps)
        passed, failed = self._passed()
        furthest = _best(passed, self.patient)
        first = np.ones(len(self.patient), bool)
        first[1:] = self.patient[1:] != self.patient[:-1]
        n_after, records_after, events_after = (
            _survivors(some, n_steps) for some in (furthest[first], passed, passed[self.event])
        )
        start = self.n_population
        rows = [self._row("population", self.population, start, start, records_after[0])]
        if self.entry:
            n, records = n_after[0], records_after[0]
            rows.append(self._row("entry event", self.entry, start, n, records))
        for row in rows:
            row |= {"events_removed": 0, "events_after": events_after[0]}

        alone = np.flatnonzero((failed == 1) & (furthest < n_steps))
        failed_at, owner = passed[alone], self.patient[alone]
        for k, step in enumerate(self.steps):
            row = self._row(step.name, step.sentence, n_after[k], n_after[k + 1], 0)
            for name, after in (("records", records_after), ("events", events_after)):
                row[f"{name}_removed"] = after[k] - after[k + 1]
                row[f"{name}_after"] = after[k + 1]
            if step.unknown.any():
                lacking = step.unknown & (passed == k) & (furthest == k)
                row["n_unknown"] = _n_different(self.patient[lacking])
            if any(step is rule for rule in self.rules):
                row["n_regained"] = _n_different(owner[failed_at == k])
            rows.append(row)
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        return table.astype({"n_regained": "Int64"})

    def _passed(self) -> tuple[np.ndarray, np.ndarray]:
        """How many steps each record passed before it failed one, and how many it failed."""
        small = np.uint8 if len(self.steps) < 2**8 else np.int64
        passed, failed = np.zeros((2, len(self.patient)), small)
        kept = np.ones(len(self.patient), bool)
        for step in self.steps:
            kept &= step.holds
            passed += kept
            failed += ~step.holds
        return passed, failed

    def _by_patient(self) -> Self:
        """With the records of each patient together."""
        order = np.argsort(self.patient, kind="stable")

        def turned(steps: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(
                replace(step, holds=step.holds[order], unknown=step.unknown[order])
                for step in steps
            )

        return replace(
            self,
            patient=self.patient[order],
            event=self.event[order],
            before=turned(self.before),
            rules=turned(self.rules),
            after=turned(self.after),
        )

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


def _best(passed: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """The most that any record of the same patient passed, by record; patients are sorted."""
    best, away = passed.copy(), 1
    while (same := patient[away:] == patient[:-away]).any():
        earlier, later = best[:-away] * same, best[away:] * same
        np.maximum(best[away:], earlier, out=best[away:])
        np.maximum(best[:-away], later, out=best[:-away])
        away *= 2
    return best


def _n_different(patient: np.ndarray) -> int:
    """How many patients; they are sorted."""
    return int(np.count_nonzero(np.diff(patient, prepend=-1)))


def _survivors(passed: np.ndarray, n_steps: int) -> list[int]:
    """How many passed at least 0, 1, … steps."""
    counts = [np.count_nonzero(passed == k) for k in range(n_steps + 1)]
    return np.cumsum(counts[::-1])[::-1].tolist()
