"""The clinically anchored out-of-fold stack."""

from dataclasses import dataclass

import numpy as np
import torch

from fusion.baseline_hazard import breslow
from fusion.cox_solver import linear_score
from fusion.models.linear import FittedLinear
from fusion.models.protocol import NestedFit, RiskModel, out_of_fold
from fusion.models.ridge_cox import LIGHT_PENALTY, PENALTIES, RidgeCox
from fusion.nested import NestedDesign, RidgePath, credit


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
        parts = [part for part in parts if part.spread > 0]
        path, best = self._second_level(design, parts)
        while (negative := path.coefficients[0, best, -len(parts) :] < 0).any() and parts:
            parts = [p for p, drop in zip(parts, negative.tolist(), strict=True) if not drop]
            path, best = self._second_level(design, parts)
        fold_scores = linear_score(
            _columns(design, self.clinical, parts), path.coefficients[:, best]
        )[1:]
        clinical = design.block(self.clinical).components[0]
        weights = path.coefficients[0, best].numpy()
        added = dict(zip([p.name for p in parts], weights[clinical.n_components :], strict=True))
        scores = out_of_fold(fold_scores, design)
        fitted = FittedLinear(
            self.name,
            breslow(design.dataset.time, design.dataset.event, scores),
            {
                "penalty": PENALTIES[best] if parts else None,
                "weights": {name: float(added.get(name, 0.0)) for name in self.added},
                "first_level_penalties": {p.name: p.penalty for p in parts},
            },
            {
                self.clinical: clinical,
                **{p.name: design.block(p.name).components[0] for p in parts},
            },
            {
                self.clinical: weights[: clinical.n_components],
                **{p.name: p.coefficients * added[p.name] / p.spread for p in parts},
            },
        )
        return NestedFit(fitted, fold_scores, credit(path.held_out))

    def _first_level(self, design: NestedDesign, name: str) -> _Added:
        path = design.path(RidgeCox(f"{self.clinical}+{name}", (self.clinical,), (name,)))
        best = path.best
        block = design.block(name)
        own = path.coefficients[:, best, -block.scores.shape[-1] :]
        score = (linear_score(block.scores, own)[1:] * design.held_out_mask).sum(0)
        present = torch.as_tensor(design.dataset.modalities[name].present.copy())
        spread = float(score[present].std()) if int(present.sum()) > 1 else 0.0
        if PENALTIES[best] >= PENALTIES[-1]:
            spread = 0.0
        coefficients = own[0, : block.components[0].n_components].numpy()
        return _Added(name, score, spread, coefficients, PENALTIES[best])

    def _second_level(self, design: NestedDesign, parts: list[_Added]) -> tuple[RidgePath, int]:
        columns = _columns(design, self.clinical, parts)
        grid = torch.tensor(PENALTIES if parts else PENALTIES[:1], dtype=torch.float64)
        n_clinical = columns.shape[-1] - len(parts)
        penalties = torch.cat(
            [
                torch.full((len(grid), n_clinical), LIGHT_PENALTY, dtype=torch.float64),
                grid[:, None].expand(-1, len(parts)),
            ],
            dim=-1,
        )
        path = design.ridge_path(columns, penalties)
        return path, path.best


def _columns(design: NestedDesign, clinical: str, parts: list[_Added]) -> torch.Tensor:
    """Clinical columns of each inner training set beside the standardised added scores."""
    base = design.block(clinical).scores
    added = [(p.score / p.spread).expand(len(base), -1)[..., None] for p in parts]
    return torch.cat([base, *added], dim=-1)
