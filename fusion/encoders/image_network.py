"""Images → embedding, by a convolutional network that learns with the rest of the fusion network.

Unlike ``image.py``, whose encoder learns without outcomes and is then frozen, this one sees
outcomes: it has to be fitted inside every inner fold.
"""

from jaxtyping import Float
from monai.networks.nets.densenet import DenseNet
from torch import Tensor, nn
from torch.nn import functional

from fusion.kept_units import dropout

# Below it, five halvings leave nothing.
MIN_PIXELS = 32


class ImageNetwork(nn.Module):
    """MONAI's DenseNet on each slice, small for few patients; a patient's slices are averaged.

    Group norm stands in for batch norm, so that a patient's embedding does not depend on who else
    is in the batch. Each channel of a slice is brought to mean 0 and variance 1, which removes
    the scanner's gain and offset.

    Parameters
    ----------
    n_channels
        Channels of the images.
    embed
        Width of the embedding.
    keep_probability
        Of a unit under dropout.

    Raises
    ------
    ValueError
        For images less than ``MIN_PIXELS`` high or wide.

    References
    ----------
    Huang, G. et al. (2017). Densely connected convolutional networks. CVPR.
    Wu, Y. and He, K. (2018). Group normalization. ECCV.
    """

    def __init__(self, n_channels: int, embed: int, keep_probability: float) -> None:
        super().__init__()
        # Not MONAI's ResNet: it takes a norm, but uses it in its first layer alone.
        self.network = DenseNet(
            spatial_dims=2,
            in_channels=n_channels,
            out_channels=embed,
            init_features=32,
            growth_rate=16,
            block_config=(2, 4, 4, 2),
            act="relu",
            norm=("group", {"num_groups": 8}),
        )
        self.keep_probability = keep_probability

    def forward(
        self,
        features: Float[Tensor, "patient slice channel height width"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        height, width = features.shape[-2:]
        if min(height, width) < MIN_PIXELS:
            raise ValueError(
                f"images must be at least {MIN_PIXELS} pixels high and wide, got {height} × "
                f"{width}: resize them"
            )
        slices = functional.instance_norm(features.flatten(0, 1))
        # (patient·slice, embed) → (patient, slice, embed)
        by_slice = self.network(slices).unflatten(0, features.shape[:2])
        return dropout(by_slice.mean(dim=1), kept, self.keep_probability)
