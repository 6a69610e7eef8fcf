"""What the score loses when a patch is replaced by the reference: needs no gradient."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from captum.attr import Occlusion as CaptumOcclusion
from jaxtyping import Float
from torch import Tensor

from fusion.explanation.image_method import SeenImages, in_batches
from fusion.explanation.image_score import ImageScore


@dataclass(frozen=True)
class Occlusion:
    """Captum's occlusion: patches of one slice, all channels at once, slid over the image.

    Parameters
    ----------
    patch, step
        Side of the square, and how far it moves, as shares of the slice's longer side.
    slices
        Slices that a patch covers; more in volumes of thin slices.
    batch
        Patients at once.

    References
    ----------
    Zeiler, M. and Fergus, R. (2014). Visualizing and understanding convolutional networks. ECCV.
    """

    patch: float = 0.125
    step: float = 0.0625
    slices: int = 1
    batch: int = 128
    name: ClassVar[str] = "occlusion"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = True

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """Mean loss of the score over the patches that cover each place."""
        method = CaptumOcclusion(score)
        _, n_slices, n_channels, height, width = seen.images.shape
        side = max(height, width)
        patch, step = max(1, round(self.patch * side)), max(1, round(self.step * side))
        depth = min(self.slices, n_slices)

        @torch.no_grad()
        def explain(part: SeenImages) -> Tensor:
            lost = method.attribute(
                part.images,
                (depth, n_channels, min(patch, height), min(patch, width)),
                strides=(max(1, depth // 2), n_channels, min(step, height), min(step, width)),
                baselines=part.reference,
                additional_forward_args=(part.rows,),
            )
            # The same in every channel.
            return lost[:, :, 0]

        return in_batches(explain, seen, self.batch)
