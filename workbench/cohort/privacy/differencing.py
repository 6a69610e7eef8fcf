"""Selections that give a small group away together, though each alone is large.

Whoever sees that 100 patients fulfil a selection and 98 the same with one criterion more knows of
the other two. A log remembers what was shown of a dataset, and is asked before more is shown.

What it refuses:

- a selection of fewer patients than the minimum, or of all but so few;
- one that differs from one that was shown, or from all patients where their number is known, by
  fewer than the minimum on either side (a count, and the more so a curve, would change by those
  alone);
- one that with two others isolates a small group: a whole without two parts that do not overlap
  (``all - women - men`` leaves those of unknown sex), or two parts beyond what they share;
- the same with three others, among the most recent (``RECENT``).

What it does not catch: sums over more than four selections, and of three or four those that are
not recent; surfaces that are no longer remembered; statistics within a surface (a table's own cells
are the business of :mod:`workbench.cohort.privacy.suppression`, and those of two tables that of
:mod:`workbench.cohort.privacy.apart`); and what a reader knows from
elsewhere. A part of a selection that is counted on its own, such as its events, is a selection and
must be asked for too. A refusal itself says that few patients differ. Release to the public wants a
person's judgement.

References
----------
[1] Denning, D. E., Denning, P. J. and Schwartz, M. D. "The tracker: a threat to statistical
    database security." ACM Transactions on Database Systems 1979;4:76-96.
"""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from threading import Lock

import numpy as np

from workbench.errors import CohortError

MOST_REMEMBERED = 128
RECENT_PAIRS = 128
RECENT = 24
_ONES = np.array([int(word).bit_count() for word in range(1 << 16)], np.uint8)


@dataclass(frozen=True)
class Answer:
    """Whether a selection may be shown; if not, a sentence for the person who asked."""

    allowed: bool
    sentence: str = ""


@dataclass(frozen=True, eq=False)
class _Shown:
    surface: str
    bits: np.ndarray
    n: int


