"""NIfTI (and what else nibabel reads) as volumes; an uncompressed file stays on disk."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.imaging.layers import Attribution, Mask
from workbench.data.imaging.volume import Volume, as_stored, volume
from workbench.errors import ImageError

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

_TO_MM = {"meter": 1e3, "micron": 1e-3}
ROBUST_PERCENTILE = 99.5
LARGEST_UNPACKED = 1 << 32
_MOST_PACKED = 1100
"""Deflate makes at most 1,032 bytes of one."""

_DAMAGED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What nibabel runs into in a damaged file; it does not promise one class for it."""


def read_volume(path: str | Path, *, unit: str = "") -> Volume:
    """A volume from a file.

    An uncompressed file is mapped into memory, so that only the slices that are shown are read; a
    compressed one (``.nii.gz``) is unpacked once, in its own number type.

    Parameters
    ----------
    path
        ``.nii``, ``.nii.gz``, ``.mgz`` or another of nibabel's.
    unit
        Of the values. NIfTI does not say; with ``"HU"`` the windows are those of CT.

    Raises
    ------
    ImageError
        If the file cannot be read, or does not hold one number a voxel.
    """
    image = _opened(Path(path))
    stored, slope, intercept = _stored(image)
    if stored.ndim > 4:
        stored = stored.reshape((*stored.shape[:3], -1), order="F")
    if stored.ndim == 4 and stored[0, 0, 0].size == 1:
        stored = stored[..., 0]
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= _TO_MM.get(_space_unit(image), 1.0)
    return volume(
        stored,
        affine,
        unit=unit,
        slope=slope,
        intercept=intercept,
        known_orientation=_says_orientation(image),
    )


def read_mask(path: str | Path, names: tuple[str, ...] = ("mask",)) -> Mask:
    """Regions from a file whose numbers are whole, whatever type they are stored in.

    Raises
    ------
    ImageError
        As :func:`read_volume`, or if numbers are not whole or not from 0 to 255.
    """
    read = read_volume(path)
    values = read.values(np.asarray(read.voxels))
    labels = values.astype(np.uint8) if np.all((values >= 0) & (values <= 255)) else None
    if labels is None or not np.array_equal(labels, values):
        raise ImageError("a mask holds whole numbers from 0 to 255: 0 where nothing is outlined")
    return Mask(_with_voxels(read, labels), names)


def read_attribution(
    path: str | Path, *, title: str = "contribution", method: str = "", limit: float | None = None
) -> Attribution:
    """Contributions from a file.

    Parameters
    ----------
    path, title, method
        As :func:`read_volume` and :class:`Attribution` have them.
    limit
        Contribution of the full colour; if not given, the 99.5th percentile of those that are not
        zero, regardless of sign.

    Raises
    ------
    ImageError
        As :func:`read_volume`, or if nothing in it differs from zero.
    """
    read = read_volume(path)
    values = read.values(np.asarray(read.voxels))
    return Attribution(_with_voxels(read, values), limit or full_colour(values), title, method)


