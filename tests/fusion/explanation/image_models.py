"""Small networks of images, of every kind of encoder, and images with a bright square."""

import numpy as np
import torch
from torch import Tensor, nn

from fusion.backbone import Backbone
from fusion.bags import GatedAttentionPooling, MeanPooling
from fusion.encoders.slices import SliceEncoder
from fusion.encoders.vit import VitBackbone, VitConfig
from fusion.encoders.volume import VolumeEncoder
from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import ImageScore, NetworkImageScore
from fusion.explanation.reference_images import blurred
from fusion.network import ModalityInputs, NetworkConfig, compose_network
from fusion.network_inputs import NetworkInputs

EMBED = 8
SIZE = 32


class Convolutions(Backbone):
    """Three layers, halving the image twice; no kind of norm."""

    def __init__(self, dimensions: int, n_channels: int) -> None:
        super().__init__(dimensions, n_channels, 8)
        kind = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.layers = nn.Sequential(
            kind(n_channels, 6, 3, stride=2, padding=1),
            nn.ReLU(),
            kind(6, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            kind(8, 8, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Mean of each of the last maps."""
        return self.layers(images).flatten(2).mean(dim=2)

    def stages(self) -> tuple[nn.Module, ...]:
        """All as one."""
        return (self.layers,)


def slices_encoder(n_channels: int = 2, *, attention: bool = False) -> SliceEncoder:
    """Pictures, pooled."""
    pooling = GatedAttentionPooling(8, 4) if attention else MeanPooling()
    return SliceEncoder(Convolutions(2, n_channels), pooling, EMBED)


def volume_encoder(n_channels: int = 2) -> VolumeEncoder:
    """Slices as one volume."""
    return VolumeEncoder(Convolutions(3, n_channels), EMBED)


def transformer_encoder(n_channels: int = 2) -> SliceEncoder:
    """Pictures through a vision transformer."""
    shape = VitConfig(size=SIZE, patch=8, hidden=16, mlp=16, n_layers=2, n_heads=2)
    return SliceEncoder(VitBackbone(2, n_channels, shape), MeanPooling(), EMBED)


def network_score(
    *, n_patients: int = 4, seed: int = 0, **encoders: nn.Module
) -> tuple[NetworkImageScore, dict[str, Tensor]]:
    """A network of clinical columns and images, as a function of the first kind of image.

    Returns
    -------
    score, images
        With images by modality, (patient, slice, channel, height, width).
    """
    torch.manual_seed(seed)
    images = {name: torch.rand(n_patients, 3, 2, SIZE, SIZE) for name in encoders}
    inputs = {
        "clinical": ModalityInputs("ehr", 2),
        **{name: ModalityInputs("image", 2) for name in encoders},
    }
    config = NetworkConfig(embed=EMBED, fuser="concatenation")
    network = compose_network(inputs, config, encoders=encoders)
    features = {"clinical": torch.randn(n_patients, 2), **images}
    present = {name: torch.ones(n_patients, dtype=torch.bool) for name in features}
    known = NetworkInputs(features, present, clinical="clinical")
    return NetworkImageScore(network, known, next(iter(encoders))), images


def seen(images: Tensor) -> SeenImages:
    """All patients, beside the blurred images."""
    return SeenImages(images, blurred(images), torch.arange(len(images)))


class SquareScore(ImageScore):
    """Mean brightness of a square of the first channel of the second slice: the truth is known."""

    def __init__(self, top: int, left: int, side: int = 8) -> None:
        super().__init__("square")
        weights = np.zeros((3, 2, SIZE, SIZE), dtype=np.float32)
        weights[1, 0, top : top + side, left : left + side] = 1 / side**2
        self.layer = nn.Linear(weights.size, 1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.as_tensor(weights).flatten()[None])

    def forward(self, images: Tensor, rows: Tensor) -> Tensor:
        """Mean of the square."""
        return self.layer(images.flatten(1))[:, 0]

    def image_encoder(self) -> nn.Module:
        """The one layer."""
        return self.layer

    def inside(self) -> np.ndarray:
        """Whether a place counts, (slice, height, width)."""
        return self.layer.weight.detach().numpy().reshape(3, 2, SIZE, SIZE)[:, 0] != 0
