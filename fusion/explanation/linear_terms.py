"""Exact SHAP values of linear models: each feature's own term, less that of the reference."""

import numpy as np

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import FeatureAttribution
from fusion.models.linear import FittedLinear
from fusion.models.protocol import require_modalities


def linear_terms(
    model: FittedLinear, dataset: PatientDataset, background: PatientDataset | None = None
) -> dict[str, FeatureAttribution]:
    """What each feature adds to the log hazard, (1, patient, feature), by modality.

    The log hazard is a sum of functions of one feature each (ranked, scaled, times its
    coefficient), so a feature's interventional SHAP value is its own term less the mean term of
    the reference, whatever the correlations between features.

    Parameters
    ----------
    dataset
        Patients to explain.
    background
        Patients whose mean is the reference; None for the average training patient, whose terms
        are all 0, as are those of a modality or measurement that a patient lacks.

    References
    ----------
    Lundberg, S. and Lee, S. (2017). A unified approach to interpreting model predictions. NeurIPS.
    Janzing, D. et al. (2020). Feature relevance quantification in explainable AI: a causal
    problem. AISTATS.
    """
    return {
        name: FeatureAttribution(
            components.names,
            (_terms(model, dataset, name) - _mean_terms(model, background, name))[None],
            named_groups(dataset, name),
        )
        for name, components in model.components.items()
    }


def named_groups(dataset: PatientDataset, modality: str) -> dict[str, tuple[str, ...]]:
    """Feature sets of a modality that have members, each member once."""
    groups = dataset.modalities[modality].groups
    return {name: tuple(dict.fromkeys(members)) for name, members in groups.items() if members}


def _terms(model: FittedLinear, dataset: PatientDataset, name: str) -> np.ndarray:
    require_modalities(dataset, model.components)
    standardised = model.components[name].standardised(dataset.modalities[name])
    return standardised * (model.components[name].loadings @ model.coefficients[name])


def _mean_terms(
    model: FittedLinear, background: PatientDataset | None, name: str
) -> np.ndarray | float:
    return 0.0 if background is None else _terms(model, background, name).mean(axis=0)
