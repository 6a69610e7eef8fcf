"""What models are fitted and compared by: Cox's partial likelihood, or the binomial one.

A design has one of the two, by its outcome; models ask it and do not know which it is. Either way
a risk score is relative, and what is absolute (a baseline hazard, an intercept) follows from the
scores of the patients trained on.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fusion.baseline_hazard import BaselineHazard, breslow, product_limit
from fusion.baseline_odds import BaselineOdds, baseline_odds
from fusion.cox_solver import fit_ridge_cox
from fusion.dataset import PatientDataset
from fusion.logistic_solver import binomial_log_likelihood, fit_ridge_logistic, intercept
from fusion.losses import RiskSets, held_out_log_likelihood, risk_sets

Baseline = BaselineHazard | BaselineOdds


class Likelihood(ABC):
    """Of the patients of one training set, in their order."""

    weak_penalties: ClassVar[tuple[float, ...]] = ()
    """Ridges, ascending, that are tried besides the usual and are weaker than all of them."""

    @abstractmethod
    def fit_ridge(
        self,
        columns: Float[Tensor, "patient column"],
        weights: Float[Tensor, "*#batch patient"],
        penalties: Float[Tensor, "*#batch column"],
    ) -> Float[Tensor, "*batch column"]:
        """Coefficients that maximise it less ½ Σ λ_j β_j²."""

    @abstractmethod
    def held_out(
        self,
        risk_score: Float[Tensor, "*#batch patient"],
        training_weights: Float[Tensor, "*#batch patient"],
    ) -> Float[Tensor, "*batch"]:
        """What the patients of training weight 0 add, by risk scores from the others."""

    @abstractmethod
    def baseline(self, risk_score: np.ndarray) -> Baseline:
        """What makes probabilities of risk scores, (patient,), out of fold."""

    @abstractmethod
    def marginal(self, rows: np.ndarray) -> Baseline:
        """The outcome of the patients at ``rows``, (patient,) bool, without any score."""


@dataclass(frozen=True)
class CoxLikelihood(Likelihood):
    """Of times to an event: patients in order of descending time."""

    time: np.ndarray
    event: np.ndarray
    sets: RiskSets

    def fit_ridge(
        self,
        columns: Float[Tensor, "patient column"],
        weights: Float[Tensor, "*#batch patient"],
        penalties: Float[Tensor, "*#batch column"],
    ) -> Float[Tensor, "*batch column"]:
        return fit_ridge_cox(columns, self.sets, weights, penalties)

    def held_out(
        self,
        risk_score: Float[Tensor, "*#batch patient"],
        training_weights: Float[Tensor, "*#batch patient"],
    ) -> Float[Tensor, "*batch"]:
        return held_out_log_likelihood(risk_score, self.sets, training_weights)

    def baseline(self, risk_score: np.ndarray) -> BaselineHazard:
        return breslow(self.time, self.event, risk_score)

    def marginal(self, rows: np.ndarray) -> BaselineHazard:
        return product_limit(self.time[rows], self.event[rows])


@dataclass(frozen=True)
class BinomialLikelihood(Likelihood):
    """Of events that are there or not.

    Each patient's state is known, so a cohort of thousands bears a ridge that would be far too weak
    for the few events of a follow-up: images then count by many small directions.
    """

    weak_penalties: ClassVar[tuple[float, ...]] = (0.003, 0.01, 0.03, 0.1)
    event: np.ndarray

    @property
    def happened(self) -> Tensor:
        """``event`` as a tensor."""
        return torch.as_tensor(self.event.copy())

    def fit_ridge(
        self,
        columns: Float[Tensor, "patient column"],
        weights: Float[Tensor, "*#batch patient"],
        penalties: Float[Tensor, "*#batch column"],
    ) -> Float[Tensor, "*batch column"]:
        return fit_ridge_logistic(columns, self.happened, weights, penalties)

    def held_out(
        self,
        risk_score: Float[Tensor, "*#batch patient"],
        training_weights: Float[Tensor, "*#batch patient"],
    ) -> Float[Tensor, "*batch"]:
        start = intercept(risk_score, self.happened, training_weights)
        held_out = (training_weights == 0).to(risk_score.dtype)
        return binomial_log_likelihood(risk_score + start[..., None], self.happened, held_out)

    def baseline(self, risk_score: np.ndarray) -> BaselineOdds:
        return baseline_odds(self.event, risk_score)

    def marginal(self, rows: np.ndarray) -> BaselineOdds:
        return baseline_odds(self.event[rows], np.zeros(int(rows.sum())))


def likelihood_of(dataset: PatientDataset) -> Likelihood:
    """By whether the outcome has a time; of times, patients must stand in descending order."""
    if not dataset.has_time:
        return BinomialLikelihood(dataset.event)
    return CoxLikelihood(dataset.time, dataset.event, risk_sets(dataset.time, dataset.event))
