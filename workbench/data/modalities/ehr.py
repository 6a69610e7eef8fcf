"""Clinical variables: declared columns as numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.data.card import Column, EhrModality

if TYPE_CHECKING:
    from fusion.dataset import Modality


def read_ehr(
    name: str, spec: EhrModality, columns: Mapping[str, Column], patients: pd.DataFrame
) -> "Modality":
    """Clinical variables of ``patients``, in their order.

    A number is itself, a boolean 0 or 1. A categorical column gives one 0/1 feature for each
    level but the first, its reference, and those features form a group under its name. A missing
    value is NaN in all features of its column.

    Parameters
    ----------
    name
        Name of the modality.
    spec, columns
        What the card says of it and of its columns.
    patients
        Typed columns by ``patient_id``.
    """
    from fusion.dataset import Modality

    features: dict[str, np.ndarray] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for column in spec.columns:
        values = patients[column]
        if columns[column].type != "categorical":
            features[column] = values.astype("float64").to_numpy(na_value=np.nan)
            continue
        indicators = {
            f"{column}={level}": np.where(values.isna(), np.nan, values == level)
            for level in values.cat.categories[1:]
        }
        groups[column] = tuple(indicators)
        features |= indicators
    # Stacked on an empty matrix, for a variable of one level gives no feature.
    matrix = np.column_stack(
        [
            np.empty((len(patients), 0)),
            *(np.asarray(v, dtype=np.float64) for v in features.values()),
        ]
    )
    present = np.asarray(~np.isnan(matrix).all(axis=1))
    matrix[~present] = 0
    return Modality(name, "ehr", matrix, present, tuple(features), groups)


def observed_patients(spec: EhrModality, patients: pd.DataFrame) -> set[str]:
    """Patients of whom at least one of the columns is known."""
    return set(patients.index[patients[list(spec.columns)].notna().any(axis=1)])
