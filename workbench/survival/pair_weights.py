"""Which pairs of patients an index of concordance compares, and how much each weighs.

The weight of a pair is a sum of few terms, each a row weight times a column weight, so that sums
over all pairs cost n log n and never a (patient, patient) matrix.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from workbench.survival.censoring import CensoringCurve, free_until, inverse_probability
from workbench.survival.concordant_counts import (
    PairSums,
    ScoreOrder,
    TimeOrder,
    order_by_time,
)


@dataclass(frozen=True)
class Pairs:
    """Comparable pairs of one risk score and their weights.

    Parameters
    ----------
    order
        Which patients a row is compared with.
    row, column
        Weight of each patient as the earlier and as the later of a pair, (term, patient); a pair
        weighs the sum over terms of their product.
    """

    order: TimeOrder | ScoreOrder
    row: np.ndarray
    column: np.ndarray

    def totals(self, counts: np.ndarray | None = None) -> PairSums:
        """Weight of all pairs; with ``counts`` (draw, patient) of each draw, (draw,)."""
        times = 1.0 if counts is None else counts
        return _summed(
            self.order.totals(times * row, times * column)
            for row, column in zip(self.row, self.column, strict=True)
        )

    def matrix(self) -> np.ndarray:
        """Weight of every pair, (patient as row, patient as column): where patients are few."""
        return self.order.compared() * (self.row.T @ self.column)

    def of_each(self) -> PairSums:
        """Weight of the pairs that each patient is in, as row or column, (patient,)."""
        return _summed(
            PairSums(
                *(
                    row * as_row + column * as_column
                    for as_row, as_column in zip(
                        self.order.met_by_earlier(column),
                        self.order.met_by_later(row),
                        strict=True,
                    )
                )
            )
            for row, column in zip(self.row, self.column, strict=True)
        )


def harrell_pairs(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    stratum: np.ndarray,
    weights: np.ndarray | None = None,
    entry: np.ndarray | None = None,
) -> Pairs:
    """Pairs of Harrell's C within a stratum, each of the product of the two case weights.

    Parameters
    ----------
    time, event, risk_score
        (patient,).
    stratum
        Codes 0, 1, ..., (patient,) int.
    weights
        Case weights, (patient,).
    entry
        Start of observation, (patient,). The pairs then have twice as many points: the second
        half are entries, of negative weight. They take back the pairs of an event with a patient
        who entered at or after it.
    """
    weights = np.ones(len(time)) if weights is None else weights
    row, column = event * weights, weights
    if entry is not None:
        time, risk_score = np.concatenate([time, entry]), np.tile(risk_score, 2)
        # An entry at the time of an event comes after it, as a censoring does.
        event = np.concatenate([event, np.zeros_like(event)])
        stratum = np.tile(stratum, 2)
        row = np.concatenate([row, np.zeros_like(row)])
        column = np.concatenate([column, -column])
    order = order_by_time(time, event, risk_score, stratum)
    if entry is not None:
        # What is left when all is taken back is 0, and not the rounding of a difference.
        row = np.where(order.outlived_by(np.sign(column)) > 0, row, 0)
    return Pairs(order, row[None], column[None])


def uno_pairs(
    time: np.ndarray,
    event: np.ndarray,
    risk_score: np.ndarray,
    *,
    stratum: np.ndarray,
    tau: float,
    censoring: CensoringCurve,
    censoring_stratum: np.ndarray | None = None,
) -> Pairs:
    """Pairs of Uno's C: T_i < tau, weight 1 / (G_i(T_i-) G_j(T_i-)).

    That is the chance that neither patient was censored before T_i: with one censoring curve
    Uno's 1 / G(T_i-)^2, with strata the form of Gerds et al., one term a stratum of j.
    """
    order = order_by_time(time, event, risk_score, stratum)
    own = censoring.before_own(time, censoring_stratum)
    rows, columns = [], []
    for member, seen in _members(time, own, censoring, censoring_stratum):
        asked = event & (time < tau) & (order.outlived_by(member) > 0)
        rows.append(inverse_probability(own * seen, where=asked))
        columns.append(member)
    return Pairs(order, np.stack(rows), np.stack(columns))


def auc_pairs(
    time: np.ndarray,
    event: np.ndarray,
    order: ScoreOrder,
    *,
    horizon: float,
    own: np.ndarray,
    censoring: CensoringCurve,
    censoring_stratum: np.ndarray | None = None,
) -> Pairs:
    """Pairs of a case by ``horizon`` and a patient still event-free: 1 / (G_i(T_i-) G_j(horizon-)).

    ``order`` is that of the risk score and ``own`` is G(T-) of each patient, (patient,): neither
    depends on the horizon.
    """
    followed = censoring.before(np.array([horizon]), censoring_stratum)
    followed = np.broadcast_to(followed.reshape(-1), time.shape)
    case = inverse_probability(own, where=event & (time <= horizon))
    control = inverse_probability(followed, where=free_until(time, event) > horizon)
    return Pairs(order, case[None], control[None])


def _members(
    time: np.ndarray, own: np.ndarray, censoring: CensoringCurve, stratum: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each censoring curve, who is in it (patient,) and its G(t-) at all times (patient,)."""
    if stratum is None:
        yield np.ones(len(time)), own
        return
    for label in np.unique(stratum):
        yield (stratum == label).astype(np.float64), censoring.before(time, np.array([label]))[0]


def _summed(terms: Iterable[PairSums]) -> PairSums:
    return PairSums(*(np.sum(term, axis=0) for term in zip(*terms, strict=True)))
