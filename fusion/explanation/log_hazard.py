"""Contributions to the log hazard, down to single features, for every model of the comparison."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import Attribution, FeatureAttribution, score_target
from fusion.explanation.checks import Check, at_most
from fusion.explanation.linear_terms import linear_terms
from fusion.explanation.network_gradients import NetworkTerms, network_terms
from fusion.models.blend import FittedBlend
from fusion.models.fusion_net import FittedNet
from fusion.models.linear import FittedLinear
from fusion.models.protocol import FittedRisk

Integrate = Callable[[FittedNet, PatientDataset], NetworkTerms]

EXACT = 1e-6
INTEGRATED = 0.01


@dataclass(frozen=True)
class FeatureTerms:
    """Contributions of features, and how they were found.

    Parameters
    ----------
    parts
        By modality, (1, patient, feature), log hazard.
    total
        Risk score less that of the reference, (patient,).
    is_exact
        Whether no network, and so no numeric integration, took part.
    """

    parts: dict[str, FeatureAttribution]
    total: np.ndarray
    is_exact: bool


def feature_terms(
    model: FittedRisk, dataset: PatientDataset, integrate: Integrate = network_terms
) -> FeatureTerms:
    """Contributions of every feature to the log hazard.

    Linear models by their own terms, networks by integrated gradients, blends by the weighted sum
    of both.

    Parameters
    ----------
    integrate
        How gradients of a network are integrated.

    Raises
    ------
    ValueError
        For a model without modalities, such as the null model.
    """
    match model:
        case FittedLinear():
            return FeatureTerms(linear_terms(model, dataset), model.risk_score(dataset), True)
        case FittedNet():
            found = integrate(model, dataset)
            return FeatureTerms(found.features, found.total, False)
        case FittedBlend() if model.parts:
            return _blended(model, dataset, integrate)
    raise ValueError(f"{model.model} has no features: there is nothing to explain")


def reads_modalities(model: FittedRisk) -> bool:
    """Whether there is anything to explain: not of a null model, nor of a blend of nothing."""
    match model:
        case FittedLinear() | FittedNet():
            return True
        case FittedBlend():
            return bool(model.parts)
    return False


def is_linear(model: FittedRisk) -> bool:
    """Whether the log hazard is a sum of functions of one feature each."""
    match model:
        case FittedLinear():
            return True
        case FittedBlend():
            return all(map(is_linear, model.parts))
    return False


def log_hazard_contributions(model: FittedRisk, dataset: PatientDataset) -> Attribution:
    """Contributions to the log hazard by modality and feature, with the method's own check.

    Exact SHAP values where the model is linear in its terms; integrated gradients where a network
    takes part, which then sum up to numeric error (``total`` is None, and the check says the gap).

    Parameters
    ----------
    model
        Fitted; a blend may hold both kinds.
    dataset
        Patients to explain, with images already encoded.
    """
    found = feature_terms(model, dataset)
    names = tuple(found.parts)
    modalities = np.stack([part.values.sum(axis=2) for part in found.parts.values()], axis=-1)
    return Attribution(
        method="exact SHAP values of linear terms"
        if found.is_exact
        else "integrated gradients; exact SHAP values of linear terms",
        target=score_target(dataset),
        horizons=np.array([]),
        reference="the average training patient with the same kinds of data",
        patient_id=dataset.patient_id,
        modality_names=names,
        modalities=modalities,
        total=found.total[None] if found.is_exact else None,
        features=found.parts,
        checks=(completeness(modalities[0].sum(axis=1), found),),
    )


def completeness(parts: np.ndarray, found: FeatureTerms) -> Check:
    """The largest gap between the sum of the parts and the total, over the mean total."""
    size = max(float(np.abs(found.total).mean()), 1e-12)
    return at_most(
        "largest gap between the parts' sum and the total, of the mean total",
        float(np.abs(parts - found.total).max(initial=0.0)) / size,
        EXACT if found.is_exact else INTEGRATED,
        meaning="Parts that do not sum to the total leave something of the prediction unexplained. "
        + (
            "Linear terms are exact up to rounding."
            if found.is_exact
            else "Numeric integration along a line should leave less than one percent."
        ),
    )


def _blended(model: FittedBlend, dataset: PatientDataset, integrate: Integrate) -> FeatureTerms:
    found = [feature_terms(part, dataset, integrate) for part in model.parts]
    total = np.sum([w * f.total for w, f in zip(model.weights, found, strict=True)], axis=0)
    parts: dict[str, FeatureAttribution] = {}
    for weight, terms in zip(model.weights, found, strict=True):
        for name, part in terms.parts.items():
            before = parts[name].values if name in parts else 0.0
            parts[name] = FeatureAttribution(part.names, before + weight * part.values, part.groups)
    return FeatureTerms(parts, total, all(f.is_exact for f in found))
