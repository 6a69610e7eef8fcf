"""Backbones: images → features. What a family of image encoders is, and how much of it learns."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Backbone(nn.Module, ABC):
    """Images → one vector of features each; a family is one file in ``fusion/encoders``.

    Parameters
    ----------
    dimensions
        2 for pictures and slices, 3 for volumes.
    n_channels
        Of an image.
    n_features
        Width of the vector.
    """

    def __init__(self, dimensions: int, n_channels: int, n_features: int) -> None:
        super().__init__()
        self.dimensions = dimensions
        self.n_channels = n_channels
        self.n_features = n_features

    @abstractmethod
    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image, whoever else is in the batch."""

    @abstractmethod
    def stages(self) -> tuple[nn.Module, ...]:
        """Parts that can learn on their own, from the image to the features."""


class Standardised(Backbone):
    """A backbone that sees each channel of an image with mean 0 and variance 1.

    It removes the scanner's gain and offset. For backbones that learn from scratch; one that brings
    weights expects the values that it was pretrained on.

    Parameters
    ----------
    backbone
        What sees the standardised images.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone.dimensions, backbone.n_channels, backbone.n_features)
        self.backbone = backbone

    def forward(
        self, images: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image feature"]:
        """Features of the standardised images."""
        return self.backbone(functional.instance_norm(images))

    def stages(self) -> tuple[nn.Module, ...]:
        """Those of the backbone."""
        return self.backbone.stages()


def train_last_stages(backbone: Backbone, n_stages: int) -> None:
    """Let the last stages learn and leave the rest as it is.

    Parameters
    ----------
    n_stages
        0 freezes the whole backbone, ``len(backbone.stages())`` or more trains all of it.

    Raises
    ------
    ValueError
        If the number is negative.
    """
    if n_stages < 0:
        raise ValueError(f"n_stages must be 0 or more, got {n_stages}")
    stages = backbone.stages()
    everything = n_stages >= len(stages)
    backbone.requires_grad_(everything)
    if not everything:
        for stage in stages[len(stages) - n_stages :]:
            stage.requires_grad_(True)


def mean_over_space(
    features: Float[Tensor, "image channel *space"],
) -> Float[Tensor, "image channel"]:
    """Mean of each channel over all places."""
    return features.flatten(2).mean(dim=2)
