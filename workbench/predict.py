"""Risk of new patients, from the model that a run saved."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.cohort.time_zero import cut_late_modalities, cut_late_values
from workbench.data.card import ImageModality
from workbench.data.modalities import available_patients, read_modality
from workbench.data.open_card import DataCard
from workbench.data.store import read_patients
from workbench.errors import CohortError, StudyError

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset


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
        ``patient_id, risk_score, survival_<horizon>`` and ``n_modalities``, how many of the
        model's inputs each patient has; one row a patient who has at least one.

    Raises
    ------
    StudyError
        If the folder holds no model.
    CohortError
        If the dataset does not describe what the model needs, or nobody has any of it.
    """
    from fusion.saving import load_record

    saved = _load(Path(model), load_record)
    study = json.loads(saved["study"])
    dataset = _read(card, study["modalities"], saved["image_sizes"])
    known = np.stack([m.present for m in dataset.modalities.values()], axis=1)
    rows = known.any(axis=1)
    if not rows.any():
        raise CohortError(f"{card.name}: no patient has any of {', '.join(study['modalities'])}")
    dataset = saved["embedder"].embed(dataset.take(rows))
    try:
        predictions = saved["risk"].predict(dataset, np.array(study["horizons"]))
    except ValueError as error:
        raise CohortError(f"{card.name}: {error}") from None
    return pd.DataFrame(
        {
            "patient_id": predictions.patient_id,
            "risk_score": predictions.risk_score,
            **{f"survival_{h:g}": predictions.at(h) for h in study["horizons"]},
            "n_modalities": known[rows].sum(axis=1),
        }
    )


def _load(folder: Path, load_record: Any) -> dict[str, Any]:
    if (folder / "model").is_dir():
        folder = folder / "model"
    try:
        saved = load_record(folder)
    except ValueError as error:
        raise StudyError(f"{error}: name the folder that `workbench run` wrote") from None
    if not isinstance(saved, dict) or "risk" not in saved:
        raise StudyError(f"{folder} holds no risk model: name the folder that a run wrote")
    return saved


def _read(card: DataCard, names: list[str], sizes: dict[str, int]) -> "PatientDataset":
    """Modalities as at the index date; the outcome is not looked at."""
    from dataclasses import replace

    from fusion.dataset import PatientDataset

    spec = card.spec
    lacking = [name for name in names if name not in spec.modalities]
    if lacking:
        raise CohortError(f"{card.name} does not describe the modality {', '.join(lacking)}")
    for name, size in sizes.items():
        modality = spec.modalities[name]
        if isinstance(modality, ImageModality) and modality.size != size:
            raise CohortError(
                f"{card.name}: the model reads {name} at {size} px, the card says "
                f"{modality.size}: set size: {size}"
            )
    raw = read_patients(card)
    patients, _ = cut_late_values(spec, raw[list(spec.columns)])
    for name in spec.modalities:
        patients[f"has_{name}"] = patients.index.isin(available_patients(card, name))
    patients, _ = cut_late_modalities(spec, patients, raw)
    ids = patients.index.to_numpy(dtype=str)
    loaded = {}
    for name in names:
        modality = read_modality(card, name, ids, patients)
        allowed = modality.present & patients[f"has_{name}"].to_numpy(bool)
        values = modality.values.copy()
        values[~allowed] = 0
        loaded[name] = replace(modality, values=values, present=allowed, masks=None)
    n = len(ids)
    return PatientDataset(ids, np.ones(n), np.zeros(n, bool), "unknown", loaded, clinical=names[0])
