"""Voxels that know where the patient's right, front and head are."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.acquisition import Acquisition
from workbench.errors import ImageError

if TYPE_CHECKING:
    from workbench.data.imaging.windows import Window

Voxel = tuple[int, int, int]
Millimetres = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume in the patient's axes, or a stack of pictures that have none.

    Parameters
    ----------
    voxels
        (i, j, k) or (i, j, k, channel), numbers as stored; may be a memory map. Of a volume, i
        grows to the patient's right, j to the front, k to the head. Of pictures i is the row from
        above, j the column from the left, k the picture.
    affine
        (4, 4) float64, from (i, j, k) to millimetres to the right, front and head; None for
        pictures.
    unit
        Of the values, such as ``"HU"``; empty if they have none.
    slope, intercept
        value = stored number × slope + intercept.
    channels
        A name a channel; a colour picture has ``("red", "green", "blue")``.
    spacing
        Millimetres from a voxel to the next along i, j and k; None where that is not known.
    known_orientation
        Whether the affine says where right, front and head are; else no letters may be shown.
    oblique_degrees
        Largest angle between an axis of the voxels and the patient's axis that it is shown as.
    stored_axes
        Where the file's own axes point, one letter each (``"LPS"``: to the left, back and head),
        as :func:`as_stored` turns them back; empty for pictures.
    modality
        As DICOM names it, such as ``"CT"``; empty where that is not known.
    acquisition
        How it was taken.
    window
        That the file asks for; None where it asks for none.
    notes
        What a reader must know of the file, in sentences without a patient's values.
    """

    voxels: np.ndarray = field(repr=False)
    affine: np.ndarray | None
    unit: str = ""
    slope: float = 1.0
    intercept: float = 0.0
    channels: tuple[str, ...] = ("",)
    spacing: Millimetres | None = None
    known_orientation: bool = False
    oblique_degrees: float = 0.0
    stored_axes: str = ""
    modality: str = ""
    acquisition: Acquisition = field(default_factory=Acquisition)
    window: "Window | None" = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> Voxel:
        """Voxels along i, j and k."""
        i, j, k = self.voxels.shape[:3]
        return i, j, k

    @property
    def colour(self) -> bool:
        """Whether the channels are one picture in colour."""
        return self.channels == COLOURS

    def values(self, stored: np.ndarray) -> np.ndarray:
        """Stored numbers as values: integers stay what they are unless they are scaled."""
        if self.slope == 1 and self.intercept == 0:
            return stored
        return stored.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)

    def world(self, voxel: Voxel) -> Millimetres | None:
        """Where the middle of a voxel lies, mm to the right, front and head."""
        if self.affine is None:
            return None
        x, y, z = (self.affine @ [*voxel, 1])[:3].tolist()
        return x, y, z

    def nearest(self, world: Millimetres) -> Voxel:
        """The voxel whose middle is nearest to a place in mm.

        Raises
        ------
        ImageError
            If the place lies outside the volume, or pictures have no places in mm.
        """
        if self.affine is None:
            raise ImageError("pictures have no places in mm: give row, column and picture")
        found = np.rint(np.linalg.solve(self.affine, [*world, 1])[:3]).astype(int).tolist()
        return self.inside((found[0], found[1], found[2]))

    def inside(self, voxel: Voxel) -> Voxel:
        """The voxel itself.

        Raises
        ------
        ImageError
            If there is none of that number.
        """
        if len(voxel) != 3 or not all(0 <= v < n for v, n in zip(voxel, self.shape, strict=True)):
            raise ImageError(
                f"no voxel {tuple(voxel)}: give three numbers from 0, below {self.shape}"
            )
        return voxel


COLOURS = ("red", "green", "blue")


