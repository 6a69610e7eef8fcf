"""Image files: found by pattern, decoded once, resized and kept in the cache folder."""

import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.card import ImageModality
from workbench.data.fingerprint import sha256_of, write_atomically
from workbench.data.image_files import (
    ImageFile,
    by_patient,
    files_of,
    find_images,
    fit_square,
    read_listed,
    read_listed_mask,
)
from workbench.data.paths import cache_folder
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from fusion.dataset import Modality
    from workbench.data.open_card import DataCard

_LAYOUT = "images 1"


@dataclass(frozen=True)
class _Prepared:
    """Images of every patient who has enough readable ones.

    ``values`` is (patient, slice, channel, size, size) float32, ``masks`` (patient, slice, size,
    size) bool, ``masked`` (patient,) bool: every mask was there and readable.
    """

    patient_id: np.ndarray
    values: np.ndarray
    masks: np.ndarray
    masked: np.ndarray


def read_images(
    card: "DataCard", name: str, spec: ImageModality, patient_ids: np.ndarray
) -> "Modality":
    """Images of the patients, in their order, resized by area to the card's size.

    An image that is not square is centred on a black square first. Masks are resized to the
    nearest pixel. Where a patient has fewer images than the card takes, images that are 0
    throughout fill up the row.

    Parameters
    ----------
    card
        The dataset.
    name, spec
        The modality, and what the card says of it.
    patient_ids
        (patient,) str.

    Raises
    ------
    DataCardError
        If the card names masks and some of these patients lack one: an empty mask would say
        that nothing is there.
    """
    from fusion.dataset import Modality

    prepared = _of_files(card.folder, spec, by_patient(find_images(card, spec)))
    row = {patient_id: i for i, patient_id in enumerate(prepared.patient_id)}
    present = np.array([patient_id in row for patient_id in patient_ids], dtype=bool)
    rows = np.array([row[p] for p in patient_ids if p in row], dtype=int)
    if spec.mask is not None and not prepared.masked[rows].all():
        raise DataCardError(
            f"modalities.{name}: {int((~prepared.masked[rows]).sum())} of {len(rows)} patients "
            "lack a readable mask: add the masks, or remove `mask` from the card"
        )
    values = np.zeros((len(patient_ids), *prepared.values.shape[1:]), dtype=np.float32)
    values[present] = prepared.values[rows]
    masks = None
    if spec.mask is not None:
        masks = np.zeros((len(patient_ids), *prepared.masks.shape[1:]), dtype=bool)
        masks[present] = prepared.masks[rows]
    return Modality(name, "image", values, present, spec.channels, masks=masks)


def image_patients(card: "DataCard", spec: ImageModality) -> tuple[set[str], set[str]]:
    """Patients with as many image files as the card asks for: who of them can be read, and who not.

    Returns
    -------
    set of str, set of str
        As many images can be read as the card asks for; too few can.
    """
    owned = by_patient(find_images(card, spec))
    readable = set(_of_files(card.folder, spec, owned).patient_id.tolist())
    enough = {p for p, images in owned.items() if len(images) >= spec.enough_images}
    return readable, enough - readable


def _of_files(folder: Path, spec: ImageModality, owned: dict[str, list[ImageFile]]) -> _Prepared:
    """Every image of these patients, decoded now or read from the cache folder."""
    files = [image for images in owned.values() for image in images]
    masks = [image.mask for image in files if image.mask and (folder / image.mask).is_file()]
    read = dict.fromkeys(path for image in files for path in files_of(folder, image))
    paths = [*read, *masks]
    hashes = sha256_of([folder / path for path in paths])
    owner = [(image.patient_id, image.path) for image in files]
    content = repr((_LAYOUT, spec.model_dump_json(), owner, list(zip(paths, hashes, strict=True))))
    key = hashlib.sha256(content.encode()).hexdigest()
    kept = cache_folder() / "images" / f"{key}.npz"
    if not kept.is_file():
        _write(kept, _decode(folder, spec, owned))
    return _load(kept)


@lru_cache(maxsize=4)
def _load(path: Path) -> _Prepared:
    with np.load(path, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    for array in arrays.values():
        array.flags.writeable = False
    return _Prepared(**arrays)


def _write(path: Path, prepared: _Prepared) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **vars(prepared))
    write_atomically(path, buffer.getvalue())


def _decode(folder: Path, spec: ImageModality, owned: dict[str, list[ImageFile]]) -> _Prepared:
    n_images = spec.images_per_patient

    def one(images: list[ImageFile]) -> tuple[np.ndarray, np.ndarray, bool] | None:
        slices, masks, masked = [], [], True
        for image in images:
            try:
                pixels = read_listed(folder, image, spec)
            except DataCardError:
                continue  # The check of the card names such files; here the patient lacks them.
            mask = _mask(folder, image, spec, pixels.shape[1:])
            masked &= mask is not None
            slices.append(np.stack([fit_square(plane, spec.size) for plane in pixels]))
            empty = np.zeros((spec.size, spec.size), dtype=bool)
            masks.append(empty if mask is None else fit_square(mask, spec.size, nearest=True) > 0)
            if len(slices) == n_images:
                break
        if len(slices) < spec.enough_images:
            return None
        blank = ((0, n_images - len(slices)), (0, 0), (0, 0))
        pixels = np.pad(np.stack(slices), (*blank[:1], (0, 0), *blank[1:]))
        return pixels, np.pad(np.stack(masks), blank), masked

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        decoded = dict(zip(owned, pool.map(one, owned.values()), strict=True))
    whole = {p: images for p, images in decoded.items() if images is not None}
    order = sorted(whole)
    shape = (0, n_images, len(spec.channels), spec.size, spec.size)
    return _Prepared(
        np.array(order, dtype=str),
        np.stack([whole[p][0] for p in order]) if order else np.zeros(shape, np.float32),
        np.stack([whole[p][1] for p in order])
        if order
        else np.zeros((0, *shape[1:2], *shape[3:]), bool),
        np.array([whole[p][2] for p in order], dtype=bool),
    )


def _mask(
    folder: Path, image: ImageFile, spec: ImageModality, shape: tuple[int, ...]
) -> np.ndarray | None:
    if image.mask is None:
        return None
    try:
        return read_listed_mask(folder, image, spec, (shape[0], shape[1]))
    except DataCardError:
        return None
