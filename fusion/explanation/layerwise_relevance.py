"""What an encoder adds to a score, handed back layer by layer to the pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from fusion.explanation.checks import Check, at_most
from fusion.explanation.image_method import SeenImages, by_model, in_batches
from fusion.explanation.image_score import ImageScore
from fusion.explanation.relevance_rules import Rules

MOST_LOST = 0.01


@dataclass(frozen=True)
class Relevance:
    """Where the part of a score that is of the embedding came from.

    Parameters
    ----------
    pixels
        (patient, slice, height, width).
    biases
        What the biases of all layers took, (patient,).
    total
        Embedding times the score's gradient by it, (patient,); of a score that is linear in the
        embedding this is what the embedding adds.
    """

    pixels: Tensor
    biases: Tensor
    total: Tensor


@dataclass(frozen=True)
class LayerwiseRelevance:
    """Layer-wise relevance propagation through a convolutional encoder.

    Of pictures and volumes; skip connections, concatenations, norms and pooling as DenseNet and
    ResNet have them. What lies behind the encoder counts by its gradient. Rules are those of
    :class:`~fusion.explanation.relevance_rules.Rules`.

    Parameters
    ----------
    epsilon
        Added to the size of every denominator.
    gamma
        How much convolutions favour what has the sign of their output.
    batch
        Patients at once.

    References
    ----------
    Bach, S. et al. (2015). On pixel-wise explanations for non-linear classifier decisions by
    layer-wise relevance propagation. PLoS ONE 10(7).
    Montavon, G. et al. (2019). Layer-wise relevance propagation: an overview. In: Explainable AI,
    LNCS 11700.
    """

    epsilon: float = 1e-9
    gamma: float = 0.25
    batch: int = 16
    name: ClassVar[str] = "layer-wise relevance"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = True

    def __call__(
        self, score: ImageScore, seen: SeenImages
    ) -> Float[Tensor, "patient slice height width"]:
        """What each place adds to the score.

        Raises
        ------
        ValueError
            If the encoder calls a function that has no rule; its layer is named.
        """

        def of_one(score: ImageScore, seen: SeenImages) -> Tensor:
            return in_batches(lambda part: self.propagated(score, part).pixels, seen, self.batch)

        return by_model(of_one, score, seen)

    def propagated(self, score: ImageScore, seen: SeenImages) -> Relevance:
        """Relevance of some patients of one model, and what the biases took of it."""
        rules = Rules(self.epsilon, self.gamma)
        weights = {name: each.detach() for name, each in score.named_parameters()}
        with _under(rules, score.image_encoder()) as embedded:
            output = functional_call(score, weights, (seen.images, seen.rows))
        leaves = [embedded[0], *rules.pixels, *rules.biases]
        gradients = torch.autograd.grad(output.sum(), leaves, allow_unused=True)
        total, *parts = (
            torch.zeros_like(leaf) if slope is None else leaf.detach() * slope
            for leaf, slope in zip(leaves, gradients, strict=True)
        )
        pixels = torch.stack(parts[: len(rules.pixels)]).sum(dim=0)
        n = len(seen.rows)
        return Relevance(
            _onto_places(pixels, seen.images.shape),
            torch.stack([_by_patient(part, n) for part in parts[len(rules.pixels) :]]).sum(dim=0),
            _by_patient(total, n),
        )

    def conservation(self, score: ImageScore, seen: SeenImages) -> Check:
        """How much relevance came or went on the way, as a share of all."""
        found = [
            self.propagated(model, seen.take(part))
            for model, chosen in score.models(seen.rows)
            for part in chosen.split(self.batch)
        ]
        gap = [r.pixels.flatten(1).sum(dim=1) + r.biases - r.total for r in found]
        size = torch.cat([r.total for r in found]).abs().sum()
        return at_most(
            "relevance that came or went between embedding and pixels, as a share of it",
            float(torch.cat(gap).abs().sum() / size),
            MOST_LOST,
            meaning="What layers hand back does not add up to what they were given: the map is "
            "not of this model. Denominators near 0 may lose a hundredth.",
        )


@contextmanager
def _under(rules: Rules, encoder: nn.Module) -> Iterator[list[Tensor]]:
    """Rules hold while the encoder computes; gives what it returns."""
    found: list[Tensor] = []

    def enter(name: str, _: nn.Module, __: object) -> None:
        rules.path.append(name)

    def leave(_: nn.Module, __: object, ___: object) -> None:
        rules.path.pop()

    def start(_: nn.Module, __: object) -> None:
        rules.__enter__()

    def stop(_: nn.Module, __: object, output: Any) -> None:
        rules.__exit__(None, None, None)
        found.append(output)

    handles = [encoder.register_forward_pre_hook(start)]
    for name, layer in encoder.named_modules():
        if name:
            handles.append(layer.register_forward_pre_hook(partial(enter, name)))
            handles.append(layer.register_forward_hook(leave))
    handles.append(encoder.register_forward_hook(stop, always_call=True))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _onto_places(relevance: Tensor, shape: torch.Size) -> Tensor:
    """(image, channel, \\*space) → (patient, slice, height, width), by what they are."""
    n, n_slices, _, height, width = shape
    by_place = relevance.sum(dim=1)
    places = by_place if by_place.ndim == 4 else by_place.unflatten(0, (n, n_slices))
    if places.shape != (n, n_slices, height, width):
        raise ValueError(
            f"the first convolution sees images of {tuple(relevance.shape[2:])}, and they are "
            f"{(n_slices, height, width)}: choose Grad-CAM"
        )
    return places.detach()


def _by_patient(part: Tensor, n: int) -> Tensor:
    """(image, ...) → (patient,); a patient's slices stand beside each other."""
    return part.flatten(1).sum(dim=1).unflatten(0, (n, -1)).sum(dim=1)
