"""ResNet-10, -18 and -50 for pictures and volumes."""

from typing import Literal

from jaxtyping import Float
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

from fusion.backbone import Backbone

LAYERS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)


class ResNetBackbone(Backbone):
    """MONAI's residual network, up to its mean over space.

    It holds batch norm: pass it through :func:`~fusion.norms.group_normed`, or load weights with
    :func:`~fusion.weights.pretrained`.

    Parameters
    ----------
    size
        Number of layers.
    dimensions
        2 or 3.
    n_channels
        Of an image.

    References
    ----------
    He, K. et al. (2016). Deep residual learning for image recognition. CVPR.
    """

    def __init__(
        self, size: Literal[10, 18, 50], dimensions: Literal[2, 3], n_channels: int
    ) -> None:
        deep = size == 50
        super().__init__(dimensions, n_channels, WIDTHS[-1] * (4 if deep else 1))
        self.network = ResNet(
            "bottleneck" if deep else "basic",
            list(LAYERS[size]),
            list(WIDTHS),
            spatial_dims=dimensions,
            n_input_channels=n_channels,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )

    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image."""
        return self.network(images)

    def stages(self) -> tuple[nn.Module, ...]:
        """The stem and four groups of residual blocks."""
        net = self.network
        stem = nn.ModuleList([net.conv1, net.bn1])
        return (stem, net.layer1, net.layer2, net.layer3, net.layer4)
