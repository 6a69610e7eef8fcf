"""Risk of new patients, from the model that a run saved."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import ValidationError

from workbench.cohort.time_zero import cut_late_modalities, cut_late_values
from workbench.data.card import EhrModality, ImageModality
from workbench.data.modalities import available_patients, read_modality
from workbench.data.open_card import DataCard
from workbench.data.store import read_patients
from workbench.errors import CohortError, StudyError
from workbench.study_settings import Study

if TYPE_CHECKING:
    from fusion.dataset import Modality, PatientDataset
    from fusion.embeddings import FittedEmbedder
    from fusion.models import FittedRisk

REMEDY = "name the folder that `workbench run` wrote"


@dataclass(frozen=True)
class SavedModel:
    """What a run saved: the model, what it reads, and the study it answers.

    Parameters
    ----------
    risk
        The judged model, fitted on every evaluated patient.
    embedder
        Makes of images what the model reads.
    study
        The question.
    image_sizes
        Pixels along an edge, by modality of images.
    features
        Those of each modality, in the model's order.
    """

    risk: "FittedRisk"
    embedder: "FittedEmbedder"
    study: Study
    image_sizes: Mapping[str, int]
    features: Mapping[str, tuple[str, ...]]


def predict(model: str | os.PathLike[str], card: DataCard) -> pd.DataFrame:
    """Risk of every patient of a dataset, whose outcome need not be known.

    Parameters
    ----------
    model
        Folder of a run, or its ``model`` folder.
    card
        The new patients, described with the same modalities, columns and features.

    Returns
    -------
    DataFrame
        ``patient_id, risk_score, survival_<horizon>`` (``risk`` where the outcome has no time) and
        ``n_modalities``, how many of the model's inputs each patient has; one row a patient who
        has at least one.

    Raises
    ------
    StudyError
        If the folder holds no model.
    CohortError
        If the dataset does not describe what the model needs, or nobody has any of it.
    """
    saved = saved_model(model)
    dataset = _read(card, saved)
    known = np.stack([m.present for m in dataset.modalities.values()], axis=1)
    rows = np.asarray(known.any(axis=1))
    if not rows.any():
        raise CohortError(f"{card.name}: no patient has any of {', '.join(dataset.modalities)}")
    try:
        embedded = saved.embedder.embed(dataset.take(rows))
        predictions = saved.risk.predict(embedded, np.array(saved.study.asked_at))
    except (ValueError, TypeError, LookupError) as error:
        # The patients have all that the model reads, so its parts do not fit each other.
        raise StudyError(
            f"{model} holds a damaged model ({_first_line(error)}): {REMEDY}"
        ) from error
    return pd.DataFrame(
        {
            "patient_id": predictions.patient_id,
            "risk_score": predictions.risk_score,
            **saved.study.probabilities(predictions),
            "n_modalities": known[rows].sum(axis=1),
        }
    )


def saved_model(model: str | os.PathLike[str]) -> SavedModel:
    """The model that a run saved.

    Parameters
    ----------
    model
        Folder of a run, or its ``model`` folder.

    Raises
    ------
    StudyError
        If the folder holds no model.
    """
    from fusion.embeddings import FittedEmbedder
    from fusion.models import FittedRisk
    from fusion.saving import load_record

    folder = Path(model)
    if (folder / "model").is_dir():
        folder = folder / "model"
    try:
        saved = load_record(folder)
    except (ValueError, AttributeError, IndexError, RecursionError) as error:
        raise StudyError(f"{_first_line(error)}: {REMEDY}") from None
    match saved:
        case {
            "risk": FittedRisk() as risk,
            "embedder": FittedEmbedder() as embedder,
            "study": str(written),
            "image_sizes": dict(sizes),
        }:
            try:
                study = Study.model_validate_json(written)
                return SavedModel(risk, embedder, study, sizes, _features(risk))
            except (ValidationError, AttributeError, TypeError):
                pass
    raise StudyError(f"{folder} holds no risk model: {REMEDY}")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _read(card: DataCard, saved: SavedModel) -> "PatientDataset":
    """Modalities as at the index date; the outcome is not looked at."""
    from fusion.dataset import PatientDataset

    spec, names = card.spec, saved.study.modalities
    lacking = [name for name in names if name not in spec.modalities]
    if lacking:
        raise CohortError(f"{card.name} does not describe the modality {', '.join(lacking)}")
    for name in saved.embedder.encoders:
        _check_images(card, name, saved)
    raw = read_patients(card)
    patients, _ = cut_late_values(spec, raw[list(spec.columns)])
    for name in spec.modalities:
        patients[f"has_{name}"] = patients.index.isin(available_patients(card, name))
    patients, _ = cut_late_modalities(spec, patients, raw)
    ids = patients.index.to_numpy(dtype=str)
    loaded = {}
    for name in names:
        modality = read_modality(card, name, ids, patients)
        if name in saved.features and name not in saved.embedder.encoders:
            strict = isinstance(spec.modalities[name], EhrModality)
            modality = _aligned(card, modality, saved.features[name], strict=strict)
        allowed = modality.present & patients[f"has_{name}"].to_numpy(bool)
        values = modality.values.copy()
        values[~allowed] = 0
        loaded[name] = replace(modality, values=values, present=allowed, masks=None)
    n = len(ids)
    return PatientDataset(ids, np.ones(n), np.zeros(n, bool), "unknown", loaded, clinical=names[0])


def _check_images(card: DataCard, name: str, saved: SavedModel) -> None:
    spec, size = card.spec.modalities[name], saved.image_sizes.get(name)
    if not isinstance(spec, ImageModality):
        raise CohortError(f"{card.name}: the model reads {name} as images, the card as {spec.kind}")
    if spec.size != size:
        raise CohortError(
            f"{card.name}: the model reads {name} at {size} px, the card says {spec.size}: "
            f"set size: {size}"
        )
    n_channels = saved.embedder.encoders[name].n_channels
    if len(spec.channels) != n_channels:
        raise CohortError(
            f"{card.name}: the model reads {name} in {n_channels} channels, the card says "
            f"{len(spec.channels)}"
        )


def _features(risk: "FittedRisk") -> dict[str, tuple[str, ...]]:
    """Features of each modality that a model reads, in its order."""
    from fusion.models.blend import FittedBlend
    from fusion.models.fusion_net import FittedNet
    from fusion.models.linear import FittedLinear

    match risk:
        case FittedBlend():
            return {name: f for part in risk.parts for name, f in _features(part).items()}
        case FittedLinear() | FittedNet():
            return {name: tuple(map(str, c.names)) for name, c in risk.components.items()}
    return {}


def _aligned(
    card: DataCard, modality: "Modality", names: tuple[str, ...], *, strict: bool
) -> "Modality":
    """Features in the model's order, and no others; ``strict`` refuses those it does not know."""
    position = {name: i for i, name in enumerate(modality.names)}
    lacking = [name for name in names if name not in position]
    unknown = [name for name in modality.names if name not in names]
    if lacking:
        raise CohortError(
            f"{card.name}: {modality.name} lacks {len(lacking)} of the {len(names)} features that "
            f"the model reads, such as {lacking[0]!r}"
        )
    if unknown and strict:
        # A level that no patient had in training would be read as the reference level.
        raise CohortError(
            f"{card.name}: {modality.name} holds {len(unknown)} features that the model does not "
            f"know, such as {unknown[0]!r}: describe it with the columns and levels of the study"
        )
    order = [position[name] for name in names]
    return replace(modality, names=names, values=modality.values[:, order], groups={})
