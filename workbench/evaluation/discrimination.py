"""Concordance in every bootstrap at once.

For pair weights M (row: the patient with the event; column: the one who outlived it) and counts w
of a bootstrap, the weight of its pairs is the quadratic form w' M w. A patient drawn twice is not
comparable with the other copy, since the diagonal of M is 0.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from workbench.evaluation.alignment import Aligned
from workbench.evaluation.intervals import ratio
from workbench.survival.concordance import (
    auc_pairs,
    comparable_pairs,
    concordant_pairs,
    uno_pairs,
)

PairWeights = Callable[[np.ndarray], np.ndarray]
"""Pair weights (patient, patient) of the patients at given positions."""


class PairSums(NamedTuple):
    """Weight of pairs within each fold, all (draw, fold)."""

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
    return _pair_sums(
        aligned, group, lambda index: comparable_pairs(aligned.time[index], aligned.event[index])
    )


def uno_sums(aligned: Aligned, group: str, tau: float) -> PairSums:
    """Sums behind Uno's C, up to tau, with the cohort's censoring curve."""

    def weights(index: np.ndarray) -> np.ndarray:
        return uno_pairs(
            aligned.time[index],
            aligned.event[index],
            tau=tau,
            censoring=aligned.censoring,
            stratum=aligned.stratum[index],
        )

    return _pair_sums(aligned, group, weights)


def auc_sums(aligned: Aligned, group: str, horizon: float) -> PairSums:
    """Sums behind the time-dependent AUC, with the cohort's censoring curve."""

    def weights(index: np.ndarray) -> np.ndarray:
        return auc_pairs(
            aligned.time[index],
            aligned.event[index],
            horizon=horizon,
            censoring=aligned.censoring,
            stratum=aligned.stratum[index],
        )

    return _pair_sums(aligned, group, weights)


def _pair_sums(aligned: Aligned, group: str, pair_weights: PairWeights) -> PairSums:
    models = list(aligned.predictions)
    comparable, concordant = [], []
    for fold in np.unique(aligned.fold):
        index = np.flatnonzero(aligned.groups[group] & (aligned.fold == fold))
        weight = pair_weights(index).astype(np.float64) if len(index) else np.zeros((0, 0))
        rows, columns = weight.any(1), weight.any(0)
        weight = weight[np.ix_(rows, columns)]
        earlier, later = index[rows], index[columns]
        scores = [aligned.predictions[model].risk_score for model in models]
        agreeing = [concordant_pairs(score[earlier], score[later]) for score in scores]
        sums = _quadratic_forms(
            aligned.draws[:, earlier],
            aligned.draws[:, later],
            np.stack([weight, *(weight * each for each in agreeing)]),
        )
        comparable.append(sums[:, 0])
        concordant.append(sums[:, 1:])
    by_model = np.stack(concordant, axis=2)  # draw model fold
    return PairSums(
        {model: by_model[:, position] for position, model in enumerate(models)},
        np.stack(comparable, axis=1),
    )


def _quadratic_forms(earlier: np.ndarray, later: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sums over pairs of counts, (draw, matrix), for weights (matrix, row, column)."""
    n_matrices, n_rows, n_columns = weight.shape
    met = later @ weight.reshape(n_matrices * n_rows, n_columns).T
    return np.einsum("dr,dmr->dm", earlier, met.reshape(len(met), n_matrices, n_rows))
