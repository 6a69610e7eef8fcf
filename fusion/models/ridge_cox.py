"""Ridge Cox regression on one or several modalities side by side."""

from dataclasses import dataclass

import torch

from fusion.baseline_hazard import breslow
from fusion.cox_solver import linear_score
from fusion.models.linear import FittedLinear
from fusion.models.protocol import NestedFit, RiskModel, out_of_fold
from fusion.nested import NestedDesign, RidgePath, credit

LIGHT_PENALTY = 0.1
PENALTIES = (*torch.logspace(-0.5, 3, 8, dtype=torch.float64).tolist(), 1e6)


@dataclass(frozen=True)
class RidgeCox(RiskModel):
    """Cox regression with a light ridge on some modalities and a chosen one on the others.

    Parameters
    ----------
    name
        Its name in the model comparison.
    light
        Modalities of few, known variables, penalised just enough to keep collinear columns
        finite (λ = 0.1 a standard deviation).
    penalised
        Modalities whose common penalty is chosen in the inner folds by the held-out partial
        likelihood, up to one that removes them.
    """

    name: str
    light: tuple[str, ...] = ()
    penalised: tuple[str, ...] = ()

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        path = design.path(self)
        best = path.best
        modalities = (*self.light, *self.penalised)
        columns = design.columns(modalities)
        fold_scores = linear_score(columns[1:], path.coefficients[1:, best])
        scores = out_of_fold(fold_scores, design)
        widths = [design.block(m).components[0].n_components for m in modalities]
        padded = [design.block(m).scores.shape[-1] for m in modalities]
        parts = path.coefficients[0, best].split(padded)
        chosen = {"penalty": PENALTIES[best]} if self.penalised else {}
        fitted = FittedLinear(
            self.name,
            breslow(design.dataset.time, design.dataset.event, scores),
            chosen,
            {m: design.block(m).components[0] for m in modalities},
            {m: p[:w].numpy() for m, p, w in zip(modalities, parts, widths, strict=True)},
        )
        return NestedFit(fitted, fold_scores, credit(path.held_out))

    def solve(self, design: NestedDesign) -> RidgePath:
        """Fits over the grid of penalties."""
        modalities = (*self.light, *self.penalised)
        grid = torch.tensor(PENALTIES if self.penalised else (LIGHT_PENALTY,), dtype=torch.float64)
        rows = [
            grid if name in self.penalised else torch.full_like(grid, LIGHT_PENALTY)
            for name in modalities
            for _ in range(design.block(name).scores.shape[-1])
        ]
        return design.ridge_path(design.columns(modalities), torch.stack(rows, dim=-1))
