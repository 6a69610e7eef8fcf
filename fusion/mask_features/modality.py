"""Outlined lesions as a modality: one row a patient, under names that a radiologist knows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import label

from fusion.dataset import Modality
from fusion.mask_features.intensity import intensity_features
from fusion.mask_features.shape import shape_features
from fusion.mask_features.texture import grey_levels, texture_features


@dataclass(frozen=True)
class Lesion:
    """What was outlined in one patient's images.

    Parameters
    ----------
    images
        (channel, depth, height, width).
    mask
        (depth, height, width), True inside.
    spacing
        Distance between neighbours along depth, height and width.
    """

    images: Float[np.ndarray, "channel depth height width"]
    mask: Bool[np.ndarray, "depth height width"]
    spacing: tuple[float, float, float]


def lesion_features(lesion: Lesion, channels: tuple[str, ...]) -> dict[str, float]:
    """Shape once, intensity and texture of every channel.

    Raises
    ------
    ValueError
        If nothing is outlined, or names and channels differ in number.
    """
    if len(channels) != len(lesion.images):
        raise ValueError(f"{len(lesion.images)} channels but {len(channels)} names")
    features = shape_features(lesion.mask, lesion.spacing)
    for channel, values in zip(channels, lesion.images, strict=True):
        found = intensity_features(values[lesion.mask].astype(float))
        found |= texture_features(grey_levels(values, lesion.mask))
        features |= {f"{channel}: {name}": value for name, value in found.items()}
    return features


def lesion_modality(
    name: str,
    patient_id: np.ndarray,
    lesions: Mapping[str, Lesion],
    channels: tuple[str, ...],
) -> Modality:
    """Features of each patient's lesion, in the order of ``patient_id``.

    Patients without a lesion, or with fewer than two voxels of one, are absent.

    Parameters
    ----------
    name
        Of the modality.
    patient_id
        (patient,) str.
    lesions
        By patient.
    channels
        Names of the channels.

    Raises
    ------
    ValueError
        If no patient has a lesion.
    """
    found = {
        patient: lesion_features(lesions[patient], channels)
        for patient in patient_id.tolist()
        if patient in lesions and outlines_a_lesion(lesions[patient].mask)
    }
    if not found:
        raise ValueError(f"{name}: nothing is outlined in any of {len(patient_id)} patients")
    names = tuple(next(iter(found.values())))
    values = np.zeros((len(patient_id), len(names)))
    present = np.array([patient in found for patient in patient_id.tolist()], dtype=bool)
    values[present] = [list(found[p].values()) for p in patient_id.tolist() if p in found]
    return Modality(name, "embedding", values, present, names)


def outlines_a_lesion(mask: Bool[np.ndarray, "depth height width"]) -> bool:
    """Whether any two outlined voxels touch, at least by a corner: fewer have no texture."""
    parts, _ = label(mask, np.ones((3, 3, 3)))
    return bool((np.bincount(parts.ravel())[1:] > 1).any())
