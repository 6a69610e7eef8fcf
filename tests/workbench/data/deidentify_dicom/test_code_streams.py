"""Text planted in every place that compressed streams have for it is gone; pixels are the same."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    HTJ2K,
    MPEG4HP41,
    UID,
    DigitalXRayImageStorageForPresentation,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
)

from workbench.data.deidentify import DateShift
from workbench.data.deidentify_dicom import deidentify_images
from workbench.data.deidentify_dicom.code_streams import without_comments
from workbench.data.deidentify_dicom.folder import LEFT
from workbench.data.imaging.dicom.files import open_dicom
from workbench.data.imaging.dicom.pixels import read_frames
from workbench.data.secret_key import SecretKey
from workbench.errors import ImageError

imagecodecs = pytest.importorskip("imagecodecs", reason="imagecodecs is in the extra 'slides'")

SHIFT = DateShift(SecretKey(b"k" * 32))
TEXT = b"Patient: DOE JANE MRN00123"
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 48, 32)).astype(np.uint8)


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _jpeg(pixels: np.ndarray) -> bytes:
    held, exif = BytesIO(), Image.Exif()
    exif[0x010E] = TEXT.decode()
    Image.fromarray(pixels).save(held, "JPEG", comment=TEXT, exif=exif, quality=90)
    whole = held.getvalue()
    scan = whole.index(b"\xff\xda")
    planted = b"".join(_segment(marker, TEXT) for marker in (0xE0, *range(0xE2, 0xE8), 0xED, 0xEF))
    return whole[:scan] + planted + whole[scan:] + TEXT


def _jpeg_ls(pixels: np.ndarray) -> bytes:
    whole = imagecodecs.jpegls_encode(pixels)
    return whole[:2] + _segment(0xFE, TEXT) + _segment(0xE1, TEXT) + whole[2:]


def _jpeg_2000(pixels: np.ndarray, encode: Any = None) -> bytes:
    """With a comment in the head and one in the head of the first tile."""
    whole = (encode or _plain_jpeg_2000)(pixels)
    tile = whole.index(b"\xff\x90\x00\x0a")
    comment = _segment(0x64, b"\0\1" + TEXT)
    size = struct.unpack(">I", whole[tile + 6 : tile + 10])[0] + len(comment)
    head = whole[tile : tile + 6] + struct.pack(">I", size) + whole[tile + 10 : tile + 12]
    return whole[:tile] + comment + head + comment + whole[tile + 12 :]


def _plain_jpeg_2000(pixels: np.ndarray) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, level=0)


def _htj2k(pixels: np.ndarray) -> bytes:
    return _jpeg_2000(pixels, lambda p: imagecodecs.htj2k_encode(p, reversible=True))


def _file(path: Path, streams: list[bytes], syntax: UID, pieces: int, table: str) -> None:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID, made.SOPInstanceUID = DigitalXRayImageStorageForPresentation, "1.2.3.4"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = "1.2.3", "1.2.3.1", "DX"
    made.PatientName, made.PatientID = "Doe^Jane", "MRN00123"
    made.BurnedInAnnotation, made.NumberOfFrames = "NO", len(streams)
    made.Rows, made.Columns = PIXELS.shape[1:]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    if table == "extended":
        made.PixelData, offsets, lengths = encapsulate_extended(streams)
        made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = offsets, lengths
    else:
        made.PixelData = encapsulate(streams, fragments_per_frame=pieces, has_bot=table == "basic")
    made["PixelData"].is_undefined_length = True
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize(
    ("encode", "syntax"),
    [
        (_jpeg, JPEGBaseline8Bit),
        (_jpeg_ls, JPEGLSLossless),
        (_jpeg_2000, JPEG2000Lossless),
        (_htj2k, HTJ2K),
    ],
)
@pytest.mark.parametrize(
    ("n_frames", "pieces", "table"), [(1, 1, "none"), (3, 3, "basic"), (3, 1, "extended")]
)
def test_comments_are_gone_and_pixels_are_the_same(
    tmp_path: Path, encode: Any, syntax: UID, n_frames: int, pieces: int, table: str
) -> None:
    streams = [encode(PIXELS[n]) for n in range(n_frames)]
    assert all(stream.count(TEXT) >= 2 for stream in streams)
    _file(tmp_path / "in/a", streams, syntax, pieces, table)
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert (done.n_written, done.withheld) == (1, {})
    (path,) = done.folder.rglob("*.dcm")
    joined = without_comments(dcmread(path).PixelData, syntax)[1] + path.read_bytes()
    assert b"MRN00123" not in joined
    assert b"DOE" not in joined
    before, after = open_dicom(tmp_path / "in/a"), open_dicom(path)
    for old, new in zip(
        read_frames(before, range(n_frames)), read_frames(after, range(n_frames)), strict=True
    ):
        assert np.array_equal(old, new)
    actions = done.audit.set_index("keyword")["action"]
    assert actions["PixelData"] == "comments in compressed pixels blanked"


def test_marks_that_decoders_need_stay() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    held = BytesIO()
    Image.fromarray(colours).save(held, "JPEG", quality=95)
    whole = held.getvalue()
    adobe = b"Adobe" + bytes((0, 100, 0, 0, 0, 0, 1))
    spiff = b"SPIFF\0" + bytes(24)
    thumbnail = b"JFIF\0\1\1\0\0\1\0\1\3\1" + b"MRN00123!"
    marked = b"".join(
        (whole[:2], _segment(0xE0, thumbnail), _segment(0xEE, adobe), _segment(0xE8, spiff))
    )
    pixels = encapsulate([marked + whole[2:]])
    made, beside = without_comments(pixels, JPEGBaseline8Bit)
    assert len(made) == len(pixels)
    assert adobe in made
    assert spiff in made
    assert thumbnail[:14] in made
    assert b"MRN00123" not in made + beside


def test_an_identifier_where_nothing_is_blanked_is_found(tmp_path: Path) -> None:
    _file(tmp_path / "in/film", [b"\0\0\1\xb3" + TEXT + b"!!"], MPEG4HP41, 1, "none")
    stream = _jpeg(PIXELS[0])
    named = stream[:2] + _segment(0xE8, b"SPIFF\0" + TEXT) + stream[2:]
    _file(tmp_path / "in/spiff", [named], JPEGBaseline8Bit, 1, "none")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert done.reasons == {LEFT: 2}


def test_a_tile_that_ends_before_it_begins_is_damage() -> None:
    stream = _jpeg_2000(PIXELS[0])
    tile = stream.index(b"\xff\x90\x00\x0a")
    wrong = stream[: tile + 6] + struct.pack(">I", 12) + stream[tile + 10 :]
    with pytest.raises(ImageError, match="damaged"):
        without_comments(encapsulate([wrong]), JPEG2000Lossless)


@pytest.mark.parametrize(
    "damage",
    [
        lambda stream: b"text before" + stream,
        lambda stream: stream[:2] + b"\xff\xfe\xff\xff" + stream[2:60],
        lambda stream: stream[:2] + b"text" + stream[2:],
    ],
)
def test_streams_that_cannot_be_followed_are_withheld(tmp_path: Path, damage: Any) -> None:
    _file(tmp_path / "in/a", [damage(_jpeg(PIXELS[0]))], JPEGBaseline8Bit, 1, "none")
    done = deidentify_images(tmp_path / "in", tmp_path / "out", SHIFT)
    assert done.n_written == 0
    assert "comments in them cannot be found" in next(iter(done.reasons))


def test_fragments_that_run_over_the_end_are_damage() -> None:
    with pytest.raises(ImageError, match="damaged"):
        without_comments(encapsulate([_jpeg(PIXELS[0])])[:-40], JPEGBaseline8Bit)


def test_uncompressed_pixels_are_left_alone() -> None:
    assert without_comments(TEXT, "1.2.840.10008.1.2.1") == (TEXT, b"")
