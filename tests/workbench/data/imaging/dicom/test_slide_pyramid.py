"""Slides in DICOM: what was cut into tiles comes back, however it was written."""

import gzip
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from workbench.data.imaging import Slide, open_slide, read_image
from workbench.errors import ImageError

FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"
SERIES = generate_uid(entropy_srcs=["a slide"])
HIGH, WIDE = 64, 48
SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: lambda tile: imagecodecs.jpeg2k_encode(tile, level=0, reversible=True),
    JPEGBaseline8Bit: lambda tile: imagecodecs.jpeg8_encode(tile, level=95),
}

Place = tuple[int, int]


def _smooth(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    each = [rows * 3 + columns, rows + columns * 2, 2 * (rows + columns)]
    return np.stack([(value // 8 % 256) for value in each], axis=-1).astype(np.uint8)


def _tiles(pixels: np.ndarray) -> dict[Place, np.ndarray]:
    """Corner → tile; what hangs over the edge is white."""
    height, width = pixels.shape[:2]
    down, across = -(-height // HIGH) * HIGH, -(-width // WIDE) * WIDE
    padded = np.full((down, across, 3), 255, np.uint8)
    padded[:height, :width] = pixels
    return {
        (top, left): padded[top : top + HIGH, left : left + WIDE]
        for top in range(0, down, HIGH)
        for left in range(0, across, WIDE)
    }


def _write(
    path: Path,
    size: Place,
    tiles: Sequence[np.ndarray],
    *,
    corners: Sequence[Place] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    table: str = "basic",
    kind: str = "VOLUME",
    **elements: Any,
) -> None:
    """A file of a slide; with ``corners`` each tile says where it lies."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = SLIDE_CLASS
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = SERIES
    dataset.Modality = "SM"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    dataset.TotalPixelMatrixRows, dataset.TotalPixelMatrixColumns = size
    dataset.Rows, dataset.Columns = HIGH, WIDE
    dataset.NumberOfFrames = len(tiles)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "YBR_FULL_422" if syntax == JPEGBaseline8Bit else "RGB"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.ImagedVolumeWidth = size[1] * 0.0005
    if corners is not None:
        dataset.PerFrameFunctionalGroupsSequence = [_placed(*corner) for corner in corners]
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    if syntax in ENCODERS:
        packed = [ENCODERS[syntax](np.ascontiguousarray(tile)) for tile in tiles]
        if table == "extended":
            extended = encapsulate_extended(packed)
            dataset.PixelData, dataset.ExtendedOffsetTable = extended[:2]
            dataset.ExtendedOffsetTableLengths = extended[2]
        else:
            pieces = 2 if table == "several pieces" else 1
            dataset.PixelData = encapsulate(
                packed, fragments_per_frame=pieces, has_bot=table != "none"
            )
        dataset["PixelData"].VR = "OB"
    else:
        dataset.PixelData = b"".join(tile.tobytes() for tile in tiles)
        dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)


def _placed(top: int, left: int) -> Dataset:
    place, group = Dataset(), Dataset()
    place.RowPositionInTotalImagePixelMatrix = top + 1
    place.ColumnPositionInTotalImagePixelMatrix = left + 1
    group.PlanePositionSlideSequence = [place]
    return group


def _whole(slide: Slide, level: int = 0) -> np.ndarray:
    height, width = slide.levels[level].size
    return slide.levels[level].region(0, 0, height, width)


@pytest.mark.parametrize("table", ["basic", "none", "extended", "several pieces"])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_packed_tiles_by_every_table(tmp_path: Path, syntax: str, table: str) -> None:
    pixels = _smooth(150, 170)
    _write(
        tmp_path / "0.dcm",
        (150, 170),
        list(_tiles(pixels).values()),
        syntax=syntax,
        table=table,
    )
    slide = open_slide(tmp_path)
    assert np.array_equal(_whole(slide), pixels)
    assert slide.micrometres == pytest.approx(0.5)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_plain_tiles(tmp_path: Path, syntax: str) -> None:
    pixels = _smooth(150, 170)
    _write(tmp_path / "0.dcm", (150, 170), list(_tiles(pixels).values()), syntax=syntax)
    assert np.array_equal(_whole(open_slide(tmp_path / "0.dcm")), pixels)


def test_jpeg_is_what_pydicom_reads(tmp_path: Path) -> None:
    pixels = _smooth(150, 170)
    path = tmp_path / "0.dcm"
    _write(path, (150, 170), list(_tiles(pixels).values()), syntax=JPEGBaseline8Bit)
    theirs = dcmread(path).pixel_array[1]
    ours = open_slide(path).levels[0].region(0, WIDE, HIGH, 2 * WIDE)
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 2
    assert np.abs(_whole(open_slide(path)).astype(int) - pixels).mean() < 3


def test_levels_are_files_and_labels_are_not_read(tmp_path: Path) -> None:
    fine, coarse = _smooth(300, 340), _smooth(150, 170)
    _write(tmp_path / "b.dcm", (300, 340), list(_tiles(fine).values()))
    _write(tmp_path / "a.dcm", (150, 170), list(_tiles(coarse).values()))
    secret = np.zeros((HIGH, WIDE, 3), np.uint8)
    for kind in ("LABEL", "OVERVIEW"):
        _write(tmp_path / f"{kind}.dcm", (HIGH, WIDE), [secret], kind=kind)
    slide = open_slide(tmp_path)
    assert [level.size for level in slide.levels] == [(300, 340), (150, 170)]
    assert np.array_equal(_whole(slide, 0), fine)
    assert np.array_equal(_whole(slide, 1), coarse)
    (tmp_path / "a.dcm").unlink()
    (tmp_path / "b.dcm").unlink()
    with pytest.raises(ImageError, match="no slide among 2 DICOM files"):
        open_slide(tmp_path)


def test_tiles_that_say_their_place_in_any_order_and_blank_glass(tmp_path: Path) -> None:
    pixels = _smooth(150, 170)
    tiles = _tiles(pixels)
    missing = (HIGH, WIDE)
    corners = [corner for corner in reversed(tiles) if corner != missing]
    _write(tmp_path / "0.dcm", (150, 170), [tiles[c] for c in corners], corners=corners)
    truth = pixels.copy()
    truth[HIGH : 2 * HIGH, WIDE : 2 * WIDE] = 255
    assert np.array_equal(_whole(open_slide(tmp_path)), truth)


def test_a_level_in_two_files(tmp_path: Path) -> None:
    pixels = _smooth(150, 170)
    tiles = list(_tiles(pixels).values())
    for name, first, part in (("a", 0, tiles[:5]), ("b", 5, tiles[5:])):
        _write(tmp_path / name, (150, 170), part, ConcatenationFrameOffsetNumber=first)
    assert np.array_equal(_whole(open_slide(tmp_path)), pixels)


def test_more_pixels_than_are_read_as_one_picture(tmp_path: Path) -> None:
    """10,000 × 8,000: only the tiles in sight are unpacked."""
    tile, corner = _smooth(HIGH, WIDE), (100 * HIGH, 50 * WIDE)
    _write(tmp_path / "0.dcm", (10_000, 8_000), [tile], corners=[corner])
    coarse = _smooth(1_000, 800)
    _write(tmp_path / "1.dcm", (1_000, 800), list(_tiles(coarse).values()))
    with pytest.raises(ImageError, match="tile by tile"):
        read_image(tmp_path / "0.dcm")
    slide = open_slide(tmp_path)
    top, left = corner
    assert np.array_equal(slide.levels[0].region(top, left, top + HIGH, left + WIDE), tile)
    assert (slide.tile(0, 0, 0) == 255).all()
    with pytest.raises(ImageError, match="without coarser levels"):
        open_slide(tmp_path / "0.dcm")


def test_what_is_no_slide_in_a_grid_is_refused(tmp_path: Path) -> None:
    pixels = _smooth(150, 170)
    tiles = list(_tiles(pixels).values())
    size = (150, 170)
    path = tmp_path / "0.dcm"

    def refused(match: str, *args: Any, **kwargs: Any) -> None:
        _write(path, *args, **kwargs)
        with pytest.raises(ImageError, match=match):
            open_slide(tmp_path)

    refused("lie outside", size, tiles[:1], corners=[(192, 0)])
    refused("overlap or leave gaps", size, tiles[:1], corners=[(1, 0)])
    refused("several focal planes", size, tiles[:2], corners=[(0, 0), (0, 0)])
    refused("but 12 fill the picture", size, tiles[:11])
    refused("16 bits a colour", size, tiles, BitsAllocated=16, BitsStored=16, HighBit=15)
    refused("transfer syntax", size, tiles, PlanarConfiguration=1)
    refused("truncated", size, tiles[:11], NumberOfFrames=12)
    refused("a slide of PALETTE COLOR", size, tiles, PhotometricInterpretation="PALETTE COLOR")
    _write(path, size, tiles)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ImageError, match="packed as a whole"):
        open_slide(tmp_path)
    _write(path, size, tiles)
    _write(tmp_path / "1.dcm", (300, 340), list(_tiles(_smooth(300, 340)).values()))
    other = dcmread(tmp_path / "1.dcm")
    other.SeriesInstanceUID = generate_uid()
    other.save_as(tmp_path / "1.dcm")
    with pytest.raises(ImageError, match="2 series"):
        open_slide(tmp_path)


@pytest.mark.parametrize("table", ["basic", "none"])
def test_a_damaged_file_never_crashes(tmp_path: Path, table: str) -> None:
    """Cut at many places and with bytes turned round: read or refused, in words."""
    pixels = _smooth(150, 170)
    path = tmp_path / "0.dcm"
    tiles = list(_tiles(pixels).values())
    _write(path, (150, 170), tiles, syntax=JPEGBaseline8Bit, table=table)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for trial in range(60):
        cut = int(generator.integers(200, len(whole)))
        damaged = bytearray(whole[:cut] if trial % 2 else whole)
        for at in generator.integers(132, len(damaged), 0 if trial % 2 else 20):
            damaged[at] ^= 0xFF
        path.write_bytes(bytes(damaged))
        try:
            _whole(open_slide(path))
        except ImageError:
            refused += 1
    assert refused > 40


@pytest.mark.shared_data
@pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data")
@pytest.mark.parametrize("name", ["sm_image", "sm_image_jpegls", "sm_image_jpegls_nobot"])
def test_samples_of_highdicom(name: str) -> None:
    path = FORMATS / f"dicom_highdicom/data/test_files/{name}.dcm"
    slide = open_slide(path)
    assert np.array_equal(_whole(slide), read_image(path).voxels[:, :, 0])
    assert slide.micrometres == pytest.approx(0.499)


def test_run_lengths_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "0.dcm"
    _write(path, (HIGH, WIDE), [_smooth(HIGH, WIDE)])
    dataset = dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    with pytest.raises(ImageError, match="transfer syntax"):
        open_slide(path)
