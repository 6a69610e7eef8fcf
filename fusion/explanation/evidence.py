"""Whether there is anything to explain: held-out patients fare as the images' part says."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fusion.cox_solver import fit_ridge_cox
from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import ImageScore
from fusion.explanation.reference_images import mean_of_slice
from fusion.logistic_solver import binomial_log_likelihood, fit_ridge_logistic, intercept
from fusion.losses import cox_log_likelihood, risk_sets

WEAK = 1e-6
"""Ridge that only keeps a slope finite where the score tells all."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a model beside its weights.

    Parameters
    ----------
    seen
        Patients whom the model was not trained on.
    time, event
        Their outcome, (patient,); time is None where the event is there or not.
    twins
        The same kind of model from another seed or fold: what was learned by chance differs.
    """

    seen: SeenImages
    time: np.ndarray | None
    event: np.ndarray
    twins: tuple[ImageScore, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.seen.rows)
        time = self.event if self.time is None else self.time
        if time.shape != (n,) or self.event.shape != (n,) or self.event.dtype != bool:
            raise ValueError(
                f"time and boolean event must be ({n},), one a patient seen, got "
                f"{time.shape} and {self.event.dtype} of {self.event.shape}"
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
    """A Cox or logistic regression of held-out patients on a score.

    Parameters
    ----------
    slope
        1 where the score is a log hazard or log odds of the right size, below where it overstates.
    standard_errors
        Root of the likelihood ratio, negative if the slope is: standard normal where the score says
        nothing.
    """

    slope: float
    standard_errors: float


def held_out_fit(time: np.ndarray | None, event: np.ndarray, risk_score: np.ndarray) -> HeldOutFit:
    """Regress; a score that is the same for all has slope and standard errors 0.

    Raises
    ------
    ValueError
        Without an event, or, where time is None, without a patient who has none.
    """
    if not event.any():
        raise ValueError(f"none of {len(event)} held-out patients has an event: pass more")
    if time is None and event.all():
        raise ValueError(f"all {len(event)} held-out patients have the event: pass more")
    spread = risk_score.std()
    if spread == 0:
        return HeldOutFit(0.0, 0.0)
    scaled = torch.as_tensor((risk_score - risk_score.mean()) / spread).double()
    slope, ratio = _logistic(event, scaled) if time is None else _cox(time, event, scaled)
    signed = slope.sign() * (2 * ratio).clamp(min=0).sqrt()
    return HeldOutFit(float(slope / spread), float(signed))


def _cox(time: np.ndarray, event: np.ndarray, score: Tensor) -> tuple[Tensor, Tensor]:
    """Slope, and log-likelihood beyond that of no slope."""
    sets = risk_sets(time, event)
    column, ones = score[sets.order][:, None], torch.ones_like(score)
    slope = fit_ridge_cox(column, sets, ones, torch.full((1,), WEAK, dtype=score.dtype))
    nothing = cox_log_likelihood(torch.zeros_like(score), sets, ones)
    return slope[0], cox_log_likelihood(column @ slope, sets, ones) - nothing


def _logistic(event: np.ndarray, score: Tensor) -> tuple[Tensor, Tensor]:
    """Slope, and log-likelihood beyond that of no slope."""
    happened, ones = torch.as_tensor(event.copy()), torch.ones_like(score)
    penalty = torch.full((1,), WEAK, dtype=score.dtype)
    slope = fit_ridge_logistic(score[:, None], happened, ones, penalty)

    def likelihood(log_odds: Tensor) -> Tensor:
        start = intercept(log_odds, happened, ones)
        return binomial_log_likelihood(start + log_odds, happened, ones)

    return slope[0], likelihood(score * slope) - likelihood(torch.zeros_like(score))
