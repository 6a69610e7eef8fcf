"""The network sees what a patient has, and nothing else."""

from collections.abc import Callable

import pytest
import torch

from fusion.losses import cox_log_likelihood, risk_sets
from fusion.network import NetworkConfig, RiskNetwork, build_network

WIDTHS = {"clinical": 3, "rna": 6, "mri": 4}
KINDS = {"clinical": "ehr", "rna": "genomics", "mri": "embedding"}


@pytest.fixture
def network() -> RiskNetwork:
    torch.manual_seed(0)
    return build_network(WIDTHS, KINDS, NetworkConfig(embed=8))


@pytest.fixture
def inputs() -> Callable[..., tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]]:
    """Features of ten patients, of whom the first four lack RNA; the fill is what stands there."""

    def make(fill: float = 0.0) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        generator = torch.Generator().manual_seed(1)
        features = {n: torch.randn(10, w, generator=generator) for n, w in WIDTHS.items()}
        present = {n: torch.ones(10, dtype=torch.bool) for n in WIDTHS}
        present["rna"][:4] = False
        features["rna"][:4] = fill
        return features, present

    return make


@pytest.mark.parametrize("fill", [7.0, -1e20, float("inf"), float("nan")])
def test_an_absent_modality_reaches_neither_output_nor_gradient(network, inputs, fill):
    order = torch.arange(10, 0, -1, dtype=torch.float64).numpy()
    sets = risk_sets(order, order > 0)
    results = []
    for features, present in (inputs(), inputs(fill)):
        features["rna"].requires_grad_()
        network.zero_grad()
        score = network(features, present)
        cox_log_likelihood(score, sets, torch.ones(10)).backward()
        weights = {k: v.grad.clone() for k, v in network.named_parameters()}
        results.append((score.detach(), weights, features["rna"].grad))
    (score, gradient, _), (other_score, other_gradient, to_values) = results
    assert torch.equal(score, other_score)
    assert gradient.keys() == other_gradient.keys()
    assert all(torch.equal(gradient[k], other_gradient[k]) for k in gradient)
    assert not to_values[:4].any()
    assert to_values[4:].any(dim=1).all()


def test_with_nothing_present_the_score_is_zero(network, inputs):
    features, present = inputs()
    nothing = {name: torch.zeros_like(p) for name, p in present.items()}
    assert not network(features, nothing).any()


def test_each_present_modality_counts(network, inputs):
    features, present = inputs()
    before = network(features, present)
    for name in WIDTHS:
        changed = network({**features, name: features[name] + 1}, present)
        assert torch.equal(changed != before, present[name])


def test_without_masks_it_is_deterministic_and_with_masks_a_function_of_them(network, inputs):
    features, present = inputs()
    assert torch.equal(network(features, present), network(features, present))
    generator = torch.Generator().manual_seed(2)
    kept = {n: (torch.rand(10, 8, generator=generator) < 0.7).float() for n in WIDTHS}
    dropped = network(features, present, kept)
    assert torch.equal(dropped, network(features, present, kept))
    assert not torch.allclose(dropped, network(features, present))


@torch.no_grad()
def test_dropout_keeps_the_mean_of_an_ehr_embedding(network, inputs):
    """Inverted dropout: averaged over masks, the embedding is the one without a mask."""
    features, _ = inputs()
    encoder = network.encoders["clinical"]
    generator = torch.Generator().manual_seed(3)
    draws = torch.stack(
        [
            encoder(features["clinical"], (torch.rand(10, 8, generator=generator) < 0.7).float())
            for _ in range(2000)
        ]
    )
    assert torch.allclose(draws.mean(0), encoder(features["clinical"]), atol=0.08)


@torch.no_grad()
def test_alpha_dropout_keeps_mean_and_variance():
    """On an input of mean 0 and variance 1, the point of self-normalising networks."""
    torch.manual_seed(5)
    encoder = build_network({"rna": 64}, {"rna": "genomics"}, NetworkConfig(embed=256)).encoders
    features = torch.randn(2000, 64)
    kept = (torch.rand(2000, 256) < 0.7).float()
    plain, dropped = encoder["rna"](features), encoder["rna"](features, kept)
    assert abs(float(plain.mean())) < 0.05
    assert float(plain.var()) == pytest.approx(1, abs=0.1)
    assert abs(float(dropped.mean() - plain.mean())) < 0.05
    assert float(dropped.var()) == pytest.approx(float(plain.var()), abs=0.1)
