"""Layer-wise relevance: captum's where it covers a network, conserved in every house encoder."""

import captum.attr
import numpy as np
import pytest
import torch
from captum.attr._core.lrp import Addition_Module
from captum.attr._utils.lrp_rules import EpsilonRule, GammaRule
from monai.networks.nets.densenet import DenseNet
from torch import Tensor, nn

from fusion.bags import MeanPooling
from fusion.encoders.densenet import DenseNetBackbone
from fusion.encoders.image_network import ImageNetwork
from fusion.encoders.resnet import ResNetBackbone
from fusion.encoders.slices import SliceEncoder
from fusion.encoders.volume import VolumeEncoder
from fusion.explanation.explain_images import explain_images
from fusion.explanation.faithfulness import FaithfulnessConfig
from fusion.explanation.layerwise_relevance import LayerwiseRelevance
from fusion.explanation.relevance_rules import Rules
from fusion.norms import fixed_normed, group_normed
from tests.fusion.explanation.image_models import (
    SIZE,
    network_score,
    seen,
    slices_encoder,
    transformer_encoder,
)

METHOD = LayerwiseRelevance()


class Residual(nn.Module):
    """A skip connection, the sum a layer of its own, as captum wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.ReLU())
        self.sum = Addition_Module()
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Maps and what a convolution makes of them."""
        return self.act(self.sum(x, self.maps(x)))


def plain_network(*, biased: bool) -> nn.Sequential:
    """Convolutions, a skip connection, both kinds of pooling, dense layers."""
    torch.manual_seed(1)
    return nn.Sequential(
        *(nn.Conv2d(2, 6, 3, stride=2, padding=1, bias=biased), nn.ReLU(), nn.MaxPool2d(2)),
        *(Residual(), nn.AvgPool2d(2), nn.Conv2d(6, 8, 3, bias=biased), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 1)),
    )


def relevance(network: nn.Module, images: Tensor, rules: Rules) -> tuple[Tensor, Tensor]:
    """Of the pixels, as the first convolution sees them, and of all biases."""
    with rules:
        output = network(images)
    leaves = [*rules.pixels, *rules.biases]
    slopes = torch.autograd.grad(output.sum(), leaves, allow_unused=True)
    parts = [x * (0 if slope is None else slope) for x, slope in zip(leaves, slopes, strict=True)]
    n = len(rules.pixels)
    return torch.stack(parts[:n]).sum(0), sum((part.sum() for part in parts[n:]), torch.zeros(()))


@pytest.mark.parametrize(("gamma", "biased"), [(0.0, True), (0.25, False), (4.0, False)])
def test_relevance_is_captums(gamma, biased):
    # Captum leaves biases out of γ: only without it do they count alike.
    network = plain_network(biased=biased).requires_grad_(False)
    images = torch.rand(3, 2, SIZE, SIZE)
    ours, _ = relevance(network, images, Rules(1e-9, gamma, box=False))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.rule = GammaRule(gamma) if gamma else EpsilonRule()
        elif isinstance(layer, nn.Flatten):
            layer.rule = EpsilonRule()
    theirs = captum.attr.LRP(network).attribute(images.clone().requires_grad_(), target=0)
    largest = theirs.detach().abs().max()
    assert largest > 0
    torch.testing.assert_close(ours / largest, theirs.detach() / largest, rtol=0, atol=1e-4)


@pytest.mark.parametrize("gamma", [0.25, 4.0])
@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((1.0, 1.0), (1.0, -0.9)),
        ((-1.0, -1.0), (-1.0, 0.9)),
        ((-1.0, 1.0), (-1.0, -0.8)),
        ((-2.0, 1.0, 0.5), (1.0, 0.7, -0.4)),
    ],
)
def test_what_has_the_sign_of_the_output_is_favoured_whatever_the_inputs_sign(x, w, gamma):
    ours, _ = relevance(
        lambda images: torch.conv2d(images, torch.tensor(w).view(1, -1, 1, 1)),
        torch.tensor(x).view(1, -1, 1, 1),
        Rules(1e-9, gamma, box=False),
    )
    # The rule of Andéol et al. (2021) for outputs of either sign.
    parts = np.multiply(x, w)
    total = parts.sum()
    credits = parts + gamma * np.where(parts * total > 0, parts, 0)
    expected = credits / credits.sum() * total
    np.testing.assert_allclose(ours.detach().numpy().ravel(), expected, rtol=1e-5)


def test_relevance_is_conserved_where_activations_are_negative():
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 8, 3), nn.LeakyReLU(0.1), nn.Conv2d(8, 8, 3), nn.ELU())
    network = nn.Sequential(*layers, nn.Conv2d(8, 4, 3)).requires_grad_(False)
    images = torch.rand(2, 2, SIZE, SIZE)
    pixels, biases = relevance(network, images, Rules(1e-9, 0.25))
    total = network(images).sum()
    torch.testing.assert_close(pixels.sum() + biases, total, rtol=1e-3, atol=1e-4)


