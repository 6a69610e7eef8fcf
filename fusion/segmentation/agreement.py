"""How well two outlines of one patient agree: overlap, and distances between their surfaces."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice
from torch import Tensor

PERCENTILE = 95.0


@dataclass(frozen=True)
class Agreement:
    """Predicted and drawn outline of one patient.

    Parameters
    ----------
    dice
        Twice the common volume over the sum of both; 1 where both are empty.
    hd95
        95th percentile of the distance between surfaces, the larger of both directions, in the
        unit of the spacing; NaN where either outline is empty.
    surface_dice
        Share of both surfaces that lies within the tolerance of the other; 1 where both are empty,
        0 where one is.
    predicted_volume, drawn_volume
        In the unit of the spacing, cubed (or squared).
    """

    dice: float
    hd95: float
    surface_dice: float
    predicted_volume: float
    drawn_volume: float


def agreement(
    predicted: Bool[Tensor, "*space"],
    drawn: Bool[Tensor, "*space"],
    *,
    spacing: tuple[float, ...],
    tolerance: float,
) -> Agreement:
    """Compare two outlines of one patient, a picture or a whole volume.

    Parameters
    ----------
    spacing
        Distance between neighbours along each axis.
    tolerance
        Distance that surfaces may differ by, in the unit of the spacing; two people who draw the
        same lesion differ too.

    Raises
    ------
    ValueError
        If shapes or spacing do not belong together.

    References
    ----------
    Maier-Hein, L. et al. (2024). Metrics reloaded: recommendations for image analysis validation.
    Nature Methods 21:195.
    Nikolov, S. et al. (2021). Clinically applicable segmentation of head and neck anatomy for
    radiotherapy. JMIR 23:e26151 (surface Dice).
    """
    if predicted.shape != drawn.shape or len(spacing) != drawn.ndim:
        raise ValueError(
            f"outlines are {tuple(predicted.shape)} and {tuple(drawn.shape)} with "
            f"{len(spacing)} spacings: pass outlines of one shape and a spacing for each axis"
        )
    place = float(np.prod(spacing))
    sizes = int(predicted.sum()), int(drawn.sum())
    both = int((predicted & drawn).sum())
    dice = 2 * both / sum(sizes) if sum(sizes) else 1.0
    hd95, surface = float("nan"), float(not any(sizes))
    if all(sizes):
        # A margin, so that a lesion at the edge of the image has its whole surface.
        one, other = _batched(predicted), _batched(drawn)
        with warnings.catch_warnings():
            # MONAI calls itself with an argument that it has deprecated.
            warnings.filterwarnings("ignore", ".*always_return_as_numpy", FutureWarning)
            hd95 = float(
                compute_hausdorff_distance(
                    one, other, include_background=True, percentile=PERCENTILE, spacing=[*spacing]
                )
            )
            surface = float(
                compute_surface_dice(
                    one, other, [tolerance], include_background=True, spacing=[*spacing]
                )
            )
    return Agreement(dice, hd95, surface, sizes[0] * place, sizes[1] * place)


def _batched(mask: Tensor) -> Tensor:
    """(1, 1, \\*space) float, with one empty place around."""
    return torch.nn.functional.pad(mask.float(), (1, 1) * mask.ndim)[None, None]
