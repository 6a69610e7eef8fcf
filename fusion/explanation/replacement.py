"""What happens to the score as the hottest places are replaced, against the same heat elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import ImageScore

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class ReplacementCurves:
    """Share of the way from image to reference that the score has gone, over all patients.

    Parameters
    ----------
    shares
        Of the places that were replaced, hottest first, (share,).
    deletion
        Hot places of the image were given the reference's values, (share,): high is faithful.
    insertion
        Hot places of the reference were given the image's: the share that was back, (share,).
    random_deletion, random_insertion
        The same for the same maps shifted to other places, (draw, share).
    """

    shares: tuple[float, ...]
    deletion: Tensor
    insertion: Tensor
    random_deletion: Tensor
    random_insertion: Tensor

    @property
    def deletion_gain(self) -> float:
        """Mean height of the curve of deletion over that of shifted maps."""
        return float(self.deletion.mean() - self.random_deletion.mean())

    @property
    def insertion_gain(self) -> float:
        """Mean height of the curve of insertion over that of shifted maps."""
        return float(self.insertion.mean() - self.random_insertion.mean())


@torch.no_grad()
def replacement_curves(
    score: ImageScore,
    seen: SeenImages,
    maps: Float[Tensor, "patient slice height width"],
    *,
    signed: bool,
    n_random: int = 5,
    seed: int = 0,
) -> ReplacementCurves:
    """Curves of deletion and insertion.

    Where a map has signs, hottest is what moved the patient's score most in the direction in which
    the image as a whole moved it. Chance is the same map shifted by a quarter of a side or more: as
    smooth and as large as the map itself, so that only its place is judged.

    Parameters
    ----------
    signed
        Whether the maps tell what raises the score from what lowers it.
    n_random
        Shifts.

    References
    ----------
    Petsiuk, V. et al. (2018). RISE: randomized input sampling for explanation. BMVC.
    """
    image, reference = score(seen.images, seen.rows), score(seen.reference, seen.rows)
    total = image - reference
    direction = total.sign()
    heat = maps * direction[:, None, None, None] if signed else maps

    def curve(heat: Tensor, changed: Callable[[Tensor], Tensor]) -> Tensor:
        return torch.stack([changed(_hottest(heat, share)) for share in SHARES])

    def deleted(hot: Tensor) -> Tensor:
        now = score(torch.where(hot, seen.reference, seen.images), seen.rows)
        return ((image - now) * direction).sum() / total.abs().sum()

    def inserted(hot: Tensor) -> Tensor:
        now = score(torch.where(hot, seen.images, seen.reference), seen.rows)
        return ((now - reference) * direction).sum() / total.abs().sum()

    generator = torch.Generator().manual_seed(seed)
    shifted = [_shifted(heat, generator) for _ in range(n_random)]
    return ReplacementCurves(
        SHARES,
        curve(heat, deleted),
        curve(heat, inserted),
        torch.stack([curve(each, deleted) for each in shifted]),
        torch.stack([curve(each, inserted) for each in shifted]),
    )


def _hottest(heat: Tensor, share: float) -> Tensor:
    """Whether a place is among the hottest, (patient, slice, 1, height, width)."""
    flat = heat.flatten(1)
    n_hot = max(1, round(share * flat.shape[1]))
    hot = torch.zeros_like(flat, dtype=torch.bool).scatter(1, flat.topk(n_hot, 1).indices, True)
    return hot.view_as(heat)[:, :, None]


def _shifted(heat: Tensor, generator: torch.Generator) -> Tensor:
    """The maps rolled by a quarter to three quarters of each side."""
    shift = [
        int(torch.randint(side // 4, max(side // 4 + 1, 3 * side // 4), (), generator=generator))
        for side in heat.shape[2:]
    ]
    return heat.roll(shift, dims=(2, 3))
