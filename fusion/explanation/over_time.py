"""Contributions to survival and risk at horizons: by modality, and by feature where linear."""

from typing import Literal

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import Attribution, FeatureAttribution
from fusion.explanation.checks import at_most
from fusion.explanation.log_hazard import feature_terms, is_linear
from fusion.explanation.modality_subsets import (
    coalition_scores,
    coalition_survival,
    modality_names,
)
from fusion.likelihoods import Baseline
from fusion.models.protocol import FittedRisk
from fusion.models.task_net import FittedTaskNet
from fusion.shapley import shapley_values

GAP = 1e-6
SMALL = 1e-4
"""Part of a log hazard below which its slope is taken at a point instead of over a step."""


def contributions_over_time(
    model: FittedRisk | FittedTaskNet,
    dataset: PatientDataset,
    horizons: np.ndarray,
    *,
    target: Literal["survival", "risk"] = "survival",
) -> Attribution:
    """What each modality does to the predicted survival, or risk, at each horizon.

    Exact Shapley values over the subsets of modalities, of any model of survival. Where the log
    hazard is a sum of terms, a modality's value is shared among its features: each step of the
    Shapley sum is a function of a sum, of which every term receives its Aumann–Shapley share.

    Parameters
    ----------
    model
        Of the comparison, or a network whose hazards may cross.
    horizons
        (horizon,), ascending, in the time unit of the training set.
    target
        Survival, S(t); or risk, 1 − S(t), whose contributions have the opposite sign.

    References
    ----------
    Krzyziński, M. et al. (2023). SurvSHAP(t): time-dependent explanations of machine learning
    survival models. Knowledge-Based Systems 262.
    Aumann, R. and Shapley, L. (1974). Values of non-atomic games. Princeton University Press.
    """
    sign = {"survival": 1.0, "risk": -1.0}[target]
    horizons = np.asarray(horizons, dtype=float)
    values = sign * coalition_survival(model, dataset, horizons)
    # modality patient horizon → horizon patient modality
    modalities = shapley_values(values).transpose(2, 1, 0)
    total = (values[-1] - values[0]).T
    features: dict[str, FeatureAttribution] = {}
    if isinstance(model, FittedRisk) and is_linear(model):
        features = _shared(model, dataset, horizons, sign)
    gap = float(np.abs(modalities.sum(axis=2) - total).max(initial=0.0))
    return Attribution(
        method="exact Shapley values over subsets of modalities"
        + ("; Aumann–Shapley shares of features" if features else ""),
        target=target,
        horizons=horizons,
        reference="a patient of whom nothing is known",
        patient_id=dataset.patient_id,
        modality_names=modality_names(model),
        modalities=modalities,
        total=total,
        features=features,
        checks=(
            at_most(
                "largest gap between the parts' sum and the total",
                gap,
                GAP,
                meaning="Shapley values are exact up to rounding: a gap is an error of ours.",
            ),
        ),
    )


def _shared(
    model: FittedRisk, dataset: PatientDataset, horizons: np.ndarray, sign: float
) -> dict[str, FeatureAttribution]:
    """Each modality's values, shared among its features by their terms."""
    scores = coalition_scores(model, dataset)
    parts = feature_terms(model, dataset).parts
    shared = {}
    for at, name in enumerate(modality_names(model)):
        terms = parts[name].values[0]
        slope = sign * _mean_slope(model.baseline, scores, at, horizons)
        values = slope.T[:, :, None] * terms
        shared[name] = FeatureAttribution(parts[name].names, values, parts[name].groups)
    return shared


def _mean_slope(
    baseline: Baseline, scores: np.ndarray, player: int, horizons: np.ndarray
) -> np.ndarray:
    """Change of survival for each unit of a player's part, (patient, horizon).

    Of a step from s to s + p the slope is (S(s + p) − S(s)) / p; its Shapley average over the
    steps, times p, is the player's Shapley value. Where p is about 0 it is the derivative.
    """
    n_coalitions = len(scores)
    step = scores[1 << player] - scores[0]
    survival = baseline.survival(scores.ravel(), horizons).reshape(*scores.shape, len(horizons))
    value = shapley_values(survival)[player]
    steep = baseline.slope(survival)
    # A game in which the player adds the derivative where they join has it as its value.
    joined = (np.arange(n_coalitions) >> player & 1).astype(bool)
    without = np.where(joined, np.arange(n_coalitions) ^ (1 << player), np.arange(n_coalitions))
    at_a_point = shapley_values(np.where(joined[:, None, None], steep[without], 0.0))[player]
    is_small = np.abs(step) < SMALL
    over_a_step = value / np.where(is_small, 1.0, step)[:, None]
    return np.where(is_small[:, None], at_a_point, over_a_step)
