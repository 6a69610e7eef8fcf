"""EfficientNet for pictures and volumes."""

from typing import Literal

from jaxtyping import Float
from monai.networks.nets.efficientnet import EfficientNetBN, MBConvBlock
from torch import Tensor, nn

from fusion.backbone import Backbone, mean_over_space


class EfficientNetBackbone(Backbone):
    """MONAI's EfficientNet, up to its mean over space.

    Whole blocks are not dropped at random in training: what is dropped is the training loop's to
    say. It holds batch norm: pass it through :func:`~fusion.norms.group_normed`, or load weights
    with :func:`~fusion.weights.pretrained`.

    Parameters
    ----------
    size
        0 for B0, the smallest, to 7.
    dimensions
        2 or 3.
    n_channels
        Of an image.

    References
    ----------
    Tan, M. and Le, Q. (2019). EfficientNet: rethinking model scaling for convolutional neural
    networks. ICML.
    """

    def __init__(self, size: int, dimensions: Literal[2, 3], n_channels: int) -> None:
        whole = EfficientNetBN(
            f"efficientnet-b{size}",
            pretrained=False,
            spatial_dims=dimensions,
            in_channels=n_channels,
            num_classes=1,
        )
        super().__init__(dimensions, n_channels, whole._fc.in_features)
        self.stem = nn.Sequential(whole._conv_stem_padding, whole._conv_stem, whole._bn0, nn.SiLU())
        self.blocks = whole._blocks
        self.top = nn.Sequential(whole._conv_head_padding, whole._conv_head, whole._bn1, nn.SiLU())
        for block in self.blocks.modules():
            if isinstance(block, MBConvBlock):
                block.drop_connect_rate = 0.0

    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image."""
        return mean_over_space(self.top(self.blocks(self.stem(images))))

    def stages(self) -> tuple[nn.Module, ...]:
        """The stem, the stacks of blocks, and the last layer."""
        return (self.stem, *self.blocks.children(), self.top)
