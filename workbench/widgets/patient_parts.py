"""What moved one patient's prediction, part by part: features where a method is that fine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution


@dataclass(frozen=True, eq=False)
class PatientParts:
    """Parts of one prediction, all (part,).

    Parameters
    ----------
    names
        What a person reads.
    values
        How far each moved the output.
    kinds
        Title of the kind of data that each belongs to.
    """

    names: tuple[str, ...]
    values: np.ndarray
    kinds: tuple[str, ...]


def patient_parts(
    attribution: "Attribution",
    row: int,
    position: int,
    *,
    titled: Callable[[str], str],
    features_titled: Callable[[str], Sequence[str]],
    within: str = "",
) -> PatientParts:
    """Parts of the prediction of one patient.

    Parameters
    ----------
    attribution
        Of all patients.
    row
        The patient's.
    position
        Of the horizon.
    titled
        Kind of data → what a person calls it.
    features_titled
        Kind of data → what a person calls its features.
    within
        The only kind of data that is taken apart; "" takes all apart.
    """
    names: list[str] = []
    values: list[float] = []
    kinds: list[str] = []
    for at, name in enumerate(attribution.modality_names):
        fine = attribution.features.get(name)
        title = titled(name)
        if fine is None or within not in ("", name):
            names.append(title)
            values.append(float(attribution.modalities[position, row, at]))
            kinds.append(title)
        else:
            names += features_titled(name)
            values += fine.values[position, row].tolist()
            kinds += [title] * len(fine.names)
    return PatientParts(tuple(names), np.array(values), tuple(kinds))
