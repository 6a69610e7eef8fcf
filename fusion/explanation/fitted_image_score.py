"""A study's fitted model as a function of one modality's images, in one fold and out of all."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fusion.dataset import PatientDataset
from fusion.embeddings import FrozenEncoder
from fusion.explanation.image_score import EmbeddingColumns, ImageScore, embedded_slices
from fusion.models.blend import FittedBlend
from fusion.models.fusion_net import FittedNet
from fusion.models.linear import FittedLinear
from fusion.models.protocol import FittedRisk

Part = tuple[float, FittedLinear | FittedNet]


def parts_that_read(model: FittedRisk, modality: str, weight: float = 1.0) -> tuple[Part, ...]:
    """Linear models and networks within a model that read a modality, each with its weight."""
    match model:
        case FittedLinear() | FittedNet() if modality in model.components:
            return ((weight, model),)
        case FittedBlend():
            weighed = zip(model.parts, model.weights, strict=True)
            return tuple(p for m, w in weighed for p in parts_that_read(m, modality, weight * w))
    return ()


class FittedImageScore(ImageScore):
    """Log hazard of a model that reads images by their embedding: linear, network, or a blend.

    What does not depend on these images is left out where it is a term of its own.

    Parameters
    ----------
    encoder
        Images → embedding, of the model's own fold.
    model
        Fitted on such embeddings.
    dataset
        Patients with images already encoded: what they have beside these images.
    modality
        Whose images.

    Raises
    ------
    ValueError
        If the model does not read the modality.
    """

    def __init__(
        self, encoder: FrozenEncoder, model: FittedRisk, dataset: PatientDataset, modality: str
    ) -> None:
        super().__init__(modality)
        parts = parts_that_read(model, modality)
        if not parts:
            raise ValueError(f"{model.model} does not read {modality}: there is nothing to explain")
        self.encoder = encoder.eval()
        self.terms = nn.ModuleList(
            _Term(weight, part, modality)
            if isinstance(part, FittedLinear)
            else _Network(weight, part, dataset, modality)
            for weight, part in parts
        )

    def forward(
        self,
        images: Float[Tensor, "image slice channel height width"],
        rows: Int[Tensor, " image"],
    ) -> Float[Tensor, " image"]:
        """Output for the patient at each of ``rows``, if these were their images."""
        embedded = embedded_slices(self.encoder, images)
        return torch.stack([term(embedded, rows) for term in self.terms]).sum(dim=0)

    def image_encoder(self) -> nn.Module:
        """The one that makes the embedding."""
        return self.encoder


class _Term(nn.Module):
    """The modality's term of a linear log hazard."""

    def __init__(self, weight: float, model: FittedLinear, modality: str) -> None:
        super().__init__()
        fitted = model.components[modality]
        slopes = weight * fitted.loadings @ model.coefficients[modality]
        self.columns = EmbeddingColumns(fitted, slopes[:, None])

    def forward(self, embedded: Tensor, rows: Tensor) -> Tensor:
        return self.columns(embedded)[:, 0]


class _Network(nn.Module):
    """The log hazard of an ensemble of networks, of the patients at some rows."""

    def __init__(
        self, weight: float, model: FittedNet, dataset: PatientDataset, modality: str
    ) -> None:
        super().__init__()
        fitted = model.components[modality]
        self.columns = EmbeddingColumns(fitted, fitted.loadings * model.gains[modality])
        self.weight, self.model, self.modality = weight, model, modality
        self.features, self.present = model.seen(dataset)

    def forward(self, embedded: Tensor, rows: Tensor) -> Tensor:
        features = {name: values[rows] for name, values in self.features.items()}
        present = {name: values[rows] for name, values in self.present.items()}
        features[self.modality] = self.columns(embedded)
        present[self.modality] = torch.ones_like(rows, dtype=torch.bool)
        return self.weight * self.model.score(features, present).float()


class OutOfFoldImageScore(ImageScore):
    """Every patient's score by the model of one fold; with their own, by one that never saw them.

    Parameters
    ----------
    scores
        Of each fold.
    fold
        By which fold's model the patient at each row is scored, (patient,).
    """

    def __init__(self, scores: Mapping[int, ImageScore], fold: np.ndarray) -> None:
        super().__init__(next(iter(scores.values())).modality)
        self.scores = nn.ModuleDict({str(label): score for label, score in scores.items()})
        self.fold = torch.as_tensor(fold)

    def forward(
        self,
        images: Float[Tensor, "image slice channel height width"],
        rows: Int[Tensor, " image"],
    ) -> Float[Tensor, " image"]:
        """Output for the patient at each of ``rows``, if these were their images."""
        found, places = zip(
            *((score(images[at], rows[at]), at) for score, at in self.models(rows)), strict=True
        )
        return torch.cat(found)[torch.cat(places).argsort()]

    def models(
        self, rows: Int[Tensor, " image"]
    ) -> list[tuple[ImageScore, Int[Tensor, " chosen"]]]:
        """Of each fold."""
        fold = self.fold[rows]
        found = []
        for label in fold.unique().tolist():
            score = self.scores[str(label)]
            assert isinstance(score, ImageScore)
            found.append((score, (fold == label).nonzero()[:, 0]))
        return found

    def image_encoder(self) -> nn.Module:
        """The encoders of all folds."""
        return self.scores
