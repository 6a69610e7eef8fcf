"""How the images of a dataset were taken, one row a patient: a scanner's shift can be seen here."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pandas as pd

from workbench.data.card import ImageModality
from workbench.data.image_files import ImageFile, by_patient, files_of, find_images
from workbench.data.imaging.acquisition import Acquisition
from workbench.data.imaging.dicom.facts import acquisition_of
from workbench.data.imaging.dicom.files import faults_of_dicom, is_dicom, open_dicom
from workbench.data.open_card import DataCard
from workbench.errors import ImageError


def image_facts(card: DataCard, modality: str) -> pd.DataFrame:
    """Facts of acquisition of each patient's first image, as a table that a card can name.

    Only headers are read. Save it beside the data and name its columns in the card: they are then
    characteristics as all others, for table one, groups and criteria.

    Parameters
    ----------
    card
        The dataset.
    modality
        Name of one of its modalities of images, which are DICOM.

    Returns
    -------
    DataFrame
        Index ``patient_id``. The facts of :class:`Acquisition` that any image says, then
        ``n_series``, and ``differs``: names of the facts in which the patient's images differ.

    Raises
    ------
    ImageError
        If the card has no such modality, or none of its images says how it was taken.
    """
    spec = card.spec.modalities.get(modality)
    if not isinstance(spec, ImageModality):
        names = [n for n, m in card.spec.modalities.items() if isinstance(m, ImageModality)]
        raise ImageError(f"{modality!r} is no modality of images: choose one of {names}")
    owned = by_patient(find_images(card, spec))
    rows = {patient: _row(card.folder, images) for patient, images in owned.items()}
    known = {patient: row for patient, row in rows.items() if row is not None}
    if not known:
        raise ImageError(f"no image of {modality!r} says how it was taken: they are not DICOM")
    table = pd.DataFrame.from_dict(known, orient="index").rename_axis("patient_id").sort_index()
    empty = [name for name in table if table[name].isna().all() or (table[name] == "").all()]
    return table.drop(columns=[name for name in empty if name != "differs"])


def _row(folder: Path, images: Sequence[ImageFile]) -> dict[str, object] | None:
    found: list[Acquisition] = []
    for path in dict.fromkeys(image.path for image in images):
        facts = _facts(folder, ImageFile(path, None, None))
        if facts is not None:
            found.append(facts)
    if not found:
        return None
    first = {f.name: getattr(found[0], f.name) for f in fields(Acquisition)}
    differs = [name for name in first if len({getattr(facts, name) for facts in found}) > 1]
    return {**first, "n_series": len(found), "differs": " ".join(differs)}


def _facts(folder: Path, image: ImageFile) -> Acquisition | None:
    """Of the first DICOM file that an image is made of."""
    for name in files_of(folder, image):
        path = folder / name
        if not is_dicom(path):
            continue
        try:
            file = open_dicom(path, pixels=False)
            with faults_of_dicom("cannot be read as DICOM: damaged data elements"):
                return acquisition_of(file.dataset)
        except ImageError:
            continue  # The check of the card names such files.
    return None
