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
NO_WEIGHT = 1e-12


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
    corner = np.zeros([n + 1 for n in mask.shape], dtype=bool)
    surface = mask & ~_interior(mask)
    for shift in product((0, 1), repeat=3):
        corner[tuple(slice(s, s + n) for s, n in zip(shift, mask.shape, strict=True))] |= surface
    corners = np.argwhere(corner)
    # In voxels, where the hull is well conditioned; volumes scale with the spacing.
    hull = corners[ConvexHull(corners).vertices].astype(float)
    return _smallest_ellipsoid(hull) * float(np.prod(spacing))


def _smallest_ellipsoid(points: Float[np.ndarray, "point 3"]) -> float:
    """Volume of the smallest ellipsoid around points, by Khachiyan's algorithm.

    Weight goes to the point farthest out, or from one that lies inside (Wolfe's and Atwood's away
    steps), whichever is the more at fault.
    """
    n, dimensions = points.shape
    lifted = np.column_stack([points - points.mean(axis=0), np.ones(n)]).T
    size = dimensions + 1
    weight = np.full(n, 1 / n)
    for _ in range(MOST_STEPS):
        spread = lifted * weight @ lifted.T
        distance = np.einsum("ip,ip->p", lifted, np.linalg.solve(spread, lifted))
        farthest = int(distance.argmax())
        if distance[farthest] - size < TOLERANCE * size:
            break
        nearest = int(np.where(weight > 0, distance, np.inf).argmin())
        outward = distance[farthest] - size >= size - distance[nearest]
        chosen = farthest if outward else nearest
        step = _gained(distance[chosen], weight[chosen], size)
        weight *= 1 - step
        weight[chosen] += step
        weight[weight < NO_WEIGHT] = 0
    centre = points.T @ weight
    covariance = points.T * weight @ points - np.outer(centre, centre)
    # Scaled so that the farthest point lies on it: an upper bound, tight to the tolerance.
    offset = points - centre
    largest = np.einsum("pi,pi->p", offset, np.linalg.solve(covariance, offset.T).T).max()
    return float(4 / 3 * np.pi * np.sqrt(np.linalg.det(covariance * largest)))


def _gained(distance: float, weight: float, size: int) -> float:
    """Weight that suits a point best; it loses no more than it has."""
    least = -weight / (1 - weight)
    return max((distance - size) / (size * (distance - 1)), least) if distance > 1 else least


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
