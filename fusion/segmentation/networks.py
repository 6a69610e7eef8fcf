"""U-Net and V-Net for pictures and volumes."""

import math
from typing import Literal

from monai.networks.nets.unet import UNet
from monai.networks.nets.vnet import VNet
from torch import nn

from fusion.norms import group_normed

OUTLINED_AT_FIRST = 0.05
"""Share of places that a new network outlines. Its last features are normed, so that only the last
bias can say how rare a lesion is, and from a half it would take hundreds of steps to get there."""

LAST_FEATURES = 8
"""Channels from which the logit is read. MONAI's networks norm what they return: a single channel
would have mean 0 and variance 1 in each image, whether half of it is a lesion or nothing."""


def unet(
    dimensions: Literal[2, 3], n_channels: int, widths: tuple[int, ...] = (32, 64, 128, 192, 256)
) -> nn.Module:
    """MONAI's U-Net with residual units and group norm: image → one logit a place.

    Parameters
    ----------
    dimensions
        2 or 3.
    n_channels
        Of an image.
    widths
        Channels of each level; sides are halved between levels, and must divide so.

    References
    ----------
    Ronneberger, O. et al. (2015). U-Net. MICCAI.
    Kerfoot, E. et al. (2018). Left-ventricle quantification using residual U-Net. STACOM.
    """
    network = UNet(
        spatial_dims=dimensions,
        in_channels=n_channels,
        out_channels=LAST_FEATURES,
        channels=widths,
        strides=(2,) * (len(widths) - 1),
        num_res_units=1,
        act=("relu", {"inplace": True}),
        norm="batch",
    )
    return _with_logit(group_normed(network), dimensions)


def vnet(dimensions: Literal[2, 3], n_channels: int) -> nn.Module:
    """MONAI's V-Net with group norm and no dropout: image → one logit a place.

    Sides of an image must be multiples of 16.

    Parameters
    ----------
    dimensions
        2 or 3.
    n_channels
        Of an image; any, through one layer that makes 16 divisible by them.

    References
    ----------
    Milletari, F. et al. (2016). V-Net: fully convolutional neural networks for volumetric medical
    image segmentation. 3DV.
    """
    # MONAI's repeats its input to 16 channels, which three cannot divide.
    fits = n_channels if 16 % n_channels == 0 else 4
    convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
    start = nn.Identity() if fits == n_channels else convolution(n_channels, fits, 1)
    network = VNet(
        spatial_dims=dimensions,
        in_channels=fits,
        out_channels=LAST_FEATURES,
        dropout_prob_down=None,
        dropout_prob_up=(None, 0.0),
        dropout_dim=dimensions,
    )
    return _with_logit(nn.Sequential(start, group_normed(network)), dimensions)


def _with_logit(features: nn.Module, dimensions: Literal[2, 3]) -> nn.Module:
    """The network, and a last layer that reads the logit of a place; few places are outlined."""
    convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
    last = convolution(LAST_FEATURES, 1, 1)
    assert last.bias is not None
    nn.init.constant_(last.bias, math.log(OUTLINED_AT_FIRST / (1 - OUTLINED_AT_FIRST)))
    return nn.Sequential(features, last)
