"""One patient under a number: what happened, what is known, what is predicted and why."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pydantic import Field

from workbench.errors import CohortError, WorkbenchError
from workbench.materialisation import materialise
from workbench.predict import saved_model
from workbench.study_explanation import RISK_SCORE
from workbench.study_steps import JUDGED
from workbench.widgets.blocks import Block, Button, Controls, Number, Row, Switch
from workbench.widgets.patient_sections.change import change_blocks
from workbench.widgets.patient_sections.history import checked_events, data_tiles, timeline
from workbench.widgets.patient_sections.prediction import (
    attributed_block,
    contributed_block,
    survival_block,
)
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.shown_patient import ShownPatient
from workbench.widgets.single_patient import check_ordinal, may_keep, single_patient
from workbench.widgets.what_if import changed_patient
from workbench.widgets.widget import NotebookWidget, WidgetState

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.explanation.attribution import Attribution
    from fusion.models.protocol import FittedRisk
    from fusion.predictions import Predictions
    from workbench.cohort.cohort import Cohort
    from workbench.study import StudyResult


class PatientView(NotebookWidget):
    """Patients one by one, under numbers; nothing of them stays in the notebook.

    Parameters
    ----------
    predictions
        Out-of-fold predictions of one model.
    cohort
        The predicted patients.
    attribution
        Finer contributions than by kind of data.
    events
        What happened: ``patient_id, day`` (from the index date), ``kind, label`` and, if there is
        one, ``value``.
    limits
        Lower and upper limits of the predicted survival, (patient, horizon) each.
    dataset
        The patients as the model reads them, in any order: predictions beyond the training data are
        withheld.
    fitted
        A fitted model, for what if a clinical variable were another; needs ``dataset``.
    selection
        Of the same cohort: then the selected patients can be gone through.
    state
        What to begin with.

    Raises
    ------
    WorkbenchError
        Predictions, contributions, events or data of other patients.
    """

    class State(WidgetState):
        """``patient`` counts from 1, in the cohort's order."""

        patient: int = 1
        selected_only: bool = False
        what_if: dict[str, float | str] = Field(default_factory=dict)

    title = "One patient"

    def __init__(
        self,
        predictions: "Predictions",
        cohort: "Cohort",
        *,
        attribution: "Attribution | None" = None,
        events: pd.DataFrame | None = None,
        limits: tuple[np.ndarray, np.ndarray] | None = None,
        dataset: "PatientDataset | None" = None,
        fitted: "FittedRisk | None" = None,
        selection: Selection | None = None,
        state: WidgetState | dict | None = None,
    ) -> None:
        if fitted is not None and dataset is None:
            raise WorkbenchError("what if needs the dataset that the fitted model reads: pass both")
        self.cohort = cohort.evaluated
        ids = [str(patient) for patient in self.cohort.patients.index]
        order = _positions(predictions.patient_id, ids, "predictions")
        self.predictions = predictions.take(order)
        self.limits = None if limits is None else (limits[0][order], limits[1][order])
        self.attribution, self._explained = attribution, np.empty(0, dtype=int)
        if attribution is not None:
            self._explained = _positions(attribution.patient_id, ids, "attribution")
        self.dataset, self.fitted = None, fitted
        if dataset is not None:
            self.dataset = dataset.take(_positions(dataset.patient_id, ids, "dataset"))
        self.events = None if events is None else checked_events(events)
        self.selection = selection
        super().__init__(state)
        if selection is not None:
            self.follow(selection, self._moved)

    @classmethod
    def of(
        cls,
        result: "StudyResult",
        *,
        events: pd.DataFrame | None = None,
        selection: Selection | None = None,
        state: WidgetState | dict | None = None,
    ) -> Self:
        """The patients of ``workbench.run``, with the model that it saved for what if."""
        saved = saved_model(result.report.parent)
        dataset = materialise(result.cohort.evaluated, saved.study.modalities)
        return cls(
            result.predictions[JUDGED],
            result.cohort,
            attribution=result.attributions[RISK_SCORE],
            events=events,
            dataset=saved.embedder.embed(dataset),
            fitted=saved.risk,
            selection=selection,
            state=state,
        )

    def _moved(self, moved: Moved) -> None:
        if moved.settled and self.state.selected_only:
            self.refresh()

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state: Any = super()._read_state(value)
        check_ordinal(state.patient, self.n_patients)
        if state.what_if and self.fitted is None:
            raise WorkbenchError("what_if needs a fitted model: pass fitted and dataset")
        if state.what_if and self.dataset is not None:
            changed_patient(self.dataset, state.patient - 1, state.what_if)
        return state

    @property
    def n_patients(self) -> int:
        """Patients who can be looked at."""
        return len(self.cohort.patients)

    @property
    def patient_id(self) -> str:
        """Who is shown: for Python alone."""
        return self._patient().patient_id

    def _patient(self) -> ShownPatient:
        return ShownPatient(self.cohort, self.state.patient)

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """A number, and what is only sent."""
        patient = self._patient()
        survival = survival_block(
            patient, self.predictions, limits=self.limits, dataset=self.dataset
        )
        blocks = (
            timeline(patient, self.events),
            Row((data_tiles(patient), survival), (1, 2)),
            self._contributions(patient),
            *self._what_if(patient),
        )
        keep = may_keep(self.cohort)
        return (
            self._asked(),
            single_patient("patient", patient.name, blocks, keep=keep, version=self.version),
        )

    def _contributions(self, patient: ShownPatient) -> Block:
        if self.attribution is None:
            return contributed_block(patient, self.predictions)
        row = int(self._explained[patient.row])
        return attributed_block(patient, self.attribution, row)

    def _what_if(self, patient: ShownPatient) -> tuple[Block, ...]:
        if self.fitted is None or self.dataset is None:
            return ()
        return change_blocks(
            patient,
            self.dataset,
            self.fitted,
            changes=self.state.what_if,
            horizons=self.predictions.horizons,
        )

    def _asked(self) -> Controls:
        controls: list[Any] = [
            Button("previous", "Previous", enabled=self._beside(-1) is not None),
            Button("next", "Next", enabled=self._beside(1) is not None),
            Number(
                "patient",
                f"Patient (1 to {self.n_patients:,})",
                self.state.patient,
                1,
                self.n_patients,
            ),
        ]
        if self.selection is not None:
            controls.append(
                Switch("selected_only", "Selected patients only", self.state.selected_only)
            )
        return Controls(tuple(controls), "asked")

    def _beside(self, step: int) -> int | None:
        """The next number in a direction, among those that are gone through."""
        at = self.state.patient
        if self.selection is None or not self.state.selected_only:
            return at + step if 1 <= at + step <= self.n_patients else None
        chosen = self.selection.patients.index[self.selection.mask]
        numbers = np.flatnonzero(self.cohort.patients.index.isin(chosen)) + 1
        further = numbers[numbers > at] if step > 0 else numbers[numbers < at][::-1]
        return int(further[0]) if len(further) else None

    # What a person does

    def change(self, **fields: Any) -> None:
        """Set some fields of the state; another patient begins without a change."""
        if "patient" in fields:
            fields = {"what_if": {}, **fields}
        super().change(**fields)

    def _go(self, step: int) -> None:
        at = self._beside(step)
        if at is None:
            raise WorkbenchError("there is no further patient in this direction")
        self.change(patient=at)

    def do_next(self) -> None:
        """The next patient."""
        self._go(1)

    def do_previous(self) -> None:
        """The patient before."""
        self._go(-1)

    def do_as_is(self) -> None:
        """Nothing is changed any more."""
        self.change(what_if={})


def _positions(patient_id: np.ndarray, ids: list[str], what: str) -> np.ndarray:
    """Where each patient of the cohort stands in ``patient_id``."""
    place = pd.Index([str(patient) for patient in patient_id]).get_indexer(pd.Index(ids))
    lacking = int((place < 0).sum())
    if lacking:
        raise CohortError(
            f"the {what} must hold each of the {len(ids)} patients of the cohort, {lacking} are "
            "missing: pass those of the same cohort"
        )
    return place
