"""A slide in DICOM as a pyramid: a file or several a level, tiles read as they come into sight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.dicom.files import DicomFile, faults_of_dicom, is_dicom, open_dicom
from workbench.data.imaging.dicom.slide_frames import is_tiled, tile_places
from workbench.data.imaging.dicom.stored_frames import StoredFrames, stored_frames
from workbench.data.imaging.tiled import from_tiles
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

_READ = ("VOLUME", "THUMBNAIL")
"""Kinds of image (value 3 of the image type) that show tissue alone: those of the label and of the
whole glass often show a name."""

Places = Mapping[tuple[int, int], tuple[StoredFrames, int]]


@dataclass(frozen=True, eq=False)
class DicomLevel:
    """One resolution of a slide.

    Parameters
    ----------
    size
        (height, width) in pixels.
    tile
        (height, width) of a stored tile.
    places
        (row, column) of a stored tile in their grid → where it lies; blank glass has none.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    places: Places = field(repr=False)

    def region(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """(row, column, 3) uint8 of a part that lies inside, from the tiles that it touches."""
        return from_tiles(self._stored, self.tile, (top, left, bottom, right))

    def _stored(self, row: int, column: int) -> np.ndarray | None:
        found = self.places.get((row, column))
        if found is None:
            return None
        frames, number = found
        pixels = frames.frame(number)
        return pixels[:, :, None] if pixels.ndim == 2 else pixels


def dicom_levels(path: Path) -> tuple[list[DicomLevel], float | None]:
    """Levels of a slide, the finest first, and micrometres from a pixel of it to the next.

    Parameters
    ----------
    path
        The folder of a series, or one file of it, which then is the only level. Photographs of the
        label and of the glass are not read.

    Raises
    ------
    ImageError
        If there is no slide, or more than one; if two tiles lie on one place, as with several
        focal planes; or a file is damaged.
    """
    if path.is_dir():
        inside = [each for each in sorted(path.rglob("*")) if each.is_file() and is_dicom(each)]
    else:
        inside = [path]
    files = [open_dicom(each, pixels=False) for each in inside]
    with faults_of_dicom("cannot be read as a slide: damaged data elements"):
        shown = [file for file in files if is_tiled(file.dataset) and _kind(file) in _READ]
        if not shown:
            raise ImageError(
                f"no slide among {len(files)} DICOM files: their tiles would have the image type "
                "VOLUME"
            )
        series = {file.text("SeriesInstanceUID") for file in shown}
        if len(series) > 1:
            raise ImageError(f"{len(series)} series: give the folder of one slide")
        by_size: dict[tuple[int, int], list[DicomFile]] = {}
        for file in shown:
            of_whole = file.dataset.TotalPixelMatrixRows, file.dataset.TotalPixelMatrixColumns
            by_size.setdefault((int(of_whole[0]), int(of_whole[1])), []).append(file)
        finest = max(by_size)
        micrometres = _micrometres(by_size[finest][0].dataset, finest[1])
    return [_level(size, by_size[size]) for size in sorted(by_size, reverse=True)], micrometres


def _kind(file: DicomFile) -> str:
    kinds = file.dataset.get("ImageType") or ()
    return str(kinds[2]) if not isinstance(kinds, str) and len(kinds) > 2 else ""


def _level(size: tuple[int, int], files: Sequence[DicomFile]) -> DicomLevel:
    places: dict[tuple[int, int], tuple[StoredFrames, int]] = {}
    tiles = set()
    for file in files:
        frames = stored_frames(file)
        high, wide = frames.layout.rows, frames.layout.columns
        tiles.add((high, wide))
        with faults_of_dicom("cannot be read as a slide: damaged data elements"):
            corners = tile_places(file.dataset)
        for number, (top, left) in enumerate(corners):
            if top % high or left % wide:
                raise ImageError("tiles overlap or leave gaps: read are those that lie in a grid")
            place = top // high, left // wide
            if place in places:
                raise ImageError(
                    "two tiles on one place: several focal planes or stains; give a folder of one"
                )
            places[place] = frames, number
    if len(tiles) > 1:
        raise ImageError("tiles of several sizes in one level")
    return DicomLevel(size, tiles.pop(), places)


def _micrometres(dataset: "Dataset", columns: int) -> float | None:
    """By the spacing of pixels, or the width of the whole; both are in mm."""
    shared = dataset.get("SharedFunctionalGroupsSequence")
    measures = shared[0].get("PixelMeasuresSequence") if shared else None
    spacing = measures[0].get("PixelSpacing") if measures else None
    width = dataset.get("ImagedVolumeWidth")
    millimetres = float(spacing[1]) if spacing else float(width) / columns if width else 0.0
    return 1000 * millimetres if 0 < millimetres < np.inf else None
