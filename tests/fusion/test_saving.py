"""A saved model predicts identically; nothing on disk is executed."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import fusion
import fusion.saving
from fusion.dataset import PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.encoders.image import ImageEncoderConfig
from fusion.explanation.attribution import Attribution, FeatureAttribution, ImageAttribution
from fusion.explanation.checks import at_least
from fusion.models import FusionNet, Null, RidgeCox, RiskModel, Selected, Stack
from fusion.network import ModalityInputs, NetworkConfig
from fusion.outcome_losses import censoring_curve
from fusion.saving import load_record, save_record
from fusion.tasks import (
    CompetingRisksTask,
    ContinuousTask,
    CoxTask,
    DiscreteHazardTask,
    FittedCompetingRisks,
    FittedContinuous,
    FittedSurvivalTask,
    FittedTask,
    HorizonRiskTask,
    Measurement,
    TimeToEvent,
)
from fusion.training import TrainingConfig

HORIZONS = np.array([100.0, 400.0])
NAMES = ("clinical", "rna", "mutations")
BASE = RidgeCox("clinical", ("clinical",))
NET = FusionNet("fusion_net", NAMES, n_seeds=2, training=TrainingConfig(max_epochs=8))
MODELS: dict[str, RiskModel] = {
    "null": Null("null_by_group", stratified=True),
    "clinical": BASE,
    "stack": Stack("stack", "clinical", ("rna", "mutations")),
    "fusion_net": NET,
    "selected": Selected("selected", (BASE, NET)),
}


@pytest.fixture(scope="module")
def dataset(simulate) -> PatientDataset:
    return simulate(90)


@pytest.fixture
def saved(dataset, tmp_path) -> Path:
    """A folder with the clinical model."""
    save_record(BASE.fit(dataset), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_predicts_identically(dataset, tmp_path, name):
    fitted = MODELS[name].fit(dataset)
    save_record(fitted, tmp_path / "model")
    loaded = load_record(tmp_path / "model")
    assert type(loaded) is type(fitted)
    before, after = fitted.predict(dataset, HORIZONS), loaded.predict(dataset, HORIZONS)
    assert_array_equal(after.risk_score, before.risk_score)
    assert_array_equal(after.survival, before.survival)
    assert list(after.contributions) == list(before.contributions)
    assert after.provenance == before.provenance


TIME = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
SURVIVAL = TimeToEvent(
    TIME,
    np.array([1, 1, 0, 1, 1, 1, 0, 1], dtype=bool),
    np.array([1, 2, 0, 1, 2, 1, 0, 2]),
)
TASKS = [
    (CoxTask(), SURVIVAL),
    (DiscreteHazardTask(3), SURVIVAL),
    (CompetingRisksTask(2, 3), SURVIVAL),
    (HorizonRiskTask(4.5), SURVIVAL),
    (ContinuousTask(), Measurement(TIME)),
]


@pytest.mark.parametrize(("task", "outcome"), TASKS)
def test_a_saved_task_says_the_same_of_outputs_and_outcomes(task, outcome, tmp_path):
    torch.manual_seed(0)
    outputs = task.head(4)(torch.randn(8, 4)).double().detach()
    fitted = task.fit(outcome)
    if isinstance(task, CoxTask):
        fitted = fitted.calibrate(outputs.numpy(), outcome)
    save_record({"task": task, "fitted": fitted}, tmp_path / "task")
    record = load_record(tmp_path / "task")
    again = record["fitted"]
    assert record["task"] == task
    assert type(again) is type(fitted)
    before, after = fitted.targets(outcome), again.targets(outcome)
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert torch.equal(again.loss(outputs, after), fitted.loss(outputs, before))
    assert_array_equal(again.risk_score(outputs.numpy()), fitted.risk_score(outputs.numpy()))
    assert_array_equal(predicted(again, outputs.numpy()), predicted(fitted, outputs.numpy()))


def predicted(task: FittedTask, outputs: np.ndarray) -> np.ndarray:
    """The whole answer of a fitted task."""
    match task:
        case FittedContinuous():
            return task.predicted_mean(outputs)
        case FittedCompetingRisks():
            return task.cumulative_incidence(outputs, np.array([1.5, 4.5]))
    assert isinstance(task, FittedSurvivalTask)
    return task.survival(outputs, np.array([4.5]))


def test_a_censoring_curve_comes_back_with_or_without_censored_patients(tmp_path):
    for name, event in (("some", SURVIVAL.event), ("none", SURVIVAL.event | True)):
        before = censoring_curve(TIME, event)
        save_record(before, tmp_path / name)
        after = load_record(tmp_path / name)
        assert_array_equal(after.at(TIME), before.at(TIME))
        assert_array_equal(after.before(TIME), before.before(TIME))


def test_inputs_of_a_network_come_back_with_their_sets_in_order(tmp_path):
    inputs = {
        "rna": ModalityInputs("genomics", 5, {"late": (3, 1), "early": (0,)}),
        "clinical": ModalityInputs("ehr", 2),
    }
    save_record(inputs, tmp_path / "inputs")
    loaded = load_record(tmp_path / "inputs")
    assert loaded == inputs
    assert list(loaded) == ["rna", "clinical"]
    assert list(loaded["rna"].groups) == ["late", "early"]


def test_a_configuration_from_before_networks_read_features_is_the_usual_one(tmp_path):
    save_record(NetworkConfig(embed=8, fuser="tensor", ehr="tokens"), tmp_path / "shape")
    assert load_record(tmp_path / "shape") == NetworkConfig(embed=8, fuser="tensor", ehr="tokens")
    path = tmp_path / "shape" / "record.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for field in ("fuser", "genomics", "ehr"):
        del content["record"]["fields"][field]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert load_record(tmp_path / "shape") == NetworkConfig(embed=8)


@pytest.mark.parametrize("masks", [True, False])
def test_a_saved_embedder_embeds_identically(dataset, discs, tmp_path, masks):
    """With the risk model in one record, as a study keeps them."""
    images = replace(
        dataset.take(np.arange(48)), modalities={"mri": discs(masks=masks)}, clinical="mri"
    )
    config = ImageEncoderConfig(widths=(8, 16), n_steps=2, batch_size=8)
    fitted = ImageEmbedder(config).fit(images, seed=0)
    save_record({"embedder": fitted, "risk": BASE.fit(dataset), "study": "{}"}, tmp_path / "m")
    record = load_record(tmp_path / "m")
    assert record["study"] == "{}"
    assert record["embedder"].encoders["mri"].config == config
    before, after = fitted.embed(images), record["embedder"].embed(images)
    assert_array_equal(after.modalities["mri"].values, before.modalities["mri"].values)
    assert not record["embedder"].encoders["mri"].training


def test_predictions_come_back_whole(dataset, tmp_path):
    before = BASE.fit(dataset).predict(dataset, HORIZONS, 3)
    before = replace(
        before,
        provenance={"folds": ({"fold": 3, "chosen": {"penalty": None}},)},
        repeats=before.rankings * 2,
    )
    save_record({"clinical": before}, tmp_path / "fold" / "3")
    after = load_record(tmp_path / "fold" / "3")["clinical"]
    assert after.model == before.model
    assert after.patient_id.tolist() == before.patient_id.tolist()
    for part in ("fold", "risk_score", "horizons", "survival"):
        assert_array_equal(getattr(after, part), getattr(before, part))
        assert getattr(after, part).dtype == getattr(before, part).dtype
    assert after.provenance == before.provenance
    assert len(after.repeats) == 2
    for kept, repeat in zip(after.repeats, before.repeats, strict=True):
        assert_array_equal(kept.fold, repeat.fold)
        assert_array_equal(kept.risk_score, repeat.risk_score)


def test_a_record_is_json_and_safetensors_alone(saved):
    assert {p.name for p in saved.iterdir()} == {"record.json", "numbers.safetensors"}
    content = json.loads((saved / "record.json").read_text(encoding="utf-8"))
    assert content["format"] == fusion.saving.FORMAT
    assert content["record"]["class"] == "FittedLinear"


def test_nothing_in_the_package_reads_code_from_disk():
    """pickle, torch.load and what is built on them run what a file says."""
    forbidden = ("pickle", "torch.load", "torch.save", "joblib", "marshal", "allow_pickle=True")
    sources = sorted(Path(fusion.__file__).parent.rglob("*.py"))
    assert len(sources) > 20
    found = [
        (path.name, word)
        for path in sources
        for word in forbidden
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_a_folder_that_exists_is_left_alone(saved, dataset):
    before = {p.name: p.read_bytes() for p in saved.iterdir()}
    with pytest.raises(ValueError, match="model exists already: choose another folder"):
        save_record(NET, saved)
    assert {p.name: p.read_bytes() for p in saved.iterdir()} == before


@pytest.mark.parametrize("value", [object(), {1, 2}, BASE, {"a": {"b": np.array([object()])}}])
def test_what_is_no_record_is_refused_and_leaves_nothing(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        save_record(value, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(dataset, tmp_path, monkeypatch):
    def fill_the_disk(numbers: dict[str, torch.Tensor], path: os.PathLike[str]) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(fusion.saving, "save_file", fill_the_disk)
    with pytest.raises(OSError, match="no space"):
        save_record(BASE.fit(dataset), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no saved record: record.json, numbers.safetensors"):
        load_record(tmp_path)
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(ValueError, match="no saved record: numbers.safetensors missing"):
        load_record(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "is not JSON"),
        ("[1, 2]", "not of format 1"),
        ('{"format": 99, "record": 1}', "not of format 1"),
        ('{"format": 1}', "holds a damaged record"),
        ('{"format": 1, "record": {"class": "Popen", "fields": {"args": "x"}}}', "unknown content"),
        ('{"format": 1, "record": {"class": "BaselineHazard", "fields": {}}}', "damaged record"),
        ('{"format": 1, "record": {"array": "/nowhere"}}', "damaged record"),
        ('{"format": 1, "record": {"call": "os.system"}}', "unknown content .*'call'"),
    ],
)
def test_a_changed_description_is_refused(saved, text, message):
    (saved / "record.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_record(saved)


def test_a_network_of_an_earlier_version_says_so_and_is_refused(dataset, tmp_path):
    """It had no centre, and its absolute risk was off by a constant."""
    save_record(NET.fit(dataset), tmp_path / "model")
    record = tmp_path / "model" / "record.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    del content["record"]["fields"]["centre"]
    record.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="FittedNet without centre.*fit the model again"):
        load_record(tmp_path / "model")


def test_damaged_numbers_are_refused(saved):
    numbers = saved / "numbers.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:40])
    with pytest.raises(ValueError, match="holds a damaged record"):
        load_record(saved)


def test_an_explanation_comes_back_with_what_could_not_be_measured(tmp_path):
    maps = ImageAttribution(np.ones((1, 2, 3, 3)), np.eye(4))
    values = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    made = Attribution(
        method="linear terms",
        target="log_hazard",
        horizons=np.array([]),
        reference="the mean training patient",
        patient_id=np.array(["a", "b"]),
        modality_names=("rna", "mri"),
        modalities=np.ones((1, 2, 2)),
        features={"rna": FeatureAttribution(("TP53", "EGFR"), values, {"RTK": ("EGFR",)})},
        images={"mri": maps},
        checks=(at_least("agreement", float("nan"), 0.5, meaning="not measured"),),
    )
    save_record({"explained": made}, tmp_path / "explained")
    again = load_record(tmp_path / "explained")["explained"]
    assert_array_equal(again.features["rna"].values, values)
    assert again.features["rna"].groups == {"RTK": ("EGFR",)}
    assert_array_equal(again.images["mri"].affine, np.eye(4))
    assert again.total is None
    assert again.horizons.shape == (0,)
    (check,) = again.checks
    assert np.isnan(check.value)
    assert not check.passed
