"""Compressed frames: what a code stream claims is compared with the file before it is unpacked.

All JPEG families come from one library, imagecodecs, which the extra ``slides`` brings; RLE and
uncompressed pixels need nothing.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from workbench.errors import ImageError

_JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = tuple(f"1.2.840.10008.1.2.4.20{n}" for n in (1, 2, 3))
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"

JPEG_FAMILIES = (*_JPEG, *_JPEG_LOSSLESS, *_JPEG_LS, *_JPEG_2000, *_HTJ2K)
UNPACKED_HERE = (*JPEG_FAMILIES, _DEFLATED_FRAMES)


@dataclass(frozen=True)
class FrameLayout:
    """What a file says of each of its frames."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str

    @property
    def n_bytes(self) -> int:
        """Of one frame without compression."""
        return (self.rows * self.columns * self.samples * self.bits_allocated + 7) // 8


def unpack(packed: bytes, syntax: str, layout: FrameLayout) -> np.ndarray:
    """One frame, (row, column[, sample]); colours are RGB.

    Parameters
    ----------
    packed
        One code stream.
    syntax
        UID of the transfer syntax, one of :data:`UNPACKED_HERE`.
    layout
        What it should hold.

    Raises
    ------
    ImageError
        If it is damaged, holds another size than the file says, or imagecodecs is not installed.
    """
    if syntax == _DEFLATED_FRAMES:
        return _inflated(packed, layout)
    try:
        import imagecodecs
    except ImportError:
        raise ImageError(
            "compressed pixels need imagecodecs: pip install 'precision-workbench[slides]'"
        ) from None
    rows, columns, samples = size_of(packed)
    if (rows, columns) != (layout.rows, layout.columns) or samples != layout.samples:
        raise ImageError(
            f"the code stream holds {rows} × {columns} × {samples}, the file says "
            f"{layout.rows} × {layout.columns} × {layout.samples}"
        )
    try:
        if syntax in _JPEG or syntax in _JPEG_LOSSLESS:
            space = _colour_space(packed, layout) if samples == 3 else None
            pixels = imagecodecs.jpeg8_decode(
                packed, colorspace=space, outcolorspace=None if space is None else "RGB"
            )
        elif syntax in _JPEG_LS:
            pixels = imagecodecs.jpegls_decode(packed)
        else:
            pixels = imagecodecs.jpeg2k_decode(packed)
    except (RuntimeError, ValueError, OSError, MemoryError):
        raise ImageError("compressed pixels cannot be read: truncated or damaged") from None
    if syntax in _JPEG_LS and samples == 3 and layout.photometric.startswith("YBR_FULL"):
        from pydicom.pixels.processing import convert_color_space

        pixels = convert_color_space(pixels, "YBR_FULL", "RGB")
    return _as_stored(np.asarray(pixels), layout)


def size_of(stream: bytes) -> tuple[int, int, int]:
    """Rows, columns and samples that a JPEG, JPEG-LS or JPEG 2000 code stream begins with.

    Raises
    ------
    ImageError
        If it has no such beginning.
    """
    start = stream.find(b"\xff\x4f\xff\x51", 0, 4096)  # JPEG 2000: start, then size.
    if start >= 0 and len(stream) >= start + 42:
        x1, y1, x0, y0 = struct.unpack(">4I", stream[start + 8 : start + 24])
        return y1 - y0, x1 - x0, struct.unpack(">H", stream[start + 40 : start + 42])[0]
    at = 2
    while stream[:2] == b"\xff\xd8" and at + 10 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF or marker in (0x01, *range(0xD0, 0xD9)):  # Padding; no length follows.
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = struct.unpack(">HH", stream[at + 5 : at + 9])
            return rows, columns, stream[at + 9]
        at += 2 + struct.unpack(">H", stream[at + 2 : at + 4])[0]
    raise ImageError("compressed pixels cannot be read: no size at their beginning")


def _colour_space(packed: bytes, layout: FrameLayout) -> str:
    """Adobe's mark decides; without one, what the file says, unless JFIF's mark stands there."""
    adobe = packed.find(b"\xff\xee\x00\x0eAdobe", 0, 4096)
    if adobe >= 0 and len(packed) > adobe + 15:
        return "RGB" if packed[adobe + 15] == 0 else "YCBCR"
    if packed[6:10] == b"JFIF":
        return "YCBCR"
    return "RGB" if layout.photometric == "RGB" else "YCBCR"


def _as_stored(pixels: np.ndarray, layout: FrameLayout) -> np.ndarray:
    """Integers of the type that the file declares; a sign is taken from the bits stored."""
    if pixels.dtype.kind not in "iu" or pixels.shape[:2] != (layout.rows, layout.columns):
        raise ImageError(f"unpacked to {pixels.dtype} {pixels.shape}: expected whole numbers")
    if layout.bits_allocated == 1:
        return (pixels != 0).astype(np.uint8)
    size = 8 if layout.bits_allocated <= 8 else 16 if layout.bits_allocated <= 16 else 32
    if not layout.signed:
        return pixels.astype(f"uint{size}", copy=False)
    if pixels.dtype.kind == "i":
        return pixels.astype(f"int{size}", copy=False)
    unused = size - min(layout.bits_stored, size)
    signed = pixels.astype(f"uint{size}").view(f"int{size}")
    return (signed << unused) >> unused


def _inflated(packed: bytes, layout: FrameLayout) -> np.ndarray:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(packed, layout.n_bytes + 2)
    except zlib.error:
        raise ImageError("compressed pixels cannot be read: truncated or damaged") from None
    if not layout.n_bytes <= len(plain) <= layout.n_bytes + 1:
        raise ImageError(f"a frame unpacks to another size than {layout.n_bytes} bytes")
    if layout.samples != 1 or layout.bits_allocated not in (1, 8, 16):
        raise ImageError("deflated frames are read of one sample of 1, 8 or 16 bits")
    if layout.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(plain, np.uint8), bitorder="little")
        return bits[: layout.rows * layout.columns].reshape(layout.rows, layout.columns)
    size = layout.bits_allocated // 8
    values = np.frombuffer(plain, f"<u{size}", layout.rows * layout.columns)
    return _as_stored(values.reshape(layout.rows, layout.columns), layout)
