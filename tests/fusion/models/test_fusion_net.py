"""The network as a risk model: reproducible, additive, and able to learn."""

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from fusion.baseline_hazard import breslow
from fusion.dataset import PatientDataset
from fusion.models import FusionNet, RidgeCox
from fusion.models.fusion_net import FittedNet
from fusion.models.protocol import out_of_fold
from fusion.nested import NestedDesign
from fusion.network import FUSERS, NetworkConfig, compose_network
from fusion.saving import load_record, save_record
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
    scores = []
    for seed in range(2):
        network = compose_network(fitted.inputs, fitted.config)
        network.load_state_dict({k: v[seed] for k, v in fitted.state.items()})
        scores.append(network(features, present).detach().double().numpy())
    return (np.mean(scores, axis=0) - fitted.centre) * fitted.slope


def test_shapley_values_sum_to_the_score_of_the_networks(fitted, dataset):
    parts = fitted.contributions(dataset)
    assert list(parts) == list(NAMES)
    assert_allclose(sum(parts.values()), mean_score(fitted, dataset), atol=1e-5)
    for name, part in parts.items():
        assert not part[~dataset.modalities[name].present].any()


def test_each_network_is_compared_with_the_average_patient_it_learned_from(dataset):
    """Cox's likelihood cannot see a constant, and each network learns one of its own."""
    design = NestedDesign(dataset, seed=1)
    fit = design.fit(NET)
    assert isinstance(fit.fitted, FittedNet)
    assert abs(fit.fitted.centre) > 0.01
    assert_allclose(fit.fitted.risk_score(dataset).mean(), 0, atol=1e-6)
    learned = design.weights[1:]
    means = (fit.fold_scores * learned).sum(1) / learned.sum(1)
    assert_allclose(means, 0, atol=1e-6)
    expected = breslow(
        design.dataset.time, design.dataset.event, out_of_fold(fit.fold_scores, design)
    )
    assert_allclose(fit.fitted.baseline.cumulative, expected.cumulative)


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_as_many_new_patients_are_expected_to_have_the_event_as_by_ridge_cox(simulate, seed):
    """A linear model has no constant to lose; networks that keep theirs are a quarter off."""
    training, fresh = simulate(150, seed=seed, censored=0.1), simulate(3000, seed=9)
    models = (
        FusionNet("fusion_net", ("clinical", "rna"), n_seeds=1),
        RidgeCox("concatenation", ("clinical",), ("rna",)),
    )
    network, linear = (
        1 - model.fit(training, seed=seed).predict(fresh, np.array([400.0])).survival.mean()
        for model in models
    )
    assert network == pytest.approx(linear, rel=0.1)


def test_a_patient_of_whom_nothing_is_known_is_the_average_one(fitted, dataset):
    nobody = without(dataset, NAMES)
    assert not fitted.risk_score(nobody).any()
    assert not fitted.coalition_scores(dataset)[0].any()


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


# Networks that read the modalities' own features.

TOKENS = NetworkConfig(genomics="pathways", ehr="tokens")
SETS = {"first": ("gene 0", "gene 1", "gene 2"), "second": ("gene 2", "gene 3"), "none": ()}


@pytest.fixture(scope="module")
def with_sets(dataset) -> PatientDataset:
    """RNA has gene sets, mutations have none; a tenth of the patients miss their age."""
    clinical, rna = dataset.modalities["clinical"], dataset.modalities["rna"]
    values = clinical.values.copy()
    values[::10, 0] = np.nan
    return dataset.replace_modality(replace(rna, groups=SETS)).replace_modality(
        replace(clinical, values=values)
    )


@pytest.fixture(scope="module")
def by_fuser(with_sets) -> dict[str, FittedNet]:
    """One fitted model a fuser, all of them reading features."""
    found = {}
    for fuser in FUSERS:
        network = replace(TOKENS, embed=8, fuser=fuser)
        net = replace(NET, network=network, training=TrainingConfig(max_epochs=10))
        fitted = net.fit(with_sets, seed=1)
        assert isinstance(fitted, FittedNet)
        # After ten epochs some are worth nothing; what they say is looked at all the same.
        found[fuser] = replace(fitted, slope=1.0)
    return found


@pytest.fixture(params=FUSERS)
def reading(request, by_fuser) -> FittedNet:
    return by_fuser[request.param]


def without(dataset: PatientDataset, names: tuple[str, ...]) -> PatientDataset:
    """The same patients, lacking some modalities."""
    for name in names:
        modality = dataset.modalities[name]
        dataset = dataset.replace_modality(
            replace(
                modality,
                values=np.zeros_like(modality.values),
                present=np.zeros_like(modality.present),
            )
        )
    return dataset


