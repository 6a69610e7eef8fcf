"""Maps inside a convolutional model: their values, their gradients, and back onto the image."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.explanation.image_method import SeenImages, by_model, in_batches
from fusion.explanation.image_score import ImageScore

LEAST_CELLS = 8


@dataclass(frozen=True)
class LayerMaps:
    """Outputs of a layer and gradients of the score with respect to them.

    Both are (image, channel, \\*space), one pair for each time that the layer was called.
    """

    values: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]


def maps_at(score: ImageScore, layer: nn.Module, images: Tensor, rows: Tensor) -> LayerMaps:
    """Values of a layer, and gradients of the score with respect to them.

    Raises
    ------
    ValueError
        If the score does not depend on the layer.
    """
    # Leaves that ask for gradients: a frozen encoder has none of its own.
    images = images.detach().requires_grad_()
    with outputs_of(layer) as found:
        total = score(images, rows).sum()
    if not found:
        raise ValueError("the model does not call this layer: choose one of score.named_modules()")
    gradients = torch.autograd.grad(total, found, allow_unused=True)
    used = [(v.detach(), g) for v, g in zip(found, gradients, strict=True) if g is not None]
    if not used:
        raise ValueError("the score does not depend on this layer: choose another")
    return LayerMaps(tuple(v for v, _ in used), tuple(g for _, g in used))


def explain_by_layer(
    score: ImageScore,
    seen: SeenImages,
    combine: Callable[[Tensor, Tensor], Tensor],
    *,
    layer: nn.Module | None,
    batch: int,
) -> Float[Tensor, "patient slice height width"]:
    """One map an image out of a layer's maps; where the layer is called again, they add up.

    Parameters
    ----------
    combine
        From values and gradients, (image, channel, \\*space) each, to a map, (image, \\*space).
    layer
        Whose maps; None takes :func:`layer_of_maps`.
    batch
        Patients at once.
    """

    def of_one(score: ImageScore, seen: SeenImages) -> Tensor:
        chosen = layer or layer_of_maps(score, seen)

        def explain(part: SeenImages) -> Tensor:
            found = maps_at(score, chosen, part.images, part.rows)
            total = part.images.new_zeros(())
            for values, gradients in zip(found.values, found.gradients, strict=True):
                total = total + onto_images(combine(values, gradients), part.images.shape)
            return total

        return in_batches(explain, seen, batch)

    return by_model(of_one, score, seen)


def layer_of_maps(score: ImageScore, seen: SeenImages) -> nn.Module:
    """The layer that the score names, or else :func:`finest_deep_layer`."""
    named = score.layer_of_maps()
    return finest_deep_layer(score, seen.images, seen.rows) if named is None else named


@torch.no_grad()
def finest_deep_layer(score: ImageScore, images: Tensor, rows: Tensor) -> nn.Module:
    """The last of the coarsest layers whose maps still have 8 cells along each side.

    Deeper maps know more and place it worse: of a picture of 64 pixels the last ones have 2 × 2.

    Raises
    ------
    ValueError
        If no layer makes maps, as in a transformer: choose attention rollout.
    """
    sides: dict[nn.Module, int] = {}

    def look(layer: nn.Module, _: object, output: object) -> None:
        # Dropout acts on attention too, which is no map.
        if isinstance(layer, nn.Dropout) or not isinstance(output, Tensor) or output.ndim < 4:
            return
        # In the order of the last call.
        sides.pop(layer, None)
        sides[layer] = min(output.shape[-2:])

    with _hooks(score.image_encoder().modules(), look):
        score(images[:1], rows[:1])
    fine = {layer: side for layer, side in sides.items() if side >= LEAST_CELLS} or sides
    if not fine:
        raise ValueError("no layer of this model makes maps: choose attention rollout")
    wanted = min(fine.values())
    return [layer for layer, side in fine.items() if side == wanted][-1]


def onto_images(maps: Tensor, shape: torch.Size) -> Tensor:
    """(image, \\*space) maps of slices or volumes, interpolated to (patient, slice, height, width).

    Parameters
    ----------
    shape
        Of the images, (patient, slice, channel, height, width).
    """
    n, n_slices, _, height, width = shape
    if maps.ndim == 4:
        whole = functional.interpolate(maps[:, None], (n_slices, height, width), mode="trilinear")
        return whole[:, 0]
    flat = functional.interpolate(maps[:, None], (height, width), mode="bilinear")
    # (patient·slice, …) → (patient, slice, …)
    return flat[:, 0].unflatten(0, (n, n_slices))


@contextmanager
def outputs_of(*layers: nn.Module) -> Iterator[list[Tensor]]:
    """What some layers give while the context is open, in the order of their calls."""
    found: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        found.append(output)

    with _hooks(layers, keep):
        yield found


@contextmanager
def _hooks(layers: Iterable[nn.Module], act: Callable) -> Iterator[None]:
    handles = [layer.register_forward_hook(act) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
