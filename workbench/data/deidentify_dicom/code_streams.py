"""Comments, EXIF and other text in compressed pixels, blanked where they stand.

They are filled with zeros instead of cut out, so that no offset in the file moves and every pixel
decodes as before. Of JPEG and JPEG-LS stay what decoders need (APP0 of JFIF, APP8 of SPIFF, APP14
of Adobe [1]), of JPEG 2000 all but its comments [2].

References
----------
[1] ITU-T T.81, Annex B; T.86.
[2] ITU-T T.800, Annex A.
"""

import re
import struct
from collections.abc import Generator, Iterator

from workbench.data.imaging.dicom.codecs import JPEG_FAMILIES
from workbench.errors import ImageError

_ENCAPSULATED = "1.2.840.10008.1.2.4."
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"

_JPEG, _JPEG_2000 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
_START, _STOP, _SCAN = 0xD8, 0xD9, 0xDA
_ALONE = (0x01, *range(0xD0, 0xD8))
_NEEDED = (*range(0xC0, 0xD0), *range(0xDA, 0xE0), 0xE8, 0xF7, 0xF8)
# Application segments by how they begin, and how many bytes of them say how to decode.
_NEEDED_BEGINNINGS = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}
# In JPEG-LS a byte below 128 may follow 255 among the pixels.
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_TILE, _TILE_PIXELS, _COMMENT = 0x90, 0x93, 0x64

Part = tuple[int, int, bool]
"""What stands beside the pixels: first byte, byte after the last, whether it is needed."""


def without_comments(pixels: bytes, syntax: str) -> tuple[bytes, bytes]:
    """Pixels with blank comments, and what else code streams say beside the pixels.

    Parameters
    ----------
    pixels
        Value of the element, as the file has it.
    syntax
        UID of the transfer syntax. Of films and JPEG XL nothing is blanked, and all is returned to
        be searched; uncompressed pixels and run lengths have no room for text.

    Raises
    ------
    ImageError
        If streams are damaged, or something stands before them.
    """
    if not syntax.startswith(_ENCAPSULATED):
        return pixels, b""
    places = _fragments(pixels)
    stream = bytearray().join(pixels[start:end] for start, end in places)
    beginning = next((b for b in (_JPEG, _JPEG_2000) if stream.startswith(b)), None)
    if beginning is None and syntax in JPEG_FAMILIES:
        raise _unknown()
    if beginning is None:
        return pixels, bytes(stream)
    needed = []
    for start, end, keep in list(_streams(stream, beginning)):
        if keep:
            needed.append(bytes(stream[start:end]))
        else:
            stream[start:end] = bytes(end - start)
    made, at = bytearray(pixels), 0
    for start, end in places:
        made[start:end] = stream[at : at + end - start]
        at += end - start
    return bytes(made), b"\n".join(needed)


def _fragments(pixels: bytes) -> list[tuple[int, int]]:
    """First byte of each fragment and the byte after its last; without the table of offsets."""
    found, at = [], 0
    while at + 8 <= len(pixels) and pixels[at : at + 4] != _END:
        (size,) = struct.unpack("<I", pixels[at + 4 : at + 8])
        if pixels[at : at + 4] != _ITEM or at + 8 + size > len(pixels):
            raise _unknown()
        found.append((at + 8, at + 8 + size))
        at += 8 + size
    return found[1:]


def _streams(stream: bytearray, beginning: bytes) -> Iterator[Part]:
    """One code stream after another; nothing between them is needed."""
    parts_of = _of_jpeg if beginning == _JPEG else _of_jpeg_2000
    at = 0
    while (start := stream.find(beginning, at)) >= 0:
        yield at, start, False
        at = yield from parts_of(stream, start + 2)
    yield at, len(stream), False


def _of_jpeg(stream: bytearray, at: int) -> Generator[Part, None, int]:
    """Segments after the start of a picture; where it ends."""
    while at + 2 <= len(stream):
        marker = _marker(stream, at)
        if marker == _STOP:
            return at + 2
        if marker == _START:  # The picture before had no end.
            return at
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        start, at = at + 4, _end_of_segment(stream, at)
        begins, needed = _NEEDED_BEGINNINGS.get(marker, (b"", at - start))
        keep = marker in _NEEDED or (
            marker in _NEEDED_BEGINNINGS and stream.startswith(begins, start)
        )
        middle = min(start + needed, at) if keep else start
        yield start, middle, True
        yield middle, at, False
        if marker == _SCAN:
            found = _MARKER.search(stream, at)
            at = found.start() if found else len(stream)
    return len(stream)


def _of_jpeg_2000(stream: bytearray, at: int) -> Generator[Part, None, int]:
    """Segments of the head and of each tile; where the picture ends."""
    after_tile = 0
    while at + 2 <= len(stream):
        marker = _marker(stream, at)
        if marker == _STOP:
            return at + 2
        if marker == _TILE_PIXELS:
            # A last tile need not say how long it is; no marker stands among its pixels.
            pixels, at = at, after_tile or stream.find(b"\xff\xd9", at)
            if not pixels < at <= len(stream):
                raise _unknown()
            continue
        end = _end_of_segment(stream, at)
        if marker == _TILE:
            size = int.from_bytes(stream[at + 6 : at + 10])
            after_tile = at + size if size else 0
        yield at + 4, end, marker != _COMMENT
        at = end
    return len(stream)


def _marker(stream: bytearray, at: int) -> int:
    if stream[at] != 0xFF:
        raise _unknown()
    return stream[at + 1]


def _end_of_segment(stream: bytearray, at: int) -> int:
    size = int.from_bytes(stream[at + 2 : at + 4])
    if size < 2 or at + 2 + size > len(stream):
        raise _unknown()
    return at + 2 + size


def _unknown() -> ImageError:
    return ImageError(
        "compressed pixels are damaged, or wrapped in another format such as JP2: comments in them "
        "cannot be found"
    )
