"""How much each picture of a patient counts, as the model itself says."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fusion.bags import GatedAttentionPooling
from fusion.explanation.image_method import SeenImages, by_model, in_batches
from fusion.explanation.image_score import ImageScore


@dataclass(frozen=True)
class MilAttention:
    """Weight of each slice or tile in attention pooling, the same at all places of a slice.

    Weights say where the model looked, and not whether it took what it saw for good or bad.

    Parameters
    ----------
    batch
        Patients at once.

    References
    ----------
    Ilse, M. et al. (2018). Attention-based deep multiple instance learning. ICML.
    """

    batch: int = 32
    name: ClassVar[str] = "attention of the pooling"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = False

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """The weight of its slice at each place, over the number of places.

        Raises
        ------
        ValueError
            If the images' encoder has no attention pooling.
        """
        return by_model(self._of_one, score, seen)

    def _of_one(self, score: ImageScore, seen: SeenImages) -> Tensor:
        layers = [
            m for m in score.image_encoder().modules() if isinstance(m, GatedAttentionPooling)
        ]
        if len(layers) != 1:
            raise ValueError(
                f"the encoder of {score.modality} has {len(layers)} attention poolings, and this "
                "method needs one: choose another method"
            )

        @torch.no_grad()
        def explain(part: SeenImages) -> Tensor:
            found: list[Tensor] = []

            def look(layer: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
                assert isinstance(layer, GatedAttentionPooling)
                found.append(layer.weights(*inputs))

            handle = layers[0].register_forward_pre_hook(look)
            try:
                score(part.images, part.rows)
            finally:
                handle.remove()
            n, n_slices, _, height, width = part.images.shape
            spread = found[0][:, :, None, None] / (height * width)
            return spread.expand(n, n_slices, height, width)

        return in_batches(explain, seen, self.batch)
