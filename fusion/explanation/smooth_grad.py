"""The gradient, averaged over small noise."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fusion.explanation.image_method import SeenImages, in_batches
from fusion.explanation.image_score import ImageScore
from fusion.explanation.saliency import image_gradient


@dataclass(frozen=True)
class SmoothGrad:
    """Root mean square of the gradient at noisy copies of the image, summed over channels.

    Squares, since gradients of either sign would cancel where the score is rough.

    Parameters
    ----------
    n_draws
        Noisy copies.
    noise
        Standard deviation of the noise, as a share of that of each channel of a slice.
    seed
        Draws the noise.
    batch
        Patients at once.

    References
    ----------
    Smilkov, D. et al. (2017). SmoothGrad: removing noise by adding noise. arXiv:1706.03825.
    Hooker, S. et al. (2019). A benchmark for interpretability methods. NeurIPS (its square).
    """

    n_draws: int = 16
    noise: float = 0.1
    seed: int = 0
    batch: int = 32
    name: ClassVar[str] = "SmoothGrad"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = False

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """Mean size of the gradient at each place."""
        generator = torch.Generator().manual_seed(self.seed)

        def explain(part: SeenImages) -> Tensor:
            squares = torch.zeros_like(part.images)
            for _ in range(self.n_draws):
                noisy = with_noise(part.images, self.noise, generator)
                squares += image_gradient(score, noisy, part.rows) ** 2
            return (squares / self.n_draws).sqrt().sum(dim=2)

        return in_batches(explain, seen, self.batch)


def with_noise(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Images with Gaussian noise, ``share`` of the spread of each channel of a slice."""
    spread = images.std(dim=(-2, -1), keepdim=True)
    drawn = torch.randn(images.shape, generator=generator).to(images)
    return images + share * spread * drawn
