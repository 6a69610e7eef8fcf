"""Where planes lie: their order by position, the step between them, and what is missing."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import ImageError

SAME_POSITION_MM = 1e-3
UNEVEN = 0.05
"""Distances between neighbours may differ from the step by this share of it: scanners round."""
TILTED_DEGREES = 0.05
SAME_DIRECTION = 0.005
SAME_SPACING_MM = 1e-4
"""Cosines and spacings of planes that are alike may differ by these: scanners round, or jitter."""

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM's axes point to the patient's left, back and head (PS3.3 C.7.6.2.1.1)."""


@dataclass(frozen=True, eq=False)
class Pose:
    """Where one plane lies, in DICOM's axes (left, back, head).

    Parameters
    ----------
    position
        (3,) mm, of the middle of the upper left pixel.
    along_row, along_column
        (3,) unit vectors, in which columns and rows count.
    spacing
        mm from row to row, and from column to column.
    """

    position: np.ndarray
    along_row: np.ndarray
    along_column: np.ndarray
    spacing: tuple[float, float]

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit vector out of the plane."""
        return np.cross(self.along_row, self.along_column)

    def alike(self, other: "Pose") -> bool:
        """Whether another plane has the same directions and spacing, but for rounding."""
        turned = [self.along_row - other.along_row, self.along_column - other.along_column]
        closer = np.subtract(self.spacing, other.spacing)
        return bool(
            np.abs(turned).max() <= SAME_DIRECTION and np.abs(closer).max() <= SAME_SPACING_MM
        )


@dataclass(frozen=True, eq=False)
class Stack:
    """Planes in the order of their positions.

    Parameters
    ----------
    planes
        One tuple a position: numbers of the planes that lie there.
    affine
        (4, 4) float64, from (column, row, position) to mm to the patient's right, front and head.
    tilt_degrees
        Between the direction of the stack and the normal of its planes: the tilt of a gantry.
    """

    planes: tuple[tuple[int, ...], ...]
    affine: np.ndarray
    tilt_degrees: float


def pose(position: object, orientation: object, spacing: object) -> Pose:
    """A plane's place from ImagePositionPatient, ImageOrientationPatient and PixelSpacing.

    Raises
    ------
    ImageError
        If numbers are missing or not finite, the directions are not at right angles, or a spacing
        is not positive.
    """
    where = _numbers(position, 3, "ImagePositionPatient")
    turned = _numbers(orientation, 6, "ImageOrientationPatient")
    rows, columns = _numbers(spacing, 2, "PixelSpacing")
    lengths = np.linalg.norm(turned.reshape(2, 3), axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(turned[:3] @ turned[3:]) > 0.01:
        raise ImageError("ImageOrientationPatient: two unit vectors at right angles were expected")
    if min(rows, columns) <= 0:
        raise ImageError("PixelSpacing: two positive numbers were expected")
    along_row, along_column = turned.reshape(2, 3) / lengths[:, None]
    return Pose(where, along_row, along_column, (float(rows), float(columns)))


def stacked(poses: list[Pose], single_step: float | None) -> Stack:
    """Parallel planes by position, whatever their order in files and whatever their numbers.

    Parameters
    ----------
    poses
        Of planes that have one orientation and one spacing.
    single_step
        mm along the normal, for one plane alone; 1 if None.

    Raises
    ------
    ImageError
        If positions are missing or uneven, or some hold more planes than others.
    """
    normal, positions = poses[0].normal, np.array([p.position for p in poses])
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    new = np.flatnonzero(np.diff(heights[order]) > SAME_POSITION_MM) + 1
    groups = [tuple(sorted(group.tolist())) for group in np.split(order, new)]
    _check_equal_numbers([len(group) for group in groups])
    first = positions[[group[0] for group in groups]]
    if len(groups) == 1:
        step = normal * (single_step or 1.0)
    else:
        _check_even(np.diff(heights[[group[0] for group in groups]]))
        step = (first[-1] - first[0]) / (len(groups) - 1)
        bent = np.abs(first - first[0] - np.arange(len(groups))[:, None] * step).max()
        if bent > max(UNEVEN * float(np.linalg.norm(step)), 0.1):
            raise ImageError(f"positions lie up to {bent:.3g} mm beside one line: no volume")
    cosine = np.clip(step @ normal / np.linalg.norm(step), -1, 1)
    tilt = float(np.degrees(np.arccos(cosine)))
    return Stack(tuple(groups), affine_of(poses[groups[0][0]], step), tilt)


def affine_of(first: Pose, step: np.ndarray) -> np.ndarray:
    """(4, 4) from (column, row, position) to RAS+ mm; ``step`` is from plane to plane, in LPS."""
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * first.spacing[1]
    affine[:3, 1] = first.along_column * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = first.position
    return TO_RAS @ affine


def _check_equal_numbers(counts: list[int]) -> None:
    usual = max(set(counts), key=counts.count)
    odd = sum(n != usual for n in counts)
    if not odd:
        return
    more, fewer = sum(n > usual for n in counts), sum(n < usual for n in counts)
    raise ImageError(
        f"{odd} of {len(counts)} positions do not have {usual} "
        f"{'plane' if usual == 1 else 'planes'} as the others: {more} have more (duplicates), "
        f"{fewer} fewer (missing): complete the series, or remove what is there twice"
    )


def _check_even(gaps: np.ndarray) -> None:
    step = float(np.median(gaps))
    tolerance = max(UNEVEN * step, 0.01)
    odd = np.abs(gaps - step) > tolerance
    if not odd.any():
        return
    missing = np.rint(gaps / step).astype(int) - 1
    if np.all(np.abs(gaps - (missing + 1) * step) <= tolerance * (missing + 1)):
        raise ImageError(
            f"{int(missing.sum())} of {len(gaps) + 1 + int(missing.sum())} positions are missing "
            f"between the others (step {step:.4g} mm): complete the series"
        )
    raise ImageError(
        f"distances between neighbouring planes vary from {gaps.min():.4g} to {gaps.max():.4g} mm: "
        "no even volume; several series may be mixed"
    )


def _numbers(values: object, n: int, what: str) -> np.ndarray:
    try:
        found = np.array([float(v) for v in values], np.float64)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.shape != (n,) or not np.isfinite(found).all():
        raise ImageError(f"{what}: {n} finite numbers were expected")
    return found