def volume(
    voxels: np.ndarray,
    affine: np.ndarray,
    *,
    unit: str = "",
    slope: float = 1.0,
    intercept: float = 0.0,
    channels: tuple[str, ...] | None = None,
    known_orientation: bool = True,
) -> Volume:
    """Voxels in any orientation, turned to the patient's axes; nothing is copied or interpolated.

    Each axis of the voxels is shown as the patient's axis that is nearest to it.

    Parameters
    ----------
    voxels
        (i, j, k) or (i, j, k, channel), integers, floats or bool.
    affine
        (4, 4), from the position in ``voxels`` to mm to the patient's right, front and head (RAS+,
        as in NIfTI; DICOM's LPS has the first two rows negated).
    unit, slope, intercept, known_orientation
        As :class:`Volume` has them.
    channels
        A name a channel; "1", "2", … if not given.

    Raises
    ------
    ImageError
        If the shapes do not fit, or the affine cannot be inverted.
    """
    from nibabel.orientations import (
        apply_orientation,
        inv_ornt_aff,
        io_orientation,
        ornt2axcodes,
    )

    affine = np.asarray(affine, dtype=np.float64)
    if voxels.ndim not in (3, 4) or 0 in voxels.shape:
        raise ImageError(f"a volume is (i, j, k) or (i, j, k, channel), got shape {voxels.shape}")
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise ImageError(f"affine must be (4, 4) and finite, got shape {affine.shape}")
    if abs(np.linalg.det(affine[:3, :3])) < 1e-12 or affine[3].tolist() != [0, 0, 0, 1]:
        raise ImageError("affine cannot be inverted, or its last row is not 0 0 0 1")
    turn = io_orientation(affine)
    turned = affine @ inv_ornt_aff(turn, voxels.shape[:3])
    lengths = np.linalg.norm(turned[:3, :3], axis=0)
    cosines = np.clip(np.diag(turned[:3, :3]) / lengths, -1, 1)
    x, y, z = lengths.tolist()
    return Volume(
        apply_orientation(voxels, turn),
        turned,
        unit,
        slope,
        intercept,
        _channel_names(voxels, channels),
        (x, y, z),
        known_orientation,
        float(np.degrees(np.arccos(cosines)).max()),
        "".join(ornt2axcodes(turn)),
    )


def as_stored(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine with the axes of the file that they came from; nothing is copied.

    Raises
    ------
    ImageError
        If they are pictures, which have no axes of the patient.
    """
    from nibabel.orientations import (
        apply_orientation,
        axcodes2ornt,
        inv_ornt_aff,
        ornt_transform,
    )

    if volume.affine is None or not volume.stored_axes:
        raise ImageError("pictures have no axes of the patient: they are as they were stored")
    turn = ornt_transform(axcodes2ornt(("R", "A", "S")), axcodes2ornt(tuple(volume.stored_axes)))
    affine = volume.affine @ inv_ornt_aff(turn, volume.shape)
    return apply_orientation(volume.voxels, turn), affine


def picture(
    pixels: np.ndarray,
    *,
    unit: str = "",
    channels: tuple[str, ...] | None = None,
    spacing: tuple[float, float] | None = None,
) -> Volume:
    """One picture without the patient's axes, or several of one size.

    Parameters
    ----------
    pixels
        (row, column), (row, column, picture) or (row, column, picture, channel).
    unit, channels
        As :class:`Volume` has them; ``("red", "green", "blue")`` is a colour picture.
    spacing
        Millimetres between rows and between columns, if known.

    Raises
    ------
    ImageError
        If the shape does not fit.
    """
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.ndim not in (3, 4) or 0 in pixels.shape:
        raise ImageError(
            f"pixels are (row, column[, picture[, channel]]), got shape {pixels.shape}"
        )
    names = _channel_names(pixels, channels)
    if names == COLOURS and pixels.dtype != np.uint8:
        raise ImageError(f"colours are uint8, got {pixels.dtype}: scale them to 0 to 255")
    steps = None if spacing is None else (*spacing, 1.0)
    return Volume(pixels, None, unit, channels=names, spacing=steps)


def _channel_names(voxels: np.ndarray, names: tuple[str, ...] | None) -> tuple[str, ...]:
    if voxels.dtype.kind not in "iufb":
        raise ImageError(f"voxels must be integers, floats or bool, got {voxels.dtype}")
    n_channels = voxels.shape[3] if voxels.ndim == 4 else 1
    if names is None:
        return ("",) if n_channels == 1 else tuple(str(c + 1) for c in range(n_channels))
    if len(names) != n_channels or len(set(names)) != n_channels:
        raise ImageError(f"expected {n_channels} different names of channels, got {len(names)}")
    return tuple(names)
