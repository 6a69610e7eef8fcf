"""The pictures that a card describes, patient by patient, read when they are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from workbench.data.card import ImageModality
from workbench.data.image_files import (
    ImageFile,
    by_patient,
    find_images,
    read_listed,
    read_listed_mask,
)
from workbench.data.imaging.dicom.segmentation import read_segmentation
from workbench.data.imaging.layers import Mask
from workbench.data.imaging.readers import read_image as read_volume_of
from workbench.data.imaging.scene import Scene
from workbench.data.imaging.volume import COLOURS, Volume, picture
from workbench.data.imaging.windows import Window
from workbench.data.open_card import DataCard
from workbench.errors import DataCardError, ImageError


@dataclass(frozen=True, eq=False)
class ImagesOfCard:
    """Pictures of one modality by a patient's ordinal, from 0.

    Parameters
    ----------
    folder
        Of the data.
    spec
        What the card says of the modality.
    files
        One list a patient, in the order of the ordinals.
    may_be_saved
        Whether the card's privacy allows pictures of single patients to leave the room.
    patient_id
        Whose they are, in the order of the ordinals; for Python only, no page is told.
    """

    folder: Path
    spec: ImageModality
    files: Sequence[Sequence[ImageFile]]
    may_be_saved: bool
    patient_id: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        """Number of patients."""
        return len(self.files)

    def read(self, ordinal: int) -> Scene:
        """Pictures of one patient and their masks.

        Raises
        ------
        ImageError
            If there is no patient of that ordinal, or a file cannot be read or differs in size
            from the first.
        """
        if not 0 <= ordinal < len(self):
            raise ImageError(f"no patient {ordinal + 1}: there are {len(self)}")
        files = self.files[ordinal]
        whole = self.folder / files[0].path
        if self.spec.window is not None and (whole.is_dir() or len(files) == 1):
            # What was measured, in the patient's axes, with the window that the card names.
            image = replace(read_volume_of(whole), window=Window(*self.spec.window))
            mask = self.folder / files[0].mask if files[0].mask is not None else None
            regions = None
            if mask is not None and mask.is_file():
                regions = read_segmentation(mask, onto=image)
            return Scene(image, regions)
        try:
            images = [read_listed(self.folder, f, self.spec) for f in files]
            masks = [
                read_listed_mask(self.folder, file, self.spec, (image.shape[1], image.shape[2]))
                for file, image in zip(files, images, strict=True)
                if file.mask is not None and (self.folder / file.mask).is_file()
            ]
        except DataCardError as error:
            raise ImageError(f"an image or mask of this patient: {error}") from None
        if len({image.shape for image in images}) != 1:
            raise ImageError("the images of this patient differ in size: show them one by one")
        pixels = np.moveaxis(np.stack(images, axis=1), 0, 3).transpose(1, 2, 0, 3)
        return Scene(self._volume(pixels), self._mask(masks, len(images)))

    def _volume(self, pixels: np.ndarray) -> Volume:
        """(row, column, picture, channel) in [0, 1]."""
        channels = tuple(self.spec.channels)
        if channels == COLOURS:
            return picture(np.rint(pixels * 255).astype(np.uint8), channels=channels)
        return picture(pixels, unit="of full scale", channels=channels)

    def _mask(self, masks: list[np.ndarray], n_images: int) -> Mask | None:
        if len(masks) != n_images:
            return None
        return Mask(picture(np.stack(masks, axis=2).astype(np.uint8)))


def images_of_card(
    card: DataCard, modality: str, *, patient_id: Sequence[str] | None = None
) -> ImagesOfCard:
    """Pictures of a modality.

    Parameters
    ----------
    card
        The dataset.
    modality
        Name of one of its modalities of images.
    patient_id
        Whose, and in which order; if not given, all who have any, in the order of their ids.
        Those without are left out.

    Raises
    ------
    ImageError
        If the card has no such modality, or nobody has a picture.
    """
    spec = card.spec.modalities.get(modality)
    if not isinstance(spec, ImageModality):
        names = [n for n, m in card.spec.modalities.items() if isinstance(m, ImageModality)]
        raise ImageError(f"{modality!r} is no modality of images: choose one of {names}")
    owned = by_patient(find_images(card, spec))
    wanted = sorted(owned) if patient_id is None else [p for p in patient_id if p in owned]
    if not wanted:
        raise ImageError(f"nobody has images of {modality!r}: {card.how_to_get([spec.pattern])}")
    files = [owned[p][: spec.images_per_patient] for p in wanted]
    return ImagesOfCard(card.folder, spec, files, card.spec.privacy.thumbnails, tuple(wanted))
