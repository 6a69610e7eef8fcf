"""Outlines learned from a dataset's own: a network a fold, judged on patients it has not seen."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import nibabel
import numpy as np
import pandas as pd

from workbench.data.card import ImageModality
from workbench.data.deidentify import pseudonyms
from workbench.data.modalities.outlined import OutlinedSlices, at_own_size, read_outlined
from workbench.data.open_card import DataCard
from workbench.data.paths import cache_folder
from workbench.data.secret_key import make_key, read_key
from workbench.errors import StudyError
from workbench.run_folder import RunFolder
from workbench.study_steps import OnProgress, Progress, code_version

if TYPE_CHECKING:
    from torch import nn

    from fusion.segmentation.images import OutlinedImages


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


def segment(
    card: DataCard,
    out: str | os.PathLike[str],
    settings: SegmentationSettings | None = None,
    *,
    fold: int | None = None,
    device: str = "cpu",
    on_progress: OnProgress = lambda progress: None,
) -> SegmentationResult:
    """Train a network without each fold's patients, and outline their images with it.

    A run that was stopped goes on where it was: within a fold from its last checkpoint. Of every
    held-out patient there is a mask in NIfTI; the images themselves are not written.

    Parameters
    ----------
    card
        A dataset with a modality of images that have masks.
    out
        Folder for the results.
    settings
        What is learned, and how.
    fold
        Only this fold, from 0; None for all.
    device
        Of torch.
    on_progress
        Told of each step.

    Raises
    ------
    StudyError
        If the settings cannot be met, or the folder belongs to another run.
    DataCardError
        If there are no images with masks.
    """
    settings = settings or SegmentationSettings()
    _require_fit(settings, fold)
    name = settings.modality or _only_modality(card)
    identity = {
        **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()},
        "card": card.name,
        "data_hash": card.data_hash(),
        "code_version": code_version(),
    }
    folder = RunFolder.claim(out, identity)
    slices = read_outlined(
        card,
        name,
        settings.size,
        on_read=lambda done, total: on_progress(Progress("reading images", done, total)),
    )
    folds = deal_folds(slices.patient, settings.k, settings.seed)
    names = _exported_names(card, sorted(folds), folder)
    for number in range(settings.k) if fold is None else (fold,):
        if not _table(folder, number).is_file():
            _one_fold(card, slices, folds, names, number, settings, folder, device, on_progress)
    done = [n for n in range(settings.k) if _table(folder, n).is_file()]
    rows = pd.concat([pd.read_csv(_table(folder, n)).assign(fold=n) for n in done])
    if len(done) == settings.k:
        folder.finish()
    return SegmentationResult(
        rows.reset_index(drop=True), folder.path, settings.k, slices.unreadable
    )


def deal_folds(patient: np.ndarray, k: int, seed: int) -> dict[str, int]:
    """Patient → fold, at random; patients whose sizes differ by chance alone.

    Parameters
    ----------
    patient
        Of each slice; repeats count once.

    Raises
    ------
    StudyError
        If there are fewer patients than folds.
    """
    everyone = np.unique(patient)
    if len(everyone) < k:
        raise StudyError(f"{k} folds need as many patients, got {len(everyone)}: ask for fewer")
    order = np.random.default_rng(seed).permutation(len(everyone))
    return {str(everyone[i]): place % k for place, i in enumerate(order)}


def _one_fold(
    card: DataCard,
    slices: OutlinedSlices,
    folds: Mapping[str, int],
    names: Mapping[str, str],
    number: int,
    settings: SegmentationSettings,
    folder: RunFolder,
    device: str,
    on_progress: OnProgress,
) -> None:
    from safetensors.torch import save_file

    from fusion.segmentation.augmentation import Augmentation
    from fusion.segmentation.prediction import predict_masks
    from fusion.segmentation.training import SegmentationTrainingConfig, train_segmentation

    step = f"fold {number}"
    images = _images(slices)
    held_out = [patient for patient, fold in folds.items() if fold == number]
    training = images.of([patient for patient in folds if folds[patient] != number])
    network = _network(settings, images)
    checkpoint = folder.path / "parts" / f"{number}.safetensors"
    train_segmentation(
        network,
        training,
        SegmentationTrainingConfig(
            n_steps=settings.n_steps,
            batch=settings.batch,
            augmentation=Augmentation(flips=settings.flips),
            precision=settings.precision,
            seed=settings.seed,
        ),
        device=device,
        checkpoint=checkpoint,
        on_step=lambda done, total, loss: on_progress(Progress(step, done, total, {"loss": loss})),
    )
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    folder.write(f"network_{number}.safetensors", lambda path: save_file(state, path))
    masks = predict_masks(network, images.of(held_out), device=device).numpy()
    rows = _judged(card, slices, masks, held_out, names, settings, folder)
    rows.to_csv(_temporary(folder, number), index=False)
    # The table is the last: where it is, the fold is whole.
    os.replace(_temporary(folder, number), _table(folder, number))


def _judged(
    card: DataCard,
    slices: OutlinedSlices,
    masks: np.ndarray,
    held_out: list[str],
    names: Mapping[str, str],
    settings: SegmentationSettings,
    folder: RunFolder,
) -> pd.DataFrame:
    """Agreement of each held-out patient at the images' own size; their masks are written."""
    import torch

    from fusion.segmentation.agreement import agreement

    which = np.flatnonzero(np.isin(slices.patient, held_out))
    rows = []
    for patient in sorted(held_out):
        own = [i for i, at in enumerate(which) if slices.patient[at] == patient]
        drawn = [slices.drawn[which[i]] for i in own]
        shapes = {mask.shape for mask in drawn}
        if len(shapes) > 1:
            raise StudyError(
                f"slices of one patient of {card.name} have {len(shapes)} sizes: a volume needs one"
            )
        found = np.stack(
            [at_own_size(masks[i], mask.shape) for i, mask in zip(own, drawn, strict=True)]
        )
        judged = agreement(
            torch.as_tensor(found),
            torch.as_tensor(np.stack(drawn)),
            spacing=settings.spacing,
            tolerance=settings.tolerance,
        )
        rows.append({"patient_id": names[patient], **asdict(judged)})
        _write_nifti(folder, names[patient], found, settings.spacing)
    return pd.DataFrame(rows)


