"""TIFF and OME-TIFF as images: pages are channels, depths or times, as the file says."""

import importlib.util
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC

from workbench.data.imaging.pictures import read_picture
from workbench.data.imaging.volume import COLOURS, Volume, picture
from workbench.errors import ImageError

LARGEST_BYTES = 1 << 31
_UNPACKED_BY_TIFFFILE = (
    COMPRESSION.NONE,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
)
_TO_MM = {"nm": 1e-6, "µm": 1e-3, "um": 1e-3, "mm": 1.0, "cm": 10.0}
_SUM_OF_PACKED = 1100
"""Deflate makes at most 1,032 bytes of one."""
_READ = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
_MADE_RGB_BY_CODEC = (COMPRESSION.JPEG, COMPRESSION.OJPEG)


def check_colours(page: tifffile.TiffPage) -> None:
    """Refuse pages whose numbers, once unpacked, are neither grey nor red, green and blue.

    Raises
    ------
    ImageError
        If they are places in a table of colours (palette), inks, or brightness and two differences
        of colour that no codec turns into RGB.
    """
    colours = PHOTOMETRIC(page.photometric)
    raw = colours == PHOTOMETRIC.YCBCR and page.compression not in _MADE_RGB_BY_CODEC
    if colours not in _READ or raw:
        raise ImageError(f"a {colours.name} image, whose numbers are no colours: save it as RGB")
    if is_inverted(page) and page.dtype is not None and page.dtype.kind not in "ub":
        raise ImageError(f"low numbers are white, of {page.dtype}: save it with high ones white")


def is_inverted(page: tifffile.TiffPage) -> bool:
    """Whether low numbers are white, so that they must be turned round."""
    return page.photometric == PHOTOMETRIC.MINISWHITE


def read_tiff(path: Path) -> Volume:
    """The first image of a TIFF, (row, column, picture[, channel]), with all its bits.

    Channels have the names that OME-XML gives them; depths and times are pictures.

    Raises
    ------
    ImageError
        If it is damaged or truncated, would take more than 2 GiB, its numbers are no colours, or
        its compression needs imagecodecs, which is not installed.
    """
    try:
        with tifffile.TiffFile(path) as file:
            if not file.series:
                raise ImageError("holds no image")
            image = file.series[0]
            page = image.keyframe
            check_colours(page)
            _check(image, page, path.stat().st_size)
            unpacked = page.compression in _UNPACKED_BY_TIFFFILE
            if not unpacked and importlib.util.find_spec("imagecodecs") is None:
                if len(file.pages) == 1:
                    return read_picture(path)
                raise ImageError(
                    f"{COMPRESSION(page.compression).name} needs imagecodecs: pip install "
                    "'precision-workbench[slides]'"
                )
            values, axes = image.asarray(), image.axes
            ome = file.ome_metadata if file.is_ome else None
            inverted, n_series = is_inverted(page), len(file.series)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (
        tifffile.TiffFileError,
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ):
        raise ImageError("cannot be read whole: truncated or damaged") from None
    return _made(values, axes, inverted, ome or "", n_series)


def _check(image: tifffile.TiffPageSeries, page: tifffile.TiffPage, n_bytes: int) -> None:
    size = int(np.prod(image.shape, dtype=object)) * (image.dtype.itemsize if image.dtype else 8)
    if image.dtype is None or image.dtype.kind not in "iufb":
        raise ImageError(f"holds {image.dtype} a pixel, expected one number")
    if size <= 0 or size > LARGEST_BYTES:
        raise ImageError(f"{size:,} bytes of pixels, up to {LARGEST_BYTES:,} are read")
    packed = page.compression != COMPRESSION.NONE
    if size > n_bytes * (_SUM_OF_PACKED if packed else 1):
        if page.bitspersample == 1 and size <= n_bytes * 8 * _SUM_OF_PACKED:
            return
        raise ImageError(f"{n_bytes:,} bytes cannot hold {size:,}: truncated or damaged")


def _made(values: np.ndarray, axes: str, inverted: bool, ome: str, n_series: int) -> Volume:
    """(row, column, picture[, channel]) from any order of axes."""
    if values.ndim != len(axes) or "Y" not in axes or "X" not in axes:
        raise ImageError(f"axes {axes} of {values.shape}: no picture")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    channel = "C" if "C" in axes else "S" if "S" in axes else ""
    if {"C", "S"} <= set(axes):
        raise ImageError("several channels of colours: save them as separate files")
    others = [axis for axis in axes if axis not in ("Y", "X", channel)]
    order = [axes.index(axis) for axis in ("Y", "X", *others, *channel)]
    turned = values.transpose(order)
    rows, columns = turned.shape[:2]
    n_channels = values.shape[axes.index(channel)] if channel else 1
    pixels = turned.reshape(rows, columns, -1, n_channels)
    notes = [f"{n_series - 1} more images in the file left out"] if n_series > 1 else []
    if channel == "S" and n_channels == 4:
        pixels, n_channels = pixels[..., :3], 3
        notes.append("how transparent pixels are was left out")
    if inverted:
        pixels = ~pixels
        notes.append("stored with low numbers white: turned round, so that larger is brighter")
    names = _names(ome, channel, n_channels, pixels.dtype)
    step = _steps(ome)
    made = picture(
        pixels if n_channels > 1 else pixels[..., 0],
        channels=names if n_channels > 1 else None,
        spacing=None if step is None else (step[0], step[1]),
    )
    return replace(made, spacing=step, notes=tuple(notes))


def _names(ome: str, channel: str, n: int, kind: np.dtype) -> tuple[str, ...] | None:
    if channel == "S" and n == 3:
        return COLOURS if kind == np.uint8 else tuple(f"{c} ({kind.name})" for c in COLOURS)
    named = tuple(re.findall(r'<Channel\b[^>]*?\bName="([^"]{1,80})"', ome))[:n]
    return named if len(named) == n and len(set(named)) == n and named != COLOURS else None


def _steps(ome: str) -> tuple[float, float, float] | None:
    """mm between rows, columns and depths, as OME-XML says; in µm where it names no unit."""
    found = {}
    for axis in "YXZ":
        size = re.search(rf'\bPhysicalSize{axis}="([\d.eE+-]+)"', ome)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', ome)
        scale = _TO_MM.get(unit[1] if unit else "µm")
        try:
            found[axis] = float(size[1]) * scale if size and scale else 0.0
        except ValueError:
            found[axis] = 0.0
    if not (found["Y"] > 0 and found["X"] > 0):
        return None
    return found["Y"], found["X"], found["Z"] or 1.0
