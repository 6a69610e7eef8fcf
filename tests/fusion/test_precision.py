"""bf16 is refused where torch's gradients in it are wrong, and right everywhere else."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from fusion.precision import require_sound_precision
from fusion.segmentation.images import OutlinedImages
from fusion.segmentation.networks import unet
from fusion.segmentation.training import SegmentationTrainingConfig, train_segmentation

ACROSS_SLICES = nn.Conv3d(2, 2, 3, padding=1)


def leave_behind(value: float) -> None:
    """Memory that is freed with a value in it, and taken by what comes next."""
    torch.full((300_000,), value)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), (2, 64, 2, 4)),
        (nn.Conv3d(64, 64, (1, 3, 3), padding=(0, 1, 1)), (2, 64, 2, 4, 4)),
        (nn.ConvTranspose3d(64, 64, 3, stride=2, padding=1, output_padding=1), (2, 64, 2, 4, 4)),
    ],
    ids=["pictures", "within slices", "transposed"],
)
def test_gradients_that_are_allowed_are_right(network, shape):
    require_sound_precision(network, "bf16", "cpu")
    torch.manual_seed(0)
    images = torch.randn(shape)
    whole = torch.autograd.grad(network(images).square().mean(), network.weight)[0]
    for _ in range(5):
        leave_behind(float("nan"))
        with torch.autocast("cpu", torch.bfloat16):
            features = network(images)
        half = torch.autograd.grad(features.float().square().mean(), network.weight)[0]
        assert_allclose(half, whole, atol=0.02 * float(whole.abs().max()))


def test_volumes_in_bf16_on_a_processor_are_refused():
    with pytest.raises(ValueError, match=r"wrong gradients of the network's 1 convolutions over"):
        require_sound_precision(ACROSS_SLICES, "bf16", "cpu")
    require_sound_precision(nn.Conv3d(2, 2, 3).requires_grad_(False), "bf16", "cpu")
    require_sound_precision(ACROSS_SLICES, "no", "cpu")
    require_sound_precision(ACROSS_SLICES, "bf16", "cuda")
    with pytest.raises(ValueError, match="precision must be 'no' or 'bf16', got 'fp16'"):
        require_sound_precision(ACROSS_SLICES, "fp16", "cuda")


def test_segmentation_asks_before_it_trains():
    volumes = OutlinedImages(
        torch.zeros(2, 1, 16, 16, 16, dtype=torch.uint8),
        torch.zeros(2, 16, 16, 16, dtype=torch.uint8),
        np.array(["a", "b"]),
    )
    config = SegmentationTrainingConfig(n_steps=1, precision="bf16")
    with pytest.raises(ValueError, match="train volumes with precision 'no', or on a GPU"):
        train_segmentation(unet(3, 1, widths=(4, 8)), volumes, config)
