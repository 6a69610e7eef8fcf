"""Norms under which a patient's embedding does not depend on who else is in the batch.

Networks of the literature hold batch norm. One that learns from scratch takes group norm in its
place; one that brings weights keeps the statistics it was pretrained with, as constants.
"""

from collections.abc import Callable
from math import gcd
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

MOST_GROUPS = 8
Network = TypeVar("Network", bound=nn.Module)


class FixedNorm(nn.Module):
    """Batch norm whose statistics, scale and shift are constants; it reads batch norm's weights.

    Parameters
    ----------
    n_channels
        Of the features.
    eps
        Added to the variance.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        for name, start in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            self.register_buffer(name, torch.full((n_channels,), float(start)))

    def forward(
        self, features: Float[Tensor, "image channel *space"]
    ) -> Float[Tensor, "image channel *space"]:
        """Scale and shift each channel."""
        return functional.batch_norm(
            features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def group_normed(network: Network) -> Network:
    """The network with a new group norm in place of every batch norm.

    References
    ----------
    Wu, Y. and He, K. (2018). Group normalization. ECCV.
    """

    def grouped(old: _BatchNorm) -> nn.GroupNorm:
        return nn.GroupNorm(_n_groups(old.num_features), old.num_features)

    return _replaced(network, grouped)


def _n_groups(n_channels: int) -> int:
    """A channel alone in its group would say as much of a large lesion as of a small one."""
    n_groups = gcd(MOST_GROUPS, n_channels)
    return max(1, n_channels // 2) if n_groups == n_channels else n_groups


def fixed_normed(network: Network) -> Network:
    """The network with every batch norm as constants: those that it holds now."""

    def fixed(old: _BatchNorm) -> FixedNorm:
        norm = FixedNorm(old.num_features, old.eps)
        kept = {k: v for k, v in old.state_dict().items() if k != "num_batches_tracked"}
        norm.load_state_dict(kept)
        return norm

    return _replaced(network, fixed)


def _replaced(network: Network, new: Callable[[_BatchNorm], nn.Module]) -> Network:
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, _BatchNorm):
                setattr(parent, name, new(child))
    return network


def require_no_batch_norm(network: nn.Module) -> None:
    """Refuse batch norm, under which patients change each other's outputs.

    Raises
    ------
    ValueError
        If the network holds one.
    """
    n = sum(isinstance(module, _BatchNorm) for module in network.modules())
    if n:
        raise ValueError(
            f"the network holds {n} batch norms, by which patients change each other's outputs: "
            "pass it through group_normed to train it from scratch, or load weights with "
            "`pretrained`, which keeps their statistics as constants"
        )
