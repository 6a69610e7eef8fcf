"""CT: windows of Hounsfield units."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from monai.transforms.intensity.array import ScaleIntensityRange

WINDOWS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "brain": (40.0, 80.0),
        "subdural": (75.0, 215.0),
        "soft tissue": (50.0, 400.0),
        "mediastinum": (40.0, 350.0),
        "liver": (60.0, 160.0),
        "lung": (-600.0, 1500.0),
        "bone": (400.0, 1800.0),
    }
)
"""Level and width, Hounsfield units."""
LEAST_HU = -1024.0


def ct_windows(
    volume: Float[np.ndarray, "*space"], windows: tuple[str, ...]
) -> Float[np.ndarray, "channel *space"]:
    """A volume in several windows, each one channel from 0 (black) to 1 (white).

    Parameters
    ----------
    volume
        Hounsfield units. Fillers of scanners far below air, such as −2000, count as air.
    windows
        Names of :data:`WINDOWS`.

    Raises
    ------
    ValueError
        If a window is unknown, or values cannot be Hounsfield units: rescale slope and intercept
        were then not applied.
    """
    unknown = [name for name in windows if name not in WINDOWS]
    if unknown or not windows:
        raise ValueError(f"windows must be some of {', '.join(WINDOWS)}, got {windows}")
    if volume.size and volume.min() >= 0:
        raise ValueError(
            f"values of {volume.min():g} to {volume.max():g} hold no air, so they are no "
            "Hounsfield units: apply rescale slope and intercept"
        )
    channels = []
    for level, width in (WINDOWS[name] for name in windows):
        scale = ScaleIntensityRange(level - width / 2, level + width / 2, 0.0, 1.0, clip=True)
        channels.append(np.asarray(scale(np.maximum(volume, LEAST_HU)), dtype=np.float32))
    return np.stack(channels)
