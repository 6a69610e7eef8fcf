"""A clinical variable changed, and what a fitted model then predicts: no treatment effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from fusion.dataset import Modality, PatientDataset
    from fusion.models.protocol import FittedRisk

Value = float | str


@dataclass(frozen=True)
class Variable:
    """A clinical variable that can be changed.

    Parameters
    ----------
    name
        Of the column.
    columns
        Features that stand for it: itself, or one a level but the reference.
    low, high
        Ends of what training patients have; None for levels.
    """

    name: str
    columns: tuple[str, ...]
    low: float | None = None
    high: float | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that have a feature of their own."""
        return tuple(c.partition("=")[2] for c in self.columns) if self.low is None else ()


def variables(clinical: "Modality") -> dict[str, Variable]:
    """Clinical variables by name, with what their values range over."""
    grouped = {member: group for group, members in clinical.groups.items() for member in members}
    found: dict[str, Variable] = {}
    for at, feature in enumerate(clinical.names):
        name = grouped.get(feature, feature)
        if name in found:
            continue
        if "=" in feature:
            members = tuple(c for c in clinical.names if grouped.get(c, c) == name)
            found[name] = Variable(name, members)
            continue
        known = clinical.values[clinical.present, at]
        known = known[np.isfinite(known)]
        if len(known):
            found[name] = Variable(name, (feature,), float(known.min()), float(known.max()))
    return found


def value_of(clinical: "Modality", row: int, variable: Variable) -> Value | None:
    """What a patient has; the reference level is ""; None where it is missing."""
    places = [clinical.names.index(column) for column in variable.columns]
    values = clinical.values[row, places]
    if not clinical.present[row] or not np.isfinite(values).all():
        return None
    if variable.low is not None:
        return float(values[0])
    return variable.levels[int(values.argmax())] if values.any() else ""


def outside_training(clinical: "Modality", row: int, fold: np.ndarray) -> tuple[str, ...]:
    """Numbers of a patient that lie beyond those of everybody the model was trained on.

    Parameters
    ----------
    clinical
        Clinical variables of all patients.
    row
        The patient.
    fold
        Held-out fold of each patient, (patient,).
    """
    if not clinical.present[row]:
        return ()
    training = clinical.present & (fold != fold[row])
    beyond = []
    for variable in variables(clinical).values():
        if variable.low is None:
            continue
        at = clinical.names.index(variable.columns[0])
        known = clinical.values[training, at]
        known, own = known[np.isfinite(known)], clinical.values[row, at]
        if len(known) and np.isfinite(own) and not known.min() <= own <= known.max():
            beyond.append(variable.name)
    return tuple(beyond)


def changed_patient(
    dataset: "PatientDataset", row: int, changes: Mapping[str, Value]
) -> "PatientDataset":
    """One patient with some clinical variables changed, everything else as it is.

    Raises
    ------
    WorkbenchError
        A variable that does not exist, a level that it does not have, or a number beyond what
        training patients have.
    """
    clinical = dataset.modalities[dataset.clinical]
    known = variables(clinical)
    one = dataset.take(np.array([row]))
    values = one.modalities[dataset.clinical].values.copy()
    for name, value in changes.items():
        if name not in known:
            raise WorkbenchError(f"what_if: {name} is no clinical variable of the model")
        values[0, [clinical.names.index(c) for c in known[name].columns]] = _coded(
            known[name], value
        )
    modality = replace(
        one.modalities[dataset.clinical], values=values, present=np.ones(1, dtype=bool)
    )
    return one.replace_modality(modality)


def _coded(variable: Variable, value: Value) -> list[float]:
    if variable.low is None or variable.high is None:
        if value not in ("", *variable.levels):
            raise WorkbenchError(f"what_if: {variable.name} has no such level")
        return [float(level == value) for level in variable.levels]
    if isinstance(value, str) or not variable.low <= value <= variable.high:
        raise WorkbenchError(
            f"what_if: {variable.name} must be a number within what training patients have"
        )
    return [float(value)]


def survival_if(
    fitted: "FittedRisk",
    dataset: "PatientDataset",
    row: int,
    *,
    changes: Mapping[str, Value],
    horizons: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Survival that a fitted model predicts for a patient as they are, and with changes.

    Returns
    -------
    array, array
        (horizon,) each.
    """
    before = fitted.predict(dataset.take(np.array([row])), horizons)
    after = fitted.predict(changed_patient(dataset, row, changes), horizons)
    return before.survival[0], after.survival[0]