def _write_nifti(
    folder: RunFolder, name: str, mask: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    """(slice, row, column) → a NIfTI volume whose columns run to the patient's left.

    Pictures say nothing of how the patient lay: this is how radiologists show axial slices, and
    the header says that it is assumed.
    """
    between, height, width = spacing
    # (slice, row, column) → (column, row, slice)
    image = nibabel.Nifti1Image(
        mask.transpose(2, 1, 0).astype(np.uint8), np.diag([-width, -height, between, 1.0])
    )
    image.header["descrip"] = b"outlined by a network; orientation assumed"
    (folder.path / "masks").mkdir(exist_ok=True)

    def fill(path: Path) -> None:
        path.write_bytes(image.to_bytes())

    folder.write(f"masks/{name}.nii", fill)


def _images(slices: OutlinedSlices) -> "OutlinedImages":
    import torch

    from fusion.segmentation.images import OutlinedImages

    return OutlinedImages(
        torch.from_numpy(slices.pixels), torch.from_numpy(slices.masks), slices.patient
    )


def _network(settings: SegmentationSettings, images: "OutlinedImages") -> "nn.Module":
    import torch

    from fusion.segmentation.networks import unet, vnet

    build: Mapping[str, Callable[..., Any]] = {"unet": unet, "vnet": vnet}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return build[settings.network](2, images.pixels.shape[1])


def _exported_names(card: DataCard, patients: list[str], folder: RunFolder) -> dict[str, str]:
    """Patient → name in files: their own, or a pseudonym where the card is restricted."""
    if not card.spec.privacy.restricted:
        return {patient: patient for patient in patients}
    path = cache_folder() / "pseudonyms" / f"segmentation-{card.data_hash()[:16]}.key"
    key = read_key(path) if path.exists() else make_key(path, outside=[folder.path])
    return dict(zip(patients, pseudonyms(patients, key).tolist(), strict=True))


def _only_modality(card: DataCard) -> str:
    found = [
        name
        for name, spec in card.spec.modalities.items()
        if isinstance(spec, ImageModality) and spec.mask is not None
    ]
    if len(found) != 1:
        raise StudyError(
            f"{card.name} has {len(found)} modalities of images with masks"
            + (f" ({', '.join(found)}): name one of them" if found else ": none can be learned")
        )
    return found[0]


def _require_fit(settings: SegmentationSettings, fold: int | None) -> None:
    if settings.size % 16 or settings.size < 16:
        raise StudyError(f"size must be a multiple of 16, got {settings.size}")
    if settings.k < 2 or (fold is not None and not 0 <= fold < settings.k):
        raise StudyError(
            f"there must be 2 folds or more, counted from 0, got {settings.k} folds and fold {fold}"
        )


def _table(folder: RunFolder, number: int) -> Path:
    return folder.path / f"agreement_{number}.csv"


def _temporary(folder: RunFolder, number: int) -> Path:
    return folder.path / f".part-agreement_{number}.csv"
