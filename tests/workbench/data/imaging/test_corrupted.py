"""Damaged and hostile files: each is refused with a reason, in little time and memory.

They are read in a process of its own, whose memory and time are limited, so that a crash, a hang
or an allocation that a file asked for fails the test.
"""

import gzip
import json
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

# Peak memory is the process's own: getrusage would begin with that of whoever started it.
RUN = """
import json, resource, sys, time
from pathlib import Path
from PIL import ImageFile
# As any library may tell Pillow: fill what is missing of a file with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = True
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
import workbench as wb
from workbench.errors import ImageError
wb.read_image
for path in sorted(Path(sys.argv[1]).iterdir()):
    began = time.process_time()
    try:
        read = wb.read_image(path)
        said, refused = f"{read.voxels.shape} {read.voxels.dtype}", False
    except ImageError as error:
        said, refused = str(error), True
    took = time.process_time() - began
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    most = int(status.split()[0]) // 1024
    print(json.dumps([path.name, refused, said, took, most]), flush=True)
"""
MOST_MIB = 1000
MOST_SECONDS = 20
PIXELS = np.random.default_rng(0).integers(0, 200, (32, 24)).astype(np.uint16)

Files = Iterator[tuple[str, bytes]]


def _bytes(dataset: Dataset) -> bytes:
    held = BytesIO()
    dataset.save_as(held, enforce_file_format=True)
    return held.getvalue()


def _packed(dataset: Dataset, syntax: UID, frames: list[bytes]) -> bytes:
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return _bytes(dataset)


def _cut(name: str, whole: bytes) -> Files:
    for share in (0.1, 0.5, 0.9):
        yield f"{name} cut at {share}", whole[: int(len(whole) * share)]


def _damaged(name: str, whole: bytes, start: int, seed: int) -> Files:
    """Bytes at random places overwritten."""
    rng = np.random.default_rng(seed)
    for n in range(4):
        noisy = bytearray(whole)
        for place in rng.integers(start, len(whole), 25):
            noisy[place] = int(rng.integers(256))
        yield f"{name} with noise {n}", bytes(noisy)


