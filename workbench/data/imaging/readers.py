"""One image from whatever holds it: what a file is, its content says, never its name."""

import gzip
import zlib
from pathlib import Path

from workbench.data.imaging.dicom.files import is_dicom
from workbench.data.imaging.dicom.read_series import read_series
from workbench.data.imaging.dicom.series import Series, find_series
from workbench.data.imaging.nifti import read_volume
from workbench.data.imaging.pictures import read_picture
from workbench.data.imaging.tiff import read_tiff
from workbench.data.imaging.volume import Volume
from workbench.data.natural_order import natural_order
from workbench.errors import ImageError

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8")
MOST_FILES = 100_000
LISTED = 12


def read_image(path: str | Path, *, series: int | None = None) -> Volume:
    """One image, as one record: values, spacing, affine, modality, channels, how it was taken.

    Parameters
    ----------
    path
        A file (DICOM, NIfTI and what else nibabel reads, TIFF and OME-TIFF, PNG, JPEG), or a folder
        of DICOM files, whose order and names do not matter. Sub-folders are read too.
    series
        Which image of a folder or file that holds several, from 1; the error that asks for it lists
        them.

    Returns
    -------
    Volume
        With the patient's axes where the file says them; :func:`as_stored` turns it back to the
        axes of the file.

    Raises
    ------
    ImageError
        If there is no image, there are several, it is damaged, incomplete or too large. The message
        says which, and nothing of the patient.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.fromarray(np.eye(4, dtype=np.uint8)).save(f"{folder}/a.png")
    ...     read_image(f"{folder}/a.png").shape
    (4, 4, 1)
    """
    place = Path(path)
    if place.is_dir():
        return _chosen(_files(place), series)
    if is_dicom(place):
        return _chosen([place], series)
    if series is not None:
        raise ImageError("series: only DICOM holds several images; leave it out")
    try:
        head = _head(place)
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (OSError, EOFError, zlib.error):
        raise ImageError("cannot be read: empty, damaged, or no permission") from None
    if not head:
        raise ImageError("the file is empty")
    if head[:4] in _TIFF:
        return read_tiff(place)
    if head.startswith(_PICTURES):
        return read_picture(place)
    return read_volume(place)


def _chosen(files: list[Path], number: int | None) -> Volume:
    found, refused = find_series(files)
    if not found:
        reasons = sorted(set(refused.values()))
        if reasons:
            raise ImageError("; ".join(reasons[:3]))
        raise ImageError("no DICOM file lies here: give the file itself, if it is of another kind")
    if number is None and len(found) > 1:
        listed = [f"{s.number}: {s.title}" for s in found[:LISTED]]
        more = [f"… and {len(found) - LISTED} more"] if len(found) > LISTED else []
        raise ImageError(
            f"{len(found)} images, choose one with series=…:\n  " + "\n  ".join([*listed, *more])
        )
    if number is not None and not 1 <= number <= len(found):
        raise ImageError(f"series {number}: give one from 1 to {len(found)}")
    wanted: Series = found[0 if number is None else number - 1]
    return read_series(wanted)


def _files(folder: Path) -> list[Path]:
    files = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            files.append(path)
        if len(files) > MOST_FILES:
            raise ImageError(f"more than {MOST_FILES:,} files: give the folder of one patient")
    return sorted(files, key=lambda path: natural_order(path.relative_to(folder).as_posix()))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(16)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path) as file:
            return file.read(16)
    return head
