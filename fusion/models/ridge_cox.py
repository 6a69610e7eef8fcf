"""Ridge Cox regression on one or several modalities side by side."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fusion.models.linear import FittedLinear
from fusion.models.protocol import NestedFit, RiskModel, out_of_fold
from fusion.nested import NestedDesign, RidgePath, credit
from fusion.truncated_newton import linear_score

LIGHT_PENALTIES = (0.1, 1.0, 5.0, 15.0, 40.0)
PENALTIES = (*torch.logspace(-0.5, 3, 8, dtype=torch.float64).tolist(), 1e6)


@dataclass(frozen=True)
class RidgeCox(RiskModel):
    """Cox regression with a light ridge on some modalities and a chosen one on the others.

    Parameters
    ----------
    name
        Its name in the model comparison.
    light
        Modalities of few, known variables. Their penalty is chosen among
        :data:`LIGHT_PENALTIES` (a standard deviation) by what is best for them alone: enough to
        keep collinear columns finite and rare categories from being overstated.
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
        fold_scores = linear_score(design.columns(modalities), path.coefficients[1:, best])
        scores = out_of_fold(fold_scores, design)
        widths = [design.block(m).components.n_components for m in modalities]
        parts = path.coefficients[0, best].split(widths)
        grid = penalties(design) if self.penalised else LIGHT_PENALTIES
        # The light penalty is common to the models of a comparison: none gains by its choice.
        earned = credit(path.held_out) if self.penalised else path.held_out[best]
        fitted = FittedLinear(
            self.name,
            design.likelihood.baseline(scores),
            {"penalty": grid[best]},
            {m: design.block(m).components for m in modalities},
            {m: part.numpy() for m, part in zip(modalities, parts, strict=True)},
        )
        return NestedFit(fitted, fold_scores, earned)

    def solve(self, design: NestedDesign) -> RidgePath:
        """Fits over the grid of penalties."""
        columns = design.columns((*self.light, *self.penalised))
        if not self.penalised:
            grid = torch.tensor(LIGHT_PENALTIES, dtype=torch.float64)
            return design.ridge_path(columns, grid[:, None].expand(-1, columns.shape[1]))
        n_light = sum(design.block(m).components.n_components for m in self.light)
        light = light_penalty(design, self.light)
        return design.ridge_path(
            columns, penalty_rows(light, n_light, columns.shape[1], penalties(design))
        )


def light_penalty(design: NestedDesign, light: tuple[str, ...]) -> float:
    """The penalty that suits lightly penalised modalities best when they stand alone."""
    if not light:
        return LIGHT_PENALTIES[0]
    return LIGHT_PENALTIES[design.path(RidgeCox("light", light)).best]


def penalties(design: NestedDesign) -> tuple[float, ...]:
    """The grid for modalities of many columns, ascending, as suits the outcome."""
    return (*design.likelihood.weak_penalties, *PENALTIES)


def penalty_rows(
    light: float, n_light: int, n_columns: int, penalties: tuple[float, ...] = PENALTIES
) -> Float[Tensor, "penalty column"]:
    """A grid of penalties, each with the light columns first."""
    grid = torch.tensor(penalties, dtype=torch.float64)[:, None].repeat(1, n_columns)
    grid[:, :n_light] = light
    return grid
