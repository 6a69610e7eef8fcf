"""Folds → out-of-fold predictions. Nothing is fitted outside its fold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fusion.dataset import PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.models.protocol import FittedRisk, RiskModel
from fusion.nested import NestedDesign
from fusion.predictions import Predictions, Ranking, concatenate

FoldPredictions = dict[str, Predictions]
TRAINING_ONLY = -1
"""Fold of a patient who trains every model and is never held out."""


def cross_fit(
    models: Mapping[str, RiskModel],
    dataset: PatientDataset,
    fold: np.ndarray,
    horizons: np.ndarray,
    *,
    seed: int = 0,
    embedder: ImageEmbedder | None = None,
    on_fitted: Callable[[int, Mapping[str, FittedRisk]], None] | None = None,
    on_fold: Callable[[int, FoldPredictions], None] | None = None,
    done: Mapping[int, FoldPredictions] | None = None,
) -> dict[str, Predictions]:
    """Predict every patient who is held out by models that never saw their fold.

    Parameters
    ----------
    models
        By name, as in the model comparison.
    dataset
        All patients. Images are encoded inside each fold.
    fold
        Held-out fold of each patient, (patient,) int ≥ 0; ``TRAINING_ONLY`` for one who trains in
        every fold and is not predicted. One fold beside such patients is a temporal split.
    horizons
        Ascending times at which survival is predicted, unit of ``dataset``.
    seed
        Draws inner folds, initial weights and dropout, in each fold alike.
    embedder
        Trains the image encoders; the default keeps nothing on disk.
    on_fitted
        Called with the models of each fold that is fitted now, before ``on_fold``: what explains
        the predictions.
    on_fold
        Called after each fold with its predictions: progress, and what a later run resumes from.
    done
        Folds that an earlier run finished.

    Returns
    -------
    dict
        Predictions of each model, held-out patients in the order of ``dataset``.

    Raises
    ------
    ValueError
        With nobody held out or nobody to train on, a training set with too few events, or finished
        folds of other patients or models.
    """
    if fold.shape != (dataset.n_patients,):
        raise ValueError(f"fold must have shape ({dataset.n_patients},), got {fold.shape}")
    folds = np.unique(fold)
    if len(folds) < 2 or folds[0] < TRAINING_ONLY:
        raise ValueError(
            "cross-fitting needs at least two folds from 0 on, or one beside patients who only "
            f"train ({TRAINING_ONLY}), got {folds.tolist()}"
        )
    folds = folds[folds != TRAINING_ONLY]
    embedder = embedder or ImageEmbedder()
    parts: dict[int, FoldPredictions] = dict(done or {})
    for held_out, predictions in parts.items():
        _check_done(held_out, predictions, models, dataset.patient_id[fold == held_out])
    for held_out in folds.tolist():
        if held_out not in parts:
            parts[held_out], fitted = _one_fold(
                models, dataset, fold == held_out, held_out, horizons, seed, embedder
            )
            if on_fitted is not None:
                on_fitted(held_out, fitted)
            if on_fold is not None:
                on_fold(held_out, parts[held_out])
    held_out_patients = dataset.patient_id[fold != TRAINING_ONLY]
    return {name: _joined(name, parts, held_out_patients) for name in models}


def average_repeats(repeats: Sequence[FoldPredictions]) -> FoldPredictions:
    """One prediction a patient from several cross-fits of the same patients on other folds.

    Risk scores are averaged, for each is a log hazard relative to the average patient of its
    training folds; so are their parts by modality, and survival by horizon. Each patient is still
    predicted only by models that never saw them. But the averages of two patients come from
    different models, some of which learned from the other of the two: which of them ranks higher
    is judged by ``repeats``, within the folds of each.

    Parameters
    ----------
    repeats
        Predictions of each model, one entry a repeat, as :func:`cross_fit` gives them.

    Returns
    -------
    dict
        Predictions of each model. ``fold`` is that of the first repeat; ``repeats`` holds scores
        and folds of all, and ``provenance["folds"]`` their folds, counted from 1.

    Raises
    ------
    ValueError
        Without repeats, or if they differ in models, patients or horizons.
    """
    if not repeats:
        raise ValueError("there is no repeat to average: cross-fit at least once")
    return {name: _average(name, [each[name] for each in repeats]) for name in repeats[0]}


def _average(name: str, repeats: Sequence[Predictions]) -> Predictions:
    first = repeats[0]
    for other in repeats[1:]:
        if not np.array_equal(other.patient_id, first.patient_id):
            raise ValueError(f"{name}: the repeats predict other patients, or in another order")
        if not np.array_equal(other.horizons, first.horizons):
            raise ValueError(f"{name}: the repeats predict survival at different horizons")
    modalities = dict.fromkeys(part for each in repeats for part in each.contributions)
    absent = np.zeros(first.n_patients)
    return replace(
        first,
        risk_score=np.mean([each.risk_score for each in repeats], axis=0),
        survival=np.mean([each.survival for each in repeats], axis=0),
        contributions={
            part: np.mean([each.contributions.get(part, absent) for each in repeats], axis=0)
            for part in modalities
        },
        provenance={
            "folds": [
                {"repeat": number, **row}
                for number, each in enumerate(repeats, start=1)
                for row in each.provenance["folds"]
            ]
        },
        repeats=tuple(Ranking(each.fold, each.risk_score) for each in repeats),
    )


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
) -> tuple[FoldPredictions, Mapping[str, FittedRisk]]:
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
    return predictions, fitted


def _check_done(
    held_out: int, predictions: FoldPredictions, models: Mapping[str, RiskModel], ids: np.ndarray
) -> None:
    lacking = [name for name in models if name not in predictions]
    if lacking:
        raise ValueError(f"fold {held_out} was finished without the model {lacking[0]}")
    if any(not np.array_equal(predictions[name].patient_id, ids) for name in models):
        raise ValueError(f"fold {held_out} was finished with other patients: start afresh")


def _joined(name: str, parts: Mapping[int, FoldPredictions], patient_id: np.ndarray) -> Predictions:
    folds = sorted(parts)
    whole = concatenate(
        [parts[f][name] for f in folds],
        model=name,
        provenance={"folds": [{"fold": f, **parts[f][name].provenance} for f in folds]},
    )
    position = {patient: i for i, patient in enumerate(whole.patient_id.tolist())}
    return whole.take(np.array([position[p] for p in patient_id.tolist()]))
