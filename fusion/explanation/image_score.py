"""A model's output as a function of one modality's images, all else as each patient has it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fusion.bags import MeanPooling
from fusion.components import Components
from fusion.dataset import PatientDataset
from fusion.embeddings import FrozenEncoder
from fusion.encoders.patches import PatchEncoder
from fusion.models.task_net import FittedTaskNet
from fusion.network import RiskNetwork, compose_network
from fusion.network_inputs import NetworkInputs
from fusion.tasks import FittedCox

Readout = Callable[[Tensor], Tensor]


class ImageScore(nn.Module, ABC):
    """Images → what is explained, differentiable; its weights are those of the model.

    Parameters
    ----------
    modality
        Whose images.
    """

    def __init__(self, modality: str) -> None:
        super().__init__()
        self.modality = modality

    @abstractmethod
    def forward(
        self,
        images: Float[Tensor, "image slice channel height width"],
        rows: Int[Tensor, " image"],
    ) -> Float[Tensor, " image"]:
        """Output for the patient at each of ``rows``, if these were their images."""

    @abstractmethod
    def image_encoder(self) -> nn.Module:
        """The part of the model that sees these images, and no others."""

    def layer_of_maps(self) -> nn.Module | None:
        """The layer that Grad-CAM looks at; None leaves the choice to the sizes of its maps."""
        return None

    def models(
        self, rows: Int[Tensor, " image"]
    ) -> list[tuple["ImageScore", Int[Tensor, " chosen"]]]:
        """Scores of one model each, and for which of ``rows`` they stand; together, all of them."""
        return [(self, torch.arange(len(rows)))]


def _relative_to(centre: float) -> Readout:
    """Log hazard less that of the average training patient."""
    return lambda output: output - centre


class NetworkImageScore(ImageScore):
    """A network with one or several image inputs, as a function of one of them.

    Parameters
    ----------
    network
        In evaluation mode from here on.
    inputs
        Of all patients: what they have beside these images.
    modality
        One of ``inputs``.
    readout
        From the network's output to what is explained, one number a patient; nothing for Cox,
        whose output is the log relative hazard but for a constant.

    Raises
    ------
    ValueError
        If the modality is not an input, or is the one that anchors all others.
    """

    def __init__(
        self,
        network: RiskNetwork,
        inputs: NetworkInputs,
        modality: str,
        readout: Readout | None = None,
    ) -> None:
        super().__init__(modality)
        if modality not in inputs.features or modality == inputs.clinical:
            images = [name for name in inputs.features if name != inputs.clinical]
            raise ValueError(f"{modality!r} is no image input: choose one of {images}")
        others = {name: each for name, each in inputs.features.items() if name != modality}
        present = {name: inputs.present[name] for name in others}
        self.network = network.eval()
        self.others = replace(inputs, features=others, present=present)
        self.readout = readout

    @classmethod
    def of(
        cls,
        fitted: FittedTaskNet,
        dataset: PatientDataset,
        modality: str,
        readout: Readout | None = None,
    ) -> "NetworkImageScore":
        """Of a fitted network, for the patients of ``dataset``; of Cox, its risk score."""
        reader = fitted.reader
        with torch.random.fork_rng(devices=[]):
            head = fitted.task.head(reader.config.embed)
            network = compose_network(reader.inputs, reader.config, head)
        network.load_state_dict(dict(fitted.state))
        if readout is None and isinstance(fitted.fitted_task, FittedCox):
            readout = _relative_to(fitted.fitted_task.centre)
        return cls(network, reader.read(dataset), modality, readout)

    def forward(
        self,
        images: Float[Tensor, "image slice channel height width"],
        rows: Int[Tensor, " image"],
    ) -> Float[Tensor, " image"]:
        """Output for the patient at each of ``rows``, if these were their images."""
        features, present = self.others.batch(rows.cpu())
        everyone = torch.ones_like(rows, dtype=torch.bool)
        output = self.network(
            {**features, self.modality: images}, {**present, self.modality: everyone}
        )
        score = output if self.readout is None else self.readout(output)
        if score.ndim != 1:
            raise ValueError(
                f"the output has {score.ndim - 1} more dimensions than patients: pass a readout "
                "that makes one number a patient of it"
            )
        return score

    def image_encoder(self) -> nn.Module:
        """Of the modality."""
        return self.network.encoders[self.modality]


class EmbeddingColumns(nn.Module):
    """Embedding → columns that a fitted model sees, as it learned to make them; constants all.

    Parameters
    ----------
    components
        Limits, centre and scale of each feature.
    projection
        From scaled features to columns, (feature, column).
    """

    lower: Tensor
    upper: Tensor
    center: Tensor
    projection: Tensor
    learned_buffers: ClassVar[tuple[str, ...]] = ("projection",)

    def __init__(self, components: Components, projection: np.ndarray) -> None:
        super().__init__()
        constants: Mapping[str, np.ndarray] = {
            "lower": components.lower,
            "upper": components.upper,
            "center": components.center,
            "projection": projection / components.scale[:, None],
        }
        for name, values in constants.items():
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32))

    def forward(self, embedded: Float[Tensor, "image embed"]) -> Float[Tensor, "image column"]:
        """Columns of each image."""
        held = embedded.maximum(self.lower).minimum(self.upper)
        return (held - self.center) @ self.projection


def embedded_slices(
    encoder: FrozenEncoder,
    images: Float[Tensor, "image slice channel height width"],
) -> Float[Tensor, "image embed"]:
    """Mean embedding of each patient's slices, as a fitted model reads them."""
    by_slice = encoder(encoder.pictures(images).to(encoder.device)).to(images.device)
    # (image·slice, embed) → (image, embed)
    by_image = by_slice.unflatten(0, images.shape[:2])
    return MeanPooling()(by_image, (images != 0).flatten(2).any(dim=2))


class EmbeddedImageScore(ImageScore):
    """The images' part of a log hazard that is linear in their embedding.

    Parameters
    ----------
    encoder
        Images → embedding.
    components
        Embedding → components, as the linear model learned them.
    coefficients
        Log hazard ratio of each component, (component,).
    """

    def __init__(
        self,
        encoder: FrozenEncoder,
        components: Components,
        coefficients: np.ndarray,
    ) -> None:
        super().__init__(components.modality)
        self.encoder = encoder.eval()
        self.columns = EmbeddingColumns(components, (components.loadings @ coefficients)[:, None])

    def forward(
        self,
        images: Float[Tensor, "image slice channel height width"],
        rows: Int[Tensor, " image"],
    ) -> Float[Tensor, " image"]:
        """The images' part of the log hazard; ``rows`` are of no matter to it."""
        return self.columns(embedded_slices(self.encoder, images))[:, 0]

    def image_encoder(self) -> nn.Module:
        """The one that makes the embedding."""
        return self.encoder

    def layer_of_maps(self) -> nn.Module | None:
        """What the outline is drawn from, at half the pixels."""
        if isinstance(self.encoder, PatchEncoder) or not self.encoder.outlines:
            return None
        return self.encoder.network.get_submodule("model.1")
