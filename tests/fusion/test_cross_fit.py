"""Nothing is fitted outside its fold."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fusion.cross_fit
from fusion.cross_fit import TRAINING_ONLY
from fusion.dataset import Modality, PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.encoders.image import ImageEncoderConfig
from fusion.models import FittedRisk, FusionNet, Null, RidgeCox, RiskModel, Selected, Stack
from fusion.predictions import Predictions
from fusion.saving import load_record, save_record
from fusion.training import TrainingConfig

HORIZONS = np.array([100.0, 400.0])
BASE = RidgeCox("clinical", ("clinical",))
STACK = Stack("stack", "clinical", ("rna", "mutations"))
NET = FusionNet("fusion_net", ("clinical", "rna"), 1, training=TrainingConfig(max_epochs=8))
LINEAR: Mapping[str, RiskModel] = {
    "clinical": BASE,
    "mutations": RidgeCox("mutations", (), ("mutations",)),
    "stack": STACK,
}
LADDER: Mapping[str, RiskModel] = {
    "null": Null(),
    "null_by_group": Null("null_by_group", stratified=True),
    **LINEAR,
    "fusion_net": NET,
    "selected": Selected("selected", (BASE, STACK, NET)),
}
QUICK = ImageEmbedder(ImageEncoderConfig(widths=(8, 16), n_steps=3, batch_size=8))


def folds(n_patients: int, k: int = 3) -> np.ndarray:
    return np.random.default_rng(0).permutation(n_patients) % k


def leaks(
    models: Mapping[str, RiskModel], dataset: PatientDataset, fold: np.ndarray
) -> dict[str, list[str]]:
    """Leak detector: models whose predictions for fold 0 depend on what they must not know.

    ``outcomes``: those of the patients in fold 0. ``neighbours``: what is measured in half of the
    patients of fold 0, as seen by the other half; that is how a scaler, a fill value or a
    direction fitted outside the fold shows.
    """
    held_out = np.flatnonzero(fold == 0)
    changed, kept = held_out[::2], held_out[1::2]
    given = {"seed": 1, "embedder": QUICK}

    def predicted(data: PatientDataset) -> dict[str, Predictions]:
        return fusion.cross_fit.cross_fit(models, data, fold, HORIZONS, **given)

    time, event = dataset.time.copy(), dataset.event.copy()
    time[held_out], event[held_out] = time[held_out][::-1] * 3, ~event[held_out]
    outcomes = replace(dataset, time=time, event=event)
    neighbours = dataset
    for modality in dataset.modalities.values():
        neighbours = neighbours.replace_modality(_other_values(modality, changed))
    before = predicted(dataset)
    return {
        "outcomes": _moved(before, predicted(outcomes), held_out),
        "neighbours": _moved(before, predicted(neighbours), kept),
    }


def _other_values(modality: Modality, rows: np.ndarray) -> Modality:
    values = modality.values.copy()
    rows = rows[modality.present[rows]]
    values[rows] = values[rows] ** 2 if modality.kind == "image" else 5 - 3 * values[rows]
    if modality.kind != "image":
        values[rows[:3]] = np.nan
    return replace(modality, values=values)


def _moved(
    before: dict[str, Predictions], after: dict[str, Predictions], rows: np.ndarray
) -> list[str]:
    def same(name: str) -> bool:
        pairs = [(p.risk_score[rows], p.survival[rows]) for p in (before[name], after[name])]
        return all(np.allclose(a, b, rtol=0, atol=1e-9) for a, b in zip(*pairs, strict=True))

    return [name for name in before if not same(name)]


def test_no_model_knows_its_fold(simulate):
    dataset = simulate(120)
    assert leaks(LADDER, dataset, folds(120)) == {"outcomes": [], "neighbours": []}


def test_no_image_encoder_knows_its_fold(simulate, discs):
    dataset = simulate(60)
    dataset = replace(dataset, modalities={**dataset.modalities, "mri": discs(60)})
    models = {"mri": RidgeCox("mri", (), ("mri",)), "stack": Stack("stack", "clinical", ("mri",))}
    assert leaks(models, dataset, folds(60)) == {"outcomes": [], "neighbours": []}


def standardised_outside(dataset: PatientDataset) -> PatientDataset:
    """The classic fault: StandardScaler().fit_transform on everyone, gaps filled, before folds."""
    for modality in dataset.modalities.values():
        values = np.where(modality.present[:, None], modality.values, np.nan)
        scaled = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
        dataset = dataset.replace_modality(replace(modality, values=np.nan_to_num(scaled)))
    return dataset


def test_a_scaler_fitted_outside_the_fold_is_caught(simulate, monkeypatch):
    original = fusion.cross_fit.cross_fit

    def scaled_first(models, dataset, fold, horizons, **rest):
        return original(models, standardised_outside(dataset), fold, horizons, **rest)

    monkeypatch.setattr(fusion.cross_fit, "cross_fit", scaled_first)
    found = leaks(LINEAR, simulate(120), folds(120))
    assert found == {"outcomes": [], "neighbours": list(LINEAR)}


def test_training_on_the_held_out_fold_is_caught(simulate, monkeypatch):
    dataset = simulate(120)
    original = fusion.cross_fit.fit_all
    everyone: list[PatientDataset] = []

    def remember(models, data, fold, horizons, **rest):
        everyone[:] = [data]
        return whole(models, data, fold, horizons, **rest)

    def on_everyone(models, training, *, seed):
        return original(models, everyone[0], seed=seed)

    whole = fusion.cross_fit.cross_fit
    monkeypatch.setattr(fusion.cross_fit, "cross_fit", remember)
    monkeypatch.setattr(fusion.cross_fit, "fit_all", on_everyone)
    found = leaks(LINEAR, dataset, folds(120))
    assert found == {"outcomes": list(LINEAR), "neighbours": list(LINEAR)}


def test_each_patient_is_predicted_once_in_their_own_fold(simulate):
    dataset, fold = simulate(90), folds(90)
    predictions = fusion.cross_fit.cross_fit(LINEAR, dataset, fold, HORIZONS)
    assert list(predictions) == list(LINEAR)
    for name, prediction in predictions.items():
        assert prediction.model == name
        assert prediction.patient_id.tolist() == dataset.patient_id.tolist()
        assert_array_equal(prediction.fold, fold)
        assert_array_equal(prediction.horizons, HORIZONS)


def test_a_fold_is_what_fitting_without_it_gives(simulate):
    dataset, fold = simulate(90), folds(90)
    predictions = fusion.cross_fit.cross_fit(LINEAR, dataset, fold, HORIZONS, seed=4)
    fitted = fusion.cross_fit.fit_all(LINEAR, dataset.take(fold != 2), seed=4)
    for name, model in fitted.items():
        alone = model.predict(dataset.take(fold == 2), HORIZONS, 2)
        assert_array_equal(predictions[name].risk_score[fold == 2], alone.risk_score)
        assert_array_equal(predictions[name].survival[fold == 2], alone.survival)
        assert model.predict(dataset, HORIZONS).model == name


def test_provenance_says_what_each_fold_was_trained_on(simulate):
    dataset, fold = simulate(90), folds(90)
    predictions = fusion.cross_fit.cross_fit(LINEAR, dataset, fold, HORIZONS)
    rows = predictions["stack"].provenance["folds"]
    assert [row["fold"] for row in rows] == [0, 1, 2]
    assert [row["n_training"] for row in rows] == [60, 60, 60]
    events = [int(dataset.event[fold != f].sum()) for f in range(3)]
    assert [row["n_training_events"] for row in rows] == events
    assert set(rows[0]["chosen"]["weights"]) == {"rna", "mutations"}


def test_resuming_from_finished_folds_gives_the_same(simulate, tmp_path):
    dataset, fold = simulate(90), folds(90)
    models = {"clinical": BASE, "stack": STACK, "fusion_net": NET}
    seen: dict[int, dict[str, Predictions]] = {}
    whole = fusion.cross_fit.cross_fit(models, dataset, fold, HORIZONS, on_fold=seen.__setitem__)
    assert list(seen) == [0, 1, 2]
    save_record(seen[1], tmp_path / "1")
    again: list[int] = []
    resumed = fusion.cross_fit.cross_fit(
        models,
        dataset,
        fold,
        HORIZONS,
        on_fold=lambda f, _: again.append(f),
        done={1: load_record(tmp_path / "1")},
    )
    assert again == [0, 2]
    for name in models:
        assert_array_equal(resumed[name].risk_score, whole[name].risk_score)
        assert_array_equal(resumed[name].survival, whole[name].survival)
        assert resumed[name].provenance == whole[name].provenance


def test_models_of_folds_that_are_fitted_now_are_handed_out(simulate):
    dataset, fold = simulate(90), folds(90)
    done: dict[int, dict[str, Predictions]] = {}
    fitted: dict[int, Mapping[str, FittedRisk]] = {}
    whole = fusion.cross_fit.cross_fit(
        LINEAR, dataset, fold, HORIZONS, on_fitted=fitted.__setitem__, on_fold=done.__setitem__
    )
    assert list(fitted) == [0, 1, 2]
    for held_out, models in fitted.items():
        rows = fold == held_out
        again = models["stack"].risk_score(dataset.take(rows))
        assert_array_equal(again, whole["stack"].risk_score[rows])
    seen: list[int] = []
    fusion.cross_fit.cross_fit(
        LINEAR, dataset, fold, HORIZONS, on_fitted=lambda f, _: seen.append(f), done={0: done[0]}
    )
    assert seen == [1, 2]


def test_finished_folds_of_something_else_are_refused(simulate):
    dataset, fold = simulate(90), folds(90)
    seen: dict[int, dict[str, Predictions]] = {}
    fusion.cross_fit.cross_fit(LINEAR, dataset, fold, HORIZONS, on_fold=seen.__setitem__)

    def resume(models=LINEAR, split=fold, horizons=HORIZONS, **done):
        given = done or {"done": {0: seen[0]}}
        return fusion.cross_fit.cross_fit(models, dataset, split, horizons, **given)

    with pytest.raises(ValueError, match="fold 0 was finished with other patients"):
        resume(split=np.roll(fold, 1))
    with pytest.raises(ValueError, match="fold 0 was finished without the model null"):
        resume(models={**LINEAR, "null": Null()})
    with pytest.raises(ValueError, match="fold 7 was finished with other patients"):
        resume(done={7: seen[0]})
    with pytest.raises(ValueError, match="different horizons"):
        resume(horizons=HORIZONS + 1)


def test_folds_without_images_and_folds_with_few(simulate, discs):
    """A hospital without a scanner is held out: its patients are predicted from the rest."""
    dataset = simulate(48)
    dataset = replace(dataset, modalities={**dataset.modalities, "mri": discs(48, lacking=16)})
    fold = np.arange(48) // 16
    models = {"stack": Stack("stack", "clinical", ("mri",))}
    predictions = fusion.cross_fit.cross_fit(models, dataset, fold, HORIZONS, embedder=QUICK)
    parts = predictions["stack"].contributions
    assert not parts.get("mri", np.zeros(48))[:16].any()
    dice = [row["image_dice"] for row in predictions["stack"].provenance["folds"]]
    assert dice[0] == {}
    assert all(0 <= d["mri"] <= 1 for d in dice[1:])


def test_patients_who_only_train_are_never_predicted(simulate):
    """A temporal split: one fold, predicted by what all the others teach."""
    dataset = simulate(90)
    fold = np.where(np.arange(90) < 30, 0, TRAINING_ONLY)
    predictions = fusion.cross_fit.cross_fit(LINEAR, dataset, fold, HORIZONS, seed=4)
    fitted = fusion.cross_fit.fit_all(LINEAR, dataset.take(fold != 0), seed=4)
    for name, model in fitted.items():
        alone = model.predict(dataset.take(fold == 0), HORIZONS, 0)
        assert predictions[name].patient_id.tolist() == dataset.patient_id[:30].tolist()
        assert_array_equal(predictions[name].risk_score, alone.risk_score)
        assert predictions[name].provenance["folds"][0]["n_training"] == 60
    assert leaks(LINEAR, dataset, fold) == {"outcomes": [], "neighbours": []}


def test_training_only_patients_train_in_every_fold(simulate):
    dataset = simulate(90)
    fold = np.arange(90) % 3 - 1
    rows = fusion.cross_fit.cross_fit(LINEAR, dataset, fold, HORIZONS)["stack"].provenance["folds"]
    assert [(row["fold"], row["n_training"]) for row in rows] == [(0, 60), (1, 60)]


def test_repeats_are_averaged_patient_by_patient(simulate):
    dataset = simulate(90)
    splits = [folds(90), np.roll(folds(90), 1), folds(90, k=4)]
    repeats = [fusion.cross_fit.cross_fit(LADDER, dataset, fold, HORIZONS) for fold in splits]
    averaged = fusion.cross_fit.average_repeats(repeats)
    assert list(averaged) == list(LADDER)
    for name, found in averaged.items():
        assert_allclose(found.risk_score, np.mean([r[name].risk_score for r in repeats], axis=0))
        assert_allclose(found.survival, np.mean([r[name].survival for r in repeats], axis=0))
        assert_array_equal(found.fold, splits[0])
        for kept, repeat, split in zip(found.repeats, repeats, splits, strict=True):
            assert_array_equal(kept.risk_score, repeat[name].risk_score)
            assert_array_equal(kept.fold, split)
        rows = [(row["repeat"], row["fold"]) for row in found.provenance["folds"]]
        assert rows == [(r + 1, f) for r, k in enumerate((3, 3, 4)) for f in range(k)]
    parts = averaged["stack"].contributions
    assert_allclose(sum(parts.values()), averaged["stack"].risk_score, atol=1e-9)


def test_no_averaged_model_knows_its_folds(simulate, monkeypatch):
    """The leak detector again, for repeats that hold out the same patients together once."""
    original = fusion.cross_fit.cross_fit

    def twice(models, dataset, fold, horizons, **rest):
        again = np.where(fold == 0, 0, 3 - fold)
        both = [original(models, dataset, f, horizons, **rest) for f in (fold, again)]
        return fusion.cross_fit.average_repeats(both)

    monkeypatch.setattr(fusion.cross_fit, "cross_fit", twice)
    assert leaks(LINEAR, simulate(120), folds(120)) == {"outcomes": [], "neighbours": []}


def test_repeats_of_something_else_are_refused(simulate):
    dataset = simulate(90)
    first = fusion.cross_fit.cross_fit(LINEAR, dataset, folds(90), HORIZONS)
    other = {name: each.take(np.arange(90)[::-1]) for name, each in first.items()}
    later = {name: replace(each, horizons=each.horizons + 1) for name, each in first.items()}
    with pytest.raises(ValueError, match="no repeat to average"):
        fusion.cross_fit.average_repeats([])
    with pytest.raises(ValueError, match="clinical: the repeats predict other patients"):
        fusion.cross_fit.average_repeats([first, other])
    with pytest.raises(ValueError, match="clinical: the repeats predict survival at different"):
        fusion.cross_fit.average_repeats([first, later])


@pytest.mark.parametrize(
    ("fold", "message"),
    [
        (np.zeros(90, dtype=int), r"at least two folds from 0 on, .* got \[0\]"),
        (np.full(90, -1), r"got \[-1\]"),
        (np.arange(90) % 2 - 2, r"or one beside patients who only train \(-1\), got \[-2, -1\]"),
        (np.zeros(80, dtype=int), r"fold must have shape \(90,\), got \(80,\)"),
    ],
)
def test_unusable_folds_are_refused(simulate, fold, message):
    with pytest.raises(ValueError, match=message):
        fusion.cross_fit.cross_fit(LINEAR, simulate(90), fold, HORIZONS)


def within_fold_concordance(dataset: PatientDataset, prediction: Predictions) -> float:
    """Harrell's C over pairs of one fold."""
    score, fold = prediction.risk_score, prediction.fold
    pairs = (dataset.time[:, None] < dataset.time) & dataset.event[:, None]
    pairs &= fold[:, None] == fold
    higher = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    return float(higher[pairs].mean())


@pytest.mark.slow
def test_shuffled_outcomes_cannot_be_predicted(simulate):
    """Twelve shuffles through every choice that is made: no model is better than chance."""
    dataset, fold = simulate(150, gene_effect=1.2), folds(150)
    models = {k: m for k, m in LADDER.items() if not k.startswith("null")}
    rng = np.random.default_rng(11)
    found: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(12):
        order = rng.permutation(150)
        shuffled = replace(dataset, time=dataset.time[order], event=dataset.event[order])
        predictions = fusion.cross_fit.cross_fit(models, shuffled, fold, HORIZONS)
        for name, prediction in predictions.items():
            found[name].append(within_fold_concordance(shuffled, prediction))
    for name, values in found.items():
        assert abs(np.mean(values) - 0.5) < 0.03, name
    real = fusion.cross_fit.cross_fit(models, dataset, fold, HORIZONS)
    assert within_fold_concordance(dataset, real["stack"]) > 0.65
