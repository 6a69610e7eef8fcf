"""Every family of image encoders: learns, says who learns, and minds nobody else in the batch."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from fusion.backbone import Backbone, Standardised, train_last_stages
from fusion.encoders.densenet import DenseNetBackbone
from fusion.encoders.efficientnet import EfficientNetBackbone
from fusion.encoders.mobilenet import MobileNetBackbone
from fusion.encoders.resnet import ResNetBackbone
from fusion.encoders.swin import SwinBackbone
from fusion.encoders.vit import VitBackbone, VitConfig
from fusion.norms import group_normed

TINY_VIT = VitConfig(size=32, patch=8, hidden=48, mlp=96, n_layers=2, n_heads=4)
FLAT: dict[str, Callable[[], Backbone]] = {
    "resnet10": lambda: ResNetBackbone(10, 2, 2),
    "densenet121": lambda: DenseNetBackbone(2, 2),
    "efficientnet": lambda: EfficientNetBackbone(0, 2, 2),
    "vit": lambda: VitBackbone(2, 2, TINY_VIT),
    "swin": lambda: SwinBackbone(2, 2, 12),
    "mobilenet": lambda: MobileNetBackbone("small", 2),
}
VOLUMES: dict[str, Callable[[], Backbone]] = {
    "resnet10": lambda: ResNetBackbone(10, 3, 2),
    "densenet121": lambda: DenseNetBackbone(3, 2),
    "efficientnet": lambda: EfficientNetBackbone(0, 3, 2),
    "vit": lambda: VitBackbone(3, 2, TINY_VIT),
    "swin": lambda: SwinBackbone(3, 2, 12),
}


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Eight images, half of them with a bright bar."""
    pixels = 0.2 * torch.rand(8, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    pixels[1::2, :, :, 8:16] += 0.8
    return pixels


@pytest.fixture(scope="module", params=FLAT)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    torch.manual_seed(0)
    return Standardised(group_normed(FLAT[request.param]()))


@torch.no_grad()
def test_layout_and_sixteen_bits_change_features_by_rounding_alone(backbone, images):
    expected = backbone(images[:2])
    assert expected.shape == (2, backbone.n_features)
    with torch.autocast("cpu", torch.bfloat16):
        halved = backbone(images[:2])
    last = backbone.to(memory_format=torch.channels_last)(
        images[:2].contiguous(memory_format=torch.channels_last)
    )
    assert_close(last, expected, atol=1e-4, rtol=1e-3)
    apart = (halved.float() - expected).norm() / expected.norm()
    assert 0 < apart < 0.15


@torch.no_grad()
def test_features_do_not_depend_on_the_batch(backbone, images):
    """In training mode, where batch norm would."""
    assert backbone.training
    assert_close(backbone(images[:3])[:1], backbone(images[:1]), atol=1e-4, rtol=1e-3)


def test_eight_images_are_learned(backbone, images):
    torch.manual_seed(1)
    head = nn.Linear(backbone.n_features, 1)
    steep = backbone.n_features == TINY_VIT.hidden
    optimiser = torch.optim.AdamW(
        [*backbone.parameters(), *head.parameters()], lr=3e-3 if steep else 3e-4
    )
    wanted = torch.arange(8.0) % 2
    learned = []
    for _ in range(12):
        logits = head(backbone(images))[:, 0]
        learned.append(bool(((logits > 0) == (wanted > 0)).all()))
        if learned[-2:] == [True, True]:
            return
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(logits, wanted).backward()
        optimiser.step()
    pytest.fail(f"not learned in {len(learned)} steps")


def test_as_many_stages_learn_as_asked_for(backbone):
    everything = sum(p.numel() for p in backbone.parameters())
    trained = []
    for n_stages in range(len(backbone.stages()) + 1):
        train_last_stages(backbone, n_stages)
        trained.append(sum(p.numel() for p in backbone.parameters() if p.requires_grad))
    assert trained[0] == 0
    assert trained == sorted(set(trained))
    assert trained[-1] == everything
    with pytest.raises(ValueError, match="n_stages must be 0 or more, got -1"):
        train_last_stages(backbone, -1)
    train_last_stages(backbone, 1)
    in_stages = {id(p) for stage in backbone.stages() for p in stage.parameters()}
    assert in_stages == {id(p) for p in backbone.parameters()}


@pytest.mark.parametrize("family", VOLUMES)
def test_volumes_have_features_and_gradients(family):
    torch.manual_seed(0)
    backbone = group_normed(VOLUMES[family]())
    volume = torch.rand(1, 2, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    features = backbone(volume)
    assert features.shape == (1, backbone.n_features)
    features.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in backbone.parameters())


@pytest.mark.parametrize("size", [18, 50])
@torch.no_grad()
def test_larger_residual_networks_give_their_width(size):
    network = group_normed(ResNetBackbone(size, 2, 1))
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 2048 if size == 50 else 512)
    n = sum(p.numel() for p in network.parameters()) / 1e6
    assert n == pytest.approx({18: 11.2, 50: 23.5}[size], abs=0.1)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="must have 32 pixels along each side, got 40 × 40"):
        FLAT["vit"]()(torch.zeros(1, 2, 40, 40))
    with pytest.raises(ValueError, match="multiples of 32, got 40 × 40"):
        FLAT["swin"]()(torch.zeros(1, 2, 40, 40))
