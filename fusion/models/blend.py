"""Several models of all modalities, weighed by what they are worth out of fold."""

from dataclasses import dataclass

import numpy as np
import torch

from fusion.dataset import PatientDataset
from fusion.models.protocol import FittedRisk, NestedFit, RiskModel, out_of_fold
from fusion.models.ridge_cox import LIGHT_PENALTIES
from fusion.models.second_level import fit_second_level
from fusion.nested import NestedDesign, credit


@dataclass(frozen=True)
class FittedBlend(FittedRisk):
    """Weighted sum of the risk scores of other models.

    Parameters
    ----------
    parts, weights
        The models, and the factor of each, > 0.
    """

    parts: tuple[FittedRisk, ...]
    weights: tuple[float, ...]

    def risk_score(self, dataset: PatientDataset) -> np.ndarray:
        weighed = zip(self.parts, self.weights, strict=True)
        return sum((w * p.risk_score(dataset) for p, w in weighed), np.zeros(dataset.n_patients))

    def contributions(self, dataset: PatientDataset) -> dict[str, np.ndarray]:
        total: dict[str, np.ndarray] = {}
        for part, weight in zip(self.parts, self.weights, strict=True):
            for name, values in part.contributions(dataset).items():
                total[name] = total.get(name, np.zeros(dataset.n_patients)) + weight * values
        return total


@dataclass(frozen=True)
class Blend(RiskModel):
    """A ridge Cox on the out-of-fold risk scores of other models.

    Parameters
    ----------
    name
        Its name.
    models
        What is blended.

    References
    ----------
    Wolpert, D. (1992). Stacked generalization. Neural Networks 5.
    """

    name: str
    models: tuple[RiskModel, ...]

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        fits = [design.fit(model) for model in self.models]
        scores = np.stack([out_of_fold(fit.fold_scores, design) for fit in fits], axis=-1)
        columns = torch.as_tensor(scores)
        nothing = columns[:, :0]
        level = fit_second_level(
            design, nothing, columns, columns.std(dim=0), light=LIGHT_PENALTIES[0]
        )
        used = [(f.fitted, w) for f, w in zip(fits, level.weights, strict=True) if w > 0]
        own = out_of_fold(level.fold_scores, design)
        fitted = FittedBlend(
            self.name,
            design.likelihood.baseline(own),
            {
                "penalty": level.penalty,
                "weights": {f.model: w for f, w in used},
            },
            tuple(f for f, _ in used),
            tuple(w for _, w in used),
        )
        return NestedFit(fitted, level.fold_scores, credit(level.held_out))
