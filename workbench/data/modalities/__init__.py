"""Files in, one array a patient out: one file for each kind of modality."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from workbench.data.card import (
    EhrModality,
    GenomicsModality,
    ImageModality,
    did_you_mean,
)
from workbench.data.modalities.ehr import observed_patients, read_ehr
from workbench.data.modalities.genomics import feature_names, measured_patients, read_genomics
from workbench.data.modalities.image import image_patients, read_images
from workbench.data.store import headers, read_patients
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from fusion.dataset import Modality
    from workbench.data.open_card import DataCard


def read_modality(
    card: "DataCard", name: str, patient_ids: np.ndarray, patients: pd.DataFrame
) -> "Modality":
    """Read one modality of some patients, aligned with them.

    Parameters
    ----------
    card
        The dataset.
    name
        Name of the modality in the card.
    patient_ids
        (patient,) str, the order of the rows.
    patients
        Declared columns by ``patient_id``, as a cohort holds them: what the cohort set missing
        stays missing.

    Returns
    -------
    Modality
        Rows of patients without the modality are zero and ``present`` is False there.

    Raises
    ------
    DataCardError
        If there is no such modality, or its files cannot be read as the card says.
    """
    spec = _spec(card, name)
    if isinstance(spec, EhrModality):
        return read_ehr(name, spec, card.spec.columns, patients.loc[list(patient_ids)])
    if isinstance(spec, GenomicsModality):
        return read_genomics(card, name, spec, patient_ids)
    return read_images(card, name, spec, patient_ids)


class FoundPatients(NamedTuple):
    """Whose files of a modality are there: they can be read, or they cannot."""

    available: set[str]
    unread: set[str]


def found_patients(card: "DataCard", name: str) -> FoundPatients:
    """Patients who have a modality, and those whose files of it are damaged.

    Clinical variables count where at least one is observed, a matrix where at least one feature
    is, images where as many as the card asks for can be decoded. Tables that cannot be read are
    refused whole, so only images can be damaged.
    """
    spec = _spec(card, name)
    if isinstance(spec, EhrModality):
        return FoundPatients(observed_patients(spec, read_patients(card)), set())
    if isinstance(spec, GenomicsModality):
        return FoundPatients(measured_patients(card, name, spec), set())
    return FoundPatients(*image_patients(card, spec))


def available_patients(card: "DataCard", name: str) -> set[str]:
    """Patients who have a modality: their file is there and readable."""
    return found_patients(card, name).available


def lacking_modalities(card: "DataCard") -> tuple[str, ...]:
    """Optional modalities of which the files hold nothing, in the card's order.

    A study of every modality would be refused for them, for nobody has them. A file that is not
    here says nothing of what it holds.
    """
    return tuple(
        name
        for name, spec in card.spec.modalities.items()
        if isinstance(spec, GenomicsModality)
        and spec.optional
        and (card.folder / card.spec.files[spec.file].path).is_file()
        and not feature_names(headers(card, spec.file), spec)
    )


def _spec(card: "DataCard", name: str) -> EhrModality | GenomicsModality | ImageModality:
    if name not in card.spec.modalities:
        names = ", ".join(card.spec.modalities)
        near = did_you_mean(name, card.spec.modalities)
        raise DataCardError(f"{card.name}: no modality is called {name!r}; there are {names}{near}")
    return card.spec.modalities[name]
