"""Kaplan–Meier, or the share of events, for everyone: what a model must beat."""

from dataclasses import dataclass

import numpy as np
import torch

from fusion.dataset import PatientDataset
from fusion.likelihoods import Baseline
from fusion.models.protocol import FittedRisk, NestedFit, RiskModel
from fusion.nested import NestedDesign
from fusion.predictions import Predictions

MIN_STRATUM = 10


@dataclass(frozen=True)
class FittedNull(FittedRisk):
    """What the training set fared like, by stratum label; ``""`` is everyone."""

    strata: dict[str, Baseline]

    def contributions(self, dataset: PatientDataset) -> dict[str, np.ndarray]:
        return {}

    def predict(self, dataset: PatientDataset, horizons: np.ndarray, fold: int = -1) -> Predictions:
        prediction = super().predict(dataset, horizons, fold)
        if len(self.strata) == 1 or dataset.strata is None:
            return prediction
        for label, curve in self.strata.items():
            rows = dataset.strata == label
            prediction.survival[rows] = curve.survival(np.zeros(rows.sum()), prediction.horizons)
        return prediction


@dataclass(frozen=True)
class Null(RiskModel):
    """The training set's Kaplan–Meier curve or share of events, of everyone or within strata.

    A patient whose stratum has fewer than ten training patients gets everyone's. The risk
    score is 0: the null model ranks nobody.
    """

    name: str = "null"
    stratified: bool = False

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        dataset = design.dataset
        curves = {"": design.likelihood.marginal(np.ones(dataset.n_patients, bool))}
        if self.stratified and dataset.strata is not None:
            for label in np.unique(dataset.strata):
                rows = dataset.strata == label
                if rows.sum() >= MIN_STRATUM:
                    curves[str(label)] = design.likelihood.marginal(rows)
        scores = torch.zeros_like(design.weights[1:])
        held_out = design.likelihood.held_out(scores, design.weights[1:])
        fitted = FittedNull(self.name, curves[""], {}, curves)
        return NestedFit(fitted, scores, held_out)
