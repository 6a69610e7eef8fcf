"""What every risk model is: fitted on a training set, it predicts for anyone."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from fusion.dataset import PatientDataset
from fusion.likelihoods import Baseline
from fusion.nested import NestedDesign
from fusion.predictions import Predictions


@dataclass(frozen=True)
class FittedRisk(ABC):
    """A fitted model. It predicts for any non-empty subset of its modalities.

    Parameters
    ----------
    model
        Its name in the model comparison.
    baseline
        Cumulative hazard, or log odds, at risk score 0, from out-of-fold scores of the training
        set.
    chosen
        What the inner folds chose, JSON-ready.
    """

    model: str
    baseline: Baseline
    chosen: Mapping[str, Any]

    @abstractmethod
    def contributions(self, dataset: PatientDataset) -> dict[str, np.ndarray]:
        """Parts of the risk score by modality, (patient,) each; they sum to the risk score.

        The reference is a patient of whom nothing is known: every modality absent.
        """

    def risk_score(self, dataset: PatientDataset) -> np.ndarray:
        """Log relative hazard, or log odds less those at the reference, (patient,)."""
        parts = self.contributions(dataset)
        return sum(parts.values(), np.zeros(dataset.n_patients))

    def predict(self, dataset: PatientDataset, horizons: np.ndarray, fold: int = -1) -> Predictions:
        """Risk score and survival at ``horizons`` (time unit of the training set)."""
        risk_score = self.risk_score(dataset)
        return Predictions(
            model=self.model,
            patient_id=dataset.patient_id,
            fold=np.full(dataset.n_patients, fold),
            risk_score=risk_score,
            horizons=np.asarray(horizons, dtype=float),
            survival=self.baseline.survival(risk_score, np.asarray(horizons, dtype=float)),
            contributions=self.contributions(dataset),
            provenance={"chosen": dict(self.chosen)},
        )


@dataclass(frozen=True)
class NestedFit:
    """A model fitted in a nested design.

    Parameters
    ----------
    fitted
        The model of the full training set.
    fold_scores
        Risk score of every training patient from each inner fit, (inner fold, patient).
    credit
        Held-out log-likelihood of each inner fold, (inner fold,), the model's own choice not
        counted (:func:`fusion.nested.credit`); what models are chosen by.
    """

    fitted: FittedRisk
    fold_scores: torch.Tensor
    credit: torch.Tensor

    @property
    def held_out(self) -> float:
        """Held-out log-likelihood, summed over inner folds."""
        return float(self.credit.sum())


class RiskModel(ABC):
    """The description of a model, hashable and free of data."""

    name: str

    @abstractmethod
    def fit_nested(self, design: NestedDesign) -> NestedFit:
        """Fit in the full training set and in every inner one."""

    def fit(self, dataset: PatientDataset, *, seed: int = 0) -> FittedRisk:
        """Fit on a training set, with every choice made inside it.

        Raises
        ------
        ValueError
            With too few events, or a modality that no training patient has.
        """
        return NestedDesign(dataset, seed).fit(self).fitted


def require_modalities(dataset: PatientDataset, names: Iterable[str]) -> None:
    """Raise ValueError unless the dataset describes every modality of a model."""
    missing = [name for name in names if name not in dataset.modalities]
    if missing:
        raise ValueError(
            f"the model needs the modalities {', '.join(missing)}: pass them with "
            "present = False where a patient lacks them"
        )


def out_of_fold(fold_scores: torch.Tensor, design: NestedDesign) -> np.ndarray:
    """Each patient's score from the inner fit that held them out, (patient,)."""
    return (fold_scores * design.held_out_mask).sum(0).numpy()
