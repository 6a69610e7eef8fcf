"""What if a clinical variable of one patient were another: its controls, and what is predicted."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from workbench.figures.wording import percents, time_words
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Notice,
    Number,
    Table,
    Words,
)
from workbench.widgets.shown_patient import ShownPatient
from workbench.widgets.what_if import Value, survival_if, value_of, variables

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.models.protocol import FittedRisk

NOT_A_TREATMENT = (
    "This is not a treatment effect: it is what the model, which learned from who had what, says "
    "of another patient who differs in this. It was fitted with this patient among others."
)
MOST_ROWS = 6


def change_blocks(
    patient: ShownPatient,
    dataset: "PatientDataset",
    fitted: "FittedRisk",
    *,
    changes: Mapping[str, Value],
    horizons: np.ndarray,
) -> tuple[Block, ...]:
    """Controls for the clinical variables, and the prediction before and after.

    Parameters
    ----------
    patient
        Who.
    dataset
        What the model reads, in the cohort's order.
    fitted
        Predicts again.
    changes
        Clinical variable → what it would be.
    horizons
        At which survival was predicted.
    """
    head = (Words("What if", 3), Notice(NOT_A_TREATMENT, "warning"))
    controls = _controls(patient, dataset, changes)
    if not changes:
        return (*head, controls)
    horizons, unit = horizons[horizons <= patient.last_time], patient.cohort.time_unit
    try:
        before, after = survival_if(
            fitted, dataset, patient.row, changes=changes, horizons=horizons
        )
    except ValueError as error:
        return (*head, controls, Notice(str(error), "problem"))
    if unit is None:
        return (*head, controls, _risks(before, after))
    return (*head, controls, _table(horizons, before, after, time_unit=unit))


def _controls(
    patient: ShownPatient, dataset: "PatientDataset", changes: Mapping[str, Value]
) -> Controls:
    clinical = dataset.modalities[dataset.clinical]
    controls: list[Control] = []
    for name, variable in variables(clinical).items():
        value = changes.get(name, value_of(clinical, patient.row, variable))
        field, label = f"what_if.{name}", patient.column_title(name)
        if variable.low is None:
            levels = {"": patient.reference_level(name)} | {v: v for v in variable.levels}
            controls.append(Choice(field, label, levels, "" if value is None else str(value)))
        else:
            number = None if value is None else float(value)
            controls.append(Number(field, label, number, unit=patient.unit(name)))
    controls.append(Button("as_is", "As it is", enabled=bool(changes)))
    return Controls(tuple(controls), "what-if")


def _risks(before: np.ndarray, after: np.ndarray) -> Table:
    """Of an outcome without a time."""
    write = percents(1)
    row = (write(1 - float(before[0])), write(1 - float(after[0])))
    head = ("Risk as the patient is", "With the change")
    return Table("what-if", "Predicted again by the fitted model", head, (row,))


def _table(horizons: np.ndarray, before: np.ndarray, after: np.ndarray, *, time_unit: str) -> Table:
    write = percents(1)
    places = np.unique(np.linspace(0, len(horizons) - 1, MOST_ROWS).astype(int)[1:])
    rows = tuple(
        (f"{time_words(float(horizons[i]))} {time_unit}", write(before[i]), write(after[i]))
        for i in places
    )
    head = ("Survival to", "As the patient is", "With the change")
    return Table("what-if", "Predicted again by the fitted model", head, rows)
