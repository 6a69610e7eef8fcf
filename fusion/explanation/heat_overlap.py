"""How alike two heat maps look: the share of their hottest places that both have."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

HOTTEST = 0.1
"""Share of the cells that count as hot; also the overlap of maps that have nothing in common."""
CELLS = 16


def heat_overlap(
    one: Float[Tensor, "patient slice height width"],
    other: Float[Tensor, "patient slice height width"],
) -> Float[Tensor, " patient"]:
    """Share of the hottest tenth of one map that is in the hottest tenth of the other.

    Sizes count, not signs, over a grid of at most 16 × 16 cells a slice: what a person takes from
    a heat map, and no single pixel. A map without any heat overlaps with none.

    Returns
    -------
    Tensor
        In [0, 1], 1 for the same places; about 0.1 by chance.
    """
    one, other = _cells(one), _cells(other)
    n_hot = max(1, round(HOTTEST * one.shape[1]))
    hot = torch.zeros_like(one, dtype=torch.bool).scatter(1, one.topk(n_hot, dim=1).indices, True)
    also = other.topk(n_hot, dim=1).indices
    shared = hot.gather(1, also).float().mean(dim=1)
    has_heat = (one > 0).any(dim=1) & (other > 0).any(dim=1)
    return torch.where(has_heat, shared, 0.0)


def _cells(maps: Tensor) -> Float[Tensor, "patient cell"]:
    grid = min(CELLS, maps.shape[2]), min(CELLS, maps.shape[3])
    return functional.adaptive_avg_pool2d(maps.abs().float(), grid).flatten(1)
