"""One DICOM file opened: told by its content, bounded, and every fault of it said in one way."""

import gzip
import struct
import warnings
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST_UNPACKED = 1 << 29
"""Bytes that a file which is packed as a whole may grow to."""

_PIECE = 1 << 16
_DEFLATED = b"1.2.840.10008.1.2.1.99"
# Warnings are caught for all threads at once, so only one may catch them.
_ONE_AT_A_TIME = RLock()
# What a parser of a damaged file runs into; pydicom does not promise one class for it.
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class DicomFile:
    """One file: where it lies, and what its data elements say.

    ``n_faults`` counts places at which it breaks the standard without being unreadable.
    """

    path: Path
    dataset: "Dataset"
    n_faults: int = 0

    def text(self, keyword: str) -> str:
        """A data element as text without blanks around it; empty where it is missing."""
        return text_of(self.dataset, keyword)

    @property
    def transfer_syntax(self) -> str:
        """UID of how data elements and pixels are written."""
        meta = getattr(self.dataset, "file_meta", None)
        named = str(getattr(meta, "TransferSyntaxUID", None) or "")
        implicit, little = self.dataset.original_encoding
        if named or implicit is None:
            return named
        native = {(True, True): "", (False, True): ".1", (False, False): ".2"}
        return "1.2.840.10008.1.2" + native.get((implicit, bool(little)), "")


@contextmanager
def faults_of_dicom(what: str) -> Generator[list[Any]]:
    """Whatever a damaged file makes the parser raise as one error; its warnings are counted.

    Raises
    ------
    ImageError
        With ``what`` and the class of what was raised: messages of the parser hold values.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield caught
    except ImageError:
        raise
    except (*_DAMAGED, BytesLengthException, InvalidDicomError) as error:
        raise ImageError(f"{what} ({type(error).__name__})") from None


def is_dicom(path: Path) -> bool:
    """Whether the content of a file is DICOM, with or without the preamble, also gzipped."""
    try:
        return _looks_like_dicom(_head(path))
    except (OSError, EOFError, zlib.error):
        return False


def open_dicom(path: str | Path, *, pixels: bool = True) -> DicomFile:
    """The data elements of one file.

    Parameters
    ----------
    path
        A file, which may be gzipped as a whole.
    pixels
        Whether pixel data are kept; its other elements are read either way.

    Raises
    ------
    ImageError
        If there is no such file, it is not DICOM, is damaged, or would unpack to more than half
        a gigabyte.
    """
    from pydicom import dcmread

    path = Path(path)
    try:
        head = _head(path)
        if not _looks_like_dicom(head):
            raise ImageError("not DICOM: neither the mark DICM nor a first data element")
        content = _content(path, head)
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("cannot be read: empty, damaged, or no permission") from None
    with faults_of_dicom("cannot be read as DICOM: truncated or damaged") as faults:
        dataset = dcmread(content, stop_before_pixels=not pixels, force=head[128:132] != b"DICM")
        if "DirectoryRecordSequence" in dataset:
            raise ImageError("a DICOMDIR, which only lists files: give the folder it lies in")
        if "SOPClassUID" not in dataset and "Modality" not in dataset and "Rows" not in dataset:
            raise ImageError("not an object of DICOM: neither its class nor its modality is there")
    return DicomFile(path, dataset, len(faults))


def text_of(dataset: "Dataset", keyword: str) -> str:
    """A data element as text without blanks around it; empty where it is missing."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(1024)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path) as file:
            return file.read(1024)
    return head


def _looks_like_dicom(head: bytes) -> bool:
    if head[128:132] == b"DICM":
        return True
    if len(head) < 132:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", head[:4])
        # Files without a preamble begin with group length, character set, class or image type.
        if (group, element) == (2, 0) or (group == 8 and element in (0, 1, 5, 8, 0x12, 0x16, 0x18)):
            return True
    return False


def _content(path: Path, head: bytes) -> Any:
    """The whole file without reading it yet; unpacked where all of it is packed."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        content = mmap(file.fileno(), 0, access=ACCESS_READ)
    if packed:
        return BytesIO(_bounded(zlib.decompressobj(31), content))
    if head[128:132] == b"DICM" and _DEFLATED in head:
        return BytesIO(_inflated(content))
    return content


def _inflated(content: mmap) -> bytes:
    """A deflated data set (PS3.5 A.5) written plainly, so that its size is known to be bounded."""
    from pydicom.uid import ExplicitVRLittleEndian

    # Group length (0002,0000) stands first and says where the data set begins.
    start = 144 + struct.unpack("<I", content[140:144])[0]
    syntax = b"\x02\0\x10\0UI" + struct.pack("<H", len(_DEFLATED)) + _DEFLATED
    meta = content[:start]
    if syntax not in meta:
        return content[:]
    native = ExplicitVRLittleEndian.encode().ljust(len(_DEFLATED), b"\0")
    plain = _bounded(zlib.decompressobj(-zlib.MAX_WBITS), content[start:])
    return meta.replace(syntax, syntax[: -len(_DEFLATED)] + native) + plain


def _bounded(unpacker: Any, packed: bytes | mmap) -> bytes:
    """Unpacked piece by piece, so that a small file cannot ask for much memory at once."""
    pieces, size = [], 0
    for start in range(0, len(packed), _PIECE):
        pieces.append(unpacker.decompress(packed[start : start + _PIECE]))
        size += len(pieces[-1])
        if size > LARGEST_UNPACKED:
            raise ImageError(f"unpacks to more than {LARGEST_UNPACKED >> 20} MiB: refused")
    if not unpacker.eof:
        raise ImageError("cannot be read whole: truncated")
    return b"".join(pieces)
