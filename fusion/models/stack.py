"""The clinically anchored out-of-fold stack."""

from dataclasses import dataclass

import numpy as np
import torch

from fusion.models.linear import FittedLinear
from fusion.models.protocol import NestedFit, RiskModel, out_of_fold
from fusion.models.ridge_cox import PENALTIES, RidgeCox, light_penalty, penalties
from fusion.models.second_level import fit_second_level
from fusion.nested import NestedDesign, credit
from fusion.truncated_newton import linear_score


@dataclass(frozen=True)
class _Added:
    """What one modality says beyond the clinical variables, one column of the second level."""

    name: str
    score: torch.Tensor
    spread: float
    coefficients: np.ndarray
    penalty: float


@dataclass(frozen=True)
class Stack(RiskModel):
    """Clinical variables plus one out-of-fold score a modality.

    First level: for each modality a ridge Cox beside the clinical variables; its part of the risk
    score is what the modality adds to them. Second level: a ridge Cox on the clinical variables
    (lightly penalised) and those scores, out of fold, so that a modality counts as much as it
    proved to be worth on patients it was not fitted on. Negative weights are dropped; with few
    events the chosen penalty shrinks the additions to zero, towards the clinical model. A patient
    without a modality has the neutral score 0.

    Parameters
    ----------
    name
        Its name in the model comparison.
    clinical
        The modality that anchors it.
    added
        The other modalities.

    References
    ----------
    Wolpert, D. (1992). Stacked generalization. Neural Networks 5.
    Breiman, L. (1996). Stacked regressions. Machine Learning 24.
    """

    name: str
    clinical: str
    added: tuple[str, ...]

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        parts = [self._first_level(design, name) for name in self.added]
        level = fit_second_level(
            design,
            design.columns([self.clinical]),
            torch.stack([part.score for part in parts], dim=-1),
            torch.tensor([part.spread for part in parts], dtype=torch.float64),
            light=light_penalty(design, (self.clinical,)),
        )
        used = [(p, weight) for p, weight in zip(parts, level.weights, strict=True) if weight > 0]
        scores = out_of_fold(level.fold_scores, design)
        clinical = design.block(self.clinical).components
        fitted = FittedLinear(
            self.name,
            design.likelihood.baseline(scores),
            {
                "penalty": level.penalty,
                "weights": dict(zip(self.added, level.weights, strict=True)),
                "first_level_penalties": {p.name: p.penalty for p, _ in used},
            },
            {
                self.clinical: clinical,
                **{p.name: design.block(p.name).components for p, _ in used},
            },
            {
                self.clinical: level.base.numpy(),
                **{p.name: p.coefficients * weight for p, weight in used},
            },
        )
        return NestedFit(fitted, level.fold_scores, credit(level.held_out))

    def _first_level(self, design: NestedDesign, name: str) -> _Added:
        path = design.path(RidgeCox(f"{self.clinical}+{name}", (self.clinical,), (name,)))
        columns = design.columns([name])
        own = path.coefficients[:, path.best, -columns.shape[1] :]
        score = (linear_score(columns, own[1:]) * design.held_out_mask).sum(0)
        penalty = penalties(design)[path.best]
        return _Added(
            name,
            score,
            0.0 if penalty >= PENALTIES[-1] else _spread(score, design, name),
            own[0].numpy(),
            penalty,
        )


def _spread(score: torch.Tensor, design: NestedDesign, name: str) -> float:
    """Standard deviation of a score over the patients who have the modality."""
    present = torch.as_tensor(design.dataset.modalities[name].present.copy())
    return float(score[present].std()) if int(present.sum()) > 1 else 0.0
