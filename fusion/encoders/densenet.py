"""DenseNet-121 for pictures and volumes."""

from typing import Literal

from jaxtyping import Float
from monai.networks.nets.densenet import DenseNet
from torch import Tensor, nn
from torch.nn import functional

from fusion.backbone import Backbone, mean_over_space

BLOCKS = (6, 12, 24, 16)
N_FEATURES = 1024


class DenseNetBackbone(Backbone):
    """MONAI's DenseNet-121, up to its mean over space.

    It holds batch norm: pass it through :func:`~fusion.norms.group_normed`, or load weights with
    :func:`~fusion.weights.pretrained`.

    Parameters
    ----------
    dimensions
        2 or 3.
    n_channels
        Of an image.

    References
    ----------
    Huang, G. et al. (2017). Densely connected convolutional networks. CVPR.
    """

    def __init__(self, dimensions: Literal[2, 3], n_channels: int) -> None:
        super().__init__(dimensions, n_channels, N_FEATURES)
        whole = DenseNet(
            spatial_dims=dimensions,
            in_channels=n_channels,
            out_channels=1,
            init_features=64,
            growth_rate=32,
            block_config=BLOCKS,
        )
        self.features = whole.features

    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image."""
        return mean_over_space(functional.relu(self.features(images)))

    def stages(self) -> tuple[nn.Module, ...]:
        """The stem and four dense blocks, each with what leads to it."""
        named = dict(self.features.named_children())
        stem = nn.ModuleList([named["conv0"], named["norm0"]])
        later = [
            nn.ModuleList([named[f"transition{i - 1}"], named[f"denseblock{i}"]])
            for i in range(2, len(BLOCKS))
        ]
        last = [named[f"transition{len(BLOCKS) - 1}"], named[f"denseblock{len(BLOCKS)}"]]
        return (stem, named["denseblock1"], *later, nn.ModuleList([*last, named["norm5"]]))