def test_of_the_pixels_each_counts_from_its_darkest_to_its_brightest():
    network = nn.Sequential(nn.Conv2d(1, 1, SIZE, bias=False), nn.Flatten())
    network.requires_grad_(False)
    x = torch.rand(1, 1, SIZE, SIZE) - 0.5
    ours, _ = relevance(network, x, Rules(1e-9, 0.25))
    w, low, high = network[0].weight, x.min(), x.max()
    credits = x * w - low * w.clamp(min=0) - high * w.clamp(max=0)
    assert (credits >= 0).all()
    expected = credits / credits.sum() * network(x)[0, 0]
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("box", [True, False])
def test_a_batch_norm_is_folded_into_the_convolution_before_it(box):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
    for each in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(each)
    norm.running_var.uniform_(0.5, 2)
    folded = nn.utils.fusion.fuse_conv_bn_eval(conv.eval(), norm.eval())
    head = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    images = torch.rand(2, 2, SIZE, SIZE)
    one, other = (
        relevance(nn.Sequential(*layers, head).requires_grad_(False), images, Rules(1e-9, 1.0, box))
        for layers in ((conv, norm), (folded,))
    )
    assert one[0].abs().sum() > 0
    torch.testing.assert_close(one[0], other[0], rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(one[1], other[1], rtol=1e-3, atol=1e-6)
    with pytest.raises(ValueError, match="evaluation mode"):
        relevance(nn.Sequential(conv, norm.train()), images, Rules(1e-9, 1.0))


def used(network: nn.Module) -> nn.Module:
    """Batch norms whose statistics are those of no fresh network."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.normal_(layer.bias, std=0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return network


ENCODERS = {
    "the fusion network's own": lambda: ImageNetwork(2, 8, 1.0),
    "ResNet of pictures": lambda: SliceEncoder(
        fixed_normed(used(ResNetBackbone(10, 2, 2))), MeanPooling(), 8
    ),
    "ResNet of volumes": lambda: VolumeEncoder(group_normed(ResNetBackbone(10, 3, 2)), 8),
    "DenseNet of pictures": lambda: SliceEncoder(
        fixed_normed(used(DenseNetBackbone(2, 2))), MeanPooling(), 8
    ),
}


@pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)
def test_relevance_is_conserved(make):
    torch.manual_seed(0)
    score, images = network_score(mri=make(), n_patients=2)
    some = seen(images["mri"])
    found = METHOD.propagated(score, some)
    assert found.pixels.shape == (2, 3, SIZE, SIZE)
    assert found.total.abs().min() > 1e-4
    given = found.pixels.sum(dim=(1, 2, 3)) + found.biases
    torch.testing.assert_close(given, found.total, rtol=0.01, atol=1e-5)
    check = METHOD.conservation(score, some)
    assert check.passed, check.value


def test_relevance_is_conserved_in_a_dense_network_of_volumes():
    torch.manual_seed(0)
    network = DenseNet(3, 2, 1, init_features=8, growth_rate=4, block_config=(2, 2))
    network = used(network).eval().requires_grad_(False)
    images = torch.rand(2, 2, 16, 16, 16)
    pixels, biases = relevance(network, images, Rules(1e-9, 0.25))
    total = network(images).sum()
    assert total.abs() > 1e-3
    torch.testing.assert_close(pixels.sum() + biases, total, rtol=0.01, atol=1e-5)


def test_relevance_that_is_not_conserved_fails_its_check():
    # Without γ, credits of both signs cancel and denominators come near 0.
    score, images = network_score(mri=ImageNetwork(2, 8, 1.0))
    assert not LayerwiseRelevance(gamma=0.0).conservation(score, seen(images["mri"])).passed


def test_a_layer_without_a_rule_is_refused_by_its_name():
    score, images = network_score(mri=transformer_encoder())
    with pytest.raises(ValueError, match=r"no rule for \S+, which layer backbone\.\S+ calls"):
        METHOD(score, seen(images["mri"]))
    score, images = network_score(mri=slices_encoder(attention=True))
    with pytest.raises(ValueError, match="which layer pooling calls: choose Grad-CAM"):
        METHOD(score, seen(images["mri"]))
    # Nothing stays behind: the score computes as before.
    assert torch.isfinite(score(images["mri"], torch.arange(4))).all()


def test_an_explanation_holds_the_check():
    score, images = network_score(mri=slices_encoder())
    found = explain_images(
        score,
        images["mri"],
        torch.arange(4),
        patient_id=np.array(list("abcd")),
        method=METHOD,
        config=FaithfulnessConfig(n_patients=2, n_random=1),
    )
    (check,) = (c for c in found.checks if "came or went" in c.name)
    assert check.passed
