"""Kaplan–Meier for everyone: what a model must beat."""

from dataclasses import dataclass

import numpy as np
import torch

from fusion.baseline_hazard import BaselineHazard
from fusion.dataset import PatientDataset
from fusion.losses import held_out_log_likelihood
from fusion.models.protocol import FittedRisk, NestedFit, RiskModel
from fusion.nested import NestedDesign
from fusion.predictions import Predictions

MIN_STRATUM = 10


@dataclass(frozen=True)
class FittedNull(FittedRisk):
    """Kaplan–Meier curves of the training set, by stratum label; ``""`` is everyone."""

    strata: dict[str, BaselineHazard]

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
    """The training set's Kaplan–Meier curve, of everyone or within strata.

    A patient whose stratum has fewer than ten training patients gets everyone's curve. The risk
    score is 0: the null model ranks nobody.
    """

    name: str = "null"
    stratified: bool = False

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        dataset = design.dataset
        curves = {"": _kaplan_meier(dataset.time, dataset.event)}
        if self.stratified and dataset.strata is not None:
            for label in np.unique(dataset.strata):
                rows = dataset.strata == label
                if rows.sum() >= MIN_STRATUM:
                    curves[str(label)] = _kaplan_meier(dataset.time[rows], dataset.event[rows])
        scores = torch.zeros_like(design.weights[1:])
        held_out = held_out_log_likelihood(scores, design.sets, design.weights[1:])
        fitted = FittedNull(self.name, curves[""], {}, curves)
        return NestedFit(fitted, scores, held_out)


def _kaplan_meier(time: np.ndarray, event: np.ndarray) -> BaselineHazard:
    """Kaplan–Meier as a cumulative hazard, −log S; infinite once the curve reaches 0."""
    times, counts = np.unique(time[event], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    with np.errstate(divide="ignore"):
        return BaselineHazard(times, -np.log1p(-counts / at_risk).cumsum())
