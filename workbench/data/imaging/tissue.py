"""Tissue on a slide, and tiles of it at a resolution asked for in micrometres."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from workbench.data.imaging.slide import Slide
from workbench.errors import ImageError

N_BINS = 256
LEAST_CHROMA = 8
"""Of 255: glass, scanned, has less colour than this."""
SMALLEST_SHARE = 1e-4
"""Of the slide: smaller specks and holes are dust."""


@dataclass(frozen=True)
class Tissue:
    """Where tissue is, on the coarsest level of a slide.

    Parameters
    ----------
    mask
        (row, column) bool.
    scale
        Pixels of the finest level a pixel of the mask, down and across.
    threshold
        Colour (largest less smallest of red, green and blue) above which a pixel is tissue.
    """

    mask: np.ndarray
    scale: tuple[float, float]
    threshold: float

    @property
    def share(self) -> float:
        """Of the slide that is tissue."""
        return float(self.mask.mean())

    def inside(self, top: int, left: int, side: int) -> float:
        """Share of tissue in a square of the finest level."""
        down, across = self.scale
        rows = slice(int(top / down), max(int(np.ceil((top + side) / down)), int(top / down) + 1))
        columns = slice(
            int(left / across), max(int(np.ceil((left + side) / across)), int(left / across) + 1)
        )
        part = self.mask[rows, columns]
        return float(part.mean()) if part.size else 0.0


@dataclass(frozen=True)
class TissueTile:
    """A square of a slide: corner and side in pixels of the finest level, and share of tissue."""

    top: int
    left: int
    side: int
    tissue: float


def tissue_of(slide: Slide) -> Tissue:
    """Tissue by its colour: Otsu's threshold [1] of chroma on the coarsest level.

    Glass is white or grey whatever the light; stained tissue is not. Specks and holes below a ten
    thousandth of the slide are dropped and filled.

    References
    ----------
    [1] Otsu. "A threshold selection method from gray-level histograms." IEEE Trans Syst Man Cybern
        9 (1979).
    """
    level = slide.levels[-1]
    height, width = level.size
    pixels = level.region(0, 0, height, width)
    chroma = pixels.max(axis=2).astype(np.int16) - pixels.min(axis=2)
    chroma = ndimage.median_filter(chroma, size=3)
    threshold = max(otsu(chroma), float(LEAST_CHROMA))
    mask = chroma > threshold
    least = max(1, round(SMALLEST_SHARE * mask.size))
    mask = ~_without_small(~_without_small(mask, least), least)
    fine_height, fine_width = slide.size
    return Tissue(mask, (fine_height / height, fine_width / width), threshold)


def otsu(values: np.ndarray) -> float:
    """The threshold from 0 to 255 that parts values into the two most different classes.

    Examples
    --------
    >>> otsu(np.array([3, 4, 5, 90, 91, 92]))
    5.0
    """
    counts = np.bincount(np.clip(values, 0, N_BINS - 1).ravel().astype(int), minlength=N_BINS)
    share = np.cumsum(counts) / counts.sum()
    mean = np.cumsum(counts * np.arange(N_BINS)) / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * share - mean) ** 2 / (share * (1 - share))
    return float(np.nanargmax(np.where(np.isfinite(between), between, -1.0)))


def tissue_tiles(
    slide: Slide, tissue: Tissue, *, micrometres: float, size: int = 256, least: float = 0.5
) -> list[TissueTile]:
    """Tiles of a slide that hold enough tissue, side by side, from the upper left corner.

    Parameters
    ----------
    slide, tissue
        The slide, and its tissue.
    micrometres
        From pixel to pixel of a tile.
    size
        Pixels of a tile along each side.
    least
        Share of a tile that must be tissue.

    Raises
    ------
    ImageError
        If the slide does not say its resolution, or was scanned more coarsely.
    """
    if slide.micrometres is None:
        raise ImageError("the slide does not say how large its pixels are: give them to open it")
    if not micrometres >= slide.micrometres * 0.99:
        raise ImageError(
            f"scanned at {slide.micrometres:.4g} µm a pixel: {micrometres:g} µm cannot be had"
        )
    side = round(size * micrometres / slide.micrometres)
    height, width = slide.size
    found = []
    for top in range(0, height - side + 1, side):
        for left in range(0, width - side + 1, side):
            inside = tissue.inside(top, left, side)
            if inside >= least:
                found.append(TissueTile(top, left, side, inside))
    return found


def read_tile(slide: Slide, tile: TissueTile, size: int = 256) -> np.ndarray:
    """Pixels of a tile, (size, size, 3) uint8: averaged from the coarsest level that has enough.

    Raises
    ------
    ImageError
        If its part of the file is damaged.
    """
    height, _ = slide.size
    wanted = tile.side / size
    level = slide.levels[0]
    for coarser in slide.levels[1:]:
        if height / coarser.size[0] <= wanted * 1.01:
            level = coarser
    factor = height / level.size[0]
    top, left, side = (round(n / factor) for n in (tile.top, tile.left, tile.side))
    pixels = level.region(top, left, top + side, left + side)
    if pixels.shape[:2] == (size, size):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BOX))


def _without_small(mask: np.ndarray, least: int) -> np.ndarray:
    labels, n_labels = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=n_labels + 1)
    keep = sizes >= least
    keep[0] = False
    return keep[labels]
