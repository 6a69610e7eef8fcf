"""Every image of a patient with its outline, as bytes: what segmentation learns from."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from workbench.data.card import ImageModality
from workbench.data.image_files import (
    ImageFile,
    by_patient,
    find_images,
    fit_square,
    read_listed,
    read_listed_mask,
)
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard


@dataclass(frozen=True)
class OutlinedSlices:
    """Slices of one modality, at one size and as they were.

    Parameters
    ----------
    pixels
        (slice, channel, size, size) uint8. A patient's slices stand in the order of their names.
    inside
        (slice, size, size) uint8: share of each place that lies inside the outline, 0 to 255.
    patient
        (slice,) str.
    drawn
        Masks at their own size, (height, width) bool, one a slice.
    unreadable
        Slices that were left out since the image or its mask cannot be read.
    """

    pixels: np.ndarray
    inside: np.ndarray
    patient: np.ndarray
    drawn: tuple[np.ndarray, ...]
    unreadable: int


def read_outlined(
    card: "DataCard",
    name: str,
    size: int,
    *,
    on_read: Callable[[int, int], None] | None = None,
) -> OutlinedSlices:
    """Decode every image of a modality that has a mask, all slices of a patient.

    Parameters
    ----------
    card
        The dataset.
    name
        A modality of images whose card names masks.
    size
        Pixels along each side of what is learned from; the card's ``size`` and
        ``images_per_patient`` are for other models.
    on_read
        Called with the images read and their number.

    Raises
    ------
    DataCardError
        If the modality has no masks, or none of its images can be read.
    """
    spec = card.spec.modalities.get(name)
    if not isinstance(spec, ImageModality) or spec.mask is None:
        raise DataCardError(
            f"{card.name}: {name} has no outlines to learn from: name a modality of images whose "
            "card has `mask`"
        )
    owned = by_patient(find_images(card, spec))
    files = [image for patient in sorted(owned) for image in owned[patient]]

    def one(image: ImageFile) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        try:
            pixels = read_listed(card.folder, image, spec)
            _, height, width = pixels.shape
            mask = read_listed_mask(card.folder, image, spec, (height, width))
        except DataCardError:
            return None
        planes = np.stack([fit_square(plane, size) for plane in pixels])
        inside = fit_square(mask, size)
        return _as_bytes(planes), _as_bytes(inside), mask

    read = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for found in pool.map(one, files):
            read.append(found)
            if on_read is not None and (len(read) % 200 == 0 or len(read) == len(files)):
                on_read(len(read), len(files))
    whole = [(file, found) for file, found in zip(files, read, strict=True) if found is not None]
    if not whole:
        raise DataCardError(
            f"{card.name}: none of {len(files)} images of {name} can be read with its mask: "
            f"run `workbench data check {card.name}`"
        )
    return OutlinedSlices(
        pixels=np.stack([found[0] for _, found in whole]),
        inside=np.stack([found[1] for _, found in whole]),
        patient=np.array([file.patient_id for file, _ in whole], dtype=str),
        drawn=tuple(found[2] for _, found in whole),
        unreadable=len(files) - len(whole),
    )


def _as_bytes(shares: np.ndarray) -> np.ndarray:
    return np.rint(255 * shares).astype(np.uint8)


def at_own_size(chance: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A mask at its image's own size from chances at the common one: ``fit_square`` undone.

    Chances are interpolated before they are cut at a half: to enlarge a mask would leave steps.

    Parameters
    ----------
    chance
        (size, size) in [0, 1]; a mask will do.
    shape
        (height, width) of the image.
    """
    side = max(shape)
    square = Image.fromarray(chance.astype(np.float32)).resize(
        (side, side), Image.Resampling.BILINEAR
    )
    top, left = (side - shape[0]) // 2, (side - shape[1]) // 2
    return np.asarray(square)[top : top + shape[0], left : left + shape[1]] > 0.5
