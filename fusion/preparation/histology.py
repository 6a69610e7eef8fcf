"""H&E slides: the stains of every laboratory as those of one."""

import numpy as np
from jaxtyping import UInt8
from monai.apps.pathology.transforms.stain.array import NormalizeHEStains

LIGHT = 220
LEAST_TISSUE = 0.05


def tissue_share(tile: UInt8[np.ndarray, "height width 3"]) -> float:
    """Share of a tile that is neither glass nor black: colour, and not all light."""
    spread = np.ptp(tile.astype(int), axis=2)
    return float(((spread > 15) & (tile.min(axis=2) < LIGHT)).mean())


def stain_normalised(
    tile: UInt8[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    """A tile with the haematoxylin and eosin of a fixed reference.

    Raises
    ------
    ValueError
        If less than a twentieth is tissue: of glass no stain can be estimated.

    References
    ----------
    Macenko, M. et al. (2009). A method for normalizing histology slides for quantitative analysis.
    ISBI.
    """
    share = tissue_share(tile)
    if share < LEAST_TISSUE:
        raise ValueError(f"{share:.0%} of the tile is tissue: leave it out")
    return np.asarray(NormalizeHEStains()(tile), dtype=np.uint8)
