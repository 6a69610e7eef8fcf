"""Pictures of a patient → embedding, by any backbone of pictures."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.backbone import Backbone
from fusion.bags import GatedAttentionPooling, MeanPooling
from fusion.kept_units import dropout
from fusion.norms import require_no_batch_norm


class SliceEncoder(nn.Module):
    """Each picture through the backbone, a patient's pictures pooled, one layer on top.

    A picture that is 0 throughout is none: bags of different sizes are filled up with zeros, which
    change nothing.

    Parameters
    ----------
    backbone
        Of pictures (2 dimensions).
    pooling
        A patient's pictures → one vector: their mean, or attention for bags of slices or tiles.
    embed
        Width of the embedding.
    keep_probability
        Of a unit under dropout.

    Raises
    ------
    ValueError
        If the backbone is for volumes or holds batch norm.
    """

    def __init__(
        self,
        backbone: Backbone,
        pooling: MeanPooling | GatedAttentionPooling,
        embed: int,
        *,
        keep_probability: float = 1.0,
    ) -> None:
        super().__init__()
        if backbone.dimensions != 2:
            raise ValueError("the backbone is for volumes: pass it to VolumeEncoder")
        require_no_batch_norm(backbone)
        self.backbone = backbone
        self.pooling = pooling
        self.output = nn.Linear(backbone.n_features, embed)
        self.keep_probability = keep_probability

    def forward(
        self,
        features: Float[Tensor, "patient slice channel height width"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        here = (features != 0).flatten(2).any(dim=2)
        images = features.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        # (patient·slice, feature) → (patient, slice, feature)
        by_slice = self.backbone(images).unflatten(0, features.shape[:2])
        embedded = functional.gelu(self.output(self.pooling(by_slice, here)))
        return dropout(embedded, kept, self.keep_probability)
