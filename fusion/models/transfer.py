"""What other cohorts teach of one kind of measurement: a risk score learned without this cohort."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch

from fusion.components import fit_components
from fusion.cox_solver import fit_ridge_cox
from fusion.dataset import Modality, PatientDataset
from fusion.losses import RiskSets, cox_log_likelihood, risk_sets
from fusion.truncated_newton import linear_score

PENALTIES = (1.0, 3.0, 10.0, 30.0)
"""Candidate penalties of a gene, times the number of genes."""
CLINICAL_PENALTY = 1.0


@dataclass(frozen=True)
class Transferred:
    """A risk score for the patients of a cohort, learned on other cohorts.

    Parameters
    ----------
    modality
        The target's measurements with the learned coefficients as their ``direction``: models see
        the score alone, and rank the measurements inside their training fold.
    penalty
        The chosen penalty, times the number of features.
    cohorts
        Those it was learned on.
    """

    modality: Modality
    penalty: float
    cohorts: tuple[str, ...]


def transfer(
    target: PatientDataset, others: Mapping[str, PatientDataset], source: str, name: str
) -> Transferred:
    """Learn one risk score from the features of ``source`` in all other cohorts together.

    Ridge Cox with a baseline hazard for each cohort, beside each cohort's own clinical variables,
    so that what is learned is what the features say within a cohort, beyond them. Features are
    ranked within their cohort; one that a cohort lacks is 0 there. The penalty is the one whose
    score does best in each cohort when it is learned on the remaining ones. Nothing of the target
    is used but the names of its features, so the coefficients are the same in every fold.

    Parameters
    ----------
    target
        The cohort to score.
    others
        Cohorts to learn from, by name; those without ``source`` are passed over.
    source
        Modality of numbers, such as ``rna``.
    name
        Of the modality that results.

    Raises
    ------
    ValueError
        If fewer than two cohorts have ``source``, or a patient stands in two cohorts.
    """
    teachers = {
        cohort: dataset
        for cohort, dataset in others.items()
        if source in dataset.modalities and dataset.modalities[source].present.any()
    }
    if len(teachers) < 2:
        raise ValueError(
            f"transfer needs at least two other cohorts with {source}, got {len(teachers)}"
        )
    every = {"the target cohort": target, **teachers}
    for (known, first), (cohort, second) in combinations(every.items(), 2):
        shared = np.intersect1d(first.patient_id, second.patient_id)
        if len(shared):
            raise ValueError(f"{len(shared)} patients of {cohort} stand in {known} too")
    own = target.modalities[source]
    coefficients, penalty = _learned(teachers, source, own.names)
    modality = replace(own, name=name, groups={}, direction=coefficients)
    return Transferred(modality, penalty, tuple(teachers))


def _learned(
    teachers: Mapping[str, PatientDataset], source: str, names: tuple[str, ...]
) -> tuple[np.ndarray, float]:
    """Coefficients of the target's features, and the penalty chosen across cohorts."""
    parts = [_aligned(dataset, source, names) for dataset in teachers.values()]
    label = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    time, event = (
        np.concatenate(
            [getattr(d, outcome)[d.modalities[source].present] for d in teachers.values()]
        )
        for outcome in ("time", "event")
    )
    clinical = _side_by_side([_clinical(d, source) for d in teachers.values()])
    columns = np.concatenate([clinical, np.concatenate(parts)], axis=1)
    sets = risk_sets(time, event, strata=label)
    columns, label = torch.as_tensor(columns)[sets.order], label[sets.order.numpy()]
    without = label[None, :] != np.arange(-1, len(parts))[:, None]
    weights = torch.as_tensor(without.astype(float))
    grid = torch.tensor(PENALTIES, dtype=torch.float64)[:, None] * len(names)
    penalties = grid.repeat(1, columns.shape[1])
    penalties[:, : clinical.shape[1]] = CLINICAL_PENALTY
    fitted = fit_ridge_cox(columns, sets, weights[:, None], penalties[None], tolerance=1e-8)
    best = int(_left_out(linear_score(columns, fitted[1:]), sets, weights[1:]).argmax())
    return fitted[0, best, clinical.shape[1] :].numpy(), PENALTIES[best]


def _left_out(scores: torch.Tensor, sets: RiskSets, weights: torch.Tensor) -> torch.Tensor:
    """Likelihood of each cohort under the score learned without it, summed, (penalty,)."""
    of_cohort = (1 - weights)[:, None].expand_as(scores)
    return cox_log_likelihood(scores, sets, of_cohort).sum(0)


def _aligned(dataset: PatientDataset, source: str, names: tuple[str, ...]) -> np.ndarray:
    """Ranked features of those who have them, in the order of ``names``, (patient, feature)."""
    modality = dataset.modalities[source]
    position = {feature: i for i, feature in enumerate(modality.names)}
    at = [position.get(feature, -1) for feature in names]
    ranked = fit_components(modality, modality.present).standardised(modality)[modality.present]
    return np.where(np.array(at) >= 0, ranked[:, at], 0.0)


def _clinical(dataset: PatientDataset, source: str) -> np.ndarray:
    rows = dataset.modalities[source].present
    clinical = dataset.modalities[dataset.clinical]
    return fit_components(clinical, rows).standardised(clinical)[rows]


def _side_by_side(blocks: list[np.ndarray]) -> np.ndarray:
    """Each cohort's own columns, 0 for the other cohorts, (patient, column)."""
    widths = [block.shape[1] for block in blocks]
    starts = np.cumsum([0, *widths])
    whole = np.zeros((sum(len(block) for block in blocks), starts[-1]))
    row = 0
    for block, start in zip(blocks, starts, strict=False):
        whole[row : row + len(block), start : start + block.shape[1]] = block
        row += len(block)
    return whole
