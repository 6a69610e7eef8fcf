"""What a model says from every subset of the modalities: an absent one as the model treats it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fusion.dataset import PatientDataset
from fusion.models.blend import FittedBlend
from fusion.models.fusion_net import FittedNet
from fusion.models.linear import FittedLinear
from fusion.models.protocol import FittedRisk
from fusion.models.task_net import FittedTaskNet
from fusion.shapley import coalition_values, members


def modality_names(model: FittedRisk | FittedTaskNet) -> tuple[str, ...]:
    """Modalities that a model reads, in its order.

    Raises
    ------
    ValueError
        If it reads none.
    """
    match model:
        case FittedLinear() | FittedNet():
            return tuple(model.components)
        case FittedBlend() if model.parts:
            return tuple(dict.fromkeys(n for part in model.parts for n in modality_names(part)))
        case FittedTaskNet():
            return tuple(model.reader.names)
    raise ValueError(f"{model.model} reads no modality: there is nothing to explain")


def coalition_scores(model: FittedRisk, dataset: PatientDataset) -> np.ndarray:
    """Risk score from each subset of the modalities, (coalition, patient).

    Coalitions are numbered as in :mod:`fusion.shapley`, players as in :func:`modality_names`. Of a
    linear model the parts are summed and of a network what it sees is read once, so that no
    feature is ranked twice.
    """
    match model:
        case FittedNet():
            return model.coalition_scores(dataset)
        case FittedBlend() if model.parts:
            names = modality_names(model)
            return np.sum(
                [
                    weight * coalition_scores(part, dataset)[_seen_by(part, names)]
                    for weight, part in zip(model.weights, model.parts, strict=True)
                ],
                axis=0,
            )
        case FittedLinear():
            parts = np.stack(list(model.contributions(dataset).values()))
            inside = np.arange(1 << len(parts))[:, None] >> np.arange(len(parts)) & 1
            return inside @ parts
    raise ValueError(f"{model.model} reads no modality: there is nothing to explain")


def coalition_survival(
    model: FittedRisk | FittedTaskNet, dataset: PatientDataset, horizons: np.ndarray
) -> np.ndarray:
    """Survival from each subset of the modalities, (coalition, patient, horizon)."""
    if isinstance(model, FittedTaskNet):
        return coalition_values(
            modality_names(model),
            lambda names: model.predict(with_only(dataset, names), horizons).survival,
        )
    scores = coalition_scores(model, dataset)
    survival = model.baseline.survival(scores.ravel(), horizons)
    return survival.reshape(*scores.shape, len(horizons))


def with_only(dataset: PatientDataset, names: Sequence[str]) -> PatientDataset:
    """The same patients, having none but the named modalities."""
    for name, modality in dataset.modalities.items():
        if name not in names:
            nothing = replace(
                modality,
                values=np.zeros_like(modality.values),
                present=np.zeros_like(modality.present),
                masks=None,
            )
            dataset = dataset.replace_modality(nothing)
    return dataset


def _seen_by(part: FittedRisk, names: Sequence[str]) -> np.ndarray:
    """For each coalition of ``names``, that of the modalities that a part reads."""
    own = modality_names(part)
    return np.array(
        [
            sum(1 << own.index(name) for name in members(names, coalition) if name in own)
            for coalition in range(1 << len(names))
        ]
    )
