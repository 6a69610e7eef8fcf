"""How many met the steps of a flow in the same way: any order of the steps sums these counts.

Of a million records only some hundreds differ in which steps they pass. They are counted once; the
attrition of another order adds up these counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

STEPS_A_WORD = 10
"""Three answers each: so many steps fit into 16 bits."""


class Answers(Protocol):
    """Of which records a step holds, and of which it does not for want of a value."""

    @property
    def holds(self) -> np.ndarray: ...

    @property
    def unknown(self) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Survivors:
    """Who is left after none, one, … of the steps in some order, and who was lost how.

    Parameters
    ----------
    patients, records, events
        How many passed at least 0, 1, … steps, (step + 1,) int.
    unknown
        Patients lost at each step for whom a value is missing, (step,) int.
    regained
        Patients who would be in if this step alone were dropped, (step,) int.
    """

    patients: np.ndarray
    records: np.ndarray
    events: np.ndarray
    unknown: np.ndarray
    regained: np.ndarray


@dataclass(frozen=True, eq=False)
class JointCounts:
    """Counts of those who met all steps alike, in no order of the steps.

    Parameters
    ----------
    masks
        What each step holds of, by which it is found again.
    holds, unknown
        The answers that occur together, (pattern, step) bool.
    records, events
        Records of each pattern, and those with the outcome's event, (pattern,) int.
    pattern
        The patterns of the records of each kind of patient, kind after kind, (member,) int.
    starts
        Where the patterns of each kind begin, (kind,) int.
    patients
        Patients of each kind, (kind,) int.
    """

    masks: tuple[np.ndarray, ...]
    holds: np.ndarray
    unknown: np.ndarray
    records: np.ndarray
    events: np.ndarray
    pattern: np.ndarray
    starts: np.ndarray
    patients: np.ndarray

    def of(self, steps: Sequence[Answers]) -> bool:
        """Whether these are counts of the same steps, in whatever order."""
        return sorted(id(step.holds) for step in steps) == sorted(map(id, self.masks))

    def survivors(self, steps: Sequence[Answers]) -> Survivors:
        """The counts in one order of the steps."""
        where = {id(mask): i for i, mask in enumerate(self.masks)}
        order = [where[id(step.holds)] for step in steps]
        n_steps = len(order)
        passed_by_pattern = np.logical_and.accumulate(self.holds[:, order], axis=1).sum(axis=1)
        passed = passed_by_pattern[self.pattern]
        kind = np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(passed)))
        furthest = np.maximum.reduceat(passed, self.starts) if len(passed) else passed

        # One more step that nobody passes, so that those who passed all have a place, too.
        missing = np.pad(self.unknown[:, order], ((0, 0), (0, 1)))
        lacking = (passed == furthest[kind]) & missing[self.pattern, passed]
        failed_once = (~self.holds).sum(axis=1) == 1
        alone = failed_once[self.pattern] & (furthest[kind] < n_steps)

        def lost(members: np.ndarray) -> np.ndarray:
            """Patients by the step at which such a record of theirs was lost."""
            one = _distinct(kind[members] * (n_steps + 1) + passed[members])
            return _counts(one % (n_steps + 1), self.patients[one // (n_steps + 1)], n_steps)[:-1]

        return Survivors(
            _left(_counts(furthest, self.patients, n_steps)),
            _left(_counts(passed_by_pattern, self.records, n_steps)),
            _left(_counts(passed_by_pattern, self.events, n_steps)),
            lost(lacking),
            lost(alone),
        )


def count_jointly(
    steps: Sequence[Answers], patient: np.ndarray, event: np.ndarray, *, n_first: int
) -> JointCounts:
    """Count those who meet all steps alike.

    Parameters
    ----------
    steps
        The first ``n_first`` come before all others in every order, and as they stand.
    patient
        Row of each record's patient, (record,) int.
    event
        Whether the outcome's event was observed, (record,) bool.
    """
    code = word = np.zeros(len(patient), np.uint16)
    came = np.ones(len(patient), bool)
    for i, step in enumerate(steps):
        if i and i % STEPS_A_WORD == 0:
            code, word = _together(code, word), np.zeros_like(word)
        # What else is asked of a record that was lost before does not matter.
        answer = np.maximum(2 * step.holds.view(np.uint8), step.unknown.view(np.uint8))
        word = 3 * word + answer * came
        if i < n_first:
            came &= step.holds
    code = _together(code, word) if len(steps) > STEPS_A_WORD else pd.factorize(word)[0]
    n_patterns = int(code.max(initial=-1)) + 1
    example = np.zeros(n_patterns, np.int64)
    example[code] = np.arange(len(code))
    shape = (n_patterns, len(steps))
    # A patient with a record that came to the rules is lost no earlier.
    comes = np.zeros(int(patient.max(initial=-1)) + 1, bool)
    comes[patient[came]] = True
    counted = np.flatnonzero(came | ~comes[patient])
    pattern, starts, patients = _kinds(patient[counted], code[counted], n_patterns)
    return JointCounts(
        masks=tuple(step.holds for step in steps),
        holds=np.array([step.holds[example] for step in steps], bool).T.reshape(shape),
        unknown=np.array([step.unknown[example] for step in steps], bool).T.reshape(shape),
        records=np.bincount(code, minlength=n_patterns),
        events=np.bincount(code[event], minlength=n_patterns),
        pattern=pattern,
        starts=starts,
        patients=patients,
    )


def _together(code: np.ndarray, word: np.ndarray) -> np.ndarray:
    """One number for each pair of numbers that occurs."""
    return pd.factorize(code.astype(np.int64) << 16 | word)[0]


def _kinds(
    patient: np.ndarray, code: np.ndarray, n_patterns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patients of the same set of patterns are of one kind: patterns, starts, patients by kind."""
    member = _distinct(patient.astype(np.int64) * max(n_patterns, 1) + code)
    owner = member // max(n_patterns, 1)
    pattern = member - owner * n_patterns
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    size = np.diff(begins, append=len(owner))
    # The first pattern of each patient, then those with a second, a third, … told apart by it.
    kind = pattern[begins]
    for i in range(1, int(size.max(initial=0))):
        longer = np.flatnonzero(size > i)
        pair = kind[longer] * n_patterns + pattern[begins[longer] + i]
        kind[longer] = int(kind.max()) + 1 + pd.factorize(pair)[0]
    kind = pd.factorize(kind)[0]
    patients = np.bincount(kind)
    example = np.zeros(len(patients), np.int64)
    example[kind] = np.arange(len(kind))
    sizes = size[example]
    starts = np.cumsum(sizes) - sizes
    within = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
    return pattern[np.repeat(begins[example], sizes) + within], starts, patients


def _distinct(values: np.ndarray) -> np.ndarray:
    """The different values, sorted; NumPy's own ``unique`` hashes them, which takes far longer."""
    values = np.sort(values)
    return values[np.diff(values, prepend=-1) > 0]


def _counts(at: np.ndarray, weight: np.ndarray, n_steps: int) -> np.ndarray:
    """Summed weights of those at 0, 1, … steps; exact, for they stay far below 2**53."""
    return np.bincount(at, weights=weight, minlength=n_steps + 1).astype(np.int64)


def _left(counts: np.ndarray) -> np.ndarray:
    """How many passed at least 0, 1, … steps."""
    return np.cumsum(counts[::-1])[::-1]
