"""Bright discs on noise, with their outlines."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from fusion.segmentation.images import OutlinedImages


@pytest.fixture(scope="session")
def outlined() -> Callable[..., OutlinedImages]:
    """Images of several patients, some of them with nothing outlined."""
    return _outlined


def _outlined(n_patients: int = 4, n_slices: int = 4, size: int = 32, seed: int = 0):
    rng = np.random.default_rng(seed)
    n = n_patients * n_slices
    row, column = np.mgrid[:size, :size]
    centre = rng.uniform(0.3 * size, 0.7 * size, (n, 2, 1, 1))
    radius = rng.uniform(0.12 * size, 0.25 * size, (n, 1, 1))
    masks = np.hypot(row - centre[:, 0], column - centre[:, 1]) < radius
    masks[::n_slices] = False
    pixels = 70 + 90 * masks[:, None] + rng.normal(0, 12, (n, 2, size, size))
    return OutlinedImages(
        torch.as_tensor(pixels.clip(0, 255).astype(np.uint8)),
        torch.as_tensor(255 * masks.astype(np.uint8)),
        np.repeat([f"p{i}" for i in range(n_patients)], n_slices),
    )
