"""Radiographs: which end is white, and how far the grey values reach."""

import numpy as np
from jaxtyping import Float
from monai.transforms.intensity.array import ScaleIntensityRangePercentiles

LOW, HIGH = 0.5, 99.5


def radiograph(
    pixels: Float[np.ndarray, "height width"],
    photometric: str,
) -> Float[np.ndarray, "1 height width"]:
    """A radiograph from 0 to 1 with bone white, whatever the detector's range.

    The half percent at each end is cut off: markers of lead, and collimated edges.

    Parameters
    ----------
    pixels
        As stored.
    photometric
        Photometric Interpretation (0028,0004). In MONOCHROME1 the lowest value is white.

    Raises
    ------
    ValueError
        If the photometric interpretation is another one.
    """
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric must be MONOCHROME1 or MONOCHROME2, got {photometric!r}")
    upright = pixels.max() + pixels.min() - pixels if photometric == "MONOCHROME1" else pixels
    scale = ScaleIntensityRangePercentiles(LOW, HIGH, 0.0, 1.0, clip=True)
    return np.asarray(scale(upright.astype(np.float32)), dtype=np.float32)[None]
