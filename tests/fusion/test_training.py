"""Stacked training: it learns, it is reproducible, and each network stands alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fusion.losses import RiskSets, risk_sets
from fusion.network import FUSERS, ModalityInputs, NetworkConfig, RiskNetwork, compose_network
from fusion.training import TrainingConfig, stacked_scores, train_stacked

INPUTS = {
    "clinical": ModalityInputs("ehr", 3),
    "rna": ModalityInputs("genomics", 6, {"a": (0, 1, 2), "b": (2, 3)}),
}


def patients(n: int, n_models: int, seed: int = 0) -> tuple[dict, dict, RiskSets]:
    """Noise features, the same for every network, and descending times, all events."""
    generator = torch.Generator().manual_seed(seed)
    features = {
        name: torch.randn(n, inputs.n_features, generator=generator).expand(n_models, -1, -1)
        for name, inputs in INPUTS.items()
    }
    present = {name: torch.ones(n, dtype=torch.bool) for name in INPUTS}
    present["rna"][1] = False
    return features, present, risk_sets(np.arange(n, 0, -1.0), np.ones(n, dtype=bool))


def trained(
    features: dict,
    present: dict,
    sets: RiskSets,
    weights: torch.Tensor,
    *,
    seed: int = 0,
    training: TrainingConfig | None = None,
    network: NetworkConfig | None = None,
) -> tuple[RiskNetwork, dict[str, torch.Tensor], torch.Tensor]:
    """The last networks, their weights and their scores."""
    network = network or NetworkConfig(embed=8)
    *_, (skeleton, state) = train_stacked(
        lambda: compose_network(INPUTS, network),
        features,
        present,
        sets,
        weights,
        always="clinical",
        config=training or TrainingConfig(max_epochs=12),
        embed=network.embed,
        keep_probability=network.keep_probability,
        seed=seed,
    )
    everyone = {name: p.expand(len(weights), -1) for name, p in present.items()}
    return skeleton, state, stacked_scores(skeleton, state, features, everyone).detach()


def test_a_network_overfits_eight_patients():
    """Longest time first, so a perfect score ascends, each patient more at risk than the last."""
    features, present, sets = patients(8, 1)
    config = TrainingConfig(
        max_epochs=150, check_every=150, learning_rate=1e-2, weight_decay=0.0, modality_keep=1.0
    )
    network = NetworkConfig(embed=16, keep_probability=1.0)
    *_, scores = trained(
        features, present, sets, torch.ones(1, 8), training=config, network=network
    )
    assert bool((scores[0].diff() > 0).all())


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    given = (*patients(20, 2), torch.ones(2, 20))
    (_, first, _), (_, again, _) = trained(*given, seed=3), trained(*given, seed=3)
    _, other, _ = trained(*given, seed=4)
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not any(torch.equal(first[k], other[k]) for k in first)


def test_global_random_state_is_neither_used_nor_moved():
    given = (*patients(20, 1), torch.ones(1, 20))
    torch.manual_seed(1)
    _, first, _ = trained(*given)
    drawn = torch.rand(3)
    torch.manual_seed(2)
    _, again, _ = trained(*given)
    assert all(torch.equal(first[k], again[k]) for k in first)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(3))


def test_networks_of_one_stack_do_not_touch_each_other():
    """Network 0 is the same whoever its neighbour trains on."""
    features, present, sets = patients(20, 2)
    weights = torch.ones(2, 20)
    fewer = weights.clone()
    fewer[1, ::3] = 0
    _, before, _ = trained(features, present, sets, weights)
    _, after, _ = trained(features, present, sets, fewer)
    assert all(torch.equal(before[k][0], after[k][0]) for k in before)
    assert not any(torch.equal(before[k][1], after[k][1]) for k in before)


def test_patients_of_weight_zero_do_not_train():
    features, present, sets = patients(20, 1)
    weights = torch.ones(1, 20)
    weights[0, 5:9] = 0
    _, before, _ = trained(features, present, sets, weights)
    spoiled = {name: f.clone() for name, f in features.items()}
    spoiled["rna"][:, 5:9] = 50.0
    _, after, _ = trained(spoiled, present, sets, weights)
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_values_of_an_absent_modality_do_not_train():
    features, present, sets = patients(20, 1)
    _, before, scores = trained(features, present, sets, torch.ones(1, 20))
    spoiled = {name: f.clone() for name, f in features.items()}
    spoiled["rna"][:, 1] = torch.nan
    _, after, other = trained(spoiled, present, sets, torch.ones(1, 20))
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert torch.equal(scores, other)


@pytest.mark.parametrize("fuser", FUSERS)
def test_missing_values_of_networks_that_read_features_leave_all_finite(fuser):
    """NaN stands for a missing measurement; the weights of its token learn, and none is NaN."""
    features, present, sets = patients(20, 2)
    features = {name: f.clone() for name, f in features.items()}
    features["clinical"][:, 3, 0] = torch.nan
    features["rna"][:, 4, 2] = torch.nan
    network = NetworkConfig(embed=8, fuser=fuser, genomics="pathways", ehr="tokens")
    states = [
        trained(
            features,
            present,
            sets,
            torch.ones(2, 20),
            network=network,
            training=TrainingConfig(max_epochs=n, check_every=1),
        )
        for n in (1, 12)
    ]
    _, state, scores = states[1]
    assert scores.isfinite().all()
    assert all(weight.isfinite().all() for weight in state.values())
    key = "encoders.clinical.tokens.missing"
    moved = (state[key] != states[0][1][key]).any(dim=-1)
    # Tokens of the second and third column stand for nothing that is missing; weight decay alone.
    assert moved[:, 0].all()


def test_dropout_of_units_and_of_modalities_reaches_training():
    given = (*patients(20, 1), torch.ones(1, 20))
    config = TrainingConfig(max_epochs=12, modality_keep=1.0)
    results = [
        trained(*given, training=config, network=NetworkConfig(embed=8, keep_probability=1.0))[1],
        trained(*given, training=config, network=NetworkConfig(embed=8, keep_probability=0.5))[1],
        trained(
            *given,
            training=replace(config, modality_keep=0.5),
            network=NetworkConfig(embed=8, keep_probability=1.0),
        )[1],
    ]
    key = "encoders.rna.first.weight"
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not torch.equal(results[i][key], results[j][key])


def test_yields_a_copy_after_every_look():
    features, present, sets = patients(20, 1)
    network = NetworkConfig(embed=8)
    states = [
        state
        for _, state in train_stacked(
            lambda: compose_network(INPUTS, network),
            features,
            present,
            sets,
            torch.ones(1, 20),
            always="clinical",
            config=TrainingConfig(max_epochs=10, check_every=4),
            embed=8,
            keep_probability=0.7,
            seed=0,
        )
    ]
    assert len(states) == 2
    assert not any(torch.equal(states[0][k], states[1][k]) for k in states[0])
