"""Whether there is anything to explain: held-out patients fare as the images' part says."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fusion.cox_solver import fit_ridge_cox
from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import ImageScore
from fusion.explanation.reference_images import mean_of_slice
from fusion.losses import cox_log_likelihood, risk_sets


@dataclass(frozen=True)
class Evidence:
    """What is known of a model beside its weights.

    Parameters
    ----------
    seen
        Patients whom the model was not trained on.
    time, event
        Their outcome, (patient,).
    twins
        The same kind of model from another seed or fold: what was learned by chance differs.
    """

    seen: SeenImages
    time: np.ndarray
    event: np.ndarray
    twins: tuple[ImageScore, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.seen.rows)
        if self.time.shape != (n,) or self.event.shape != (n,) or self.event.dtype != bool:
            raise ValueError(
                f"time and boolean event must be ({n},), one a patient seen, got "
                f"{self.time.shape} and {self.event.dtype} of {self.event.shape}"
            )


@torch.no_grad()
def images_part(score: ImageScore, seen: SeenImages, *, batch: int = 64) -> np.ndarray:
    """Score of each patient less that with flat images, (patient,): what their images add."""
    parts = [
        score(images, rows) - score(mean_of_slice(images), rows)
        for images, rows in zip(seen.images.split(batch), seen.rows.split(batch), strict=True)
    ]
    return torch.cat(parts).double().cpu().numpy()


@dataclass(frozen=True)
class HeldOutFit:
    """A Cox regression of held-out patients on a score.

    Parameters
    ----------
    slope
        1 where the score is a log hazard of the right size, below where it overstates.
    standard_errors
        Root of the likelihood ratio, negative if the slope is: standard normal where the score says
        nothing.
    """

    slope: float
    standard_errors: float


def held_out_fit(time: np.ndarray, event: np.ndarray, risk_score: np.ndarray) -> HeldOutFit:
    """Regress; a score that is the same for all has slope and standard errors 0.

    Raises
    ------
    ValueError
        Without an event.
    """
    if not event.any():
        raise ValueError(f"none of {len(event)} held-out patients has an event: pass more")
    spread = risk_score.std()
    if spread == 0:
        return HeldOutFit(0.0, 0.0)
    sets = risk_sets(time, event)
    scaled = torch.as_tensor((risk_score - risk_score.mean()) / spread).double()
    column = scaled[sets.order][:, None]
    ones = torch.ones(len(column), dtype=torch.float64)
    slope = fit_ridge_cox(column, sets, ones, torch.full((1,), 1e-6, dtype=torch.float64))

    def likelihood(slope: Tensor) -> Tensor:
        return cox_log_likelihood(column @ slope, sets, ones)

    ratio = 2 * (likelihood(slope) - likelihood(torch.zeros_like(slope)))
    signed = slope.sign()[0] * ratio.clamp(min=0).sqrt()
    return HeldOutFit(float(slope[0] / spread), float(signed))
