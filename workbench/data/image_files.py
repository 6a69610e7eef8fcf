"""Image files: which belong to whom, and one file as an array."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError
from PIL import ImageFile as PillowFile
from tifffile import COMPRESSION, PHOTOMETRIC

from workbench.data.card import ImageModality
from workbench.data.image_owners import image_owners
from workbench.data.natural_order import natural_order
from workbench.errors import DataCardError, ImageError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

LARGEST_PIXELS = 64_000_000
_UNPACKED_BY_TIFFFILE = (
    COMPRESSION.NONE,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
)
_MODES = ("1", "L", "I;16", "F", "LA", "RGB", "RGBA")


@dataclass(frozen=True)
class ImageFile:
    """One image: its path and its mask's, relative to the data folder, and whose it is.

    ``patient_id`` is None where the path does not match the card's key. ``share`` is where in a
    DICOM series its plane lies, from 0 (the first) to 1 (the last).
    """

    path: str
    mask: str | None
    patient_id: str | None
    share: float = 0.5


def find_images(card: "DataCard", modality: ImageModality) -> list[ImageFile]:
    """The images that a card's pattern finds, in natural order (slice 9 before slice 10).

    A folder is one DICOM series, and as many images as the card takes of each patient. Images that
    the card's table of owners does not name are left out.

    Raises
    ------
    DataCardError
        If the table of owners cannot be read, or names an image twice.
    """
    folder, found = card.folder, []
    owners = None if modality.owners is None else image_owners(card, modality.owners)
    for path in folder.glob(modality.pattern):
        is_series = modality.window is not None and path.is_dir()
        if not (path.is_file() or is_series):
            continue
        if modality.exclude and fnmatch(path.name, modality.exclude):
            continue
        relative = path.relative_to(folder)
        mask = None
        if modality.mask is not None:
            mask = modality.mask.replace("{folder}", relative.parent.as_posix())
            mask = PurePosixPath(mask.replace("{stem}", relative.stem)).as_posix()
        name = relative.as_posix()
        patient_id, n = modality.key.patient_id(name), modality.images_per_patient
        if owners is not None and patient_id is not None:
            if patient_id not in owners:
                continue
            patient_id = owners[patient_id]
        shares = [(plane + 0.5) / n for plane in range(n)] if is_series else [0.5]
        found += [ImageFile(name, mask, patient_id, share) for share in shares]
    return sorted(found, key=lambda image: (natural_order(image.path), image.share))


def files_of(folder: Path, image: ImageFile) -> list[str]:
    """Paths of every file that an image is read from, relative to the data folder."""
    path = folder / image.path
    if not path.is_dir():
        return [image.path]
    inside = sorted(p.relative_to(folder).as_posix() for p in path.rglob("*") if p.is_file())
    return sorted(inside, key=natural_order)


def read_listed(folder: Path, image: ImageFile, modality: ImageModality) -> np.ndarray:
    """An image that :func:`find_images` found, (channel, height, width) float32 in [0, 1].

    Raises
    ------
    DataCardError
        As :func:`read_image`, or if a DICOM series is incomplete or not one.
    """
    from workbench.data.imaging.windowed import windowed_plane

    if modality.window is None:
        return read_image(folder / image.path, len(modality.channels))
    try:
        pixels = windowed_plane(folder / image.path, image.share, modality.window)
    except ImageError as error:
        raise DataCardError(str(error)) from None
    if len(pixels) != len(modality.channels):
        raise DataCardError(f"{len(pixels)} channels, expected {len(modality.channels)}")
    return pixels


def by_patient(images: Iterable[ImageFile]) -> dict[str, list[ImageFile]]:
    """Images of each patient, in the order given; images of nobody are left out."""
    owned: dict[str, list[ImageFile]] = {}
    for image in images:
        if image.patient_id is not None:
            owned.setdefault(image.patient_id, []).append(image)
    return owned


def read_image(path: Path, n_channels: int) -> np.ndarray:
    """One image, (channel, height, width) float32 in [0, 1].

    Integer images are divided by the largest value of their type.

    Raises
    ------
    DataCardError
        If the file cannot be read whole, has another number of channels, holds more than one
        page or more than 64 million pixels, or holds numbers outside [0, 1].
    """
    pixels = _read_pixels(path)
    if pixels.shape[2] != n_channels:
        raise DataCardError(f"{pixels.shape[2]} channels, expected {n_channels}")
    if pixels.dtype == bool:
        return np.moveaxis(pixels, 2, 0).astype(np.float32)
    if np.issubdtype(pixels.dtype, np.integer):
        scaled = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    else:
        scaled = pixels.astype(np.float32)
    if not (np.isfinite(scaled).all() and scaled.min() >= 0 and scaled.max() <= 1):
        raise DataCardError("numbers outside 0 to 1: save as 8- or 16-bit integers, or rescale")
    return np.moveaxis(scaled, 2, 0)


def read_listed_mask(
    folder: Path, image: ImageFile, modality: ImageModality, shape: tuple[int, int]
) -> np.ndarray:
    """The mask of an image that :func:`find_images` found, (height, width) bool.

    Raises
    ------
    DataCardError
        As :func:`read_mask`, or if a DICOM segmentation lies elsewhere than its series.
    """
    from workbench.data.imaging.windowed import plane_of_mask

    mask = folder / (image.mask or "")
    if modality.window is None:
        return read_mask(mask, shape)
    if not mask.is_file():
        raise DataCardError("no such file")
    try:
        return plane_of_mask(folder / image.path, mask, image.share)
    except ImageError as error:
        raise DataCardError(str(error)) from None


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """One mask, (height, width) bool: True where it is not zero.

    Raises
    ------
    DataCardError
        If the file is missing or cannot be read, or does not have ``shape``.
    """
    if not path.is_file():
        raise DataCardError("no such file")
    pixels = _read_pixels(path)
    if pixels.shape[:2] != shape:
        raise DataCardError(
            f"{pixels.shape[0]} × {pixels.shape[1]} pixels, but its image has "
            f"{shape[0]} × {shape[1]}"
        )
    return (pixels != 0).any(axis=2)


def fit_square(plane: np.ndarray, size: int, *, nearest: bool = False) -> np.ndarray:
    """A plane centred on a black square and resized to (``size``, ``size``).

    Values are averaged over area; with ``nearest``, as masks need, they are picked.
    """
    height, width = plane.shape
    side = max(height, width)
    square = np.zeros((side, side), dtype=np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = plane
    method = Image.Resampling.NEAREST if nearest else Image.Resampling.BOX
    return np.asarray(Image.fromarray(square).resize((size, size), method), dtype=np.float32)


def _read_pixels(path: Path) -> np.ndarray:
    """(height, width, channel), as stored."""
    pixels = _read_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else None
    if pixels is None:
        pixels = _read_other(path)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _read_tiff(path: Path) -> np.ndarray | None:
    """TIFF with all its bits; None where only Pillow knows the compression."""
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            _check_size(page.imagewidth * page.imagelength, len(file.pages))
            colours = PHOTOMETRIC(page.photometric)
            if colours not in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR):
                raise DataCardError(f"a {colours.name} image: save it as grey or RGB")
            if page.compression not in _UNPACKED_BY_TIFFFILE:
                return None
            pixels = page.asarray()
    except DataCardError:
        raise
    except (tifffile.TiffFileError, OSError, IndexError, ValueError, zlib.error):
        raise DataCardError("cannot be read whole: truncated or damaged") from None
    if pixels.ndim not in (2, 3):
        raise DataCardError(f"{pixels.ndim} dimensions, expected one 2D image")
    return np.moveaxis(pixels, 0, 2) if page.axes == "SYX" else pixels


def _read_other(path: Path) -> np.ndarray:
    try:
        with open_whole(path) as image:
            _check_size(image.width * image.height, getattr(image, "n_frames", 1))
            if image.mode not in _MODES:
                raise DataCardError(f"a {image.mode} image: save it as grey or RGB")
            return np.asarray(image)
    except DataCardError:
        raise
    except UnidentifiedImageError:
        raise DataCardError("cannot be read: damaged, or not PNG, JPEG or TIFF") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error):
        raise DataCardError("cannot be read whole: truncated or damaged") from None


def open_whole(path: Path) -> Image.Image:
    """A picture that Pillow knows, whose pixels are read whole or not at all.

    Other libraries (WeasyPrint among them) tell Pillow, for the whole process, to fill what is
    missing of a cut file with grey. Here that would be data nobody measured.
    """
    PillowFile.LOAD_TRUNCATED_IMAGES = False
    return Image.open(path)


def _check_size(n_pixels: int, n_pages: int) -> None:
    if n_pages != 1:
        raise DataCardError(f"{n_pages} pages, expected one 2D image: split it into files")
    if n_pixels > LARGEST_PIXELS:
        raise _too_large()


def _too_large() -> DataCardError:
    return DataCardError(f"more than {LARGEST_PIXELS:,} pixels: refused; downscale it first")
