"""Windows: which values are black, which are white."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError

MOST_VOXELS = 1_000_000


@dataclass(frozen=True)
class Window:
    """Values from ``centre - width / 2`` (black) to ``centre + width / 2`` (white).

    Raises
    ------
    ImageError
        If the width is not positive, or either is not finite.
    """

    centre: float
    width: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.centre) and np.isfinite(self.width) and self.width > 0):
            raise ImageError(
                f"a window has a centre and a positive width, got {self.centre} and {self.width}"
            )

    def grey(self, values: np.ndarray) -> np.ndarray:
        """Values as uint8: DICOM's LINEAR_EXACT function [1], rounded; NaN is black.

        References
        ----------
        [1] DICOM PS3.3 C.11.2.1.3.2.
        """
        share = (values.astype(np.float32) - np.float32(self.centre)) / np.float32(self.width)
        share = np.nan_to_num(share + np.float32(0.5), nan=0.0, posinf=1.0, neginf=0.0)
        return np.floor(np.clip(share, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


CT_WINDOWS: Mapping[str, Window] = {
    "brain": Window(40, 80),
    "subdural": Window(75, 215),
    "soft tissue": Window(50, 400),
    "lung": Window(-600, 1500),
    "bone": Window(400, 1800),
}
"""In Hounsfield units."""


def windows_of(volume: Volume, channel: int = 0) -> dict[str, Window]:
    """Windows by name; the first is where to begin.

    The window that a file asks for comes first. A volume in HU has those of CT. Others have
    percentiles of their own values; the smallest value, which is air or background, is not counted
    among them.

    Parameters
    ----------
    volume
        Read at about a million evenly spaced voxels.
    channel
        Whose values.
    """
    if volume.colour:
        return {"as stored": Window(127.5, 255)}
    sample = _sample(volume, channel)
    if sample.size == 0:
        return {"full range": Window(0.5, 1)}
    full = _between(sample.min(), sample.max())
    asked = {} if volume.window is None else {"of the file": volume.window}
    if volume.unit == "HU":
        return {**asked, **CT_WINDOWS, "full range": full}
    inner = sample[sample > sample.min()]
    if inner.size == 0:
        return {**asked, "full range": full}
    return {
        **asked,
        "1 to 99 %": _between(*np.percentile(inner, [1, 99])),
        "5 to 95 %": _between(*np.percentile(inner, [5, 95])),
        "full range": full,
    }


def _sample(volume: Volume, channel: int) -> np.ndarray:
    step = max(1, round((np.prod(volume.shape) / MOST_VOXELS) ** (1 / 3)))
    i, j, k = (step if n > 4 * step else 1 for n in volume.shape)
    stored = volume.voxels[::i, ::j, ::k]
    stored = stored[..., channel] if stored.ndim == 4 else stored
    values = volume.values(stored).astype(np.float32).ravel()
    return values[np.isfinite(values)]


def _between(low: float, high: float) -> Window:
    low, high = float(low), float(high)
    return Window((low + high) / 2, max(high - low, 1e-6 * max(1.0, abs(high))))
