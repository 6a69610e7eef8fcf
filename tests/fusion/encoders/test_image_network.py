"""An image encoder that learns with the rest: one patient at a time, whatever the batch."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from fusion.encoders.image_network import ImageNetwork


@pytest.fixture
def network() -> ImageNetwork:
    torch.manual_seed(0)
    return ImageNetwork(2, 6, 0.7)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 2, 2, 32, 40, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_an_embedding_does_not_depend_on_the_batch(network, images):
    """In training mode, where batch norm would."""
    assert network.training
    alone = torch.cat([network(images[i : i + 1]) for i in range(3)])
    assert_close(network(images), alone)
    assert alone.std(dim=0).min() > 1e-3


def test_there_is_no_batch_norm_anywhere(network):
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())


@torch.no_grad()
def test_slices_are_averaged(network, images):
    by_slice = torch.stack([network(images[:, i : i + 1]) for i in range(2)])
    assert_close(network(images), by_slice.mean(dim=0))
    assert not torch.allclose(by_slice[0], by_slice[1], atol=1e-3)


@torch.no_grad()
def test_gain_and_offset_of_the_scanner_do_not_matter(network, images):
    assert_close(network(images * 40 + 300), network(images), atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_an_empty_image_is_finite(network, images):
    assert network(torch.zeros_like(images)).isfinite().all()


@torch.no_grad()
def test_dropped_units_are_zero_and_kept_ones_scaled_up(network, images):
    kept = torch.tensor([[1.0, 0, 1, 1, 0, 1]]).expand(3, -1)
    assert_close(network(images, kept), network(images) * kept / 0.7)


def test_too_small_an_image_is_refused(network):
    with pytest.raises(ValueError, match="at least 32 pixels high and wide, got 40 × 24: resize"):
        network(torch.zeros(1, 1, 2, 40, 24))
