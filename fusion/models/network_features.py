"""What a network sees of a modality: its own features, or its leading components."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fusion.components import Components, fit_components
from fusion.dataset import Modality, PatientDataset
from fusion.models.protocol import require_modalities
from fusion.network import ModalityInputs, NetworkConfig
from fusion.network_inputs import NetworkInputs


def seen_features(
    modality: Modality,
    fitted: Components,
    inputs: ModalityInputs,
    *,
    gain: float,
    config: NetworkConfig,
) -> np.ndarray:
    """Columns of the network's input, (patient, column); absent patients have zeros.

    Parameters
    ----------
    modality
        Of any patients, with the features of the training set. No image: a network reads those
        as they are.
    fitted
        Transformation that was learned from the training patients.
    inputs
        What the network was built for.
    gain
        Factor of the components (:func:`unit_gain`). A network that reads features has them in
        standard deviations of the training patients, NaN where a measurement is missing.
    config
        Shape of the network, which knows whether it reads features or components.
    """
    if not config.reads_features(inputs):
        return fitted.transform(modality) * gain
    return np.where(np.isnan(modality.values), np.nan, fitted.standardised(modality))


def unit_gain(scores: Float[Tensor, "patient component"]) -> float:
    """Factor that gives components unit variance on average; 1 where there is no variance."""
    if len(scores) < 2:
        return 1.0
    variance = float(scores.var(dim=0).mean())
    return variance**-0.5 if variance > 0 else 1.0


@dataclass(frozen=True)
class NetworkReader:
    """From patients to what a network sees of them, as learned from its training patients.

    Parameters
    ----------
    names
        Features of each modality, or channels of its images; the clinical modality stands first.
    inputs
        What the network was built for, by modality.
    components, gains
        Transformation of each modality but images, and the factor of its components.
    config
        Shape of the network.
    """

    names: Mapping[str, tuple[str, ...]]
    inputs: Mapping[str, ModalityInputs]
    components: Mapping[str, Components]
    gains: Mapping[str, float]
    config: NetworkConfig

    @classmethod
    def fit(
        cls,
        dataset: PatientDataset,
        modalities: Sequence[str],
        training: np.ndarray,
        config: NetworkConfig,
    ) -> "NetworkReader":
        """Learn from the ``training`` rows, (patient,) bool; the others are not looked at."""
        chosen = {name: dataset.modalities[name] for name in modalities}
        inputs = {name: ModalityInputs.of(modality) for name, modality in chosen.items()}
        components, gains = {}, {}
        for name, modality in chosen.items():
            if modality.kind == "image":
                continue
            fitted = fit_components(modality, training)
            gains[name] = 1.0
            if config.reads_features(inputs[name]):
                # Directions are of no use to a network that reads features.
                components[name] = replace(fitted, loadings=fitted.loadings[:, :0])
                continue
            if modality.kind != "ehr":
                fitted = replace(fitted, loadings=fitted.loadings[:, : config.max_inputs])
            scores = fitted.transform(modality.take(training & modality.present))
            components[name], gains[name] = fitted, unit_gain(torch.as_tensor(scores))
            inputs[name] = ModalityInputs(modality.kind, fitted.n_components)
        names = {name: modality.names for name, modality in chosen.items()}
        return cls(names, inputs, components, gains, config)

    def read(self, dataset: PatientDataset) -> NetworkInputs:
        """What the network sees of any patients.

        Raises
        ------
        ValueError
            If a modality is not described, or is another than in training.
        """
        require_modalities(dataset, self.names)
        chosen = {name: dataset.modalities[name] for name in self.names}
        features = {name: torch.as_tensor(self._values(m)).float() for name, m in chosen.items()}
        present = {name: torch.as_tensor(m.present.copy()) for name, m in chosen.items()}
        return NetworkInputs(features, present, clinical=next(iter(self.names)))

    def _values(self, modality: Modality) -> np.ndarray:
        name = modality.name
        inputs = self.inputs[name]
        if modality.kind != inputs.kind:
            raise ValueError(
                f"{name}: the network was trained on {inputs.kind} values, and {modality.kind} "
                "came: pass what it was trained on"
            )
        if modality.kind != "image":
            return seen_features(
                modality,
                self.components[name],
                inputs,
                gain=self.gains[name],
                config=self.config,
            )
        if modality.names != self.names[name]:
            raise ValueError(
                f"{name}: the network was trained on the channels {', '.join(self.names[name])}, "
                f"and {', '.join(modality.names)} came: pass the same in the same order"
            )
        return modality.values
