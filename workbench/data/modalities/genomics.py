"""Wide omics matrices: patients × features or the transpose."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.data.card import GenomicsModality
from workbench.data.columns import to_numbers
from workbench.data.store import headers, read_table
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from fusion.dataset import Modality
    from workbench.data.open_card import DataCard


def read_genomics(
    card: "DataCard", name: str, spec: GenomicsModality, patient_ids: np.ndarray
) -> "Modality":
    """Features of the patients, in their order; pathways hold those of their genes that are there.

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
        If no header matches, two features have one name, a value is not a number, or none of a
        pathway's genes is there.
    """
    from fusion.dataset import Modality

    matrix = read_matrix(card, name, spec)
    groups = {}
    for pathway, genes in spec.pathways.items() if matrix.shape[1] else ():
        groups[pathway] = tuple(gene for gene in genes if gene in matrix.columns)
        if not groups[pathway]:
            raise DataCardError(
                f"modalities.{name}: none of the {len(genes)} genes of {pathway} is in the file"
            )
    values = matrix.reindex(list(patient_ids)).to_numpy(dtype=np.float64)
    present = ~np.isnan(values).all(axis=1)
    values[~present] = 0
    names = tuple(matrix.columns)
    return Modality(name, "genomics", values, present, names, groups, spec.scaling)


def measured_patients(card: "DataCard", name: str, spec: GenomicsModality) -> set[str]:
    """Patients of whom at least one feature is known."""
    matrix = read_matrix(card, name, spec)
    return set(matrix.index[matrix.notna().any(axis=1)])


def read_matrix(card: "DataCard", name: str, spec: GenomicsModality) -> pd.DataFrame:
    """Features by ``patient_id``, float64; the feature's name is group 1 of ``columns``.

    No features, where an optional modality's file has none.
    """
    found = feature_names(headers(card, spec.file), spec)
    if not found and spec.optional:
        return read_table(card, spec.file, ())[[]]
    if not found:
        raise DataCardError(
            f"modalities.{name}: no column of files.{spec.file} matches {spec.columns!r}: the "
            "regex must match a whole header, and its group 1 is the feature's name"
        )
    if len(set(found.values())) < len(found):
        n = len(found) - len(set(found.values()))
        raise DataCardError(
            f"modalities.{name}: {n} features share a name with another: make group 1 of "
            "`columns` tell them apart"
        )
    matrix = read_table(card, spec.file, list(found))[list(found)]
    other = matrix.columns[[not _is_number(dtype) for dtype in matrix.dtypes]]
    typed = {header: to_numbers(matrix[header]) for header in other}
    bad = {found[header]: why for header, (_, why) in typed.items() if why}
    matrix = matrix.assign(**{header: numbers for header, (numbers, _) in typed.items()})
    matrix = matrix.astype(np.float64)
    infinite = np.isinf(matrix.to_numpy()).any(axis=0)
    bad |= {found[header]: "infinite values" for header in matrix.columns[infinite]}
    if bad:
        feature, why = next(iter(bad.items()))
        raise DataCardError(
            f"modalities.{name}: {len(bad)} features hold what is not a number, such as "
            f"{feature}: {why}"
        )
    return matrix.rename(columns=found)


def feature_names(names: list[str], spec: GenomicsModality) -> dict[str, str]:
    """Header → feature, for the headers that ``columns`` matches whole."""
    pattern = re.compile(spec.columns)
    matches = {header: pattern.fullmatch(header) for header in names}
    return {h: m.group(1) if pattern.groups else h for h, m in matches.items() if m}


def _is_number(dtype: np.dtype) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