class DisclosureLog:
    """What was shown of one dataset, in memory: names of surfaces and packed bits, no values.

    Parameters
    ----------
    n_patients
        Patients of the dataset.
    minimum
        Smallest group that may be told apart; 0 or 1 allows everything.
    keep
        How many surfaces are remembered; the oldest are forgotten first.
    population
        What all patients together are called, whose number is taken as known; None where it is not.

    Examples
    --------
    >>> log = DisclosureLog(200, 10)
    >>> older, smoker = np.arange(200) < 100, np.arange(200) != 3
    >>> log.show(older, "60 and older").allowed
    True
    >>> log.show(older & smoker, "60 and older who smoke").allowed
    False
    """

    def __init__(
        self,
        n_patients: int,
        minimum: int,
        *,
        keep: int = MOST_REMEMBERED,
        population: str | None = "all patients",
    ) -> None:
        self.n_patients, self.minimum = n_patients, minimum
        self._known: list[_Shown] = []
        if population is not None:
            everyone = _packed(np.ones(n_patients, bool))
            self._known.append(_Shown(population, everyone, n_patients))
        self._shown: deque[_Shown] = deque(maxlen=keep)
        self._lock = Lock()

    def __repr__(self) -> str:
        """Counts only."""
        return f"DisclosureLog({self.n_patients} patients, {len(self._shown)} surfaces remembered)"

    def ask(self, selection: np.ndarray) -> Answer:
        """Whether a selection may be shown; nothing is remembered.

        Parameters
        ----------
        selection
            (patient,) bool, in the dataset's own order.

        Raises
        ------
        CohortError
            If it is not one bool a patient.
        """
        with self._lock:
            return self._answer(self._read("", selection))

    def show(self, selection: np.ndarray, surface: str) -> Answer:
        """As :meth:`ask`; what is allowed is remembered under ``surface``, words for a reader.

        Raises
        ------
        CohortError
            As :meth:`ask`.
        """
        with self._lock:
            asked = self._read(surface, selection)
            answer = self._answer(asked)
            known = any(_equal(asked, shown) for shown in (*self._known, *self._shown))
            if answer.allowed and not known:
                self._shown.append(asked)
            return answer

    def recall(self, selection: np.ndarray, surface: str) -> None:
        """Remember what was shown before this log was made; nothing is asked.

        Raises
        ------
        CohortError
            As :meth:`ask`.
        """
        with self._lock:
            self._shown.append(self._read(surface, selection))

    @property
    def shown(self) -> tuple[tuple[str, np.ndarray], ...]:
        """What is remembered, the oldest first: surface, and (patient,) bool."""
        with self._lock:
            return tuple((s.surface, self._unpacked(s).astype(bool)) for s in self._shown)

    def _read(self, surface: str, selection: np.ndarray) -> _Shown:
        selection = np.asarray(selection)
        if selection.dtype != bool or selection.shape != (self.n_patients,):
            raise CohortError(
                f"a selection is one bool a patient, {self.n_patients} of them; got "
                f"{selection.dtype} of shape {selection.shape}"
            )
        return _Shown(surface, _packed(selection), int(selection.sum()))

    def _answer(self, asked: _Shown) -> Answer:
        if self.minimum <= 1:
            return Answer(True)
        if 0 < asked.n < self.minimum:
            return Answer(
                False,
                f"Fewer than {self.minimum} patients are selected: widen the selection until "
                f"there are {self.minimum}.",
            )
        others = [*self._known, *self._shown]
        if any(_equal(asked, other) for other in others):
            return Answer(True)
        for other in others:
            if self._near(asked, other):
                return Answer(False, self._too_near(other.surface))
        for together in self._isolating(asked):
            names = " and ".join(f"“{shown.surface}”" for shown in together)
            return Answer(
                False,
                f"Together with what was shown of {names}, this selection would give away a group "
                f"of fewer than {self.minimum} patients: change it by {self.minimum} patients or "
                "more, or go back to one that was shown.",
            )
        return Answer(True)

    def _too_near(self, surface: str) -> str:
        return (
            f"This selection differs from “{surface}”, which was shown, by so few patients that "
            f"the two would give them away: change it until at least {self.minimum} patients "
            "differ, or go back to that one."
        )

    def _near(self, asked: _Shown, other: _Shown) -> bool:
        """Whether each lacks fewer than the minimum of the other; they are not equal."""
        if abs(asked.n - other.n) >= self.minimum:
            return False
        shared = _count(asked.bits & other.bits)
        return max(asked.n, other.n) - shared < self.minimum

    def _isolating(self, asked: _Shown) -> list[tuple[_Shown, ...]]:
        """The first sum with two or three others that counts each of a small group once.

        A reader who adds and subtracts counts sees a small number; it is the size of a group if
        the sum is 0 or 1, or 0 or -1, for every patient. Few sums are small at all, so hardly any
        is looked at patient by patient.
        """
        recent = [[*self._known, *list(self._shown)[-n:]] for n in (RECENT_PAIRS, RECENT)]
        for places, size in zip(recent, (2, 3), strict=True):
            if len(places) < size:
                continue
            chosen = _choices(len(places), size)
            counts = np.array([shown.n for shown in places])[chosen]
            for signs in product((1, -1), repeat=size):
                seen = np.abs(asked.n + counts @ np.array(signs))
                for k in np.flatnonzero((seen > 0) & (seen < self.minimum)):
                    together = tuple(places[i] for i in chosen[k])
                    if self._counts_a_group(asked, together, signs):
                        return [together]
        return []

    def _counts_a_group(
        self, asked: _Shown, together: tuple[_Shown, ...], signs: tuple[int, ...]
    ) -> bool:
        total = self._unpacked(asked)
        for shown, sign in zip(together, signs, strict=True):
            total += sign * self._unpacked(shown)
        low, high = int(total.min()), int(total.max())
        return (low, high) in ((0, 1), (-1, 0))

    def _unpacked(self, shown: _Shown) -> np.ndarray:
        bits = np.unpackbits(shown.bits.view(np.uint8), count=self.n_patients)
        return bits.view(np.int8)


@lru_cache(maxsize=8)
def _choices(n_places: int, size: int) -> np.ndarray:
    """Every choice of ``size`` places, (choice, size) int."""
    return np.array(list(combinations(range(n_places), size)))


def _packed(selection: np.ndarray) -> np.ndarray:
    """Bits of a selection in words of 16, (word,) uint16."""
    packed = np.packbits(selection)
    return np.pad(packed, (0, len(packed) % 2)).view(np.uint16)


def _count(bits: np.ndarray) -> int:
    return int(_ONES[bits].sum(dtype=np.int64))


def _equal(first: _Shown, second: _Shown) -> bool:
    return first.n == second.n and np.array_equal(first.bits, second.bits)
