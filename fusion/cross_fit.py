"""Folds → out-of-fold predictions. Nothing is fitted outside its fold."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from fusion.dataset import PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.models.protocol import FittedRisk, RiskModel
from fusion.nested import NestedDesign
from fusion.predictions import Predictions, concatenate

FoldPredictions = dict[str, Predictions]


def cross_fit(
    models: Mapping[str, RiskModel],
    dataset: PatientDataset,
    fold: np.ndarray,
    horizons: np.ndarray,
    *,
    seed: int = 0,
    embedder: ImageEmbedder | None = None,
    on_fold: Callable[[int, FoldPredictions], None] | None = None,
    done: Mapping[int, FoldPredictions] | None = None,
) -> dict[str, Predictions]:
    """Predict every patient by models that never saw their fold.

    Parameters
    ----------
    models
        By name, as in the model comparison.
    dataset
        All patients. Images are encoded inside each fold.
    fold
        Held-out fold of each patient, (patient,) int ≥ 0.
    horizons
        Ascending times at which survival is predicted, unit of ``dataset``.
    seed
        Draws inner folds, initial weights and dropout, in each fold alike.
    embedder
        Trains the image encoders; the default keeps nothing on disk.
    on_fold
        Called after each fold with its predictions: progress, and what a later run resumes from.
    done
        Folds that an earlier run finished.

    Returns
    -------
    dict
        Predictions of each model, patients in the order of ``dataset``.

    Raises
    ------
    ValueError
        With fewer than two folds, a training set with too few events, or finished folds of
        other patients or models.
    """
    if fold.shape != (dataset.n_patients,):
        raise ValueError(f"fold must have shape ({dataset.n_patients},), got {fold.shape}")
    folds = np.unique(fold)
    if len(folds) < 2 or folds[0] < 0:
        raise ValueError(f"cross-fitting needs at least two folds from 0 on, got {folds.tolist()}")
    embedder = embedder or ImageEmbedder()
    parts: dict[int, FoldPredictions] = dict(done or {})
    for held_out, predictions in parts.items():
        _check_done(held_out, predictions, models, dataset.patient_id[fold == held_out])
    for held_out in folds.tolist():
        if held_out not in parts:
            parts[held_out] = _one_fold(
                models, dataset, fold == held_out, held_out, horizons, seed, embedder
            )
            if on_fold is not None:
                on_fold(held_out, parts[held_out])
    return {name: _joined(name, parts, dataset) for name in models}


def fit_all(
    models: Mapping[str, RiskModel], dataset: PatientDataset, *, seed: int = 0
) -> dict[str, FittedRisk]:
    """Fit models that share inner folds and parts on one training set, images encoded."""
    design = NestedDesign(dataset, seed)
    return {name: design.fit(model).fitted for name, model in models.items()}


def _one_fold(
    models: Mapping[str, RiskModel],
    dataset: PatientDataset,
    test: np.ndarray,
    held_out: int,
    horizons: np.ndarray,
    seed: int,
    embedder: ImageEmbedder,
) -> FoldPredictions:
    training, tested = dataset.take(~test), dataset.take(test)
    encoders = embedder.fit(training, seed=seed)
    quality = encoders.quality(tested)
    fitted = fit_all(models, encoders.embed(training), seed=seed)
    tested = encoders.embed(tested)
    facts = {
        "n_training": training.n_patients,
        "n_training_events": training.n_events,
        "image_dice": quality,
    }
    predictions = {}
    for name, model in fitted.items():
        prediction = model.predict(tested, horizons, held_out)
        predictions[name] = replace(prediction, provenance={**prediction.provenance, **facts})
    return predictions


def _check_done(
    held_out: int, predictions: FoldPredictions, models: Mapping[str, RiskModel], ids: np.ndarray
) -> None:
    lacking = [name for name in models if name not in predictions]
    if lacking:
        raise ValueError(f"fold {held_out} was finished without the model {lacking[0]}")
    if any(not np.array_equal(predictions[name].patient_id, ids) for name in models):
        raise ValueError(f"fold {held_out} was finished with other patients: start afresh")


def _joined(
    name: str, parts: Mapping[int, FoldPredictions], dataset: PatientDataset
) -> Predictions:
    folds = sorted(parts)
    whole = concatenate(
        [parts[f][name] for f in folds],
        model=name,
        provenance={"folds": [{"fold": f, **parts[f][name].provenance} for f in folds]},
    )
    position = {patient: i for i, patient in enumerate(whole.patient_id.tolist())}
    return whole.take(np.array([position[p] for p in dataset.patient_id.tolist()]))
