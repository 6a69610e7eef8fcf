"""Attention of a vision transformer, followed from its last layer back to the patches."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from monai.networks.blocks.selfattention import SABlock
from torch import Tensor

from fusion.encoders.vit import VitBackbone
from fusion.explanation.image_method import SeenImages, by_model, in_batches
from fusion.explanation.image_score import ImageScore
from fusion.explanation.layer_maps import onto_images, outputs_of


@dataclass(frozen=True)
class AttentionRollout:
    """Attention, averaged over heads and multiplied through the layers, half of each a skip.

    It says where the transformer looked, whatever is predicted from there: that it passes the
    check with random weights is not to be taken for granted.

    Parameters
    ----------
    batch
        Patients at once.

    References
    ----------
    Abnar, S. and Zuidema, W. (2020). Quantifying attention flow in transformers. ACL.
    """

    batch: int = 16
    name: ClassVar[str] = "attention rollout"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = False

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """Share of the patch of each place in what the transformer gives.

        Raises
        ------
        ValueError
            If the images' encoder is no vision transformer.
        """
        return by_model(self._of_one, score, seen)

    def _of_one(self, score: ImageScore, seen: SeenImages) -> Tensor:
        found_in = [m for m in score.image_encoder().modules() if isinstance(m, VitBackbone)]
        if len(found_in) != 1:
            raise ValueError(
                f"the encoder of {score.modality} is no vision transformer: choose Grad-CAM"
            )
        dimensions = found_in[0].dimensions
        blocks = [m for m in found_in[0].modules() if isinstance(m, SABlock)]

        @torch.no_grad()
        def explain(part: SeenImages) -> Tensor:
            # Dropout, idle here, is what gives the attention away.
            with outputs_of(*(block.drop_weights for block in blocks)) as found:
                score(part.images, part.rows)
            shares = rolled_out(found)
            # (image, patch) → (image, *grid), of as many patches along each side
            side = round(shares.shape[1] ** (1 / dimensions))
            return onto_images(shares.unflatten(1, (side,) * dimensions), part.images.shape)

        return in_batches(explain, seen, self.batch)


def rolled_out(
    attention: list[Float[Tensor, "image head query key"]],
) -> Float[Tensor, "image key"]:
    """Share of each patch in the mean of all, by layers from first to last."""
    whole = torch.eye(attention[0].shape[-1]).to(attention[0])
    for layer in attention:
        mean = layer.mean(dim=1)
        whole = (0.5 * mean + 0.5 * torch.eye(mean.shape[-1]).to(mean)) @ whole
    return whole.mean(dim=1)
