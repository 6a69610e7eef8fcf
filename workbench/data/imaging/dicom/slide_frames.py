"""Slides as DICOM: where each frame lies in the whole picture."""

from typing import TYPE_CHECKING

from workbench.data.image_files import LARGEST_PIXELS
from workbench.data.imaging.dicom.pixels import frame_layout, n_frames
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset


def is_tiled(dataset: "Dataset") -> bool:
    """Whether the frames of a file are tiles of one picture."""
    return "TotalPixelMatrixRows" in dataset and "TotalPixelMatrixColumns" in dataset


def tile_corners(dataset: "Dataset") -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Upper left corner of every tile, (row, column) from 0, and rows and columns of the whole.

    Raises
    ------
    ImageError
        If the whole is larger than 64 million pixels, tiles lie outside of it, or some are missing.
    """
    rows, columns = int(dataset.TotalPixelMatrixRows), int(dataset.TotalPixelMatrixColumns)
    if rows * columns > LARGEST_PIXELS:
        raise ImageError(
            f"a slide of {rows:,} × {columns:,} pixels: up to {LARGEST_PIXELS:,} are read as one "
            "picture; choose a coarser level, or open it tile by tile (open_slide)"
        )
    return tile_places(dataset), (rows, columns)


def tile_places(dataset: "Dataset") -> list[tuple[int, int]]:
    """Upper left corner of every tile, (row, column) from 0, of a picture of any size.

    Of a level that is divided into several files, those of this file.

    Raises
    ------
    ImageError
        If tiles lie outside of the picture, or some are missing.
    """
    rows, columns = int(dataset.TotalPixelMatrixRows), int(dataset.TotalPixelMatrixColumns)
    layout, total = frame_layout(dataset), n_frames(dataset)
    if rows <= 0 or columns <= 0:
        raise ImageError(f"a slide of {rows:,} × {columns:,} pixels")
    described = dataset.get("PerFrameFunctionalGroupsSequence")
    if described:
        places = [group.PlanePositionSlideSequence[0] for group in described]
        corners = [
            (
                int(place.RowPositionInTotalImagePixelMatrix) - 1,
                int(place.ColumnPositionInTotalImagePixelMatrix) - 1,
            )
            for place in places
        ]
        if len(corners) != total:
            raise ImageError(f"{total} tiles, but places of {len(corners)}")
    else:
        across, down = -(-columns // layout.columns), -(-rows // layout.rows)
        first = dataset.get("ConcatenationFrameOffsetNumber")
        if first is None and across * down != total:
            raise ImageError(f"{total} tiles, but {across * down} fill the picture")
        numbers = range(first or 0, (first or 0) + total)
        corners = [(n // across * layout.rows, n % across * layout.columns) for n in numbers]
    if any(not (0 <= top < rows and 0 <= left < columns) for top, left in corners):
        raise ImageError("tiles lie outside of the picture")
    return corners
