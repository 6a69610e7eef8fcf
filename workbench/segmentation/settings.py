"""What is learned of outlines, and how; and what a run came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy import ndimage

from workbench.data.card import ImageModality
from workbench.data.modalities.outlined import OutlinedSlices
from workbench.errors import StudyError
from workbench.run_folder import RunFolder


@dataclass(frozen=True)
class SegmentationSettings:
    """What is learned, and how; the defaults suit two cores and some thousand slices.

    Parameters
    ----------
    modality
        Images with masks; None for the card's only such modality.
    network
        ``unet`` or ``vnet``.
    size
        Pixels along each side of what the network sees, a multiple of 16.
    n_steps, batch
        Optimiser steps, and slices a step.
    k
        Folds, by patient.
    spacing
        Distance between slices, rows and columns; distances of the results are in its unit.
    tolerance
        By how much surfaces may differ in ``surface_dice``, in the unit of the spacing.
    reach
        Neighbouring slices on each side that the network sees too; 0 where a patient's images are
        no neighbours.
    precision
        ``bf16`` where the hardware has it.
    seed
        Deals folds, draws first weights, batches and augmentation.
    """

    modality: str | None = None
    network: Literal["unet", "vnet"] = "unet"
    size: int = 128
    n_steps: int = 6000
    batch: int = 8
    k: int = 5
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tolerance: float = 2.0
    reach: int = 1
    precision: Literal["no", "bf16"] = "no"
    seed: int = 0


@dataclass(frozen=True)
class SegmentationResult:
    """What the finished folds of a run came to.

    Parameters
    ----------
    agreement
        One row a held-out patient: name, fold, ``dice, hd95, surface_dice``, both volumes.
    folder
        Where networks, masks and tables lie.
    n_folds
        Folds that the run will have.
    unreadable
        Slices that were left out.
    """

    agreement: pd.DataFrame
    folder: Path
    n_folds: int
    unreadable: int


@dataclass(frozen=True, eq=False)
class SegmentationRun:
    """What every fold of a run shares.

    Parameters
    ----------
    spec
        The modality, as the card describes it.
    slices
        Every image with its outline.
    folds
        Patient → fold in which they are held out.
    names
        Patient → name in files.
    settings, folder, device
        How it is learned, where results go, and on what torch computes.
    """

    spec: ImageModality
    slices: OutlinedSlices
    folds: Mapping[str, int]
    names: Mapping[str, str]
    settings: SegmentationSettings
    folder: RunFolder
    device: str

    def held_out(self, fold: int) -> list[str]:
        """Patients of a fold, sorted."""
        return sorted(patient for patient, number in self.folds.items() if number == fold)

    @property
    def flips(self) -> tuple[int, ...]:
        """Axes of a slice (0: rows, 1: columns) along which it may be mirrored."""
        return (1,) if self.spec.symmetric else ()

    @property
    def stand_in(self) -> int | None:
        """Channel that is repeated where another is missing."""
        name = self.spec.stand_in
        return None if name is None else self.spec.channels.index(name)

    def counted(self, mask: np.ndarray) -> np.ndarray:
        """What counts of all that was found in a patient: their one lesion, or everything.

        Parameters
        ----------
        mask
            (slice, height, width) bool.
        """
        return largest_part(mask) if self.spec.lesions == "one" else mask


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask, neighbours across corners too; the first of equals."""
    parts, n = ndimage.label(mask, np.ones((3,) * mask.ndim))
    if n < 2:
        return mask
    return parts == 1 + np.bincount(parts[mask])[1:].argmax()


def require_fit(settings: SegmentationSettings, fold: int | None) -> None:
    """Refuse settings that cannot be met, before anything is read.

    Raises
    ------
    StudyError
        If the size does not divide, the reach is negative, or there is no such fold.
    """
    if settings.size % 16 or settings.size < 16:
        raise StudyError(f"size must be a multiple of 16, got {settings.size}")
    if settings.reach < 0:
        raise StudyError(f"reach must be 0 or more slices, got {settings.reach}")
    if settings.k < 2 or (fold is not None and not 0 <= fold < settings.k):
        raise StudyError(
            f"there must be 2 folds or more, counted from 0, got {settings.k} folds and fold {fold}"
        )
