"""A volume of a patient → embedding, by any backbone of volumes."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.backbone import Backbone
from fusion.kept_units import dropout
from fusion.norms import require_no_batch_norm


class VolumeEncoder(nn.Module):
    """A patient's slices, in order, as one volume through the backbone, and one layer on top.

    Parameters
    ----------
    backbone
        Of volumes (3 dimensions).
    embed
        Width of the embedding.
    keep_probability
        Of a unit under dropout.

    Raises
    ------
    ValueError
        If the backbone is for pictures or holds batch norm.
    """

    def __init__(self, backbone: Backbone, embed: int, *, keep_probability: float = 1.0) -> None:
        super().__init__()
        if backbone.dimensions != 3:
            raise ValueError("the backbone is for pictures: pass it to SliceEncoder")
        require_no_batch_norm(backbone)
        self.backbone = backbone
        self.output = nn.Linear(backbone.n_features, embed)
        self.keep_probability = keep_probability

    def forward(
        self,
        features: Float[Tensor, "patient slice channel height width"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        # (patient, slice, channel, height, width) → (patient, channel, depth, height, width)
        volumes = features.transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
        embedded = functional.gelu(self.output(self.backbone(volumes)))
        return dropout(embedded, kept, self.keep_probability)
