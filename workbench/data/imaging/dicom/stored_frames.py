"""Frames of a large file one at a time: found by their place, unpacked when they are asked for."""

import struct
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.imaging.dicom.codecs import UNPACKED_HERE, FrameLayout, unpack
from workbench.data.imaging.dicom.files import DicomFile, faults_of_dicom
from workbench.data.imaging.dicom.pixels import frame_layout, n_frames
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

_PIXELS = b"\xe0\x7f\x10\x00"
_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0"
_GZIP = b"\x1f\x8b"
_UNKNOWN = 0xFFFFFFFF
_EXPLICIT = "1.2.840.10008.1.2.1"
_IMPLICIT = "1.2.840.10008.1.2"
_TURNED = ("MONOCHROME1", "PALETTE COLOR")
"""Whose numbers are no colours: white is low, or a table says what they are."""


@dataclass(frozen=True, eq=False)
class StoredFrames:
    """Frames of 8 bits a colour in a file that is mapped into memory and never read whole.

    Parameters
    ----------
    content
        The file.
    syntax
        UID of its transfer syntax.
    layout
        What it says of each frame.
    spans
        First byte of each frame, and the first behind it, (frame, 2).
    """

    content: mmap = field(repr=False)
    syntax: str
    layout: FrameLayout
    spans: np.ndarray = field(repr=False)

    def frame(self, number: int) -> np.ndarray:
        """One frame, (row, column[, 3]) uint8; colours are RGB.

        Raises
        ------
        ImageError
            If it is truncated or damaged, or needs a library that is not installed.
        """
        start, end = (int(each) for each in self.spans[number])
        stored = self.content[start:end]
        if self.syntax in UNPACKED_HERE:
            return unpack(_joined(stored), self.syntax, self.layout)
        if len(stored) < self.layout.n_bytes:
            raise ImageError("a frame ends before its time: truncated")
        shape = (self.layout.rows, self.layout.columns, self.layout.samples)
        pixels = np.frombuffer(stored, np.uint8, self.layout.n_bytes).reshape(shape)
        return pixels if self.layout.samples == 3 else pixels[:, :, 0]


def stored_frames(file: DicomFile) -> StoredFrames:
    """Where the frames of a file lie.

    Parameters
    ----------
    file
        Opened without its pixels.

    Raises
    ------
    ImageError
        If pixels are missing or damaged, have other than 8 bits a colour, or are written in a way
        in which frames cannot be found by their place.
    """
    dataset, syntax = file.dataset, file.transfer_syntax
    with faults_of_dicom("pixels cannot be found: damaged data elements"):
        layout, total = frame_layout(dataset), n_frames(dataset)
        packed = syntax in UNPACKED_HERE
        _require_bytes(dataset, layout, syntax, packed=packed)
        content, start, length = _pixel_element(file.path, explicit=syntax != _IMPLICIT)
        if packed != (length == _UNKNOWN):
            raise ImageError("pixels are packed where the file says they are not, or the reverse")
        if packed:
            spans = _packed_spans(content, start, total, dataset)
        else:
            if length < layout.n_bytes * total:
                raise ImageError(
                    f"pixels end after {length:,} of {layout.n_bytes * total:,} bytes: truncated"
                )
            first = start + layout.n_bytes * np.arange(total)
            spans = np.stack([first, first + layout.n_bytes], axis=1)
    if spans[-1, 1] > len(content):
        raise ImageError("pixels reach beyond the end of the file: truncated")
    return StoredFrames(content, syntax, layout, spans)


def _require_bytes(dataset: "Dataset", layout: FrameLayout, syntax: str, *, packed: bool) -> None:
    if layout.bits_allocated != 8:
        raise ImageError(f"{layout.bits_allocated} bits a colour: slides are read of 8")
    if layout.photometric in _TURNED:
        raise ImageError(f"a slide of {layout.photometric}: read are grey, RGB and YBR")
    if packed:
        return
    plain = layout.photometric in ("RGB", "MONOCHROME2") and not dataset.get("PlanarConfiguration")
    if syntax not in (_EXPLICIT, _IMPLICIT) or not plain:
        raise ImageError(
            f"a slide of {layout.photometric} in transfer syntax {syntax}: read are JPEG, JPEG-LS, "
            "JPEG 2000 and uncompressed RGB, interleaved"
        )


def _pixel_element(path: Path, *, explicit: bool) -> tuple[mmap, int, int]:
    """The file, where the value of its pixel data begins, and how long it is."""
    from pydicom import dcmread

    with path.open("rb") as opened:
        content = mmap(opened.fileno(), 0, access=ACCESS_READ)
    if content[:2] == _GZIP:
        raise ImageError("packed as a whole: unpack it, since tiles are read by their place")
    buffer: Any = content
    dcmread(buffer, stop_before_pixels=True, specific_tags=["Rows"])
    at = content.tell()
    if content[at : at + 4] != _PIXELS:
        raise ImageError("holds no pixels")
    header = 12 if explicit else 8
    return content, at + header, struct.unpack("<I", content[at + header - 4 : at + header])[0]


def _packed_spans(content: mmap, start: int, total: int, dataset: "Dataset") -> np.ndarray:
    """Spans of items, by the table that the file has, or else by looking at every item."""
    first, n_bytes = _item(content, start)
    table = np.frombuffer(content[first : first + n_bytes], "<u4").astype(np.int64)
    begin = first + n_bytes
    extended = dataset.get("ExtendedOffsetTable")
    if extended:
        table = np.frombuffer(extended, "<u8").astype(np.int64)
    if len(table) == total:
        starts = begin + table
        ends = np.append(starts[1:], _end_of_items(content, int(starts[-1])))
    elif len(table):
        raise ImageError(f"a table of {len(table)} frames, but there are {total}")
    else:
        starts, ends = _every_item(content, begin)
        if len(starts) != total:
            raise ImageError(
                f"{len(starts)} pieces of {total} frames and no table that says which belong "
                "together"
            )
    if (starts < begin).any() or (ends <= starts).any():
        raise ImageError("the table of frames is damaged")
    return np.stack([starts, ends], axis=1)


def _item(content: mmap, at: int) -> tuple[int, int]:
    """First byte of an item's value, and how many there are."""
    if content[at : at + 4] != _ITEM:
        raise ImageError("the packed pixels are damaged: no item where one should begin")
    n_bytes = struct.unpack("<I", content[at + 4 : at + 8])[0]
    if at + 8 + n_bytes > len(content):
        raise ImageError("the packed pixels end before their time: truncated")
    return at + 8, n_bytes


def _every_item(content: mmap, at: int) -> tuple[np.ndarray, np.ndarray]:
    starts, ends = [], []
    while content[at : at + 4] == _ITEM:
        first, n_bytes = _item(content, at)
        starts.append(at)
        at = first + n_bytes
        ends.append(at)
    if content[at : at + 4] != _END:
        raise ImageError("the packed pixels end before their time: truncated")
    return np.array(starts, np.int64), np.array(ends, np.int64)


def _end_of_items(content: mmap, at: int) -> int:
    return int(_every_item(content, at)[1][-1])


def _joined(stored: bytes) -> bytes:
    """The code stream of a frame that lies in one item or several."""
    pieces, at = [], 0
    while at + 8 <= len(stored):
        if stored[at : at + 4] != _ITEM:
            raise ImageError("a frame is damaged: no item where one should begin")
        n_bytes = struct.unpack("<I", stored[at + 4 : at + 8])[0]
        pieces.append(stored[at + 8 : at + 8 + n_bytes])
        at += 8 + n_bytes
    return b"".join(pieces)
