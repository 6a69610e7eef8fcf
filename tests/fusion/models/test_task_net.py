"""One network a task: it learns, it predicts for anyone, and on disk it stays what it was."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import load_file

from fusion.dataset import PatientDataset
from fusion.models.task_net import FittedTaskNet, TaskNet
from fusion.network import FUSERS, NetworkConfig
from fusion.network_training import NetworkTrainingConfig
from fusion.saving import load_record, save_record
from fusion.tasks import (
    CompetingRisksTask,
    ContinuousTask,
    CoxTask,
    DiscreteHazardTask,
    FittedCox,
    HorizonRiskTask,
    Measurement,
    Task,
    TimeToEvent,
)

NAMES = ("clinical", "rna", "mutations")
HORIZON = 400.0
TRAINING = NetworkTrainingConfig(max_steps=60, learning_rate=5e-3, check_every=5)
TASKS: dict[str, Task] = {
    "cox": CoxTask(),
    "discrete_hazard": DiscreteHazardTask(6),
    "horizon": HorizonRiskTask(HORIZON),
    "competing_risks": CompetingRisksTask(2, 4),
    "continuous": ContinuousTask(),
}


def outcome_of(task: Task, dataset: PatientDataset) -> TimeToEvent | Measurement:
    """What the task asks about: events, of which cause 1 follows age, or a score of both."""
    age = np.nan_to_num(dataset.modalities["clinical"].values[:, 0], nan=60.0)
    if isinstance(task, ContinuousTask):
        noise = np.random.default_rng(dataset.n_patients).normal(0, 5, dataset.n_patients)
        return Measurement(100 + age + noise)
    cause = np.where(dataset.event, np.where(age > 60, 1, 2), 0)
    return TimeToEvent(dataset.time, dataset.event, cause)


def net(task: Task, **changes: object) -> TaskNet:
    return replace(TaskNet("net", NAMES, task, training=TRAINING), **changes)


@pytest.fixture(scope="module")
def training(simulate) -> PatientDataset:
    return simulate(300, seed=1, clinical_effect=1.6)


@pytest.fixture(scope="module")
def fresh(simulate) -> PatientDataset:
    return simulate(200, seed=2, clinical_effect=1.6)


@pytest.fixture(scope="module")
def fitted(training) -> Callable[[str], FittedTaskNet]:
    """The network of a task, trained once."""
    found: dict[str, FittedTaskNet] = {}

    def fit(name: str) -> FittedTaskNet:
        if name not in found:
            task = TASKS[name]
            found[name] = net(task).fit(
                training, outcome_of(task, training), seed=0, progress=False
            )
        return found[name]

    return fit


def said(fitted: FittedTaskNet, dataset: PatientDataset) -> np.ndarray:
    """What a network predicts, one row a patient."""
    match fitted.task:
        case CompetingRisksTask():
            return fitted.cumulative_incidence(dataset, np.array([200.0, HORIZON]))
        case ContinuousTask():
            return fitted.predicted_mean(dataset)
    return fitted.predict(dataset, np.array([HORIZON])).survival


def concordance(time: np.ndarray, event: np.ndarray, risk_score: np.ndarray) -> float:
    """Share of comparable pairs in which whoever has the event first is at higher risk."""
    earlier = (time[:, None] < time[None]) & event[:, None]
    return float((risk_score[:, None] > risk_score[None])[earlier].mean())


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


@pytest.mark.parametrize("name", ["cox", "discrete_hazard", "horizon"])
def test_it_ranks_new_patients(fitted, fresh, name):
    prediction = fitted(name).predict(fresh, np.array([HORIZON]))
    assert concordance(fresh.time, fresh.event, prediction.risk_score) > 0.62
    assert prediction.patient_id.tolist() == fresh.patient_id.tolist()
    assert set(prediction.fold.tolist()) == {-1}
    assert_array_equal(prediction.risk_score, fitted(name).risk_score(fresh))
    # Within a tenth of the share that survives, as Kaplan–Meier would be.
    assert abs(prediction.survival.mean() - known_survival(fresh)) < 0.1


def known_survival(dataset: PatientDataset) -> float:
    """Survival at the horizon, by Kaplan–Meier."""
    order = dataset.time.argsort()
    time, event = dataset.time[order], dataset.event[order]
    at_risk = len(time) - np.arange(len(time))
    return float(np.prod(np.where(event & (time <= HORIZON), 1 - 1 / at_risk, 1.0)))


def test_survival_falls_with_time(fitted, fresh):
    horizons = np.array([50.0, 100, 400, 900])
    for name in ("cox", "discrete_hazard"):
        survival = fitted(name).predict(fresh, horizons).survival
        assert (np.diff(survival, axis=1) <= 0).all()
        assert (survival[:, 0] > survival[:, -1]).all()


def test_risk_by_a_horizon_is_known_for_that_horizon_alone(fitted, fresh):
    for other in ([HORIZON + 1], [200.0, HORIZON]):
        with pytest.raises(ValueError, match="knows the risk by 400 only, asked for"):
            fitted("horizon").predict(fresh, np.array(other))


def test_cumulative_incidence_tells_causes_apart(fitted, fresh):
    """Cause 1 is that of the old, cause 2 that of the young."""
    horizons = np.array([100.0, HORIZON])
    incidence = fitted("competing_risks").cumulative_incidence(fresh, horizons)
    assert incidence.shape == (200, 2, 2)
    assert (np.diff(incidence, axis=2) >= 0).all()
    assert (incidence.sum(axis=1) <= 1).all()
    age = fresh.modalities["clinical"].values[:, 0]
    first, second = incidence[:, :, 1].T
    assert first[age > 70].mean() > 2 * first[age < 50].mean()
    assert second[age < 50].mean() > second[age > 70].mean()
    outcome = outcome_of(TASKS["competing_risks"], fresh)
    own = outcome.cause == 1
    assert concordance(fresh.time, own, fitted("competing_risks").risk_score(fresh)) > 0.65


def test_the_mean_of_a_continuous_outcome_is_predicted_in_its_unit(fitted, fresh):
    value = outcome_of(TASKS["continuous"], fresh).value
    error = fitted("continuous").predicted_mean(fresh) - value
    assert 1 - (error**2).mean() / value.var() > 0.4
    assert abs(error.mean()) < 3


@pytest.mark.parametrize("name", TASKS)
def test_a_saved_network_predicts_identically(fitted, fresh, tmp_path, name):
    save_record(fitted(name), tmp_path / "model")
    loaded = load_record(tmp_path / "model")
    assert type(loaded.fitted_task) is type(fitted(name).fitted_task)
    assert loaded.task == TASKS[name]
    assert_array_equal(said(loaded, fresh), said(fitted(name), fresh))
    assert_array_equal(loaded.risk_score(fresh), fitted(name).risk_score(fresh))
    assert loaded.chosen == fitted(name).chosen


@pytest.mark.parametrize("name", TASKS)
def test_every_subset_of_modalities_has_a_prediction_of_its_own(fitted, fresh, name):
    found = []
    for size in range(len(NAMES)):
        for lacking in combinations(NAMES, size):
            found.append(said(fitted(name), without(fresh, lacking)))
            assert np.isfinite(found[-1]).all()
    for one, other in combinations(found, 2):
        assert not np.allclose(one, other)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.integers(0, 199), min_size=1, max_size=12, unique=True))
def test_a_prediction_does_not_depend_on_the_other_patients(fitted, fresh, rows):
    index = np.array(rows)
    for name in ("cox", "competing_risks"):
        alone = said(fitted(name), fresh.take(index))
        assert_allclose(alone, said(fitted(name), fresh)[index], atol=1e-5)


@pytest.mark.parametrize("fuser", FUSERS)
def test_networks_that_read_features_take_missing_values(training, fresh, tmp_path, fuser):
    sets = {"a": ("gene 0", "gene 1"), "b": ("gene 1", "gene 2")}

    def with_sets(dataset: PatientDataset) -> PatientDataset:
        return dataset.replace_modality(replace(dataset.modalities["rna"], groups=sets))

    shape = NetworkConfig(embed=8, fuser=fuser, genomics="pathways", ehr="tokens")
    short = replace(TRAINING, max_steps=10)
    outcome = outcome_of(TASKS["cox"], training)
    network = net(TASKS["cox"], network=shape, training=short)
    trained = network.fit(with_sets(training), outcome, seed=0, progress=False)
    assert np.isnan(fresh.modalities["clinical"].values).any()
    survival = said(trained, fresh)
    assert np.isfinite(survival).all()
    save_record(trained, tmp_path / "model")
    loaded = load_record(tmp_path / "model")
    assert loaded.reader.inputs == trained.reader.inputs
    assert_array_equal(said(loaded, fresh), survival)


def test_nothing_is_learned_from_patients_held_out(training):
    """Spoiling their values changes neither the steps before the first look nor the reader."""
    task = TASKS["cox"]
    outcome = outcome_of(task, training)
    one_look = net(task, training=replace(TRAINING, max_steps=5))
    before = one_look._learner(training, outcome, np.arange(300) < 200, 0)
    clinical = training.modalities["clinical"]
    values = clinical.values.copy()
    values[200:, 0] += 1000
    spoiled = training.replace_modality(replace(clinical, values=values))
    after = one_look._learner(spoiled, outcome, np.arange(300) < 200, 0)
    for part in ("center", "scale"):
        assert_array_equal(
            getattr(after.reader.components["clinical"], part),
            getattr(before.reader.components["clinical"], part),
        )
    (lessons, *_), (same, *_) = before.lessons(), after.lessons()
    assert lessons.n_patients == 200
    assert lessons.fingerprint() == same.fingerprint()


def test_steps_are_those_of_the_best_look_and_are_taken_on_everyone(training, tmp_path):
    """Other patients' outcomes: there is nothing to learn, so more steps are no better."""
    task = TASKS["cox"]
    longer = net(task, training=replace(TRAINING, max_steps=40, patience=99))
    foreign = TimeToEvent(training.time[::-1].copy(), training.event[::-1].copy())
    fitted = longer.fit(training, foreign, seed=0, checkpoint=tmp_path, progress=False)
    looks, n_steps = fitted.chosen["looks"], fitted.chosen["n_steps"]
    assert [step for step, _ in looks] == [5, 10, 15, 20, 25, 30, 35, 40]
    assert n_steps == max(looks, key=lambda look: look[1])[0] < 40
    assert fitted.chosen["n_held_out"] == 60
    age = training.modalities["clinical"].values[:, 0]
    assert fitted.reader.components["clinical"].center[0] == pytest.approx(np.nanmean(age))
    last = load_file(tmp_path / "final.safetensors")
    assert len(last["losses"]) == n_steps
    for name, weight in fitted.state.items():
        assert torch.equal(last[f"network/{name}"], weight)


