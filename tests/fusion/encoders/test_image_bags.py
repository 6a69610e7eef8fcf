"""Pictures and volumes of a patient → embedding; what is absent changes nothing."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from fusion.bags import GatedAttentionPooling, MeanPooling
from fusion.encoders.resnet import ResNetBackbone
from fusion.encoders.slices import SliceEncoder
from fusion.encoders.vit import VitBackbone, VitConfig
from fusion.encoders.volume import VolumeEncoder
from fusion.network import ModalityInputs, NetworkConfig, compose_network

TINY_VIT = VitConfig(size=32, patch=8, hidden=24, mlp=48, n_layers=1, n_heads=2)


@pytest.fixture(params=["mean", "attention"])
def encoder(request: pytest.FixtureRequest) -> SliceEncoder:
    torch.manual_seed(0)
    backbone = VitBackbone(2, 2, TINY_VIT)
    pooling = MeanPooling() if request.param == "mean" else GatedAttentionPooling(24, 8)
    return SliceEncoder(backbone, pooling, 6, keep_probability=0.7)


@pytest.fixture
def bags() -> torch.Tensor:
    return torch.rand(3, 4, 2, 32, 32, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_pictures_that_fill_up_a_bag_and_their_order_change_nothing(encoder, bags):
    filled = torch.cat([bags, torch.zeros(3, 2, 2, 32, 32)], dim=1)
    expected = encoder(bags)
    assert_close(encoder(filled), expected)
    assert_close(encoder(filled[:, [3, 5, 1, 0, 4, 2]]), expected)
    assert expected.std(dim=0).min() > 0


@torch.no_grad()
def test_an_empty_bag_is_finite_and_dropout_scales(encoder, bags):
    assert encoder(torch.zeros_like(bags)).isfinite().all()
    kept = torch.tensor([[1.0, 0, 1, 1, 0, 1]]).expand(3, -1)
    assert_close(encoder(bags, kept), encoder(bags) * kept / 0.7)


def test_attention_finds_the_picture_that_matters():
    torch.manual_seed(0)
    pooling = GatedAttentionPooling(4, 8)
    head = nn.Linear(4, 1)
    features = 0.3 * torch.randn(64, 6, 4, generator=torch.Generator().manual_seed(2))
    positive = torch.arange(64) % 2 == 0
    features[positive, 2, 0] += 3.0
    here = torch.ones(64, 6, dtype=torch.bool)
    optimiser = torch.optim.AdamW([*pooling.parameters(), *head.parameters()], lr=0.03)
    for _ in range(60):
        logits = head(pooling(features, here))[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits, positive.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        weight = pooling.weights(features, here)
    assert_close(weight.sum(dim=1), torch.ones(64))
    assert (weight[positive].argmax(dim=1) == 2).float().mean() > 0.9


def test_in_a_network_an_absent_image_changes_neither_others_nor_the_gradient(bags):
    torch.manual_seed(0)
    inputs = {"clinical": ModalityInputs("ehr", 3), "mri": ModalityInputs("image", 2)}
    own = SliceEncoder(VitBackbone(2, 2, TINY_VIT), GatedAttentionPooling(24, 8), 16)
    network = compose_network(inputs, NetworkConfig(), encoders={"mri": own})
    present = {
        "clinical": torch.ones(3, dtype=torch.bool),
        "mri": torch.tensor([True, False, True]),
    }
    clinical = torch.rand(3, 3, generator=torch.Generator().manual_seed(3))
    found = []
    for instead in (0.0, float("nan"), 1e6):
        images = bags.clone()
        images[1] = instead
        network.zero_grad()
        risk = network({"clinical": clinical, "mri": images}, present)
        risk.sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        found.append((risk.detach(), gradient))
    for risk, gradient in found[1:]:
        assert_close(risk, found[0][0])
        assert_close(gradient, found[0][1])
    with pytest.raises(ValueError, match="an encoder for 'pet', but inputs are clinical, mri"):
        compose_network(inputs, NetworkConfig(), encoders={"pet": own})


@torch.no_grad()
def test_slices_of_a_volume_are_its_depth():
    torch.manual_seed(0)
    encoder = VolumeEncoder(VitBackbone(3, 2, TINY_VIT), 6)
    slices = torch.rand(2, 32, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    expected = nn.functional.gelu(encoder.output(encoder.backbone(slices.transpose(1, 2))))
    assert_close(encoder(slices), expected)
    assert not torch.allclose(encoder(slices.flip(1)), expected, atol=1e-4)


def test_batch_norm_and_the_wrong_number_of_dimensions_are_refused():
    with pytest.raises(ValueError, match="holds 12 batch norms, by which patients change"):
        SliceEncoder(ResNetBackbone(10, 2, 1), MeanPooling(), 4)
    with pytest.raises(ValueError, match="for volumes: pass it to VolumeEncoder"):
        SliceEncoder(VitBackbone(3, 2, TINY_VIT), MeanPooling(), 4)
    with pytest.raises(ValueError, match="for pictures: pass it to SliceEncoder"):
        VolumeEncoder(VitBackbone(2, 2, TINY_VIT), 4)
