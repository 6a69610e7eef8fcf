"""PNG, JPEG and the like as images, with all their bits."""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from workbench.data.image_files import LARGEST_PIXELS, open_whole
from workbench.data.imaging.volume import COLOURS, Volume, picture
from workbench.errors import ImageError

_SIXTEEN_BIT_COLOUR = {2, 6}
_MODES = ("1", "L", "I;16", "I;16B", "I", "F", "LA", "RGB", "RGBA", "P", "PA")


def read_picture(path: Path) -> Volume:
    """One picture, (row, column, 1[, RGB]); grey of 16 bits keeps them, transparency is left out.

    Raises
    ------
    ImageError
        If it is damaged or truncated, has more than one frame or 64 million pixels, or colours that
        are neither grey nor RGB.
    """
    try:
        with path.open("rb") as file:
            head = file.read(32)
        if head[:4] == b"\x89PNG" and head[24] == 16 and head[25] in _SIXTEEN_BIT_COLOUR:
            pixels, notes = _deep_colours(path, head), ()
        else:
            pixels, notes = _by_pillow(path)
    except UnidentifiedImageError:
        raise ImageError("cannot be read: damaged, or no PNG, JPEG, BMP or GIF") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except ImageError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError, zlib.error):
        raise ImageError("cannot be read whole: truncated or damaged") from None
    if pixels.ndim == 2:
        return replace(picture(pixels), notes=notes)
    names = COLOURS if pixels.dtype == np.uint8 else tuple(f"{n} (16 bit)" for n in COLOURS)
    return replace(picture(pixels[:, :, None], channels=names), notes=notes)


def _by_pillow(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    with open_whole(path) as image:
        if image.width * image.height > LARGEST_PIXELS:
            raise _too_large()
        n_frames = getattr(image, "n_frames", 1)
        if n_frames != 1:
            raise ImageError(f"{n_frames} frames, expected one picture: split it into files")
        if image.mode not in _MODES:
            raise ImageError(f"a {image.mode} image: save it as grey or RGB")
        transparent = image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info
        if image.mode in ("P", "PA"):
            image = image.convert("RGB")
        pixels = np.asarray(image)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if pixels.shape[2] == 2 else pixels[..., :3]
    return pixels, ("how transparent pixels are was left out",) if transparent else ()


def _deep_colours(path: Path, head: bytes) -> np.ndarray:
    """Colours of 16 bits, of which Pillow would keep 8."""
    width, height = (int.from_bytes(head[i : i + 4], "big") for i in (16, 20))
    if width * height > LARGEST_PIXELS:
        raise _too_large()
    try:
        import imagecodecs
    except ImportError:
        raise ImageError(
            "colours of 16 bits need imagecodecs: pip install 'precision-workbench[slides]'"
        ) from None
    try:
        return imagecodecs.png_decode(path.read_bytes())[..., :3]
    except RuntimeError:
        raise ImageError("cannot be read whole: truncated or damaged") from None


def _too_large() -> ImageError:
    return ImageError(f"more than {LARGEST_PIXELS:,} pixels: refused; downscale it first")
