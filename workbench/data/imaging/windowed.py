"""Planes of DICOM series as grey pictures, as models of two dimensions take them."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from workbench.data.imaging.dicom.segmentation import read_segmentation
from workbench.data.imaging.readers import read_image
from workbench.data.imaging.volume import Volume, as_stored
from workbench.errors import ImageError


def windowed_plane(path: Path, share: float, window: tuple[float, float]) -> np.ndarray:
    """One plane of a DICOM file or of a folder that holds one series.

    Parameters
    ----------
    path
        The file or folder.
    share
        Which plane, from 0 (the first, by position) to 1 (the last).
    window
        Centre and width in the unit of the values: 0 is black, 1 white.

    Returns
    -------
    ndarray
        (channel, height, width) float32 in [0, 1], as the scanner laid its rows and columns.

    Raises
    ------
    ImageError
        As :func:`read_image` does.
    """
    image = _current(path)
    pixels = image.voxels
    if image.affine is not None:
        pixels = np.swapaxes(as_stored(image)[0], 0, 1)  # (row, column, plane[, channel])
    n_planes = pixels.shape[2]
    plane = image.values(pixels[:, :, min(int(share * n_planes), n_planes - 1)])
    if image.colour:
        grey = plane.astype(np.float32) / 255
    else:
        centre, width = window
        grey = (plane.astype(np.float32) - np.float32(centre)) / np.float32(width) + 0.5
    if not np.isfinite(grey).all():
        raise ImageError("numbers that are not finite")
    channels = grey[None] if grey.ndim == 2 else np.moveaxis(grey, 2, 0)
    return np.clip(channels, 0, 1).astype(np.float32)


def plane_of_mask(path: Path, mask: Path, share: float) -> np.ndarray:
    """The same plane of a DICOM segmentation of the series, (height, width) bool: in any region.

    Raises
    ------
    ImageError
        As :func:`windowed_plane` and :func:`read_segmentation` do.
    """
    regions = read_segmentation(mask, onto=_current(path)).labels
    pixels = regions.voxels
    if regions.affine is not None:
        pixels = np.swapaxes(as_stored(regions)[0], 0, 1)
    n_planes = pixels.shape[2]
    return pixels[:, :, min(int(share * n_planes), n_planes - 1)] > 0


def _current(path: Path) -> Volume:
    files = path.rglob("*") if path.is_dir() else [path]
    return _read(path, max((file.stat().st_mtime_ns for file in files), default=0))


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int) -> Volume:
    """A series is read once for all planes that are taken of it."""
    return read_image(path)
