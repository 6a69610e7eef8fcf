"""The second level of a stack: how much each out-of-fold score is worth."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fusion.models.ridge_cox import PENALTIES, penalty_rows
from fusion.nested import NestedDesign
from fusion.truncated_newton import linear_score


@dataclass(frozen=True)
class SecondLevel:
    """A ridge Cox on lightly penalised columns and out-of-fold scores.

    Parameters
    ----------
    base
        Coefficients of the lightly penalised columns, (column,).
    weights
        Factor of each score, ≥ 0; 0 where it was dropped.
    penalty
        The chosen penalty of the standardised scores; None where no score is left.
    fold_scores
        Risk score of every patient from each inner fit, (inner fold, patient).
    held_out
        Held-out log-likelihood, (penalty, inner fold).
    """

    base: Float[Tensor, " column"]
    weights: tuple[float, ...]
    penalty: float | None
    fold_scores: Float[Tensor, "fold patient"]
    held_out: Float[Tensor, "penalty fold"]


def fit_second_level(
    design: NestedDesign,
    base: Float[Tensor, "patient column"],
    scores: Float[Tensor, "patient score"],
    spreads: Float[Tensor, " score"],
    *,
    light: float,
) -> SecondLevel:
    """Weigh ``scores`` beside ``base``, on patients that the scores were not fitted on.

    A score of negative weight is dropped and the others are weighed again: a model that predicts
    the wrong way round on held-out patients has learned noise.

    Parameters
    ----------
    base
        Lightly penalised columns; may be none.
    scores
        Out-of-fold scores.
    spreads
        Standard deviation by which each score is divided before it is penalised; one of spread 0
        says nothing and is dropped.
    light
        Penalty of the base columns.
    """
    kept = [i for i, spread in enumerate(spreads.tolist()) if spread > 0]
    n_base = base.shape[-1]
    while True:
        columns = torch.cat([base, scores[:, kept] / spreads[kept]], dim=-1)
        grid = penalty_rows(light, n_base, columns.shape[1])
        path = design.ridge_path(columns, grid if kept else grid[:1])
        chosen = path.coefficients[:, path.best]
        negative = (chosen[0, n_base:] < 0).tolist()
        if not any(negative):
            break
        kept = [i for i, drop in zip(kept, negative, strict=True) if not drop]
    weights = [0.0] * len(spreads)
    for i, weight in zip(kept, chosen[0, n_base:].tolist(), strict=True):
        weights[i] = weight / float(spreads[i])
    return SecondLevel(
        chosen[0, :n_base],
        tuple(weights),
        PENALTIES[path.best] if kept else None,
        linear_score(columns, chosen[1:]),
        path.held_out,
    )
