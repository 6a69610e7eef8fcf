"""The network as a risk model: reproducible, additive, and able to learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from fusion.dataset import PatientDataset
from fusion.models import FusionNet
from fusion.models.fusion_net import FittedNet
from fusion.nested import NestedDesign
from fusion.network import build_network
from fusion.training import TrainingConfig

NAMES = ("clinical", "rna", "mutations")
NET = FusionNet("fusion_net", NAMES, n_seeds=2, training=TrainingConfig(max_epochs=24))


@pytest.fixture(scope="module")
def dataset(simulate) -> PatientDataset:
    return simulate(120)


@pytest.fixture(scope="module")
def fitted(dataset) -> FittedNet:
    fitted = NET.fit(dataset, seed=1)
    assert isinstance(fitted, FittedNet)
    return fitted


def mean_score(fitted: FittedNet, dataset: PatientDataset) -> np.ndarray:
    """Mean of the networks, each run alone with its own weights."""
    features = {
        name: torch.as_tensor(
            c.transform(dataset.modalities[name]) * fitted.gains[name], dtype=torch.float32
        )
        for name, c in fitted.components.items()
    }
    present = {n: torch.as_tensor(dataset.modalities[n].present.copy()) for n in features}
    widths = {n: c.n_components for n, c in fitted.components.items()}
    scores = []
    for seed in range(2):
        network = build_network(widths, fitted.kinds, fitted.config)
        network.load_state_dict({k: v[seed] for k, v in fitted.state.items()})
        scores.append(network(features, present).detach().double().numpy())
    return np.mean(scores, axis=0) * fitted.slope


def test_shapley_values_sum_to_the_score_of_the_networks(fitted, dataset):
    parts = fitted.contributions(dataset)
    assert list(parts) == list(NAMES)
    assert_allclose(sum(parts.values()), mean_score(fitted, dataset), atol=1e-5)
    for name, part in parts.items():
        assert not part[~dataset.modalities[name].present].any()


def test_a_single_present_modality_has_the_whole_score(fitted, dataset):
    only = dataset
    for name in ("rna", "mutations"):
        modality = dataset.modalities[name]
        empty = np.zeros_like(modality.values)
        only = only.replace_modality(
            replace(modality, values=empty, present=np.zeros_like(modality.present))
        )
    parts = fitted.contributions(only)
    assert_allclose(parts["clinical"], mean_score(fitted, only), atol=1e-6)
    assert parts["clinical"].std() > 0


def test_the_same_seed_gives_the_same_model_and_another_seed_another(fitted, dataset):
    again, other = NET.fit(dataset, seed=1), NET.fit(dataset, seed=2)
    assert_array_equal(again.risk_score(dataset), fitted.risk_score(dataset))
    assert again.chosen == fitted.chosen
    assert not np.allclose(other.risk_score(dataset), fitted.risk_score(dataset))


def test_it_ranks_new_patients(simulate):
    """Fitted on 300 patients, on 300 others: near the true order, well above chance."""
    fitted = FusionNet("fusion_net", ("clinical", "rna")).fit(simulate(300, seed=1), seed=0)
    fresh = simulate(300, seed=2)
    score = fitted.risk_score(fresh)
    earlier = (fresh.time[:, None] < fresh.time[None]) & fresh.event[:, None]
    concordant = (score[:, None] > score[None])[earlier].mean()
    assert concordant > 0.68


def test_epochs_are_those_of_highest_held_out_likelihood(dataset):
    """Training longer than the best look gives the weights of that look."""
    longer = replace(NET.training, max_epochs=48, patience=100)
    fit = NestedDesign(dataset).fit(replace(NET, training=longer))
    epochs = fit.fitted.chosen["epochs"]
    assert epochs % longer.check_every == 0
    exact = replace(longer, max_epochs=epochs)
    stopped = NestedDesign(dataset).fit(replace(NET, training=exact))
    assert stopped.fitted.chosen == fit.fitted.chosen
    assert torch.equal(stopped.fold_scores, fit.fold_scores)


def test_no_look_is_refused(dataset):
    with pytest.raises(ValueError, match="at least check_every epochs"):
        replace(NET, training=TrainingConfig(max_epochs=3)).fit(dataset)