def test_held_out_likelihood_is_their_own_where_patients_are_not_compared(training):
    """For Cox it is more: they are compared with the training patients too."""
    rows = np.arange(300) < 240
    own = {}
    for name in ("discrete_hazard", "cox"):
        task = TASKS[name]
        learner = net(task)._learner(training, outcome_of(task, training), rows, 0)
        torch.manual_seed(0)
        outputs = task.head(4)(torch.randn(300, 4)).detach().double()
        targets = {key: values[240:] for key, values in learner.targets.items()}
        alone = -float(learner.task.loss(outputs[240:], targets))
        own[name] = (learner.held_out_log_likelihood(outputs.numpy()), alone)
    assert own["discrete_hazard"][0] == pytest.approx(own["discrete_hazard"][1])
    assert own["cox"][0] < own["cox"][1] - 1


def test_the_baseline_hazard_comes_from_patients_held_out(fitted):
    """Sixty were held out, so it has a step for each of their events and no more."""
    task = fitted("cox").fitted_task
    assert isinstance(task, FittedCox)
    assert 10 < len(task.baseline.times) < 60


def test_coxs_risk_is_relative_to_the_average_training_patient(fitted, training):
    """Of the network that predicts, not of the one that was tried."""
    assert abs(fitted("cox").fitted_task.centre) > 0.01
    assert fitted("cox").risk_score(training).mean() == pytest.approx(0, abs=1e-5)


