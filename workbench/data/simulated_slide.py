"""A simulated slide: tissue in the colours of haematoxylin and eosin, a dense part within it."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter, zoom

from workbench.data.imaging.slide import TILE

SIZE = (2304, 3072)
MICROMETRES = 0.5
_COARSE = 32
_GLASS, _STROMA, _FIBRE = (np.array(c, float) for c in ((243, 241, 244), (231, 172, 199), 26))
_NUCLEUS = np.array((84, 58, 128))
_N_NUCLEI = 26_000


def write_slide(path: str | Path, *, seed: int = 0) -> Path:
    """Write a slide as a TIFF of tiles, 1.5 by 1.2 mm at .5 µm a pixel. It shows nobody.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    seed
        Another number is another slide.

    Returns
    -------
    Path
        The file.
    """
    rng = np.random.default_rng(seed)
    tissue, fibres, crowded = _maps(rng)
    stroma = _STROMA + _FIBRE * (fibres - 0.5)[..., None] * np.array((0.5, 1.6, 1.0))
    ground = np.where(tissue[..., None], stroma, _GLASS)
    picture = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    _draw_nuclei(picture, tissue, crowded, rng)
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.8)))
    per_cm = 10_000 / MICROMETRES
    tifffile.imwrite(
        path,
        pixels,
        tile=(TILE, TILE),
        photometric="rgb",
        compression="adobe_deflate",
        predictor=True,
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
        metadata=None,
    )
    return Path(path)


def _maps(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where tissue is, how fibrous it is and how crowded with nuclei, (row, column) each."""
    rows, columns = (n // _COARSE for n in SIZE)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    tissue = 1.05 - (x**2 + 1.1 * y**2) + 0.9 * _smooth(rng, (rows, columns), (6, 6))
    crowded = np.exp(-(((x - 0.25) / 0.42) ** 2) - ((y + 0.1) / 0.45) ** 2)
    crowded += 0.12 * _smooth(rng, (rows, columns), (2, 2))
    fibres = _smooth(rng, (rows * 8, columns * 8), (2, 9))
    scale = [n / m for n, m in zip(SIZE, fibres.shape, strict=True)]
    return (
        zoom(tissue, _COARSE, order=1) > 0.35,
        np.clip(0.5 + 0.25 * zoom(fibres, scale, order=1), 0, 1),
        np.clip(zoom(crowded, _COARSE, order=1), 0.04, 1),
    )


def _smooth(
    rng: np.random.Generator, shape: tuple[int, int], sigma: tuple[float, float]
) -> np.ndarray:
    """Noise of unit variance without fine grain."""
    noise = gaussian_filter(rng.normal(size=shape), sigma)
    return noise / noise.std()


def _draw_nuclei(
    picture: Image.Image, tissue: np.ndarray, crowded: np.ndarray, rng: np.random.Generator
) -> None:
    """Ellipses, drawn with the probability that the place is crowded; larger and darker there."""
    pen = ImageDraw.Draw(picture)
    row, column = (rng.integers(0, n, _N_NUCLEI) for n in SIZE)
    kept = tissue[row, column] & (rng.random(_N_NUCLEI) < crowded[row, column])
    for y, x in zip(row[kept].tolist(), column[kept].tolist(), strict=True):
        dense = crowded[y, x]
        wide, high = rng.uniform(4.5, 7.5, 2) * (1 + 0.5 * dense)
        colour = np.clip(_NUCLEUS + rng.normal(0, 9) + 22 * (1 - dense), 0, 255).astype(int)
        pen.ellipse((x - wide, y - high, x + wide, y + high), fill=tuple(colour.tolist()))
