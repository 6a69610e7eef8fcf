"""A network a fold, trained without the patients of the fold, and stopped and resumed at will."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.data.card import ImageModality
from workbench.data.modalities.outlined import OutlinedSlices, read_outlined
from workbench.data.open_card import DataCard
from workbench.errors import StudyError
from workbench.exported_names import exported_names
from workbench.run_folder import RunFolder
from workbench.segmentation.judging import judge
from workbench.segmentation.settings import (
    SegmentationResult,
    SegmentationRun,
    SegmentationSettings,
    require_fit,
)
from workbench.study_steps import OnProgress, Progress, code_version

if TYPE_CHECKING:
    from torch import nn

    from fusion.segmentation.images import OutlinedImages

TELL_EVERY = 10
"""Steps between two reports of progress."""


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
    require_fit(settings, fold)
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
    names = exported_names(card, sorted(folds), folder)
    spec = card.spec.modalities[name]
    assert isinstance(spec, ImageModality)  # Else it could not be read.
    run = SegmentationRun(spec, slices, folds, names, settings, folder, device)
    for number in range(settings.k) if fold is None else (fold,):
        if not _table(folder, number).is_file():
            _one_fold(run, number, on_progress)
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


def _one_fold(run: SegmentationRun, number: int, on_progress: OnProgress) -> None:
    from safetensors.torch import save_file

    from fusion.segmentation.augmentation import Augmentation
    from fusion.segmentation.prediction import predict_chances
    from fusion.segmentation.training import SegmentationTrainingConfig, train_segmentation

    step, settings, folder = f"fold {number}", run.settings, run.folder
    images = _images(run.slices)
    held_out = run.held_out(number)
    network = _network(settings, images)

    def tell(done: int, total: int, loss: float) -> None:
        if done % TELL_EVERY == 0 or done == total:
            on_progress(Progress(step, done, total, {"loss": loss}))

    train_segmentation(
        network,
        images.of([patient for patient in run.folds if patient not in held_out]),
        SegmentationTrainingConfig(
            n_steps=settings.n_steps,
            batch=settings.batch,
            reach=settings.reach,
            augmentation=Augmentation(flips=run.flips, stand_in=run.stand_in),
            precision=settings.precision,
            seed=settings.seed,
        ),
        device=run.device,
        checkpoint=folder.path / "parts" / f"{number}.safetensors",
        on_step=tell,
    )
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    folder.write(f"network_{number}.safetensors", lambda path: save_file(state, path))
    chances = predict_chances(
        network,
        images.of(held_out),
        reach=settings.reach,
        flips=run.flips,
        device=run.device,
    )
    agreements, lesions = judge(run, number, chances.numpy())
    folder.write(f"lesions_{number}.csv", lambda path: lesions.to_csv(path, index=False))
    # The last to be written: where it is, the fold is whole.
    table = _table(folder, number).name
    folder.write(table, lambda path: agreements.to_csv(path, index=False))


def _images(slices: OutlinedSlices) -> "OutlinedImages":
    import torch

    from fusion.segmentation.images import OutlinedImages

    return OutlinedImages(
        torch.from_numpy(slices.pixels), torch.from_numpy(slices.inside), slices.patient
    )


def _network(settings: SegmentationSettings, images: "OutlinedImages") -> "nn.Module":
    import torch

    from fusion.segmentation.networks import unet, vnet

    build: Mapping[str, Callable[..., Any]] = {"unet": unet, "vnet": vnet}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return build[settings.network](2, images.pixels.shape[1] * (2 * settings.reach + 1))


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


def _table(folder: RunFolder, number: int) -> Path:
    return folder.path / f"agreement_{number}.csv"
