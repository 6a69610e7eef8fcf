"""The shape of a lesion, from its mask alone.

Names in brackets are identifiers of the Image Biomarker Standardisation Initiative.

References
----------
Zwanenburg, A. et al. (2020). The Image Biomarker Standardization Initiative. Radiology 295:328.
Khachiyan, L. (1996). Rounding of polytopes in the real number model of computation. Math Oper Res
21:307 (smallest enclosing ellipsoid).
Buda, M. et al. (2019). Comput Biol Med 109:218 (bounding-ellipsoid volume ratio).
"""

from itertools import product

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull

from fusion.mask_features.outline import angular_standard_deviation, margin, margin_fluctuation

TOLERANCE = 1e-3
MOST_STEPS = 5000


def shape_features(
    mask: Bool[np.ndarray, "depth height width"], spacing: tuple[float, float, float]
) -> dict[str, float]:
    """Shape of a lesion by name; lengths are in the unit of ``spacing``.

    Parameters
    ----------
    mask
        True inside the lesion; slices along the first axis.
    spacing
        Distance between neighbours along each axis.

    Raises
    ------
    ValueError
        If nothing is outlined.
    """
    if not mask.any():
        raise ValueError("nothing is outlined: an empty mask has no shape")
    volume = float(mask.sum() * np.prod(spacing))
    areas = mask.sum(axis=(1, 2))
    points = margin(mask[int(areas.argmax())], spacing[1:])
    return {
        "volume (YEKZ)": volume,
        "largest slice area": float(areas.max() * spacing[1] * spacing[2]),
        **_axes(np.argwhere(mask) * np.asarray(spacing)),
        "bounding-ellipsoid volume ratio": volume / bounding_ellipsoid_volume(mask, spacing),
        "angular standard deviation": angular_standard_deviation(points),
        "margin fluctuation": margin_fluctuation(points),
    }


def bounding_ellipsoid_volume(
    mask: Bool[np.ndarray, "depth height width"], spacing: tuple[float, float, float]
) -> float:
    """Volume of the smallest ellipsoid that holds every voxel, corners included."""
    voxels = np.argwhere(mask & ~_interior(mask))
    corners = np.unique(
        (voxels[:, None] + np.array(list(product((0, 1), repeat=3)))).reshape(-1, 3), axis=0
    )
    # In voxels, where the hull is well conditioned; volumes scale with the spacing.
    hull = corners[ConvexHull(corners).vertices].astype(float)
    return _smallest_ellipsoid(hull) * float(np.prod(spacing))


def _smallest_ellipsoid(points: Float[np.ndarray, "point 3"]) -> float:
    """Volume of the smallest ellipsoid around points, by Khachiyan's algorithm."""
    n, dimensions = points.shape
    lifted = np.column_stack([points - points.mean(axis=0), np.ones(n)]).T
    weight = np.full(n, 1 / n)
    for _ in range(MOST_STEPS):
        spread = lifted * weight @ lifted.T
        distance = np.einsum("ip,ip->p", lifted, np.linalg.solve(spread, lifted))
        farthest = int(distance.argmax())
        excess = distance[farthest] - dimensions - 1
        if excess < TOLERANCE * (dimensions + 1):
            break
        step = excess / ((dimensions + 1) * (distance[farthest] - 1))
        weight *= 1 - step
        weight[farthest] += step
    centre = points.T @ weight
    covariance = points.T * weight @ points - np.outer(centre, centre)
    # Scaled so that the farthest point lies on it: an upper bound, tight to the tolerance.
    offset = points - centre
    largest = np.einsum("pi,pi->p", offset, np.linalg.solve(covariance, offset.T).T).max()
    return float(4 / 3 * np.pi * np.sqrt(np.linalg.det(covariance * largest)))


def _interior(mask: np.ndarray) -> np.ndarray:
    """Voxels whose six neighbours are all inside."""
    padded = np.pad(mask, 1)
    inside = padded.copy()
    for axis, shift in product(range(3), (-1, 1)):
        inside &= np.roll(padded, shift, axis)
    return inside[1:-1, 1:-1, 1:-1]


def _axes(places: Float[np.ndarray, "voxel 3"]) -> dict[str, float]:
    """Axes of the ellipsoid with the same second moments, and their ratios."""
    moments = np.cov(places.T) if len(places) > 1 else np.zeros((3, 3))
    least, minor, major = np.sqrt(np.linalg.eigvalsh(moments).clip(min=0))
    return {
        "major axis length (TDIC)": float(4 * major),
        "minor axis length (P9VJ)": float(4 * minor),
        "least axis length (7J51)": float(4 * least),
        "elongation (Q3CK)": float(minor / major) if major else 1.0,
        "flatness (N17B)": float(least / major) if major else 1.0,
    }
