"""The same model, knowing nothing: its weights shuffled."""

from copy import deepcopy

import torch

from fusion.explanation.image_score import ImageScore


@torch.no_grad()
def with_random_weights(score: ImageScore, seed: int) -> ImageScore:
    """A copy in which the values of each weight tensor stand in random order.

    Their spread stays, so that it computes with numbers of the usual size. What was learned is
    gone, also where layers keep it as constants, which they name in ``learned_buffers``.

    Raises
    ------
    ValueError
        If nothing changed: the copy would be the model itself.
    """
    copy = deepcopy(score)
    generator = torch.Generator().manual_seed(seed)
    constants = [
        getattr(layer, name)
        for layer in copy.modules()
        for name in getattr(type(layer), "learned_buffers", ())
    ]
    changed = False
    for weights in (*copy.parameters(), *constants):
        order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
        shuffled = weights.flatten()[order].view_as(weights)
        changed = changed or not torch.equal(shuffled, weights)
        weights.copy_(shuffled)
    if not changed:
        raise ValueError(
            f"{type(score).__name__} has no weights whose order matters, so that there is no model "
            "of random weights: name what it learned in learned_buffers"
        )
    return copy