def test_each_modality_is_seen_as_the_configuration_says(reading, with_sets):
    inputs = reading.inputs
    assert (inputs["clinical"].n_features, dict(inputs["clinical"].groups)) == (3, {})
    assert inputs["rna"].n_features == len(with_sets.modalities["rna"].names)
    assert inputs["rna"].groups == {"first": (0, 1, 2), "second": (2, 3)}
    n_components = reading.components["mutations"].n_components
    assert (inputs["mutations"].n_features, inputs["mutations"].groups) == (n_components, {})
    assert n_components <= TOKENS.max_inputs
    assert [reading.gains[name] == 1 for name in NAMES] == [True, True, False]


def test_own_features_are_standardised_and_missing_ones_nan(reading, with_sets):
    features, _ = reading.seen(with_sets)
    for name in ("clinical", "rna"):
        modality = with_sets.modalities[name]
        missing = np.isnan(modality.values)
        assert missing.any()
        assert_array_equal(features[name].isnan().numpy(), missing)
        known = np.where(missing, np.nan, features[name].numpy())[modality.present]
        assert_allclose(np.nanmean(known, axis=0), 0, atol=0.01)
        assert_allclose(np.nanstd(known, axis=0, ddof=1), 1, atol=0.05)
        assert not features[name][~modality.present].any()
    assert features["mutations"].isfinite().all()


def test_every_subset_of_modalities_has_a_finite_score_and_exact_shapley_values(reading, with_sets):
    for size in range(len(NAMES)):
        for lacking in combinations(NAMES, size):
            poorer = without(with_sets, lacking)
            score, parts = reading.risk_score(poorer), reading.contributions(poorer)
            assert np.isfinite(score).all()
            assert_allclose(sum(parts.values()), score, atol=1e-9)
            assert not any(parts[name].any() for name in lacking)
            assert all(parts[name].any() for name in NAMES if name not in lacking)


def test_a_missing_value_counts_and_is_not_the_mean(reading, with_sets):
    """A variable that is missing has a token of its own; a gene that is missing is the mean."""
    clinical = with_sets.modalities["clinical"]
    filled = clinical.values.copy()
    missing = np.isnan(filled[:, 0])
    filled[missing, 0] = reading.components["clinical"].center[0]
    at_mean = with_sets.replace_modality(replace(clinical, values=filled))
    before, after = reading.risk_score(with_sets), reading.risk_score(at_mean)
    assert_array_equal(before[~missing], after[~missing])
    assert (before[missing] != after[missing]).all()


SCORE = """
import sys
from pathlib import Path

import numpy as np
import torch

from fusion.dataset import Modality, PatientDataset
from fusion.saving import load_record

torch.set_num_threads(1)
folder = Path(sys.argv[1])
given = np.load(folder / "patients.npz")
names = sys.argv[2].split(",")
modalities = {
    name: Modality(
        name,
        str(given[f"{name}/kind"]),
        given[f"{name}/values"],
        given[f"{name}/present"],
        tuple(given[f"{name}/names"].tolist()),
        scaling=str(given[f"{name}/scaling"]),
    )
    for name in names
}
patients = PatientDataset(
    given["patient_id"], given["time"], given["event"], "days", modalities, names[0]
)
for model in (folder / "models").iterdir():
    np.save(folder / f"{model.name}.npy", load_record(model).risk_score(patients))
"""


def test_saved_networks_predict_identically_in_another_process(by_fuser, with_sets, tmp_path):
    """One that knows nothing else: gene sets come with the model, not with the patients."""
    for fuser, fitted in by_fuser.items():
        save_record(fitted, tmp_path / "models" / fuser)
    arrays = {n: getattr(with_sets, n) for n in ("patient_id", "time", "event")}
    for name in NAMES:
        for part in ("kind", "values", "present", "names", "scaling"):
            arrays[f"{name}/{part}"] = np.asarray(getattr(with_sets.modalities[name], part))
    np.savez(tmp_path / "patients.npz", **arrays)
    subprocess.run([sys.executable, "-c", SCORE, tmp_path, ",".join(NAMES)], check=True)
    for fuser, fitted in by_fuser.items():
        assert_array_equal(np.load(tmp_path / f"{fuser}.npy"), fitted.risk_score(with_sets))
        loaded = load_record(tmp_path / "models" / fuser)
        assert (loaded.inputs, loaded.config) == (fitted.inputs, fitted.config)


def test_tokens_rank_new_patients(simulate):
    """As the usual network does, on patients whose gene sets hold the gene that counts."""

    def patients(seed: int) -> PatientDataset:
        dataset = simulate(300, seed=seed)
        return dataset.replace_modality(replace(dataset.modalities["rna"], groups=SETS))

    fitted = FusionNet("fusion_net", ("clinical", "rna"), network=TOKENS).fit(patients(1), seed=0)
    fresh = patients(2)
    score = fitted.risk_score(fresh)
    earlier = (fresh.time[:, None] < fresh.time[None]) & fresh.event[:, None]
    assert (score[:, None] > score[None])[earlier].mean() > 0.68


def test_predicting_leaves_the_random_state_of_the_caller(fitted, dataset):
    before = torch.get_rng_state()
    fitted.risk_score(dataset)
    assert torch.equal(torch.get_rng_state(), before)
