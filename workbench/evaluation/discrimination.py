"""Concordance in every bootstrap at once.

A bootstrap draws patient i c_i times, so it holds a pair of i and j c_i c_j times: its sums are
those of the cohort with the counts as case weights. A patient drawn twice is not comparable with
the other copy. For few patients the sums of all draws are one quadratic form c' M c of the pair
weights M; for many they are counted, in n log n a draw.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from workbench.evaluation.alignment import Aligned
from workbench.evaluation.intervals import ratio
from workbench.survival.concordant_counts import order_by_score
from workbench.survival.pair_weights import Pairs, auc_pairs, harrell_pairs, uno_pairs

PairsOf = Callable[[np.ndarray, np.ndarray], Pairs]
"""Pairs of the patients at given positions, by their risk scores."""

LARGEST_MATRIX = 2000
"""Patients of a fold for whom the quadratic form is still the faster, and its matrix small."""

BATCH = 2**18
"""Counts (draw, patient) that are summed at once: few enough to stay in a processor's cache."""


class PairSums(NamedTuple):
    """Weight of pairs within each fold, of every repeat, all (draw, fold)."""

    concordant: Mapping[str, np.ndarray]
    comparable: np.ndarray

    def pooled(self, model: str) -> np.ndarray:
        """Concordance of all pairs within folds, (draw,)."""
        return ratio(self.concordant[model].sum(1), self.comparable.sum(1))

    def fold_mean(self, model: str) -> np.ndarray:
        """Mean over folds of their concordance, (draw,); NaN where one is undefined."""
        return ratio(self.concordant[model], self.comparable).mean(1)


def harrell_sums(aligned: Aligned, group: str) -> PairSums:
    """Sums behind Harrell's C."""

    def pairs(index: np.ndarray, score: np.ndarray) -> Pairs:
        return harrell_pairs(
            aligned.time[index], aligned.event[index], score, stratum=np.zeros_like(index)
        )

    return _pair_sums(aligned, group, pairs)


def uno_sums(aligned: Aligned, group: str, tau: float) -> PairSums:
    """Sums behind Uno's C, up to tau, with the cohort's censoring curve."""

    def pairs(index: np.ndarray, score: np.ndarray) -> Pairs:
        return uno_pairs(
            aligned.time[index],
            aligned.event[index],
            score,
            stratum=np.zeros_like(index),
            tau=tau,
            censoring=aligned.censoring,
            censoring_stratum=aligned.stratum[index],
        )

    return _pair_sums(aligned, group, pairs)


def auc_sums(aligned: Aligned, group: str, horizon: float) -> PairSums:
    """Sums behind the time-dependent AUC, with the cohort's censoring curve."""

    def pairs(index: np.ndarray, score: np.ndarray) -> Pairs:
        return auc_pairs(
            aligned.time[index],
            aligned.event[index],
            order_by_score(score, np.zeros_like(index)),
            horizon=horizon,
            own=aligned.censoring.before_own(aligned.time[index], aligned.stratum[index]),
            censoring=aligned.censoring,
            censoring_stratum=aligned.stratum[index],
        )

    return _pair_sums(aligned, group, pairs)


def _pair_sums(aligned: Aligned, group: str, pairs_of: PairsOf) -> PairSums:
    concordant, comparable = [], []
    for fold in aligned.folds:
        index = np.flatnonzero(aligned.groups[group] & fold.member)
        rankings = [each.rankings[fold.repeat] for each in aligned.predictions.values()]
        scores = [ranking.risk_score[index] for ranking in rankings]
        in_draws = _by_matrix if len(index) <= LARGEST_MATRIX else _by_counting
        sums = in_draws(
            lambda score, index=index: pairs_of(index, score), scores, aligned.draws[:, index]
        )
        concordant.append(sums[:, 1:])
        comparable.append(sums[:, 0])
    by_model = np.stack(concordant, axis=2)  # draw model fold
    return PairSums(
        {model: by_model[:, position] for position, model in enumerate(aligned.predictions)},
        np.stack(comparable, axis=1),
    )


def _by_matrix(
    pairs_of: Callable[[np.ndarray], Pairs], scores: list[np.ndarray], draws: np.ndarray
) -> np.ndarray:
    """Weight of all pairs, then of each score's concordant ones, (draw, 1 + score)."""
    if not draws.shape[1]:
        return np.zeros((len(draws), 1 + len(scores)))
    weight = pairs_of(scores[0]).matrix()
    rows, columns = weight.any(1), weight.any(0)
    weight = weight[np.ix_(rows, columns)]
    agreeing = [_agreement(score[rows], score[columns]) for score in scores]
    weights = np.stack([weight, *(weight * each for each in agreeing)])
    n_matrices, n_rows, n_columns = weights.shape
    met = draws[:, columns] @ weights.reshape(n_matrices * n_rows, n_columns).T
    met = met.reshape(len(draws), n_matrices, n_rows)
    return np.einsum("dr,dmr->dm", draws[:, rows], met)


def _by_counting(
    pairs_of: Callable[[np.ndarray], Pairs], scores: list[np.ndarray], draws: np.ndarray
) -> np.ndarray:
    """The same for many patients."""
    found = np.empty((len(draws), 1 + len(scores)))
    n_at_once = max(1, BATCH // draws.shape[1])
    for position, score in enumerate(scores):
        pairs = pairs_of(score)
        for first in range(0, len(draws), n_at_once):
            batch = slice(first, first + n_at_once)
            sums = pairs.totals(draws[batch])
            found[batch, 0] = sums.comparable
            found[batch, 1 + position] = sums.concordant + sums.tied / 2
    return found


def _agreement(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """1 where the earlier patient's risk score is higher, 0.5 where equal, (earlier, later)."""
    return (earlier[:, None] > later) + 0.5 * (earlier[:, None] == later)
