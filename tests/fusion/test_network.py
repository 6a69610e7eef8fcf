"""The network sees what a patient has, and nothing else."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, stack_module_state, vmap
from torch.testing import assert_close

from fusion.dataset import Modality
from fusion.encoders.image_network import ImageNetwork
from fusion.fusers import GatedFuser, select_present
from fusion.heads import CoxHead, DiscreteHazardHead
from fusion.losses import cox_log_likelihood, risk_sets
from fusion.network import (
    FUSERS,
    ModalityInputs,
    NetworkConfig,
    RiskNetwork,
    build_network,
    compose_network,
)

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


# Every encoder with every fuser.

INPUTS = {
    "columns": ModalityInputs("ehr", 4),
    "tokens": ModalityInputs("ehr", 5, {"grade": (1, 2)}),
    "components": ModalityInputs("genomics", 6),
    "pathways": ModalityInputs("genomics", 9, {"a": (0, 1, 2), "b": (2, 3)}),
    "embedding": ModalityInputs("embedding", 4),
    "image": ModalityInputs("image", 2),
}
EVERYTHING = NetworkConfig(embed=8, ehr="tokens", genomics="pathways")
# The other form of each kind, in a second family of networks.
PLAIN = {"ehr": "columns", "genomics": "components", "embedding": "embedding"}
RICH = {"ehr": "tokens", "genomics": "pathways", "embedding": "embedding", "image": "image"}
FAMILIES = [
    pytest.param(family, replace(config, fuser=fuser), id=f"{name}-{fuser}")
    for name, family, config in (
        ("plain", PLAIN, NetworkConfig(embed=8)),
        ("rich", RICH, EVERYTHING),
    )
    for fuser in FUSERS
]


def composed(family: dict[str, str], config: NetworkConfig, seed: int = 0) -> RiskNetwork:
    torch.manual_seed(seed)
    return compose_network({name: INPUTS[what] for name, what in family.items()}, config)


def drawn(family: dict[str, str], n_patients: int = 8, seed: int = 0) -> dict[str, torch.Tensor]:
    """Noise; where encoders know missing values, each column has one."""
    generator = torch.Generator().manual_seed(seed)
    features = {}
    for name, what in family.items():
        n = INPUTS[what].n_features
        shape = (n_patients, 1, n, 32, 32) if what == "image" else (n_patients, n)
        features[name] = torch.randn(shape, generator=generator, dtype=torch.float64)
        if what == "tokens":
            one_each = torch.arange(min(n_patients, n))
            features[name][one_each, one_each] = torch.nan
    return features


def everyone(family: dict[str, str], n_patients: int = 8) -> dict[str, torch.Tensor]:
    return {name: torch.ones(n_patients, dtype=torch.bool) for name in family}


def cox_loss(score: torch.Tensor) -> torch.Tensor:
    """Mean over the events of patients who all die, the last row first: risk should ascend."""
    time = np.arange(len(score), 0, -1.0)
    sets = risk_sets(time, time > 0)
    return -cox_log_likelihood(score, sets, torch.ones_like(score)) / len(score)


@pytest.mark.parametrize("fuser", FUSERS)
@pytest.mark.parametrize("what", INPUTS)
def test_a_network_overfits_eight_patients(what, fuser):
    """Clinical columns are 0 for all, so only the modality in question tells them apart."""
    family = {"clinical": "columns", "other": what}
    ehr = "tokens" if what == "tokens" else "columns"
    network = composed(family, replace(EVERYTHING, fuser=fuser, ehr=ehr))
    features = {name: f.float() for name, f in drawn(family).items()}
    features["clinical"] = torch.zeros_like(features["clinical"])
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-2)
    for _ in range(120):
        optimiser.zero_grad()
        loss = cox_loss(network(features, everyone(family)))
        loss.backward()
        optimiser.step()
    score = network(features, everyone(family)).detach()
    # A network that knows nothing has log(8!) / 8 = 1.33.
    assert float(cox_loss(score)) < 0.1
    assert (score.diff() > 0).all()


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_gradient_reaches_every_weight(family, config):
    network = composed(family, config).double()
    cox_loss(network(drawn(family), everyone(family))).backward()
    unreached = [k for k, v in network.named_parameters() if v.grad is None or not v.grad.any()]
    assert unreached == []


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_what_is_absent_changes_no_output_and_no_gradient(family, config):
    network = composed(family, config).double()
    features, present = drawn(family), everyone(family)
    for i, name in enumerate(family):
        present[name][i : i + 3] = False
    results = []
    for fill in (0.0, float("nan")):
        filled = {
            n: select_present(f, present[n])
            + torch.where(present[n], 0.0, fill).reshape(-1, *[1] * (f.ndim - 1))
            for n, f in features.items()
        }
        inputs = {n: f.requires_grad_() for n, f in filled.items()}
        network.zero_grad()
        score = network(inputs, present)
        cox_loss(score).backward()
        weights = [p.grad.clone() for p in network.parameters()]
        results.append((score, *weights, *(f.grad for f in inputs.values())))
    for zeros, spoiled in zip(*results, strict=True):
        assert zeros.isfinite().all()
        assert torch.equal(zeros, spoiled)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
@torch.no_grad()
def test_every_subset_of_modalities_has_a_finite_score_of_its_own(family, config):
    network = composed(family, config).double()
    features, present = drawn(family, 2), everyone(family, 2)
    scores = set()
    for size in range(1, len(family) + 1):
        for subset in combinations(family, size):
            score = network(features, {n: p & (n in subset) for n, p in present.items()})
            assert score.isfinite().all()
            assert score.all()
            scores |= set(score.tolist())
    assert len(scores) == 2 * (2 ** len(family) - 1)
    assert not network(features, {n: ~p for n, p in present.items()}).any()


@pytest.mark.parametrize(("family", "config"), FAMILIES)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
@torch.no_grad()
def test_permuting_patients_permutes_scores(family, config, data):
    network = composed(family, config).double()
    features = drawn(family, seed=data.draw(st.integers(0, 99)))
    rows = st.lists(st.booleans(), min_size=8, max_size=8).map(torch.tensor)
    present = {name: data.draw(rows) for name in family}
    order = data.draw(st.permutations(range(8)))
    score = network(features, present)
    permuted = network(
        {n: f[order] for n, f in features.items()}, {n: p[order] for n, p in present.items()}
    )
    assert_close(permuted, score[order], atol=1e-12, rtol=0)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_stacked_copies_equal_the_loop(family, config):
    """Scores and gradients, with dropout masks and absent modalities."""
    networks = [composed(family, config, seed).double() for seed in range(3)]
    features, present = drawn(family), everyone(family)
    for i, name in enumerate(family):
        present[name][i : i + 3] = False
    kept = {name: (torch.rand(3, 8, 8) < 0.7).double() for name in family}
    state, _ = stack_module_state(networks)

    def score(weights: dict, masks: dict) -> torch.Tensor:
        return functional_call(networks[0], weights, (features, present, masks))

    stacked = vmap(score)(state, kept)
    stacked.square().sum().backward()
    for i, network in enumerate(networks):
        alone = network(features, present, {name: k[i] for name, k in kept.items()})
        assert_close(alone, stacked[i], atol=1e-12, rtol=1e-12)
        alone.square().sum().backward()
        for key, weight in network.named_parameters():
            assert_close(weight.grad, state[key].grad[i], atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize(("family", "config"), FAMILIES)
def test_in_float32_and_under_bfloat16_autocast_the_score_is_nearly_the_same(family, config):
    network = composed(family, config)
    exact = network.double()(drawn(family), everyone(family))
    network.float()
    features = {name: f.float() for name, f in drawn(family).items()}
    single = network(features, everyone(family))
    assert single.dtype == torch.float32
    assert_close(single.double(), exact, atol=1e-4, rtol=1e-4)
    nobody = {name: ~p for name, p in everyone(family).items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = network(features, everyone(family))
        assert not network(features, nobody).any()
    assert_close(half.double(), exact, atol=0.05, rtol=0.05)
    cox_loss(half.float()).backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(("family", "config"), FAMILIES)
@torch.no_grad()
def test_dropout_reaches_every_encoder_and_nothing_is_random(family, config):
    network = composed(family, config).double()
    features, present = drawn(family), everyone(family)
    whole = {name: torch.ones(8, 8, dtype=torch.float64) for name in family}
    before = network(features, present, whole)
    for name in family:
        half = whole[name].clone()
        half[:, ::2] = 0
        dropped = network(features, present, {**whole, name: half})
        assert (dropped != before).all()
        assert torch.equal(dropped, network(features, present, {**whole, name: half}))


def test_any_head_takes_the_place_of_cox():
    torch.manual_seed(0)
    inputs = {name: INPUTS[what] for name, what in PLAIN.items()}
    head = DiscreteHazardHead(8, 5)
    network = compose_network(inputs, NetworkConfig(embed=8), head).double()
    assert network.head is head
    assert network(drawn(PLAIN), everyone(PLAIN)).shape == (8, 5)


def test_a_passed_encoder_takes_its_place():
    """Composition needs no name: features and mask in, embedding out."""
    torch.manual_seed(0)
    scan = ImageNetwork(2, 8, 0.7)
    network = RiskNetwork({"scan": scan}, GatedFuser(["scan"], 8), CoxHead(8))
    assert network({"scan": torch.randn(3, 1, 2, 32, 32)}, everyone({"scan": "image"}, 3)).all()


def test_inputs_of_a_modality_are_positions_of_its_groups():
    modality = Modality(
        name="clinical",
        kind="ehr",
        values=np.ones((2, 3)),
        present=np.ones(2, dtype=bool),
        names=("age", "grade=3", "grade=4"),
        groups={"grade": ("grade=4", "grade=3"), "site": ()},
    )
    assert ModalityInputs.of(modality) == ModalityInputs("ehr", 3, {"grade": (2, 1)})


@pytest.mark.parametrize(
    ("config", "read"),
    [
        (NetworkConfig(), set()),
        (NetworkConfig(ehr="tokens"), {"columns", "tokens"}),
        (NetworkConfig(genomics="pathways"), {"pathways"}),
    ],
)
def test_only_token_encoders_read_features_and_pathways_need_gene_sets(config, read):
    assert {what for what, inputs in INPUTS.items() if config.reads_features(inputs)} == read


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": (0, 3)}, "a: members must be positions below 3.*got 3"),
        ({"a": (0, -5)}, "a: members must be positions below 3.*got -5"),
        ({"a": (1, 1)}, "a: 2 members, some of them twice"),
    ],
)
def test_impossible_groups_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        ModalityInputs("genomics", 3, groups)


UNKNOWN_CHOICES = """
from fusion.network import ModalityInputs, NetworkConfig

for choose in (
    lambda: NetworkConfig(fuser="magic"),
    lambda: NetworkConfig(genomics="magic"),
    lambda: NetworkConfig(ehr="magic"),
    lambda: ModalityInputs("magic", 3),
):
    try:
        choose()
    except ValueError as error:
        print(error)
"""


def test_an_unknown_choice_is_refused():
    """As a user meets it, without the type checks that run in these tests."""
    done = subprocess.run(
        [sys.executable, "-c", UNKNOWN_CHOICES], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "fuser must be one of concatenation, gated, tensor, cross_attention, got 'magic'",
        "genomics must be one of components, pathways, got 'magic'",
        "ehr must be one of columns, tokens, got 'magic'",
        "kind must be one of ehr, genomics, image, embedding, got 'magic'",
    ]
