"""One model fitted in every fold, and every held-out patient explained by the one of theirs."""

import numpy as np

from fusion.cross_fit import TRAINING_ONLY
from fusion.dataset import PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.explanation.explain import ExplainedFolds, explain_folds
from fusion.models.protocol import FittedRisk, RiskModel


def explain_out_of_fold(
    model: RiskModel,
    dataset: PatientDataset,
    fold: np.ndarray,
    *,
    seed: int = 0,
    embedder: ImageEmbedder | None = None,
) -> ExplainedFolds:
    """Explain every patient by a model that was fitted without their fold.

    Parameters
    ----------
    model
        Any of the comparison but the null model.
    dataset
        All patients. Images are encoded inside each fold.
    fold
        Held-out fold of each patient, (patient,) int; -1 for one who only trains.
    seed
        As in :func:`fusion.cross_fit.cross_fit`: the models are then the same.
    embedder
        Trains the image encoders; the default keeps nothing on disk.

    Raises
    ------
    ValueError
        If folds are of other patients, a model cannot be fitted, or one has nothing to explain.
    """
    if fold.shape != (dataset.n_patients,):
        raise ValueError(f"fold must have shape ({dataset.n_patients},), got {fold.shape}")
    embedder = embedder or ImageEmbedder()
    models: dict[int, FittedRisk] = {}
    held_out: dict[int, PatientDataset] = {}
    for label in np.unique(fold[fold != TRAINING_ONLY]).tolist():
        training = dataset.take(fold != label)
        encoders = embedder.fit(training, seed=seed)
        models[label] = model.fit(encoders.embed(training), seed=seed)
        held_out[label] = encoders.embed(dataset.take(fold == label))
    return explain_folds(models, held_out, seed=seed)
