"""MobileNetV3 for pictures: small enough to train on a laptop."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.mobilenetv3 import mobilenet_v3_large, mobilenet_v3_small

from fusion.backbone import Backbone, mean_over_space

NETWORKS = {"small": mobilenet_v3_small, "large": mobilenet_v3_large}
N_FEATURES = {"small": 576, "large": 960}


class MobileNetBackbone(Backbone):
    """torchvision's MobileNetV3, up to its mean over space; it comes with the extra ``encoders``.

    It holds batch norm: pass it through :func:`~fusion.norms.group_normed`, or load weights with
    :func:`~fusion.weights.pretrained`.

    Parameters
    ----------
    size
        ``small`` or ``large``.
    n_channels
        Of an image.

    References
    ----------
    Howard, A. et al. (2019). Searching for MobileNetV3. ICCV.
    """

    def __init__(self, size: Literal["small", "large"], n_channels: int) -> None:
        super().__init__(2, n_channels, N_FEATURES[size])
        self.features = NETWORKS[size](weights=None).features
        if n_channels != 3:
            old = self.features[0][0]
            new = nn.Conv2d(
                n_channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=False
            )
            nn.init.kaiming_normal_(new.weight, mode="fan_out")
            self.features[0][0] = new

    def forward(
        self, images: Float[Tensor, "image channel height width"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image."""
        return mean_over_space(self.features(images))

    def stages(self) -> tuple[nn.Module, ...]:
        """The stem, the blocks, and the last layer."""
        return tuple(self.features.children())