def test_the_same_seed_gives_the_same_network_and_another_seed_another(training, fresh):
    task = TASKS["cox"]
    quick = net(task, training=replace(TRAINING, max_steps=10))
    outcome = outcome_of(task, training)
    torch.manual_seed(5)
    first = quick.fit(training, outcome, seed=3, progress=False).risk_score(fresh)
    drawn = torch.rand(2)
    torch.manual_seed(6)
    assert_array_equal(
        quick.fit(training, outcome, seed=3, progress=False).risk_score(fresh), first
    )
    torch.manual_seed(5)
    assert torch.equal(torch.rand(2), drawn)
    assert not np.allclose(
        quick.fit(training, outcome, seed=4, progress=False).risk_score(fresh), first
    )
    everyone = np.ones(300, dtype=bool)
    third, fourth = (quick._learner(training, outcome, everyone, seed) for seed in (3, 4))
    assert not torch.equal(third.network.head.layer.weight, fourth.network.head.layer.weight)


def test_a_training_goes_on_from_its_checkpoints(training, fresh, tmp_path):
    task = TASKS["cox"]
    quick = net(task, training=replace(TRAINING, max_steps=10))
    outcome = outcome_of(task, training)
    first = quick.fit(training, outcome, seed=0, checkpoint=tmp_path, progress=False)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(kept) == {"choice.safetensors", "final.safetensors"}
    (tmp_path / "final.safetensors").unlink()
    again = quick.fit(training, outcome, seed=0, checkpoint=tmp_path, progress=False)
    assert_array_equal(again.risk_score(fresh), first.risk_score(fresh))
    assert (tmp_path / "choice.safetensors").read_bytes() == kept["choice.safetensors"]
    with pytest.raises(ValueError, match="belongs to another run"):
        quick.fit(training, outcome, seed=1, checkpoint=tmp_path, progress=False)


