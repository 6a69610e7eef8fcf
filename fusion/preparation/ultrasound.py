"""Ultrasound: the sector without what the machine wrote around it."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import binary_opening, label

BLACK = 0.03


def ultrasound_sector(
    pixels: Float[np.ndarray, "height width"],
) -> Float[np.ndarray, "1 sector_height sector_width"]:
    """The largest connected part that is not black, cut out; everything beside it becomes black.

    Names, dates and scales that the machine burned in stand beside the sector and are lost. What
    is written *within* the sector stays: this is no de-identification.

    Parameters
    ----------
    pixels
        From 0 to 1.

    Raises
    ------
    ValueError
        If everything is black.
    """
    # Thin strokes, of which letters consist, are opened away.
    lit = binary_opening(pixels > BLACK, np.ones((3, 3)), iterations=2)
    parts, n_parts = label(lit)
    if not n_parts:
        raise ValueError("nothing but black and thin lines: no ultrasound sector")
    sector = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    rows, columns = np.flatnonzero(sector.any(axis=1)), np.flatnonzero(sector.any(axis=0))
    kept = np.where(sector, pixels, 0.0)
    cut = kept[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut.astype(np.float32)[None]
