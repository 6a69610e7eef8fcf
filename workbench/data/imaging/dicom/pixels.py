"""Pixels of chosen frames of one file, as numbers that mean what the file says."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.image_files import LARGEST_PIXELS
from workbench.data.imaging.dicom.codecs import (
    UNPACKED_HERE,
    FrameLayout,
    unpack,
)
from workbench.data.imaging.dicom.files import DicomFile, faults_of_dicom
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST_BYTES = 1 << 32
"""What one image may take in memory."""

_NATIVE = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)
_FLOATS = {"FloatPixelData": "f4", "DoubleFloatPixelData": "f8"}


def frame_layout(dataset: "Dataset") -> FrameLayout:
    """What a file says of its frames.

    Raises
    ------
    ImageError
        If it does not say it, or says what cannot be.
    """
    found = {}
    for keyword, default in (
        ("Rows", None),
        ("Columns", None),
        ("SamplesPerPixel", 1),
        ("BitsAllocated", 32 if any(k in dataset for k in _FLOATS) else None),
        ("PixelRepresentation", 0),
    ):
        value = dataset.get(keyword, default)
        if not isinstance(value, int):
            raise ImageError(f"{keyword}: a whole number was expected")
        found[keyword] = value
    stored = dataset.get("BitsStored")
    layout = FrameLayout(
        found["Rows"],
        found["Columns"],
        found["SamplesPerPixel"],
        found["BitsAllocated"],
        stored if isinstance(stored, int) else found["BitsAllocated"],
        found["PixelRepresentation"] == 1,
        str(dataset.get("PhotometricInterpretation") or "MONOCHROME2"),
    )
    if not (layout.rows > 0 and layout.columns > 0 and layout.samples in (1, 3)):
        raise ImageError(
            f"{layout.rows} × {layout.columns} pixels of {layout.samples} samples: expected some "
            "pixels of 1 or 3"
        )
    if layout.bits_allocated not in (1, 8, 16, 32, 64) or not (
        0 < layout.bits_stored <= layout.bits_allocated
    ):
        raise ImageError(f"{layout.bits_stored} of {layout.bits_allocated} bits: cannot be")
    high = dataset.get("HighBit")
    if isinstance(high, int) and high != layout.bits_stored - 1:
        # PS3.5 8.1.1; a code stream does not say whether its numbers were shifted too.
        raise ImageError(
            f"HighBit {high}: of {layout.bits_stored} bits stored the highest is "
            f"{layout.bits_stored - 1}; save the file again with its numbers in the lowest bits"
        )
    if layout.rows * layout.columns > LARGEST_PIXELS:
        raise ImageError(f"more than {LARGEST_PIXELS:,} pixels a frame: refused")
    return layout


def n_frames(dataset: "Dataset") -> int:
    """Number of frames, 1 where the file does not say.

    Raises
    ------
    ImageError
        If it says something that is no positive number.
    """
    value = dataset.get("NumberOfFrames")
    if value is None or str(value).strip() == "":
        return 1
    if not str(value).strip().isdigit() or int(value) < 1:
        raise ImageError("NumberOfFrames: a positive whole number was expected")
    return int(value)


def read_frames(file: DicomFile, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Frames by number from 0, in the order asked for; each (row, column[, RGB]).

    Numbers are as stored, except that a modality table is applied, colours become RGB, and where
    low numbers are shown white (MONOCHROME1) and no unit gives the numbers a meaning, they are
    turned round, so that a larger number is brighter.

    Raises
    ------
    ImageError
        If pixels are missing, truncated or damaged, would take more than 4 GiB, or need a library
        that is not installed.
    """
    dataset = file.dataset
    with faults_of_dicom("pixels cannot be read: damaged data elements"):
        layout, total = frame_layout(dataset), n_frames(dataset)
    if layout.n_bytes * len(wanted) > LARGEST_BYTES:
        raise ImageError(f"more than {LARGEST_BYTES >> 30} GiB of pixels: refused")
    if any(not 0 <= number < total for number in wanted):
        raise ImageError(f"frames are numbered from 0, below {total}")
    for number in wanted:
        with faults_of_dicom("pixels cannot be read: truncated, damaged or of an unknown kind"):
            pixels = _meaning(dataset, layout, _stored(file, layout, total, number))
        yield pixels


def _stored(file: DicomFile, layout: FrameLayout, total: int, number: int) -> np.ndarray:
    from pydicom.encaps import get_frame
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import RLELossless

    dataset, syntax = file.dataset, file.transfer_syntax
    for keyword, kind in _FLOATS.items():
        if keyword in dataset:
            return _native(bytes(dataset[keyword].value), layout, number, np.dtype(f"<{kind}"))
    if "PixelData" not in dataset:
        raise ImageError("holds no pixels")
    content: Any = dataset.PixelData
    if not content:
        raise ImageError("holds no pixels")
    if syntax in UNPACKED_HERE:
        packed = get_frame(content, number, number_of_frames=total)
        return unpack(packed, syntax, layout)
    if syntax != RLELossless and len(content) < layout.n_bytes * total:
        short = layout.photometric == "YBR_FULL_422" and len(content) * 3 >= layout.n_bytes * 2
        if not short and len(content) * 8 < layout.rows * layout.columns * total:
            raise ImageError(f"pixels end after {len(content):,} bytes: truncated")
        if not short and layout.bits_allocated > 1:
            raise ImageError(
                f"pixels end after {len(content):,} of {layout.n_bytes * total:,} bytes: truncated"
            )
    if syntax not in _NATIVE and syntax != RLELossless:
        raise ImageError(f"pixels are written in transfer syntax {syntax!r}, which is not known")
    if syntax == RLELossless and layout.bits_allocated == 1:
        raise ImageError("run lengths of single bits are not read: save it uncompressed")
    pixels, _ = get_decoder(syntax).as_array(dataset, index=number, raw=False)
    if pixels.shape[:2] != (layout.rows, layout.columns):
        raise ImageError("pixels of another size than the file says")
    return pixels


def _native(content: bytes, layout: FrameLayout, number: int, kind: np.dtype) -> np.ndarray:
    size = layout.rows * layout.columns
    if len(content) < (number + 1) * size * kind.itemsize:
        raise ImageError(f"pixels end after {len(content):,} bytes: truncated")
    values = np.frombuffer(content, kind, size, number * size * kind.itemsize)
    return values.reshape(layout.rows, layout.columns)


def _meaning(dataset: "Dataset", layout: FrameLayout, stored: np.ndarray) -> np.ndarray:
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

    if dataset.get("Modality") == "SEG":
        return stored
    if layout.photometric == "PALETTE COLOR" and "RedPaletteColorLookupTableDescriptor" in dataset:
        colours = apply_color_lut(stored, dataset)[..., :3]
        return (colours >> 8).astype(np.uint8) if colours.dtype.itemsize == 2 else colours
    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, dataset)
    turn = turned_from(dataset)
    return stored if turn is None else (turn - stored).astype(stored.dtype)


def turned_from(dataset: "Dataset") -> int | None:
    """What a number becomes when it is turned round: this, less the number as stored.

    None where nothing is turned round: larger numbers are brighter (MONOCHROME2), a table says what
    numbers mean, or they measure something (Hounsfield units, activity, dose).
    """
    layout = frame_layout(dataset)
    measured = dataset.get("Modality") in ("CT", "PT", "NM", "RTDOSE")
    if layout.photometric != "MONOCHROME1" or measured or dataset.get("ModalityLUTSequence"):
        return None
    return -1 if layout.signed else (1 << layout.bits_stored) - 1
