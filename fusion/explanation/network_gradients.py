"""Integrated gradients of a fusion network, carried back from what it sees to genes and columns."""

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from fusion.dataset import PatientDataset
from fusion.explanation.attribution import FeatureAttribution
from fusion.explanation.linear_terms import named_groups
from fusion.models.fusion_net import FittedNet

N_STEPS = 16
MOST_STEPS = 512
TOLERATED = 0.005
"""Gap, as a share of the mean total, beyond which a patient's line gets more points."""
MOST_ROWS = 20_000
"""Patients times steps that pass through the network at once."""


@dataclass(frozen=True)
class NetworkTerms:
    """Integrated gradients, and what they should sum to.

    Parameters
    ----------
    features
        By modality, (1, patient, feature), log hazard.
    total
        Risk score less that of the reference, (patient,).
    """

    features: dict[str, FeatureAttribution]
    total: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """Sum of all features less the total, (patient,)."""
        parts = [part.values[0].sum(axis=1) for part in self.features.values()]
        return np.sum(parts, axis=0) - self.total


def network_terms(model: FittedNet, dataset: PatientDataset) -> NetworkTerms:
    """What each feature adds to the log hazard, along the straight line from the reference.

    The reference is the average training patient with the same modalities and the same missing
    measurements. A network that reads components is linear in the genes before its first layer,
    so gradients with regard to components are those of genes, through the loadings.

    The line has 16 points, placed as Gauss and Legendre do. Where that leaves a gap, because the
    network's slope jumps, the patient's line gets four times as many, and again.

    References
    ----------
    Sundararajan, M. et al. (2017). Axiomatic attribution for deep networks. ICML.
    """
    found, n_steps = integrated(model, dataset, N_STEPS), N_STEPS
    tolerated = TOLERATED * np.abs(found.total).mean()
    while n_steps < MOST_STEPS and (np.abs(found.gap) > tolerated).any():
        n_steps *= 4
        far = np.abs(found.gap) > tolerated
        closer = integrated(model, dataset.take(far), n_steps)
        for name, part in found.features.items():
            part.values[:, far] = closer.features[name].values
    return found


def rough_terms(model: FittedNet, dataset: PatientDataset) -> NetworkTerms:
    """The same with 8 points and whatever gap they leave: for checks that compare many models."""
    return integrated(model, dataset, N_STEPS // 2)


def integrated(model: FittedNet, dataset: PatientDataset, n_steps: int) -> NetworkTerms:
    """:func:`network_terms` with ``n_steps`` points on every line."""
    names = tuple(model.components)
    seen, present = model.seen(dataset)
    start = {name: _start(values) for name, values in seen.items()}

    def score(*inputs: Tensor) -> Tensor:
        n = len(names)
        there = dict(zip(names, inputs[n:], strict=True))
        return model.score(dict(zip(names, inputs[:n], strict=True)), there)

    slopes = IntegratedGradients(score, multiply_by_inputs=False).attribute(
        tuple(seen[name] for name in names),
        tuple(start[name] for name in names),
        additional_forward_args=tuple(present[name] for name in names),
        n_steps=n_steps,
        internal_batch_size=max(MOST_ROWS, n_steps),
    )
    with torch.no_grad():
        total = (model.score(seen, present) - model.score(start, present)).numpy()
    features = {
        name: FeatureAttribution(
            model.components[name].names,
            _of_features(model, dataset, name, slope.nan_to_num().double().numpy())[None],
            named_groups(dataset, name),
        )
        for name, slope in zip(names, slopes, strict=True)
    }
    return NetworkTerms(features, total)


def _start(values: Tensor) -> Tensor:
    """The average training patient: 0, and missing where the patient's own value is."""
    return torch.where(values.isnan(), values, 0.0)


def _of_features(
    model: FittedNet, dataset: PatientDataset, name: str, slope: np.ndarray
) -> np.ndarray:
    """From slopes of what the network sees to contributions of features, (patient, feature)."""
    components = model.components[name]
    standardised = components.standardised(dataset.modalities[name])
    if model.config.reads_features(model.inputs[name]):
        return standardised * slope
    return standardised * (slope @ components.loadings.T) * model.gains[name]
