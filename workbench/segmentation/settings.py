"""What is learned of outlines, and how; and what a run came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

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
    flips
        Axes (0: rows, 1: columns) along which training may mirror slices. Columns run from the
        patient's left to right: only where the sides mean the same.
    precision
        ``bf16`` where the hardware has it.
    seed
        Deals folds, draws first weights, batches and augmentation.
    """

    modality: str | None = None
    network: Literal["unet", "vnet"] = "unet"
    size: int = 128
    n_steps: int = 1200
    batch: int = 32
    k: int = 5
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tolerance: float = 2.0
    flips: tuple[int, ...] = ()
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


def require_fit(settings: SegmentationSettings, fold: int | None) -> None:
    """Refuse settings that cannot be met, before anything is read.

    Raises
    ------
    StudyError
        If the size does not divide, or there is no such fold.
    """
    if settings.size % 16 or settings.size < 16:
        raise StudyError(f"size must be a multiple of 16, got {settings.size}")
    if settings.k < 2 or (fold is not None and not 0 <= fold < settings.k):
        raise StudyError(
            f"there must be 2 folds or more, counted from 0, got {settings.k} folds and fold {fold}"
        )
