"""Where in the images the judged model saw risk, of each patient by a model that never saw them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import study_steps as steps
from workbench.cohort.cohort import Cohort
from workbench.evaluation.explained_images import summary
from workbench.run_folder import RunFolder
from workbench.study_settings import Study

if TYPE_CHECKING:
    from fusion.dataset import Modality, PatientDataset
    from fusion.explanation.attribution import Attribution
    from fusion.explanation.image_score import ImageScore
    from fusion.models import FittedRisk

PICTURES = "image_maps"
FEWEST_PATIENTS = 10
"""Patients with images below which their maps are neither checked nor told of."""


@dataclass(frozen=True)
class ExplainedImages:
    """Maps of the evaluated patients' images, checked, and what they say over the cohort.

    Parameters
    ----------
    attribution
        Every evaluated patient's maps: of one without images 0 throughout. What a modality
        contributes is the score less that with flat images.
    summary
        An entry of ``report.json``.
    """

    attribution: "Attribution"
    summary: Mapping[str, Any]


def explain_images(
    study: Study, cohort: Cohort, dataset: "PatientDataset", folder: RunFolder
) -> dict[str, ExplainedImages]:
    """Explain the images of the judged models of all folds, by modality.

    Modalities that no fold's model reads, or that too few patients have, are left out. Of repeated
    cross-fits the first is explained. Pictures of typical patients are left in the run folder
    where the card allows them.
    """
    from fusion.explanation.fitted_image_score import parts_that_read

    fold = cohort.folds[0]
    models = folder.judged_models(steps.split_title(cohort, 0))
    evaluated, fold_of = dataset.take(fold >= 0), fold[fold >= 0]
    fewest = max(FEWEST_PATIENTS, cohort.card.spec.privacy.minimum_cell)
    found = {}
    for name, modality in evaluated.modalities.items():
        reading = {label: m for label, m in models.items() if parts_that_read(m, name)}
        shown = modality.present & np.isin(fold_of, list(reading))
        if modality.kind != "image" or not reading or shown.sum() < fewest:
            continue
        scores = _scores(study, dataset, evaluated, fold, reading, name)
        found[name] = _explained(
            study, cohort, evaluated, fold_of, scores, name, np.flatnonzero(shown)
        )
    _save_pictures(cohort, evaluated, found, folder)
    return found


def _scores(
    study: Study,
    dataset: "PatientDataset",
    evaluated: "PatientDataset",
    fold: np.ndarray,
    models: Mapping[int, "FittedRisk"],
    name: str,
) -> dict[int, "ImageScore"]:
    """Of each fold, for all evaluated patients; image encoders are in the cache."""
    from fusion.explanation.fitted_image_score import FittedImageScore

    scores: dict[int, ImageScore] = {}
    for label, model in models.items():
        encoders = steps.embedder().fit(dataset.take(fold != label), seed=study.seed)
        seen = encoders.embed(evaluated)
        scores[label] = FittedImageScore(encoders.encoders[name], model, seen, name)
    return scores


def _explained(
    study: Study,
    cohort: Cohort,
    dataset: "PatientDataset",
    fold: np.ndarray,
    scores: Mapping[int, "ImageScore"],
    name: str,
    rows: np.ndarray,
) -> ExplainedImages:
    import torch

    from fusion.explanation.evidence import Evidence, images_part
    from fusion.explanation.explain_images import explain_images as checked_maps
    from fusion.explanation.faithfulness import FaithfulnessConfig
    from fusion.explanation.fitted_image_score import OutOfFoldImageScore
    from fusion.explanation.image_method import SeenImages
    from fusion.explanation.lesion_agreement import lesion_agreement
    from fusion.explanation.reference_images import mean_of_slice
    from fusion.explanation.saliency import Saliency

    modality = dataset.modalities[name]
    score = OutOfFoldImageScore(scores, fold)
    twins = (OutOfFoldImageScore(scores, _next_fold(fold, sorted(scores))),)[: len(scores) - 1]
    images, place = torch.as_tensor(modality.values[rows]).float(), torch.as_tensor(rows)
    seen = SeenImages(images, mean_of_slice(images), place)
    time, event = dataset.time[rows], dataset.event[rows]
    evidence = Evidence(seen, time, event, twins) if event.any() else None
    found = checked_maps(
        score,
        images,
        place,
        patient_id=dataset.patient_id[rows],
        # Of the methods that pass every check where the truth is known, the quickest.
        method=Saliency(),
        evidence=evidence,
        config=FaithfulnessConfig(n_patients=8, seed=study.seed),
    )
    maps = found.images[name].values[0]
    moved = images_part(score, seen)
    # (patient, row, column, slice) → (patient, slice, row, column)
    heat = np.moveaxis(maps, -1, 1)
    agreement = (
        None
        if modality.masks is None
        else lesion_agreement(heat, modality.masks[rows], seed=study.seed)
    )
    return ExplainedImages(
        _of_everyone(found, dataset, rows, maps, moved),
        summary(
            found,
            name,
            moved,
            agreement,
            n_models=len(scores),
            minimum=cohort.card.spec.privacy.minimum_cell,
        ),
    )


def _next_fold(fold: np.ndarray, labels: list[int]) -> np.ndarray:
    """Another fold of those that read the images, for each patient."""
    following = dict(zip(labels, [*labels[1:], labels[0]], strict=True))
    return np.array([following.get(label, labels[0]) for label in fold.tolist()])


def _of_everyone(
    found: "Attribution",
    dataset: "PatientDataset",
    rows: np.ndarray,
    maps: np.ndarray,
    moved: np.ndarray,
) -> "Attribution":
    """Over all patients, in their order: 0 where there is no image, or none that is read."""
    from fusion.explanation.attribution import ImageAttribution

    n, (name,) = dataset.n_patients, found.modality_names
    values, part = np.zeros((1, n, *maps.shape[1:])), np.zeros((1, n, 1))
    values[0, rows], part[0, rows, 0] = maps, moved
    return replace(
        found,
        patient_id=dataset.patient_id,
        modalities=part,
        images={name: ImageAttribution(values)},
        reference="the same images, each slice flat at its mean",
    )


def _save_pictures(
    cohort: Cohort,
    dataset: "PatientDataset",
    found: Mapping[str, ExplainedImages],
    folder: RunFolder,
) -> None:
    """Maps over the images of typical patients; those of failed checks are framed."""
    if not found or not cohort.card.spec.privacy.thumbnails:
        return

    def fill(path: Path) -> None:
        for name, explained in found.items():
            _draw(explained.attribution, dataset.modalities[name], path)

    folder.replace_folder(PICTURES, fill)


def _draw(found: "Attribution", modality: "Modality", folder: Path) -> None:
    from fusion.explanation.saved_maps import save_overlay
    from workbench.evaluation.explained_images import TYPICAL, typical_rows

    maps = found.images[modality.name].values[0]
    moved = found.of(modality.name)[0]
    rows = np.flatnonzero(maps.any(axis=(1, 2, 3)))
    for title, at in zip(TYPICAL, typical_rows(moved[rows], 1), strict=False):
        row = rows[at[0]]
        slice_ = int(maps[row].sum(axis=(0, 1)).argmax())
        save_overlay(
            folder / f"{modality.name} {title}.png",
            modality.values[row, slice_].mean(axis=0),
            maps[row, :, :, slice_],
            limit=float(maps[row].max()),
            method=found.method,
            checks=found.checks,
        )
