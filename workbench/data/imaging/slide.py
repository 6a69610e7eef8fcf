"""Slides: pyramids of tiles, of which only those in sight are read.

The photographs of the label and of the glass (series "Label" and "Macro" of Aperio files) are never
read: they often show a name.
"""

import importlib.util
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tifffile
from tifffile import COMPRESSION

from workbench.data.imaging.dicom.files import is_dicom
from workbench.data.imaging.dicom.slide_pyramid import dicom_levels
from workbench.data.imaging.tiff import check_colours, is_inverted
from workbench.data.imaging.tiled import from_tiles
from workbench.errors import ImageError

TILE = 256
LARGEST_WHOLE = 64_000_000
_COARSE = 1024
_COARSEST_UM = 20.0
_UNPACKED_BY_TIFFFILE = (COMPRESSION.NONE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)


class Level(Protocol):
    """One resolution of a slide."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        ...

    def region(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """(row, column, 3) uint8 of a part that lies inside."""
        ...


@dataclass(frozen=True, eq=False)
class Slide:
    """A slide as a pyramid.

    Parameters
    ----------
    levels
        The finest first.
    micrometres
        From a pixel of the finest level to the next; None where the file does not say.
    """

    levels: Sequence[Level]
    micrometres: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the finest level."""
        return self.levels[0].size

    def grid(self, level: int) -> tuple[int, int]:
        """(rows, columns) of tiles at a level."""
        height, width = self._level(level).size
        return -(-height // TILE), -(-width // TILE)

    def tile(self, level: int, row: int, column: int) -> np.ndarray:
        """(row, column, 3) uint8, 256 pixels or what remains at the right and lower edge.

        Raises
        ------
        ImageError
            If there is no such tile, or its part of the file is damaged.
        """
        rows, columns = self.grid(level)
        if not (0 <= row < rows and 0 <= column < columns):
            raise ImageError(f"no tile {row}, {column}: level {level} has {rows} × {columns}")
        height, width = self.levels[level].size
        top, left = row * TILE, column * TILE
        return self.levels[level].region(
            top, left, min(top + TILE, height), min(left + TILE, width)
        )

    def _level(self, level: int) -> Level:
        if not 0 <= level < len(self.levels):
            raise ImageError(f"no level {level}: give one from 0 to {len(self.levels) - 1}")
        return self.levels[level]


@dataclass(frozen=True, eq=False)
class ArrayLevel:
    """A level in memory, (row, column, 3) uint8."""

    pixels: np.ndarray = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def region(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """A view of a part."""
        return self.pixels[top:bottom, left:right]


@dataclass(frozen=True, eq=False)
class TiledLevel:
    """A level stored in tiles of a file that is mapped into memory, (byte,) uint8.

    ``decode`` is the page's own, asked for while its file is open.
    """

    page: tifffile.TiffPage
    decode: Callable[..., Any]
    file: np.ndarray = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.page.imagelength, self.page.imagewidth

    def region(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """A part, from the stored tiles that it touches."""
        tile = self.page.tilelength, self.page.tilewidth
        across = -(-self.page.imagewidth // tile[1])
        return from_tiles(
            lambda row, column: self._stored(row * across + column),
            tile,
            (top, left, bottom, right),
        )

    def _stored(self, index: int) -> np.ndarray | None:
        """One stored tile; None where the file has none (blank glass)."""
        page = self.page
        try:
            n_bytes = page.databytecounts[index]
            if n_bytes == 0:
                return None
            start = page.dataoffsets[index]
            data = self.file[start : start + n_bytes].tobytes()
            decoded = self.decode(data, index, jpegtables=page.jpegtables)[0]
        except (OSError, ValueError, IndexError, RuntimeError, zlib.error):
            raise ImageError("a tile of the slide cannot be read: truncated or damaged") from None
        if decoded is None:
            return None
        return _colours(decoded.reshape(decoded.shape[-3:]), is_inverted(page))


def open_slide(path: str | Path) -> Slide:
    """A slide of 8 bits a colour from TIFF (Aperio SVS, OME-TIFF, generic pyramids) or DICOM.

    Coarser levels that a small file lacks are averaged in memory.

    Parameters
    ----------
    path
        A file, or the folder of a DICOM series, whose files are the levels.

    Raises
    ------
    ImageError
        If the file cannot be read, holds other than grey or RGB of 8 bits, or is large and has no
        pyramid of tiles.
    """
    path = Path(path)
    if path.is_dir() or is_dicom(path):
        stored, micrometres = dicom_levels(path)
        return Slide(_with_overview([*stored]), micrometres)
    try:
        mapped = np.memmap(path, np.uint8, "r")
        with tifffile.TiffFile(path) as file:
            pages = [level.keyframe for level in file.series[0].levels]
            levels: list[Level] = [_level(page, mapped) for page in pages]
            micrometres = _micrometres(file)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (tifffile.TiffFileError, OSError, IndexError, KeyError, ValueError, zlib.error):
        raise ImageError("cannot be read: damaged, or not a TIFF of a slide") from None
    return Slide(_with_overview(levels), micrometres)


def slide_of(pixels: np.ndarray, micrometres: float | None = None) -> Slide:
    """A pyramid of a picture in memory, (row, column, 3) uint8.

    Raises
    ------
    ImageError
        If the picture is another array.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ImageError(f"expected (row, column, 3) uint8, got {pixels.shape} {pixels.dtype}")
    return Slide(_with_overview([ArrayLevel(pixels)]), micrometres)


def _level(page: tifffile.TiffPage, mapped: np.ndarray) -> Level:
    check_colours(page)
    if page.dtype != np.uint8 or page.samplesperpixel not in (1, 3, 4) or page.planarconfig != 1:
        raise ImageError(
            f"{page.samplesperpixel} samples of {page.dtype} a pixel: expected grey or RGB of "
            "8 bits, interleaved"
        )
    unpacked = page.compression in _UNPACKED_BY_TIFFFILE
    if not unpacked and importlib.util.find_spec("imagecodecs") is None:
        raise ImageError(
            f"{COMPRESSION(page.compression).name} needs imagecodecs: "
            "pip install 'precision-workbench[slides]'"
        )
    if page.is_tiled:
        return TiledLevel(page, page.decode, mapped)
    if page.imagewidth * page.imagelength > LARGEST_WHOLE:
        raise _no_pyramid()
    try:
        return ArrayLevel(_colours(page.asarray(), is_inverted(page)))
    except (OSError, ValueError, RuntimeError, zlib.error):
        raise ImageError("cannot be read whole: truncated or damaged") from None


def _with_overview(levels: list[Level]) -> list[Level]:
    """Halved until the coarsest fits on a screen."""
    height, width = levels[-1].size
    if max(height, width) > _COARSE and height * width > LARGEST_WHOLE:
        raise _no_pyramid()
    while max(height, width) > _COARSE:
        fine = levels[-1].region(0, 0, height, width)
        height, width = height // 2, width // 2
        parts = fine[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
        total = parts[:, 0].astype(np.uint16).sum(axis=2) + parts[:, 1].astype(np.uint16).sum(
            axis=2
        )
        levels = [*levels, ArrayLevel(((total + 2) // 4).astype(np.uint8))]
    return levels


def _no_pyramid() -> ImageError:
    return ImageError(
        f"more than {LARGEST_WHOLE:,} pixels without coarser levels: save it as a pyramid of tiles"
    )


def _colours(pixels: np.ndarray, inverted: bool) -> np.ndarray:
    """(row, column, 3) from grey, RGB or RGBA; white is high."""
    pixels = ~pixels if inverted else pixels
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[:, :, :3]


def _micrometres(file: tifffile.TiffFile) -> float | None:
    """Size of a pixel; the resolution of print, such as 72 an inch, is not taken for it."""
    page = file.pages.first
    if file.is_svs:
        found = re.search(r"\bMPP = ([\d.]+)", page.description)
        return float(found[1]) if found else None
    if file.is_ome:
        text = file.ome_metadata or ""
        found = re.search(r'PhysicalSizeX="([\d.eE+-]+)"', text)
        unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', text)
        scale = {"µm": 1.0, "nm": 1e-3, "mm": 1e3}.get(unit[1] if unit else "µm")
        return float(found[1]) * scale if found and scale else None
    per_unit = page.resolution[0]
    unit_um = {2: 25_400.0, 3: 10_000.0}.get(int(page.resolutionunit))
    if unit_um is None or per_unit <= 0:
        return None
    size = unit_um / per_unit
    return size if size <= _COARSEST_UM else None
