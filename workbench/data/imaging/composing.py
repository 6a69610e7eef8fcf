"""Grey values, regions and contributions as one picture, by the rules of the viewer's page."""

from dataclasses import dataclass

import numpy as np

from workbench.data.imaging.scene import Scene
from workbench.data.imaging.windows import Window

# Okabe & Ito (2008). Vermilion and blue are for contributions, and for nothing else.
LABEL_COLOURS = ("#009E73", "#F0E442", "#56B4E9", "#CC79A7", "#E69F00")
HIGHER, LOWER = "#D55E00", "#0072B2"
_STORED = {"uint8", "int16", "uint16", "float32"}


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice as it lies on the screen.

    Parameters
    ----------
    values
        (row, column) uint8, int16, uint16 or float32; (row, column, 3) uint8 of a colour picture.
    labels
        (row, column) uint8, 0 where no region is; None without a mask.
    levels
        (row, column) int8, contributions as shares of the full colour in 127ths; None without.
    """

    values: np.ndarray
    labels: np.ndarray | None
    levels: np.ndarray | None


def cut(scene: Scene, plane: str, number: int, channel: int = 0) -> Slice:
    """One slice of an image and of what lies over it.

    Raises
    ------
    ImageError
        If there is no slice of that number (from 0).
    KeyError
        If the image has no such plane.
    """
    place, volume = scene.planes[plane], scene.volume
    stored = place.cut(volume.voxels, number)
    if stored.ndim == 3 and not volume.colour:
        stored = stored[..., channel]
    values = volume.values(stored)
    kept = values.dtype.name if values.dtype.name in _STORED else "float32"
    labels = levels = None
    if scene.mask is not None:
        labels = np.ascontiguousarray(place.cut(scene.mask.labels.voxels, number), np.uint8)
    if scene.attribution is not None:
        layer = scene.attribution.contributions
        found = scene.attribution.levels(layer.values(place.cut(layer.voxels, number)))
        levels = np.ascontiguousarray(found)
    return Slice(np.ascontiguousarray(values, kept), labels, levels)


def composed(
    shown: Slice, window: Window, *, fill: float = 0.0, contributions: float = 0.0
) -> np.ndarray:
    """A slice in colour, (row, column, 3) uint8.

    Parameters
    ----------
    shown
        The slice.
    window
        Of the grey values; a colour picture is shown as it is stored.
    fill, contributions
        Opacity of regions and of the largest contribution, from 0 to 1.
    """
    if shown.values.ndim == 3:
        colours = shown.values.astype(np.float32)
    else:
        colours = np.repeat(window.grey(shown.values)[..., None].astype(np.float32), 3, axis=2)
    if shown.levels is not None and contributions > 0:
        share = np.abs(shown.levels.astype(np.float32)) / 127 * contributions
        paint = np.where((shown.levels > 0)[..., None], rgb(HIGHER), rgb(LOWER))
        colours += share[..., None] * (paint - colours)
    if shown.labels is not None and fill > 0:
        palette = np.array([rgb(LABEL_COLOURS[n % len(LABEL_COLOURS)]) for n in range(255)])
        inside = shown.labels > 0
        colours[inside] += fill * (palette[shown.labels[inside] - 1] - colours[inside])
    return np.floor(colours + 0.5).astype(np.uint8)


def outline(labels: np.ndarray) -> np.ndarray:
    """Edges of pixels between regions, in pixels from the upper left corner.

    Parameters
    ----------
    labels
        (row, column) uint8; what lies outside is no region.

    Returns
    -------
    ndarray
        (edge, end, coordinate) int, coordinates (column, row), and so that each edge between two
        different labels is there once: upright edges first, from above, then level ones.

    Examples
    --------
    >>> outline(np.array([[1]], np.uint8)).tolist()
    [[[0, 0], [0, 1]], [[1, 0], [1, 1]], [[0, 0], [1, 0]], [[0, 1], [1, 1]]]
    """
    framed = np.pad(labels.astype(np.int16), 1)
    rows, columns = np.nonzero(framed[1:-1, 1:] != framed[1:-1, :-1])
    upright = np.stack([np.stack([columns, rows], 1), np.stack([columns, rows + 1], 1)], 1)
    rows, columns = np.nonzero(framed[1:, 1:-1] != framed[:-1, 1:-1])
    level = np.stack([np.stack([columns, rows], 1), np.stack([columns + 1, rows], 1)], 1)
    return np.concatenate([upright, level])


def scale_bar(width_mm: float) -> float:
    """A round length (1, 2 or 5 times a power of ten) of a sixth to two fifths of a width."""
    power = 10.0 ** np.floor(np.log10(width_mm * 0.4))
    return float(max(step * power for step in (1, 2, 5) if step * power <= width_mm * 0.4))


def rgb(colour: str) -> np.ndarray:
    """(3,) float32 from 0 to 255 of ``"#rrggbb"``."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32)
