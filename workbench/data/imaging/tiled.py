"""Parts of a picture that is stored in tiles."""

from collections.abc import Callable

import numpy as np

WHITE = 255


def from_tiles(
    stored: Callable[[int, int], np.ndarray | None],
    tile: tuple[int, int],
    part: tuple[int, int, int, int],
) -> np.ndarray:
    """A part of a picture, (row, column, 3) uint8, from the stored tiles that it touches.

    Parameters
    ----------
    stored
        (row, column) of a tile in their grid → its pixels, (row, column, 1 or 3) uint8, or None
        where there is none, as for blank glass.
    tile
        (height, width) of a stored tile.
    part
        Top, left, bottom and right, in pixels; lower and right edge are not in it.
    """
    (high, wide), (top, left, bottom, right) = tile, part
    found = np.full((bottom - top, right - left, 3), WHITE, np.uint8)
    for row in range(top // high, -(-bottom // high)):
        for column in range(left // wide, -(-right // wide)):
            pixels = stored(row, column)
            if pixels is None:
                continue
            y, x = row * high, column * wide
            y0, x0 = max(top, y), max(left, x)
            seen = pixels[y0 - y : bottom - y, x0 - x : right - x]
            found[y0 - top :, x0 - left :][: seen.shape[0], : seen.shape[1]] = seen
    return found
