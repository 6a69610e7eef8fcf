"""Who has the higher risk score, counted for every pair without looking at every pair.

A pair is an earlier patient (a row) and a later one (a column), and weighs row weight times column
weight. For each patient the functions here sum the weights of the other side: of all pairs, of
those with a lower score and of those with an equal one. Weights may be (patient,) or have leading
axes, such as one row of weights a bootstrap, which share the sorting.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.survival.runs import (
    Runs,
    between,
    changes,
    codes,
    dot,
    running,
    runs,
    scattered,
    stable_argsort,
)


class PairSums(NamedTuple):
    """Summed weights of pairs, each of the shape of the weights that were summed."""

    concordant: np.ndarray
    tied: np.ndarray
    comparable: np.ndarray


@dataclass(frozen=True)
class ScoreOrder:
    """Patients by stratum and score: every row is compared with every column of its stratum.

    Parameters
    ----------
    patient
        Patient at each position, (position,).
    tied
        Runs of equal stratum and score.
    stratum
        Runs of equal stratum.
    """

    patient: np.ndarray
    tied: Runs
    stratum: Runs

    def met_by_earlier(self, column: np.ndarray) -> PairSums:
        """Column weights that each patient meets as a row, (..., patient)."""
        before = running(np.take(column, self.patient, axis=-1))
        first, end = self._both_ends(before, self.tied)
        start, stop = self._both_ends(before, self.stratum)
        return self._by_patient(first - start, end - first, stop - start)

    def met_by_later(self, row: np.ndarray) -> PairSums:
        """Row weights that each patient meets as a column, (..., patient)."""
        before = running(np.take(row, self.patient, axis=-1))
        first, end = self._both_ends(before, self.tied)
        start, stop = self._both_ends(before, self.stratum)
        return self._by_patient(stop - end, end - first, stop - start)

    def totals(self, row: np.ndarray, column: np.ndarray) -> PairSums:
        """Weight of all pairs, (...)."""
        return PairSums(*(dot(row, met) for met in self.met_by_earlier(column)))

    def compared(self) -> np.ndarray:
        """Whether a row (first axis) is compared with a column, (patient, patient) bool."""
        return _reached(self.patient, self.stratum)

    @staticmethod
    def _both_ends(before: np.ndarray, of: Runs) -> tuple[np.ndarray, np.ndarray]:
        return np.take(before, of.first, axis=-1), np.take(before, of.end, axis=-1)

    def _by_patient(self, *sums: np.ndarray) -> PairSums:
        return PairSums(*(scattered(each, self.patient) for each in sums))


@dataclass(frozen=True)
class TimeOrder:
    """Patients by stratum, time and score: a row is compared with those who outlived it.

    Two events at one time are not comparable; an event and a censoring at one time are.

    Parameters
    ----------
    patient
        Patient at each place, in the order of stratum, time, event before censoring, score.
    same
        Runs of places of equal stratum, time and event.
    stratum
        Runs of places of equal stratum.
    by_score
        Places in the order of stratum, score, place.
    tied, tied_same
        Runs of positions in ``by_score`` of equal stratum and score; and of equal time and event
        too.

    References
    ----------
    Grossi, Gupta and Vitter, SODA 2003:841-850: the splitting by one bit of the place after the
    other is that of their wavelet tree.
    """

    patient: np.ndarray
    same: Runs
    stratum: Runs
    by_score: np.ndarray
    tied: Runs
    tied_same: Runs

    def met_by_earlier(self, column: np.ndarray) -> PairSums:
        """Column weights that each patient meets as a row, (..., patient)."""
        placed = np.take(column, self.patient, axis=-1)
        concordant = np.zeros(placed.shape)
        for early, met in self._lower_and_later(placed):
            concordant[..., early] += met
        return self._by_patient(concordant, *self._tied_and_longer(placed))

    def met_by_later(self, row: np.ndarray) -> PairSums:
        """Row weights that each patient meets as a column, (..., patient)."""
        placed = np.take(row, self.patient, axis=-1)
        concordant = np.zeros(placed.shape)
        for split in _splits(self.by_score):
            higher = running(np.take(placed, split.early, axis=-1))
            met = np.take(higher, split.group(len(split.late)) + split.half, axis=-1)
            met -= np.take(higher, split.n_before_late(), axis=-1)
            concordant[..., split.late] += met
        before, scored = running(placed), running(np.take(placed, self.by_score, axis=-1))
        tied = between(scored, self.tied.first, self.tied_same.first)
        comparable = between(before, self.stratum.first, self.same.first)
        return self._by_patient(concordant, tied, comparable)

    def totals(self, row: np.ndarray, column: np.ndarray) -> PairSums:
        """Weight of all pairs, (...); the sums of ``met_by_earlier`` times ``row``, but faster."""
        placed, row = np.take(column, self.patient, axis=-1), np.take(row, self.patient, axis=-1)
        concordant = np.zeros(placed.shape[:-1])
        for early, met in self._lower_and_later(placed):
            concordant += dot(np.take(row, early, axis=-1), met)
        tied, comparable = self._tied_and_longer(placed)
        scored = np.take(row, self.by_score, axis=-1)
        return PairSums(concordant, dot(scored, tied), dot(row, comparable))

    def compared(self) -> np.ndarray:
        """Whether a row (first axis) is compared with a column, (patient, patient) bool."""
        return _reached(self.patient, Runs(self.same.end, self.stratum.end))

    def outlived_by(self, column: np.ndarray) -> np.ndarray:
        """Column weight comparable with each patient as a row, whatever the score, (patient,)."""
        before = running(column[self.patient])
        return scattered(between(before, self.same.end, self.stratum.end), self.patient)

    def _lower_and_later(self, placed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Places and, for each, a part of the column weight later and lower in score."""
        for split in _splits(self.by_score):
            lower = running(np.take(placed, split.late, axis=-1))
            met = np.take(lower, split.n_before_early(), axis=-1)
            met -= np.take(lower, split.group(len(split.early)), axis=-1)
            yield split.early, met

    def _tied_and_longer(self, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column weight of an equal score by position in ``by_score``, and of any by place."""
        before, scored = running(placed), running(np.take(placed, self.by_score, axis=-1))
        return (
            between(scored, self.tied_same.end, self.tied.end),
            between(before, self.same.end, self.stratum.end),
        )

    def _by_patient(
        self, concordant: np.ndarray, tied: np.ndarray, comparable: np.ndarray
    ) -> PairSums:
        return PairSums(
            scattered(concordant, self.patient),
            scattered(tied, self.patient[self.by_score]),
            scattered(comparable, self.patient),
        )


def order_by_score(risk_score: np.ndarray, stratum: np.ndarray) -> ScoreOrder:
    """Order for comparing all rows with all columns of a stratum.

    Parameters
    ----------
    risk_score
        (patient,).
    stratum
        Codes 0, 1, ..., (patient,) int.
    """
    patient = np.argsort(risk_score)
    if stratum.any():
        patient = patient[stable_argsort(stratum[patient])]
    in_stratum = changes(stratum[patient])
    return ScoreOrder(patient, runs(in_stratum | changes(risk_score[patient])), runs(in_stratum))


def order_by_time(
    time: np.ndarray, event: np.ndarray, risk_score: np.ndarray, stratum: np.ndarray
) -> TimeOrder:
    """Order for comparing each event with the patients who outlived it.

    Parameters
    ----------
    time, event, risk_score
        (patient,).
    stratum
        Codes 0, 1, ..., (patient,) int.
    """
    scored = np.argsort(risk_score)
    code = np.cumsum(changes(risk_score[scored])) - 1
    key = (2 * codes(time) + ~event)[scored]
    at = stable_argsort(key)
    in_stratum = np.arange(len(time)) == 0
    if stratum.any():
        at = at[stable_argsort(stratum[scored][at])]
        in_stratum = changes(stratum[scored][at])
    code, key = code[at], key[at]
    # Within an equal score the places ascend: no tie is ever found among the lower scores.
    by_score = stable_argsort(code)
    if stratum.any():
        by_score = by_score[stable_argsort(np.cumsum(in_stratum)[by_score])]
    in_key = in_stratum | changes(key)
    in_score = in_stratum | changes(code[by_score])  # strata hold the same places in both orders
    return TimeOrder(
        patient=scored[at],
        same=runs(in_key),
        stratum=runs(in_stratum),
        by_score=by_score.astype(np.int32),  # half the memory to move, twenty times
        tied=runs(in_score),
        tied_same=runs(in_score | changes(key[by_score])),
    )


class _Split(NamedTuple):
    """Places of one level, in groups of equal higher bits, split by the next bit.

    Within a group of 2 ``half`` places, ``early`` are the lower ones and ``late`` the higher, both
    in order of score; ``at_early`` and ``at_late`` are their positions in the level.
    """

    half: int
    at_early: np.ndarray
    at_late: np.ndarray
    early: np.ndarray
    late: np.ndarray

    def n_before_early(self) -> np.ndarray:
        """Late ones before each early one, in its group (of lower score) and all before it."""
        return self.at_early - np.arange(len(self.at_early))

    def n_before_late(self) -> np.ndarray:
        """Early ones before each late one, in its group (of lower score) and all before it."""
        return self.at_late - np.arange(len(self.at_late))

    def group(self, length: int) -> np.ndarray:
        """Early (or late) ones in the groups before that of each, (length,)."""
        return np.arange(length) & -self.half


def _splits(by_score: np.ndarray) -> Iterator[_Split]:
    """Each pair of places is in one group, and on both sides of its split, exactly once."""
    places = by_score
    for bit in reversed(range((len(places) - 1).bit_length())):
        is_late = (places >> bit & 1).astype(bool)
        at_early, at_late = np.flatnonzero(~is_late), np.flatnonzero(is_late)
        split = _Split(1 << bit, at_early, at_late, places[at_early], places[at_late])
        yield split
        places = _regrouped(split)


def _regrouped(split: _Split) -> np.ndarray:
    """Places in groups of half the size; only the last group may be short."""
    half, n_places = split.half, len(split.early) + len(split.late)
    n_full = n_places // (2 * half)
    found = np.empty(n_places, dtype=split.early.dtype)
    full = found[: n_full * 2 * half].reshape(n_full, 2, half)
    full[:, 0] = split.early[: n_full * half].reshape(n_full, half)
    full[:, 1] = split.late[: n_full * half].reshape(n_full, half)
    rest = split.early[n_full * half :], split.late[n_full * half :]
    found[n_full * 2 * half :] = np.concatenate(rest)
    return found


def _reached(patient: np.ndarray, columns: Runs) -> np.ndarray:
    """Whether the place of a column lies in what each row's place reaches."""
    place = np.argsort(patient)
    first, end = columns.first[place][:, None], columns.end[place][:, None]
    return (place >= first) & (place < end)
