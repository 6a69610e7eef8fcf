"""Gradients along the way from the reference to the image: parts that sum to the difference."""

from dataclasses import dataclass
from typing import ClassVar

from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from jaxtyping import Float
from torch import Tensor

from fusion.explanation.image_method import SeenImages, in_batches
from fusion.explanation.image_score import ImageScore


@dataclass(frozen=True)
class IntegratedGradients:
    """Captum's integrated gradients from the reference, summed over channels.

    Parameters
    ----------
    n_steps
        Points of Gauss–Legendre quadrature; more where the completeness check fails.
    batch
        Images, patients times points, that pass through the model at once.

    References
    ----------
    Sundararajan, M. et al. (2017). Axiomatic attribution for deep networks. ICML.
    """

    n_steps: int = 64
    batch: int = 128
    name: ClassVar[str] = "integrated gradients"
    additive: ClassVar[bool] = True
    signed: ClassVar[bool] = True

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """Contribution of each place."""
        method = CaptumIntegratedGradients(score)

        def explain(part: SeenImages) -> Tensor:
            return method.attribute(
                part.images,
                part.reference,
                additional_forward_args=(part.rows,),
                n_steps=self.n_steps,
                method="gausslegendre",
                internal_batch_size=max(self.batch, len(part.rows)),
            ).sum(dim=2)

        return in_batches(explain, seen, max(1, self.batch // 8)).to(seen.images.dtype)
