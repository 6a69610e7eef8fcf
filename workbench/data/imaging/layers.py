"""What lies over an image: outlined regions, and how much each place moved a model's output."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError

if TYPE_CHECKING:
    from fusion.explanation.attribution import Check

SAME_PLACE_MM = 0.01
MOST_LABELS = 255


@dataclass(frozen=True, eq=False)
class Mask:
    """Regions of a volume.

    Parameters
    ----------
    labels
        A volume of integers or bool; 0 (False) is no region.
    names
        Of labels 1, 2, …, in their order.
    """

    labels: Volume
    names: tuple[str, ...] = ("mask",)

    def __post_init__(self) -> None:
        if self.labels.voxels.dtype.kind not in "iub" or self.labels.voxels.ndim != 3:
            raise ImageError(
                f"a mask is (i, j, k) of integers or bool, got {self.labels.voxels.dtype} "
                f"of {self.labels.voxels.ndim} dimensions"
            )
        if not 1 <= len(self.names) <= MOST_LABELS:
            raise ImageError(f"1 to {MOST_LABELS} labels have names, got {len(self.names)}")


@dataclass(frozen=True, eq=False)
class Attribution:
    """Contributions of places to a model's output.

    Parameters
    ----------
    contributions
        A volume of one channel.
    limit
        The contribution, in either direction, that has the full colour.
    title
        What a positive number means, such as ``"log hazard"``.
    method
        How it was computed, in words.
    checks
        How the method fared on its own axiom; none if that is not known.
    """

    contributions: Volume
    limit: float
    title: str = "contribution"
    method: str = ""
    checks: "tuple[Check, ...]" = ()

    def __post_init__(self) -> None:
        if self.contributions.voxels.ndim != 3:
            raise ImageError("an attribution has one channel")
        if not (np.isfinite(self.limit) and self.limit > 0):
            raise ImageError(f"limit must be positive and finite, got {self.limit}")

    @property
    def failed(self) -> "tuple[Check, ...]":
        """Those of its checks that it did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def levels(self, values: np.ndarray) -> np.ndarray:
        """Contributions as int8: 127 is the limit and more, −127 its opposite, NaN is 0."""
        share = np.nan_to_num(values.astype(np.float32), nan=0.0) / np.float32(self.limit)
        return np.rint(np.clip(share, -1, 1) * 127).astype(np.int8)


def check_layers(volume: Volume, mask: Mask | None, attribution: Attribution | None) -> None:
    """Whether what lies over a volume lies at the same place.

    Raises
    ------
    ImageError
        If it has another shape, lies elsewhere, or a mask has labels without a name.
    """
    if mask is not None:
        _check_place(volume, mask.labels, "the mask")
        highest, lowest = int(mask.labels.voxels.max()), int(mask.labels.voxels.min())
        if lowest < 0 or highest > len(mask.names):
            raise ImageError(
                f"labels of the mask are {lowest} to {highest}, but {len(mask.names)} have names: "
                "give a name a label, from 1"
            )
    if attribution is not None:
        _check_place(volume, attribution.contributions, "the attribution")


def _check_place(volume: Volume, layer: Volume, what: str) -> None:
    if layer.shape != volume.shape:
        raise ImageError(
            f"{what} has {layer.shape} voxels, the image {volume.shape} (to the right, front and "
            "head): resample it to the image"
        )
    if (layer.affine is None) != (volume.affine is None):
        raise ImageError(f"{what} and the image must both have an affine, or neither")
    if layer.affine is None or volume.affine is None:
        return
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    corners[:, :3] *= np.array(volume.shape) - 1
    gap = np.abs(corners @ (layer.affine - volume.affine).T).max()
    if gap > SAME_PLACE_MM:
        raise ImageError(f"{what} lies up to {gap:.3g} mm from the image: resample it to the image")
