"""What every method that explains images is: one signature, one map of places."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fusion.explanation.image_score import ImageScore


@dataclass(frozen=True)
class SeenImages:
    """Images as a model sees them, and what they are compared with.

    Parameters
    ----------
    images
        (patient, slice, channel, height, width), floating point.
    reference
        Where contributions start from: images of the same shape (:mod:`~.reference_images`).
    rows
        Row of each patient among all that the score knows, (patient,) int64.

    Raises
    ------
    ValueError
        If shapes differ.
    """

    images: Tensor
    reference: Tensor
    rows: Tensor

    def __post_init__(self) -> None:
        if self.images.ndim != 5 or self.images.shape != self.reference.shape:
            raise ValueError(
                "images and reference must be (patient, slice, channel, height, width) alike, got "
                f"{tuple(self.images.shape)} and {tuple(self.reference.shape)}"
            )
        if self.rows.shape != self.images.shape[:1]:
            raise ValueError(
                f"rows must be ({len(self.images)},), one a patient, got {tuple(self.rows.shape)}"
            )

    def take(self, chosen: Int[Tensor, " chosen"]) -> "SeenImages":
        """The patients at ``chosen``, in that order."""
        return SeenImages(self.images[chosen], self.reference[chosen], self.rows[chosen])


@runtime_checkable
class ImageMethod(Protocol):
    """Explains a score; a frozen dataclass of its settings, called on some patients at once.

    ``additive`` methods give parts that sum to f(images) − f(reference). ``signed`` ones tell what
    raises the score from what lowers it; others give sizes ≥ 0.
    """

    name: ClassVar[str]
    additive: ClassVar[bool]
    signed: ClassVar[bool]

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """Contribution of each place."""
        ...


def by_model(
    explain: Callable[[ImageScore, SeenImages], Tensor], score: ImageScore, seen: SeenImages
) -> Float[Tensor, "patient slice height width"]:
    """Maps of all patients, each by the one model that scores them, of methods that look inside."""
    models = score.models(seen.rows)
    maps = torch.cat([explain(model, seen.take(chosen)) for model, chosen in models])
    return maps[torch.cat([chosen for _, chosen in models]).argsort()]


def in_batches(
    explain: Callable[[SeenImages], Tensor], seen: SeenImages, size: int
) -> Float[Tensor, "patient slice height width"]:
    """Maps of all patients, a few at a time."""
    parts = torch.arange(len(seen.rows)).split(size)
    return torch.cat([explain(seen.take(part)).detach() for part in parts])
