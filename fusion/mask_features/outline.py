"""The margin of a lesion in its largest slice: how uneven it is.

Both measures are those of Mazurowski et al. and Buda et al., on distances from the centre to the
margin that are scaled to mean 1, so that size does not matter: a disc has 0.

References
----------
Georgiou, H. et al. (2007). Multi-scaled morphological features for the characterization of
mammographic masses using statistical classification schemes. Artif Intell Med 41:39.
Giger, M. et al. (1994). Computerized characterization of mammographic masses: analysis of
spiculation. Cancer Lett 77:201.
Mazurowski, M. et al. (2017). Radiogenomics of lower-grade glioma: algorithmically-assessed tumor
shape is associated with tumor genomic subtypes and patient outcomes. J Neurooncol 133:27.
Buda, M., Saha, A. and Mazurowski, M. (2019). Association of genomic subtypes of lower-grade gliomas
with shape features automatically extracted by a deep learning algorithm. Comput Biol Med 109:218.
"""

import numpy as np
from contourpy import contour_generator
from jaxtyping import Bool, Float
from scipy.ndimage import binary_fill_holes, label, uniform_filter1d

N_BINS = 10
SMOOTHED_SHARE = 0.1
"""Length of the moving average, share of the margin."""


def margin(
    mask: Bool[np.ndarray, "height width"], spacing: tuple[float, float]
) -> Float[np.ndarray, "point 2"]:
    """Points at equal steps along the outer margin of the largest connected part.

    Parameters
    ----------
    spacing
        Height and width of a pixel.

    Raises
    ------
    ValueError
        If nothing is outlined.
    """
    parts, n_parts = label(mask, np.ones((3, 3)))
    if not n_parts:
        raise ValueError("nothing is outlined: an empty mask has no margin")
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    solid = np.pad(binary_fill_holes(largest), 1)
    lines = contour_generator(z=solid.astype(float)).lines(0.5)
    # contourpy gives (column, row); turned to (row, column) in units of length.
    line = np.asarray(max(lines, key=len))[:, ::-1] * np.asarray(spacing)
    along = np.concatenate([[0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    n = max(4 * N_BINS, round(along[-1] / np.sqrt(np.prod(spacing))))
    places = np.arange(n) * along[-1] / n
    return np.column_stack([np.interp(places, along, line[:, axis]) for axis in (0, 1)])


def angular_standard_deviation(points: Float[np.ndarray, "point 2"]) -> float:
    """Standard deviation of the distance to the centre in ten equal angles, their mean."""
    radius, angle = _polar(points)
    which = np.floor((angle + np.pi) / (2 * np.pi) * N_BINS).astype(int) % N_BINS
    return float(np.mean([radius[which == b].std() for b in range(N_BINS) if (which == b).any()]))


def margin_fluctuation(points: Float[np.ndarray, "point 2"]) -> float:
    """Standard deviation of what a moving average over a tenth of the margin takes away."""
    radius, _ = _polar(points)
    width = max(1, round(SMOOTHED_SHARE * len(radius)))
    return float((radius - uniform_filter1d(radius, width, mode="wrap")).std())


def _polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the centre, scaled to mean 1, and angle of each point."""
    offset = points - points.mean(axis=0)
    radius = np.hypot(*offset.T)
    return radius / radius.mean(), np.arctan2(*offset.T)
