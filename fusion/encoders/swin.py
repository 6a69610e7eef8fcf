"""The encoder of Swin-UNETR for pictures and volumes."""

from typing import Literal

from jaxtyping import Float
from monai.networks.nets.swin_unetr import SwinTransformer
from torch import Tensor, nn

from fusion.backbone import Backbone, mean_over_space

DEPTHS = (2, 2, 2, 2)
HEADS = (3, 6, 12, 24)
MULTIPLE = 32
"""Pixels along each side: two a patch, and four halvings."""


class SwinBackbone(Backbone):
    """The shifted-window transformer of MONAI's Swin-UNETR, up to a mean over space.

    Weights of a Swin-UNETR that was pretrained on volumes fit, under their names after
    ``swinViT.``.

    Parameters
    ----------
    dimensions
        2 or 3.
    n_channels
        Of an image.
    width
        Of a token in the first stage; the last has sixteen times as many.

    References
    ----------
    Tang, Y. et al. (2022). Self-supervised pre-training of Swin transformers for 3D medical image
    analysis. CVPR.
    """

    def __init__(self, dimensions: Literal[2, 3], n_channels: int, width: int = 48) -> None:
        super().__init__(dimensions, n_channels, 16 * width)
        self.network = SwinTransformer(
            in_chans=n_channels,
            embed_dim=width,
            window_size=(7,) * dimensions,
            patch_size=(2,) * dimensions,
            depths=DEPTHS,
            num_heads=HEADS,
            spatial_dims=dimensions,
        )

    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image.

        Raises
        ------
        ValueError
            If a side is no multiple of 32.
        """
        if any(side % MULTIPLE for side in images.shape[2:]):
            raise ValueError(
                f"sides of an image must be multiples of {MULTIPLE}, got "
                f"{' × '.join(map(str, images.shape[2:]))}: resize or pad them"
            )
        return mean_over_space(self.network(images)[-1])

    def stages(self) -> tuple[nn.Module, ...]:
        """The patches and four stages of windows."""
        net = self.network
        return (net.patch_embed, net.layers1, net.layers2, net.layers3, net.layers4)
