"""The fitted form of every linear risk model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fusion.components import Components
from fusion.dataset import PatientDataset
from fusion.models.protocol import FittedRisk, require_modalities


@dataclass(frozen=True)
class FittedLinear(FittedRisk):
    """Log relative hazard that is linear in each modality's components.

    Parameters
    ----------
    components
        Transformation of each modality.
    coefficients
        Log hazard ratio of each component, (component,), by modality.
    """

    components: Mapping[str, Components]
    coefficients: Mapping[str, np.ndarray]

    def contributions(self, dataset: PatientDataset) -> dict[str, np.ndarray]:
        require_modalities(dataset, self.components)
        return {
            name: fitted.transform(dataset.modalities[name]) @ self.coefficients[name]
            for name, fitted in self.components.items()
        }

    def feature_effects(self) -> dict[str, np.ndarray]:
        """Log hazard ratio of a standard deviation of each feature, (feature,), by modality."""
        return {
            name: fitted.loadings @ self.coefficients[name]
            for name, fitted in self.components.items()
        }
