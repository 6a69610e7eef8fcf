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
