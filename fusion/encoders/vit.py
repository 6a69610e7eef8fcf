"""Vision transformer for pictures and volumes."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from monai.networks.nets.vit import ViT
from torch import Tensor, nn

from fusion.backbone import Backbone


@dataclass(frozen=True)
class VitConfig:
    """Shape of the transformer; the defaults are ViT-Base.

    Parameters
    ----------
    size, patch
        Pixels along each side of an image and of a patch.
    hidden, mlp
        Width of a token and of the layer inside a block.
    n_layers, n_heads
        Blocks, and heads of attention.
    """

    size: int = 224
    patch: int = 16
    hidden: int = 768
    mlp: int = 3072
    n_layers: int = 12
    n_heads: int = 12


class VitBackbone(Backbone):
    """MONAI's vision transformer; the features are the mean of its patches.

    Parameters
    ----------
    dimensions
        2 or 3.
    n_channels
        Of an image.
    config
        Its shape; images must have ``config.size`` pixels along each side.

    References
    ----------
    Dosovitskiy, A. et al. (2021). An image is worth 16×16 words. ICLR.
    """

    def __init__(
        self, dimensions: Literal[2, 3], n_channels: int, config: VitConfig | None = None
    ) -> None:
        config = config or VitConfig()
        super().__init__(dimensions, n_channels, config.hidden)
        self.size = config.size
        self.network = ViT(
            in_channels=n_channels,
            img_size=(config.size,) * dimensions,
            patch_size=(config.patch,) * dimensions,
            hidden_size=config.hidden,
            mlp_dim=config.mlp,
            num_layers=config.n_layers,
            num_heads=config.n_heads,
            spatial_dims=dimensions,
            qkv_bias=True,
        )
        for block in self.network.blocks:
            # Built by MONAI for texts beside images, and never called here.
            block.cross_attn = block.norm_cross_attn = nn.Identity()

    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image.

        Raises
        ------
        ValueError
            If the images have another size than the transformer was built for.
        """
        if set(images.shape[2:]) != {self.size}:
            raise ValueError(
                f"images must have {self.size} pixels along each side, got "
                f"{' × '.join(map(str, images.shape[2:]))}: resize them, or build for their size"
            )
        # (image, patch, hidden) → (image, hidden)
        return self.network(images)[0].mean(dim=1)

    def stages(self) -> tuple[nn.Module, ...]:
        """The patches, the blocks, and the last norm with the last block."""
        *blocks, last = self.network.blocks
        return (self.network.patch_embedding, *blocks, nn.ModuleList([last, self.network.norm]))