# Images, read end to end.


@pytest.fixture(scope="module")
def scans(simulate, discs) -> Callable[..., tuple[PatientDataset, Measurement]]:
    """Patients whose outcome is the size of the disc in their image, unless they lack it."""

    def make(n_patients: int, seed: int, lacking: int) -> tuple[PatientDataset, Measurement]:
        mri = discs(n_patients, seed, lacking=lacking)
        dataset = simulate(n_patients, seed)
        area = mri.masks.sum(axis=(1, 2, 3)).astype(float)
        area[~mri.present] = area[mri.present].mean()
        modalities = {"clinical": dataset.modalities["clinical"], "mri": mri}
        return replace(dataset, modalities=modalities), Measurement(area)

    return make


def test_images_are_read_end_to_end(scans, tmp_path):
    training, area = scans(96, 0, 8)
    config = NetworkTrainingConfig(max_steps=50, learning_rate=5e-3, batch=32)
    network = TaskNet("scans", ("clinical", "mri"), ContinuousTask(), training=config)
    fitted = network.fit(training, area, seed=0, progress=False)
    fresh, size = scans(60, 5, 0)
    predicted = fitted.predicted_mean(fresh)
    assert 1 - ((predicted - size.value) ** 2).mean() / size.value.var() > 0.3
    for lacking in ("clinical", "mri"):
        assert np.isfinite(fitted.predicted_mean(without(fresh, (lacking,)))).all()
    save_record(fitted, tmp_path / "model")
    assert_array_equal(load_record(tmp_path / "model").predicted_mean(fresh), predicted)
    mri = fresh.modalities["mri"]
    swapped = fresh.replace_modality(replace(mri, names=mri.names[::-1]))
    with pytest.raises(ValueError, match="trained on the channels t1, flair, and flair, t1 came"):
        fitted.predicted_mean(swapped)
    other = replace(fresh.modalities["clinical"], name="mri")
    with pytest.raises(ValueError, match="trained on image values, and ehr came"):
        fitted.predicted_mean(replace(fresh, modalities={**fresh.modalities, "mri": other}))


# What is refused.


def test_a_prediction_that_the_task_does_not_know_names_the_one_it_knows(fitted, fresh):
    horizons = np.array([HORIZON])
    for name, task in (("competing_risks", "CompetingRisksTask"), ("continuous", "ContinuousTask")):
        with pytest.raises(ValueError, match=f"{task} predicts no survival: ask for cumulative_"):
            fitted(name).predict(fresh, horizons)
    with pytest.raises(ValueError, match="CoxTask does not predict cumulative incidence by cause"):
        fitted("cox").cumulative_incidence(fresh, horizons)
    with pytest.raises(ValueError, match="CoxTask does not predict the mean .* ContinuousTask"):
        fitted("cox").predicted_mean(fresh)


def test_what_cannot_be_trained_is_refused(training):
    outcome = outcome_of(TASKS["cox"], training)
    assert isinstance(outcome, TimeToEvent)
    fewer = TimeToEvent(outcome.time[:299], outcome.event[:299])
    rare = TimeToEvent(outcome.time, outcome.event & (np.arange(300) < 9))
    for given_outcome, message in (
        (fewer, "299 rows for 300 patients"),
        (rare, "at least 10 events, got"),
        (Measurement(np.arange(300.0)[:299]), "299 rows for 300 patients"),
    ):
        with pytest.raises(ValueError, match=message):
            net(TASKS["cox"]).fit(training, given_outcome, seed=0, progress=False)
    with pytest.raises(ValueError, match="no training patient has the modality rna"):
        net(TASKS["cox"]).fit(without(training, ("rna",)), outcome, seed=0, progress=False)
    with pytest.raises(ValueError, match="the model needs the modalities pet"):
        net(TASKS["cox"], modalities=("clinical", "pet")).fit(
            training, outcome, seed=0, progress=False
        )