def full_colour(values: np.ndarray) -> float:
    """The 99.5th percentile of contributions that are not zero, regardless of sign.

    Raises
    ------
    ImageError
        If all are zero or not finite.
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if sizes.size == 0:
        raise ImageError("no contribution differs from zero: there is nothing to show")
    return float(np.percentile(sizes, ROBUST_PERCENTILE))


def write_nifti(image: Volume, path: str | Path) -> None:
    """A volume as NIfTI, with the axes that its file had; values and affine stay what they are.

    Parameters
    ----------
    image
        Stored numbers are written as they are stored, with their slope and intercept.
    path
        ``.nii`` or ``.nii.gz``.

    Raises
    ------
    ImageError
        If it has no affine, as pictures, or numbers that NIfTI does not know.
    """
    import nibabel
    from nibabel.spatialimages import HeaderDataError

    voxels, affine = as_stored(image)
    voxels = voxels.astype(np.uint8) if voxels.dtype == bool else voxels
    try:
        made = nibabel.Nifti1Image(voxels, affine)
    except (ValueError, HeaderDataError):
        raise ImageError(f"NIfTI does not know {voxels.dtype}: convert it first") from None
    made.set_data_dtype(voxels.dtype)
    made.header.set_slope_inter(image.slope, image.intercept)
    made.header.set_xyzt_units("mm")
    code = "scanner" if image.known_orientation else "unknown"
    made.set_sform(affine, code)
    made.set_qform(affine, code)
    made.to_filename(path)


def _with_voxels(read: Volume, voxels: np.ndarray) -> Volume:
    return replace(read, voxels=voxels, slope=1.0, intercept=0.0, unit="")


def _opened(path: Path) -> "SpatialImage":
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError, SpatialImage

    try:
        image = _by_content(path) or nibabel.load(path)
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (ImageFileError, HeaderDataError, *_DAMAGED):
        raise ImageError("cannot be read: damaged, or no kind of image that is known") from None
    if not isinstance(image, SpatialImage):
        raise ImageError(f"a {type(image).__name__} is not a volume")
    _check_size(image, path)
    return image


def _by_content(path: Path) -> "SpatialImage | None":
    """NIfTI in one file whose name does not end as nibabel expects; None if it does."""
    import nibabel
    from nibabel.fileholders import FileHolder

    if path.name.endswith((".nii", ".nii.gz")):
        return None
    with path.open("rb") as file:
        head = file.read(352)
    kind = {b"n+1\0": nibabel.Nifti1Image}.get(head[344:348])
    kind = nibabel.Nifti2Image if head[4:8] == b"n+2\0" else kind
    if kind is None:
        return None
    return kind.from_file_map({"header": FileHolder(str(path)), "image": FileHolder(str(path))})


def _check_size(image: "SpatialImage", path: Path) -> None:
    """Whether the file can hold what its header says, before memory is asked for."""
    shape, proxy = image.shape, image.dataobj
    kind = np.dtype(getattr(proxy, "dtype", image.get_data_dtype()))
    size = int(np.prod(shape, dtype=object)) * kind.itemsize
    on_disk = path.stat().st_size
    packed = path.suffix in (".gz", ".bz2", ".mgz", ".zst")
    if size <= 0 or min(shape) <= 0:
        raise ImageError(f"{shape} voxels: expected some")
    if packed and size > LARGEST_UNPACKED:
        raise ImageError(
            f"unpacks to {size:,} bytes, up to {LARGEST_UNPACKED:,} are unpacked: save it without "
            "compression, and only what is looked at is read"
        )
    if path.suffix in (".nii", ".gz") and size > on_disk * (_MOST_PACKED if packed else 1):
        raise ImageError(f"{on_disk:,} bytes cannot hold {size:,}: truncated or damaged")


def _stored(image: "SpatialImage") -> tuple[np.ndarray, float, float]:
    """Numbers as stored, and how they become values."""
    proxy: Any = image.dataobj
    try:
        unscaled = getattr(proxy, "get_unscaled", None)
        # PAR and REC have a slope for each plane, and hand out what is not scaled all the same.
        if unscaled is None or np.ndim(getattr(proxy, "slope", [1.0])):
            values = np.asarray(proxy)
            _close(proxy)
            return values, 1.0, 0.0
        stored = np.asarray(unscaled())
    except _DAMAGED:
        raise ImageError("cannot be read whole: truncated or damaged") from None
    if stored.dtype.kind not in "iufb":
        raise ImageError(f"holds {stored.dtype} a voxel, expected one number")
    stored = stored if stored.dtype.isnative else stored.astype(stored.dtype.newbyteorder("="))
    return stored, float(getattr(proxy, "slope", 1.0)), float(getattr(proxy, "inter", 0.0))


def _close(proxy: Any) -> None:
    """nibabel leaves the file of PAR and REC open."""
    opened = getattr(getattr(proxy, "file_like", None), "fobj", None)
    if opened is not None:
        opened.close()


def _space_unit(image: "SpatialImage") -> str:
    units = getattr(image.header, "get_xyzt_units", None)
    return "mm" if units is None else units()[0]


def _says_orientation(image: "SpatialImage") -> bool:
    """NIfTI may hold no transform at all; nibabel then assumes one."""
    header: Any = image.header
    if "sform_code" not in getattr(header, "keys", list)():
        return True
    return bool(int(header["sform_code"]) or int(header["qform_code"]))
