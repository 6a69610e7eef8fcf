"""Cohort → PatientDataset: the one door into fusion's arrays."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.cohort.cohort import Cohort
from workbench.cohort.time_zero import check_columns
from workbench.data.card import EhrModality
from workbench.data.modalities import read_modality
from workbench.data.modalities.ehr import read_ehr
from workbench.errors import CohortError

if TYPE_CHECKING:
    from fusion.dataset import Modality, PatientDataset

MARKERS = "markers"


def materialise(
    cohort: Cohort,
    modalities: Sequence[str],
    clinical: str | None = None,
    *,
    strata: str | None = None,
    markers: bool = False,
) -> "PatientDataset":
    """Load the aligned arrays of a cohort.

    Parameters
    ----------
    cohort
        Patients, outcome, and what of them was known at the index date.
    modalities
        Names in the card, in the order in which models see them.
    clinical
        The modality that anchors every comparison; the first of clinical variables, if not given.
    strata
        Categorical column by which a stratified null model splits; None for none.
    markers
        Whether to add the card's known molecular markers, if it names any, as the modality
        ``markers``: a rung of the comparison, not an input of the fusion.

    Returns
    -------
    PatientDataset
        Rows in the order of ``cohort.patients``.

    Raises
    ------
    CohortError
        If a modality does not exist, is observed after the index date or reads a column that no
        model may see; if none holds clinical variables; or if ``strata`` is no such column.
    """
    from fusion.dataset import PatientDataset

    if not modalities or len(set(modalities)) != len(modalities):
        raise CohortError(f"name each modality once, at least one; got {', '.join(modalities)}")
    for name in modalities:
        cohort.features(name)
    loaded = {name: _load(cohort, name) for name in modalities}
    if markers and cohort.card.spec.markers:
        loaded[MARKERS] = _load_markers(cohort)
    return PatientDataset(
        patient_id=cohort.patients.index.to_numpy(dtype=str),
        time=cohort.patients["time"].to_numpy(float),
        event=cohort.patients["event"].to_numpy(bool),
        time_unit=cohort.time_unit,
        modalities=loaded,
        clinical=_anchor(cohort, modalities, clinical),
        strata=None if strata is None else _strata(cohort, strata),
    )


def _load(cohort: Cohort, name: str) -> "Modality":
    ids = cohort.patients.index.to_numpy(dtype=str)
    modality = read_modality(cohort.card, name, ids, cohort.patients)
    allowed = cohort.available[name]
    cut = modality.present & ~allowed
    if not cut.any():
        return modality
    # Observed after the index date: the patient does not have it.
    values, masks = modality.values.copy(), modality.masks
    values[cut] = 0
    if masks is not None:
        masks = masks.copy()
        masks[cut] = False
    return replace(modality, values=values, masks=masks, present=modality.present & allowed)


def _load_markers(cohort: Cohort) -> "Modality":
    spec = cohort.card.spec
    if MARKERS in spec.modalities:
        raise CohortError(f"{spec.name}: call the modality {MARKERS!r} otherwise")
    check_columns(spec, spec.markers, "a known marker")
    described = EhrModality(kind="ehr", title="known markers", columns=spec.markers)
    return read_ehr(MARKERS, described, spec.columns, cohort.patients)


def _anchor(cohort: Cohort, modalities: Sequence[str], clinical: str | None) -> str:
    if clinical is not None:
        if clinical not in modalities:
            raise CohortError(f"{clinical!r} is to anchor comparisons, but is not among modalities")
        return clinical
    spec = cohort.card.spec.modalities
    anchors = [name for name in modalities if isinstance(spec[name], EhrModality)]
    if not anchors:
        raise CohortError(
            "no modality holds clinical variables, so nothing can be compared with them: add one "
            f"to {', '.join(modalities)}"
        )
    return anchors[0]


def _strata(cohort: Cohort, column: str) -> np.ndarray:
    masks = cohort.group_masks([column])
    stratum = np.full(cohort.n_patients, f"{column} missing", dtype=object)
    for title, mask in masks.items():
        stratum[mask] = title
    return stratum.astype(str)
