"""A model whose weights are drawn anew: what an explanation must not look like."""

from dataclasses import replace

import numpy as np
import torch

from fusion.models.blend import FittedBlend
from fusion.models.fusion_net import FittedNet
from fusion.models.linear import FittedLinear
from fusion.models.protocol import FittedRisk


def randomised(model: FittedRisk, seed: int) -> FittedRisk:
    """The same model with random weights of the same size.

    Coefficients of a linear model are drawn from a normal distribution with their own root mean
    square; each weight of a network changes place and sign within its tensor.

    References
    ----------
    Adebayo, J. et al. (2018). Sanity checks for saliency maps. NeurIPS.
    """
    draw = np.random.default_rng(seed)
    return _redrawn(model, draw)


def _redrawn(model: FittedRisk, draw: np.random.Generator) -> FittedRisk:
    match model:
        case FittedLinear():
            coefficients = {
                name: draw.normal(size=values.shape) * np.sqrt((values**2).mean())
                for name, values in model.coefficients.items()
            }
            return replace(model, coefficients=coefficients)
        case FittedNet():
            state = {name: _shuffled(tensor, draw) for name, tensor in model.state.items()}
            return replace(model, state=state)
        case FittedBlend():
            return replace(model, parts=tuple(_redrawn(part, draw) for part in model.parts))
    raise ValueError(f"{model.model} has no weights to draw anew")


def _shuffled(tensor: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    values = tensor.flatten()
    order = torch.as_tensor(draw.permutation(len(values)))
    sign = torch.as_tensor(draw.choice([-1.0, 1.0], len(values)), dtype=tensor.dtype)
    return (values[order] * sign).reshape(tensor.shape)
