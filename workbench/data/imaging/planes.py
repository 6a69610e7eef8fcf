"""Planes as a radiologist sees them: the patient's right on the left, the front or head above."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.data.imaging.volume import Volume, Voxel
from workbench.errors import ImageError

PlaneName = Literal["axial", "coronal", "sagittal", "picture"]
PLANES: tuple[PlaneName, ...] = ("axial", "coronal", "sagittal")
_AXES: dict[PlaneName, tuple[int, int, int]] = {
    "axial": (2, 1, 0),
    "coronal": (1, 2, 0),
    "sagittal": (0, 2, 1),
    "picture": (2, 0, 1),
}
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True)
class Plane:
    """How slices of a volume lie on the screen.

    Parameters
    ----------
    name
        Axial (seen from the feet), coronal (seen from the front), sagittal (seen from the left,
        the front on the left), or ``"picture"`` for what has no axes of a patient.
    n_slices, n_rows, n_columns
        Its size.
    row_mm, column_mm
        Distance of rows and of columns in mm, None where not known.
    letters
        Where the upper, right, lower and left edge lie: ``("A", "L", "P", "R")``. Four empty
        texts where that is not known.
    """

    name: PlaneName
    n_slices: int
    n_rows: int
    n_columns: int
    row_mm: float | None
    column_mm: float | None
    letters: tuple[str, str, str, str]

    @property
    def axes(self) -> tuple[int, int, int]:
        """Axes of the voxels that slices, rows and columns run along."""
        return _AXES[self.name]

    @property
    def turned(self) -> bool:
        """Whether rows and columns run against their axes."""
        return self.name != "picture"

    @property
    def aspect(self) -> float:
        """Height of a pixel over its width."""
        return (
            1.0 if self.row_mm is None or self.column_mm is None else self.row_mm / self.column_mm
        )

    def pixel(self, voxel: Voxel) -> tuple[int, int, int]:
        """(slice, row, column) of a voxel, from 0."""
        slices, rows, columns = self.axes
        row, column = voxel[rows], voxel[columns]
        if self.turned:
            row, column = self.n_rows - 1 - row, self.n_columns - 1 - column
        return voxel[slices], row, column

    def part(
        self, middle: tuple[float, float, float], zoom: float
    ) -> tuple[float, float, float, float]:
        """Upper, lower, left and right edge, in pixels, of what is seen around a place.

        Parameters
        ----------
        middle
            In voxels, such as :func:`middle_of` gives it.
        zoom
            1 shows all.
        """
        _, rows, columns = self.axes
        row, column = middle[rows], middle[columns]
        if self.turned:
            row, column = self.n_rows - 1 - row, self.n_columns - 1 - column
        high, wide = self.n_rows / zoom, self.n_columns / zoom
        top, left = row + 0.5 - high / 2, column + 0.5 - wide / 2
        return top, top + high, left, left + wide

    def voxel(self, pixel: tuple[int, int, int]) -> Voxel:
        """The voxel that is shown at (slice, row, column)."""
        number, row, column = pixel
        if self.turned:
            row, column = self.n_rows - 1 - row, self.n_columns - 1 - column
        found = dict(zip(self.axes, (number, row, column), strict=True))
        return found[0], found[1], found[2]

    def cut(self, voxels: np.ndarray, number: int) -> np.ndarray:
        """One slice, (row, column) or (row, column, channel): a view, as it lies on the screen.

        Raises
        ------
        ImageError
            If there is no slice of that number (from 0).
        """
        if not 0 <= number < self.n_slices:
            raise ImageError(f"no slice {number}: {self.name} slices are 0 to {self.n_slices - 1}")
        slices, rows, columns = self.axes
        cut = np.moveaxis(voxels, (slices, rows, columns), (0, 1, 2))[number]
        return cut[::-1, ::-1] if self.turned else cut


def middle_of(
    place: tuple[float, float, float], zoom: float, shape: Voxel
) -> tuple[float, float, float]:
    """The place nearest to ``place`` around which a part of all planes, one in ``zoom``, is whole.

    Parameters
    ----------
    place
        In voxels along i, j and k, whose middles are whole numbers.
    zoom
        1 and more.
    shape
        Voxels along i, j and k.

    Examples
    --------
    >>> middle_of((0, 9, 5), 2, (10, 10, 10))
    (2.0, 7.0, 5.0)
    """
    halves = [n / zoom / 2 for n in shape]
    found = [
        min(n - half - 0.5, max(half - 0.5, value))
        for value, half, n in zip(place, halves, shape, strict=True)
    ]
    return float(found[0]), float(found[1]), float(found[2])


def planes_of(volume: Volume) -> dict[str, Plane]:
    """Its planes by name: three of a volume, one of pictures."""
    names: tuple[PlaneName, ...] = ("picture",) if volume.affine is None else PLANES
    return {name: _plane(volume, name) for name in names}


def _plane(volume: Volume, name: PlaneName) -> Plane:
    slices, rows, columns = _AXES[name]
    letters = ("", "", "", "")
    if volume.affine is not None and volume.known_orientation:
        (bottom, top), (right, left) = _ENDS[rows], _ENDS[columns]
        letters = (top, right, bottom, left)
    steps = volume.spacing
    return Plane(
        name,
        volume.shape[slices],
        volume.shape[rows],
        volume.shape[columns],
        None if steps is None else steps[rows],
        None if steps is None else steps[columns],
        letters,
    )
