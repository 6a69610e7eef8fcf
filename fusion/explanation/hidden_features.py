"""Patients of whom some measurements are not known: how a model is asked what they matter."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fusion.dataset import PatientDataset


def hide(dataset: PatientDataset, hidden: Mapping[str, np.ndarray]) -> PatientDataset:
    """The same patients with some measurements missing; models then take their training mean.

    Parameters
    ----------
    hidden
        By modality of numbers, (patient, feature) or (feature,) bool.
    """
    for name, mask in hidden.items():
        modality = dataset.modalities[name]
        gone = np.broadcast_to(mask, modality.values.shape) & modality.present[:, None]
        values = np.where(gone, np.nan, modality.values)
        dataset = dataset.replace_modality(replace(modality, values=values))
    return dataset


def repeated(dataset: PatientDataset, n_times: int) -> PatientDataset:
    """All patients again and again, each time as others: many questions in one prediction."""
    rows = np.tile(np.arange(dataset.n_patients), n_times)
    return replace(
        dataset,
        patient_id=np.arange(len(rows)).astype(str),
        time=dataset.time[rows],
        event=dataset.event[rows],
        modalities={name: modality.take(rows) for name, modality in dataset.modalities.items()},
        strata=None if dataset.strata is None else dataset.strata[rows],
    )
