"""Vertices of marks, the same for every renderer."""

import numpy as np

from workbench.figures.drawing import Band


def stepped(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a step function that keeps each value up to the next x."""
    if len(x) < 2:
        return x, y
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]


def band_outlines(band: Band) -> list[tuple[np.ndarray, np.ndarray]]:
    """Closed outlines of a band, one a run in which both limits are known."""
    x, lower, upper = band.x, band.lower, band.upper
    if band.step:
        corners, lower = stepped(x, lower)
        upper = stepped(x, upper)[1]
        x = corners
    known = np.isfinite(lower) & np.isfinite(upper)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    return [
        (
            np.concatenate([x[first:end], x[first:end][::-1]]),
            np.concatenate([lower[first:end], upper[first:end][::-1]]),
        )
        for first, end in zip(edges[::2], edges[1::2], strict=True)
        if end - first > 1
    ]
