"""What a risk model says of patients it was not fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Risk scores of one cross-fit, comparable within its folds; (patient,) each."""

    fold: np.ndarray
    risk_score: np.ndarray

    def take(self, index: np.ndarray) -> "Ranking":
        """The patients at ``index``, in that order."""
        return Ranking(self.fold[index], self.risk_score[index])


@dataclass(frozen=True)
class Predictions:
    """Risk of each patient; higher is worse.

    Parameters
    ----------
    model
        Name of the model in the model comparison.
    patient_id
        (patient,) str.
    fold
        Held-out fold that the patient stood in, (patient,) int; -1 for a new patient.
    risk_score
        Log relative hazard, (patient,) float64. Comparable within a fold only.
    horizons
        Ascending times at which survival is given, (horizon,) float64.
    survival
        Probability of no event by each horizon, (patient, horizon) float64 in [0, 1].
    contributions
        Part of ``risk_score`` due to each modality, (patient,) float64 each. They sum to the
        risk score minus that of the reference patient. Empty where a model has none.
    provenance
        What was chosen inside the folds, JSON-ready.
    repeats
        Where these predictions are the average of several cross-fits, the scores and folds of
        each: patients of one fold of one repeat were scored by the same model, and by none that
        learned from either.
    """

    model: str
    patient_id: np.ndarray
    fold: np.ndarray
    risk_score: np.ndarray
    horizons: np.ndarray
    survival: np.ndarray
    contributions: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    repeats: tuple[Ranking, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.patient_id)
        shapes = {
            "fold": (self.fold.shape, (n,)),
            "risk_score": (self.risk_score.shape, (n,)),
            "survival": (self.survival.shape, (n, len(self.horizons))),
            **{f"contributions[{k}]": (v.shape, (n,)) for k, v in self.contributions.items()},
            **{f"repeats[{i}]": (r.risk_score.shape, (n,)) for i, r in enumerate(self.repeats)},
        }
        for what, (got, expected) in shapes.items():
            if got != expected:
                raise ValueError(f"{self.model}: {what} must have shape {expected}, got {got}")
        if not np.isfinite(self.risk_score).all() or not np.isfinite(self.survival).all():
            raise ValueError(f"{self.model}: predictions must be finite")
        if (np.diff(self.horizons) <= 0).any():
            raise ValueError(f"{self.model}: horizons must ascend")
        if self.survival.size and (self.survival.min() < 0 or self.survival.max() > 1):
            raise ValueError(f"{self.model}: survival must lie in [0, 1]")

    @property
    def n_patients(self) -> int:
        return len(self.patient_id)

    @property
    def rankings(self) -> tuple[Ranking, ...]:
        """Scores that may be compared: those of each repeat, or its own."""
        return self.repeats or (Ranking(self.fold, self.risk_score),)

    def at(self, horizon: float) -> np.ndarray:
        """Survival at one of ``horizons``, (patient,)."""
        position = np.flatnonzero(np.isclose(self.horizons, horizon))
        if len(position) != 1:
            raise ValueError(
                f"{self.model}: no survival at {horizon:g}; predicted at "
                f"{', '.join(f'{h:g}' for h in self.horizons)}"
            )
        return self.survival[:, position[0]]

    def take(self, index: np.ndarray) -> "Predictions":
        """The patients at ``index`` (positions or a bool mask), in that order."""
        return replace(
            self,
            patient_id=self.patient_id[index],
            fold=self.fold[index],
            risk_score=self.risk_score[index],
            survival=self.survival[index],
            contributions={k: v[index] for k, v in self.contributions.items()},
            repeats=tuple(each.take(index) for each in self.repeats),
        )


def concatenate(parts: Sequence[Predictions], **changes: Any) -> Predictions:
    """Join the predictions of one model for disjoint patients, such as those of its folds.

    A modality that a fold's model does not use contributes 0 there.
    """
    first = parts[0]
    modalities = list(dict.fromkeys(name for p in parts for name in p.contributions))
    patient_id = np.concatenate([p.patient_id for p in parts])
    if len(np.unique(patient_id)) != len(patient_id):
        raise ValueError(f"{first.model}: a patient is predicted in two folds")
    if any(not np.array_equal(p.horizons, first.horizons) for p in parts):
        raise ValueError(f"{first.model}: the parts predict survival at different horizons")
    return replace(
        first,
        patient_id=patient_id,
        fold=np.concatenate([p.fold for p in parts]),
        risk_score=np.concatenate([p.risk_score for p in parts]),
        survival=np.concatenate([p.survival for p in parts]),
        contributions={
            name: np.concatenate([p.contributions.get(name, np.zeros(p.n_patients)) for p in parts])
            for name in modalities
        },
        **changes,
    )