def _dicom(plane: Callable[..., Dataset]) -> Files:
    plain = _bytes(plane(PIXELS))
    yield from _cut("ct", plain)
    yield from _damaged("ct", plain, 132, 1)
    claims: dict[str, dict[str, Any]] = {
        "65535 rows and columns": {"Rows": 65535, "Columns": 65535},
        "no rows": {"Rows": 0},
        "a billion frames": {"NumberOfFrames": 1_000_000_000},
        "less than no frames": {"NumberOfFrames": -3},
        "20,000 frames": {"NumberOfFrames": 20_000},
        "no such bits": {"BitsAllocated": 13},
        "more bits stored than there are": {"BitsStored": 40},
        "seven samples": {"SamplesPerPixel": 7},
        "a slope of zero": {"RescaleSlope": 0},
        "no spacing": {"PixelSpacing": [0, 0]},
        "directions that are none": {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        "two equal directions": {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        "two numbers of a position": {"ImagePositionPatient": [1, 2]},
        "half of the pixels": {"PixelData": PIXELS.tobytes()[::2]},
        "no pixels": {"PixelData": b""},
    }
    for name, elements in claims.items():
        yield f"ct with {name}", _bytes(plane(PIXELS, **elements))
    lying = plane(PIXELS)
    lying.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    implicit = _bytes(lying)
    yield (
        "implicit called big endian",
        implicit.replace(b"1.2.840.10008.1.2\0", str(ExplicitVRBigEndian).encode()[:18]),
    )
    yield "unknown syntax", plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0")
    long = plane(PIXELS)
    long.add_new(0x00091010, "OB", b"abcd")
    where = _bytes(long)
    at = where.index(b"\x09\x00\x10\x10OB")
    yield "an element of 4 GB", where[: at + 8] + b"\xf0\xff\xff\xff" + where[at + 12 :]
    nested = Dataset()
    for _ in range(150):
        outer = Dataset()
        outer.add_new(0x00081140, "SQ", [nested])
        nested = outer
    yield "nested 150 times", _bytes(plane(PIXELS, ReferencedImageSequence=[nested]))
    yield "only the mark", b"\0" * 128 + b"DICM"
    yield "the mark and noise", b"\0" * 128 + b"DICM" + np.random.default_rng(2).bytes(5000)
    yield "gzipped nothing.dcm.gz", gzip.compress(plain)[:-200]


def _compressed(plane: Callable[..., Dataset]) -> Files:
    unsigned = {"PixelRepresentation": 0}
    streams = {
        JPEGLSLossless: imagecodecs.jpegls_encode(PIXELS),
        JPEG2000Lossless: imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k"),
        HTJ2KLossless: imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k"),
    }
    for syntax, stream in streams.items():
        name = syntax.name.split(" Image")[0]
        yield from _cut(name, _packed(plane(PIXELS, **unsigned), syntax, [stream]))
        noisy = next(iter(_damaged("", stream, 30, 3)))[1]
        yield f"{name} noise", _packed(plane(PIXELS, **unsigned), syntax, [noisy])
    baseline = imagecodecs.jpeg8_encode(PIXELS.astype(np.uint8))
    eight = {**unsigned, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    # A stream that says it holds far more pixels than the file does.
    at = baseline.index(b"\xff\xc0")
    bomb = baseline[: at + 5] + struct.pack(">HH", 65500, 65500) + baseline[at + 9 :]
    yield "jpeg bomb", _packed(plane(PIXELS, **eight), JPEGBaseline8Bit, [bomb])
    yield "jpeg cut", _packed(plane(PIXELS, **eight), JPEGBaseline8Bit, [baseline[:60]])
    yield "jpeg nothing", _packed(plane(PIXELS, **eight), JPEGBaseline8Bit, [b"\0\0"])
    yield (
        "j2k called jpeg",
        _packed(plane(PIXELS, **eight), JPEGBaseline8Bit, [streams[JPEG2000Lossless]]),
    )
    j2k = streams[JPEG2000Lossless]
    at = j2k.index(b"\xff\x51") + 6
    bomb = j2k[:at] + struct.pack(">II", 60000, 60000) + j2k[at + 8 :]
    yield "j2k bomb", _packed(plane(PIXELS, **unsigned), JPEG2000Lossless, [bomb])
    large = plane(PIXELS, **unsigned, Rows=60000, Columns=60000)
    yield "j2k bomb that the file agrees with", _packed(large, JPEG2000Lossless, [bomb])
    rle = struct.pack("<16I", 2, 64, 70, *[0] * 13) + b"\x81\x00" * 400
    yield "rle", _packed(plane(PIXELS, **unsigned), RLELossless, [rle])
    rle = struct.pack("<16I", 99, *[0xFFFFFFF0] * 15)
    yield "rle with 99 segments", _packed(plane(PIXELS, **unsigned), RLELossless, [rle])
    deep = zlib.compress(b"\0" * (1 << 26), 1)[2:-4]
    other = _packed(plane(PIXELS, **unsigned), JPEG2000Lossless, [deep])
    yield (
        "deflated frame bomb",
        other.replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.8.1\0"),
    )
    deflated = plane(PIXELS)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = _bytes(deflated)
    yield from _cut("deflated", whole)
    start = 144 + struct.unpack("<I", whole[140:144])[0]
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    zeros = b"".join(packer.compress(b"\0" * (1 << 24)) for _ in range(36)) + packer.flush()
    yield "deflated bomb", whole[:start] + zeros


def _nifti() -> Files:
    header = nibabel.Nifti1Image(PIXELS.astype(np.int16).reshape(32, 24, 1), np.eye(4)).to_bytes()
    yield from ((f"{name}.nii", content) for name, content in _cut("nifti", header))
    yield from ((f"{n}.nii", content) for n, content in _damaged("nifti", header, 0, 4))
    huge = header[:40] + struct.pack("<8h", 3, 32000, 32000, 32000, 1, 1, 1, 1) + header[56:]
    yield "nifti huge.nii", huge
    yield "nifti huge packed.nii.gz", gzip.compress(huge)
    yield (
        "nifti large packed.nii.gz",
        gzip.compress(
            header[:40] + struct.pack("<8h", 3, 2000, 2000, 500, 1, 1, 1, 1) + header[56:]
        ),
    )
    for value in (-5, 0):
        yield (
            f"nifti {value} wide.nii",
            header[:42] + struct.pack("<h", value) + header[44:],
        )
    yield "nifti not finite.nii", header[:280] + struct.pack("<12f", *[np.nan] * 12) + header[328:]
    yield "nifti no type.nii", header[:70] + struct.pack("<h", 9999) + header[72:]
    yield from ((f"{n}.nii.gz", c) for n, c in _cut("packed", gzip.compress(header)))


def _pictures() -> Files:
    for kind in ("PNG", "JPEG", "BMP"):
        held = BytesIO()
        Image.fromarray(PIXELS.astype(np.uint8)).save(held, kind)
        yield from _cut(kind, held.getvalue())
    held = BytesIO()
    Image.fromarray(PIXELS.astype(np.uint8)).save(held, "PNG")
    png = held.getvalue()
    size = struct.pack(">II", 50000, 50000) + png[24:29]
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + size))
    yield "png bomb", png[:16] + size + crc + png[33:]
    held = BytesIO()
    tifffile.imwrite(held, PIXELS, compression="zlib")
    tiff = held.getvalue()
    yield from _cut("tiff", tiff)
    yield from _damaged("tiff", tiff, 8, 5)
    held = BytesIO()
    tifffile.imwrite(held, np.zeros((64, 64), np.uint8), compression="zlib", rowsperstrip=64)
    small = held.getvalue()
    large = zlib.compress(b"\0" * (1 << 28), 1)
    with tifffile.TiffFile(BytesIO(small)) as file:
        tags = file.pages.first.tags
        entry, count = tags["StripOffsets"].valueoffset, tags["StripByteCounts"].valueoffset
    bomb = bytearray(small + large)
    bomb[entry : entry + 4] = struct.pack("<I", len(small))
    bomb[count : count + 4] = struct.pack("<I", len(large))
    yield "tiff whose strip is a bomb", bytes(bomb)
    yield "nothing", b""
    yield "one byte", b"I"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corrupted")
    # pydicom warns of what should not be written, which is the point.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [*_dicom(_plane), *_compressed(_plane), *_nifti(), *_pictures()]
    for number, (name, content) in enumerate(made):
        (folder / f"{number:03} {name}").write_bytes(content)
    return folder


def _plane(pixels: np.ndarray, **elements: Any) -> Dataset:
    """One CT plane, with elements that replace its own."""
    base = Dataset()
    base.file_meta = FileMetaDataset()
    base.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    base.SOPClassUID, base.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    base.SeriesInstanceUID, base.Modality = "1.2.3", "CT"
    base.ImagePositionPatient = [0, 0, 0]
    base.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    base.PixelSpacing = [1, 1]
    base.Rows, base.Columns = pixels.shape
    base.SamplesPerPixel, base.PhotometricInterpretation = 1, "MONOCHROME2"
    base.BitsAllocated = base.BitsStored = 16
    base.HighBit, base.PixelRepresentation = 15, 1
    base.RescaleSlope, base.RescaleIntercept = 1, 0
    base.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(base, keyword, value)
    return base


def test_none_of_ninety_damaged_files_crashes_hangs_or_takes_memory(corpus: Path) -> None:
    n_files = len(list(corpus.iterdir()))
    assert n_files >= 90
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(corpus)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(lines) == n_files
    assert max(line[4] for line in lines) < MOST_MIB
    assert max(line[3] for line in lines) < MOST_SECONDS
    refused = {name: said for name, was_refused, said, *_ in lines if was_refused}
    read = [name[4:] for name, was_refused, *_ in lines if not was_refused]
    # Noise may fall where it changes a value and nothing else; nothing else may be read.
    odd = [name for name in read if "noise" not in name and "cut at 0.9" not in name]
    assert odd == ["nested 150 times"]
    assert all(len(said) > 10 and str(corpus) not in said for said in refused.values())
