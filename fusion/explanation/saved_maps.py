"""Maps as files: NIfTI with its affine, and pictures; each says whether its checks failed."""

import gzip
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, PngImagePlugin

from fusion.explanation.checks import Check, verdict

RAISES = np.array([213.0, 94.0, 0.0])
LOWERS = np.array([0.0, 114.0, 178.0])
"""Vermilion and blue of Okabe and Ito, told apart by everybody."""
MOST_OPAQUE = 0.75
LEAST_SIDE = 256


def save_nifti(
    path: Path,
    values: Float[np.ndarray, "i j k"],
    affine: Float[np.ndarray, "4 4"],
    *,
    method: str,
    checks: Sequence[Check],
) -> None:
    """A map as ``.nii`` or ``.nii.gz``; method and verdict stand in its description.

    Parameters
    ----------
    affine
        From voxel to mm, to the right, front and head, as the original image has it.

    Raises
    ------
    ValueError
        If the name ends otherwise.
    FileExistsError
        If there is a file of that name: nothing is overwritten.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        raise ValueError(f"expected a name that ends in .nii or .nii.gz, got {path.name!r}")
    image = nibabel.Nifti1Image(values.astype(np.float32), affine)
    image.header["descrip"] = f"{verdict(checks)}; {method}".encode()[:79]
    content = image.to_bytes()
    _save_new(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def save_overlay(
    path: Path,
    image: Float[np.ndarray, "row column"],
    values: Float[np.ndarray, "map_row map_column"],
    *,
    limit: float,
    method: str,
    checks: Sequence[Check],
) -> None:
    """A map over its picture as PNG: vermilion raises the score, blue lowers it.

    A map that failed a check is framed, and says so in the picture.

    Parameters
    ----------
    image
        Shown in grey, from its least to its greatest value.
    values
        On the same pixels.
    limit
        Size at which the colour is full.

    Raises
    ------
    ValueError
        If sizes differ, or the limit is not positive.
    FileExistsError
        If there is a file of that name: nothing is overwritten.
    """
    if image.shape != values.shape:
        raise ValueError(f"the map is {values.shape} and its image {image.shape}: resample it")
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    low, high = float(image.min()), float(image.max())
    grey = 255 * (image - low) / (high - low if high > low else 1.0)
    opaque = MOST_OPAQUE * (np.abs(values) / limit).clip(0, 1)[..., None]
    colour = np.where(values[..., None] > 0, RAISES, LOWERS)
    pixels = np.rint((1 - opaque) * grey[..., None] + opaque * colour).astype(np.uint8)
    shown = Image.fromarray(pixels)
    larger = -(-LEAST_SIDE // min(shown.size)) if min(shown.size) < LEAST_SIDE else 1
    shown = shown.resize((shown.width * larger, shown.height * larger), Image.Resampling.NEAREST)
    said = verdict(checks)
    if said != "all checks passed":
        draw = ImageDraw.Draw(shown)
        draw.rectangle((0, 0, shown.width - 1, shown.height - 1), outline=(255, 0, 0), width=4)
        draw.rectangle((4, 4, shown.width - 5, 20), fill=(0, 0, 0))
        draw.text((8, 6), said, fill=(255, 255, 255))
    about = PngImagePlugin.PngInfo()
    about.add_text("Description", f"{said}; {method}; full colour at {limit:.4g}")
    content = io.BytesIO()
    shown.save(content, format="PNG", pnginfo=about)
    _save_new(path, content.getvalue())


def _save_new(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a move, does not take the place of what is there.
        os.link(part, path)
    finally:
        os.unlink(part)
