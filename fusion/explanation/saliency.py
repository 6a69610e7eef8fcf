"""How fast the score changes with each place."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fusion.explanation.image_method import SeenImages, in_batches
from fusion.explanation.image_score import ImageScore


@dataclass(frozen=True)
class Saliency:
    """Size of the gradient, summed over channels.

    Parameters
    ----------
    batch
        Patients at once.

    References
    ----------
    Simonyan, K. et al. (2014). Deep inside convolutional networks. ICLR workshop.
    """

    batch: int = 32
    name: ClassVar[str] = "saliency"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = False

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """Size of the gradient at each place."""
        return in_batches(
            lambda part: image_gradient(score, part.images, part.rows).abs().sum(dim=2),
            seen,
            self.batch,
        )


def image_gradient(score: ImageScore, images: Tensor, rows: Tensor) -> Tensor:
    """Gradient of each patient's score, (patient, slice, channel, height, width)."""
    images = images.detach().requires_grad_()
    return torch.autograd.grad(score(images, rows).sum(), images)[0]
