"""What is predicted of one patient, and what moved the prediction."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.figures import plot_patient_contributions, plot_patient_survival
from workbench.figures.wording import percents
from workbench.widgets.blocks import Block, Figure, Notice, Table
from workbench.widgets.patient_parts import patient_parts
from workbench.widgets.shown_attribution import feature_titles, modality_title
from workbench.widgets.shown_patient import ShownPatient
from workbench.widgets.what_if import outside_training

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.explanation.attribution import Attribution
    from fusion.predictions import Predictions


def survival_block(
    patient: ShownPatient,
    predictions: "Predictions",
    *,
    limits: tuple[np.ndarray, np.ndarray] | None,
    dataset: "PatientDataset | None",
) -> Block:
    """Predicted survival, or risk; withheld where the patient is unlike all the model learned from.

    Parameters
    ----------
    patient
        Who.
    predictions
        Out of fold, in the cohort's order.
    limits
        Lower and upper limits, (patient, horizon) each.
    dataset
        What the model reads, in the cohort's order; where it is None nothing is withheld.
    """
    row = patient.row
    if dataset is not None:
        clinical = dataset.modalities[dataset.clinical]
        beyond = outside_training(clinical, row, predictions.fold)
        if beyond:
            return Notice(
                f"The prediction is withheld: {', '.join(beyond)} of this patient lies "
                "outside the range of the training data.",
                "warning",
            )
    if patient.cohort.time_unit is None:
        return _risk(predictions, row)
    lower, upper = (None, None) if limits is None else (each[row] for each in limits)
    drawing = plot_patient_survival(
        predictions.horizons,
        predictions.survival[row],
        lower=lower,
        upper=upper,
        limit=patient.last_time,
        reference=(predictions.horizons, predictions.survival.mean(axis=0)),
        reference_name="Mean prediction of all patients",
        time_unit=patient.cohort.time_unit,
        title=f"{patient.name}: predicted survival",
        notes=["Predicted by models that never saw this patient"],
    )
    return Figure("survival", drawing)


def _risk(predictions: "Predictions", row: int) -> Table:
    """Predicted risk where the outcome has no time."""
    risk = 1 - predictions.survival[:, 0]
    write = percents(1)
    return Table(
        "risk",
        "Predicted risk, by a model that never saw this patient",
        ("This patient", "Mean of all patients"),
        ((write(float(risk[row])), write(float(risk.mean()))),),
    )


def attributed_block(patient: ShownPatient, attribution: "Attribution", row: int) -> Block:
    """What moved the prediction, as finely as an attribution says it of its ``row``.

    Checks that failed stand above it.
    """

    def titled(modality: str) -> str:
        return modality_title(patient.cohort, modality)

    def features_titled(modality: str) -> tuple[str, ...]:
        return feature_titles(patient.cohort, modality, attribution.features[modality].names)

    parts = patient_parts(attribution, row, -1, titled=titled, features_titled=features_titled)
    kinds = parts.kinds if attribution.features else None
    n_failed = sum(not check.passed for check in attribution.checks)
    note = f"{n_failed} of {len(attribution.checks)} checks of this explanation failed: "
    notes = [f"{note}do not rely on it"] if n_failed else []
    reference = attribution.reference
    return _contributions(patient, parts.names, parts.values, kinds, reference, notes=notes)


def contributed_block(patient: ShownPatient, predictions: "Predictions") -> Block:
    """What moved the prediction, by kind of data, as the predictions themselves say it."""
    parts = predictions.contributions
    names = tuple(modality_title(patient.cohort, name) for name in parts)
    values = np.array([float(each[patient.row]) for each in parts.values()])
    reference = "a patient of whom nothing is known"
    return _contributions(patient, names, values, None, reference)


def _contributions(
    patient: ShownPatient,
    names: tuple[str, ...],
    values: np.ndarray,
    kinds: tuple[str, ...] | None,
    reference: str,
    *,
    notes: Sequence[str] = (),
) -> Block:
    if not names:
        return Notice("The model does not say what moved its prediction.")
    drawing = plot_patient_contributions(
        names,
        values,
        groups=kinds,
        reference=reference,
        title=f"{patient.name}: what moved the prediction",
        notes=notes,
        output="Log hazard" if patient.cohort.time_unit is not None else "Log odds",
    )
    return Figure("contributions", drawing)
