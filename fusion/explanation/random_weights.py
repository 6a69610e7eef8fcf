"""The same model, knowing nothing: its weights shuffled."""

from copy import deepcopy

import torch

from fusion.explanation.image_score import ImageScore


@torch.no_grad()
def with_random_weights(score: ImageScore, seed: int) -> ImageScore:
    """A copy in which the values of each weight tensor stand in random order.

    Their spread stays, so that it computes with numbers of the usual size.
    What was learned is gone.
    """
    copy = deepcopy(score)
    generator = torch.Generator().manual_seed(seed)
    for weights in copy.parameters():
        order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
        weights.copy_(weights.flatten()[order].view_as(weights))
    return copy
