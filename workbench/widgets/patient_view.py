"""One patient under a number: what happened, what is known, what is predicted and why."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pydantic import Field

from workbench.errors import CohortError, WorkbenchError
from workbench.figures import plot_patient_contributions, plot_patient_survival, plot_timeline
from workbench.figures.timeline import FollowUp
from workbench.figures.wording import percents, time_words
from workbench.materialisation import materialise
from workbench.predict import saved_model
from workbench.report.format import A_YEAR
from workbench.report.words import in_sentence, short
from workbench.study_steps import JUDGED
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Notice,
    Number,
    Row,
    Switch,
    Table,
    Words,
)
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.single_patient import check_ordinal, may_keep, single_patient
from workbench.widgets.what_if import (
    changed_patient,
    outside_training,
    survival_if,
    value_of,
    variables,
)
from workbench.widgets.widget import NotebookWidget, WidgetState

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.explanation.attribution import Attribution
    from fusion.models.protocol import FittedRisk
    from fusion.predictions import Predictions
    from workbench.cohort.cohort import Cohort
    from workbench.study import StudyResult

EVENT_COLUMNS = ("patient_id", "day", "kind", "label")
NOT_A_TREATMENT = (
    "This is not a treatment effect: it is what the model, which learned from who had what, says "
    "of another patient who differs in this. It was fitted with this patient among others."
)


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
        self.events = None if events is None else _checked_events(events)
        self.selection = selection
        super().__init__(state)
        if selection is not None:
            selection.watch(self._moved)

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
        return str(self.cohort.patients.index[self.state.patient - 1])

    def _row(self) -> int:
        return self.state.patient - 1

    def _name(self) -> str:
        return f"Patient {self.state.patient:,} of {self.n_patients:,}"

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """A number, and what is only sent."""
        patient: list[Block] = [
            Figure("timeline", self._timeline()),
            Row((self._tiles(), *self._survival()), (1, 2)),
            *self._contributions(),
            *self._what_if(),
        ]
        return (
            self._asked(),
            single_patient(
                "patient",
                self._name(),
                tuple(patient),
                keep=may_keep(self.cohort),
                version=self.version,
            ),
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

    def _timeline(self) -> Any:
        patient = self.cohort.patients.iloc[self._row()]
        a_year = {"years": 1.0, **A_YEAR}.get(self.cohort.time_unit, 365.25)
        days = float(patient["time"]) * 365.25 / a_year
        outcome = self.cohort.card.spec.outcomes[self.cohort.outcome].title
        end = FollowUp(
            round(days, 1), bool(patient["event"]), f"event of {in_sentence(short(outcome))}"
        )
        own = None
        if self.events is not None:
            own = self.events[self.events["patient_id"].astype(str) == self.patient_id]
        if own is None or own.empty:
            notes = [] if self.events is not None else ["No events are known"]
            return plot_timeline(
                np.empty(0), (), (), follow_up=end, title=f"{self._name()}: follow-up", notes=notes
            )
        own = own.sort_values("day", kind="stable")
        return plot_timeline(
            own["day"].to_numpy(float),
            own["kind"].astype(str).tolist(),
            own["label"].astype(str).tolist(),
            value=own["value"].to_numpy(float) if "value" in own else None,
            follow_up=end,
            title=f"{self._name()}: what happened",
        )

    def _tiles(self) -> Table:
        rows = []
        for name, spec in self.cohort.card.spec.modalities.items():
            present = bool(self.cohort.available[name][self._row()])
            rows.append((short(spec.title), "● there" if present else "○ absent"))
        return Table("tiles", "Kinds of data", ("Kind", "This patient"), tuple(rows))

    def _limit(self) -> float:
        """Last time of the patients a model learned from."""
        return float(self.cohort.patients["time"].max())

    def _survival(self) -> tuple[Block, ...]:
        row, found = self._row(), self.predictions
        if self.dataset is not None:
            clinical = self.dataset.modalities[self.dataset.clinical]
            beyond = outside_training(clinical, row, found.fold)
            if beyond:
                return (
                    Notice(
                        f"The prediction is withheld: {', '.join(beyond)} of this patient lies "
                        "outside the range of the training data.",
                        "warning",
                    ),
                )
        lower, upper = (None, None) if self.limits is None else (v[row] for v in self.limits)
        drawing = plot_patient_survival(
            found.horizons,
            found.survival[row],
            lower=lower,
            upper=upper,
            limit=self._limit(),
            reference=(found.horizons, found.survival.mean(axis=0)),
            reference_name="Mean prediction of all patients",
            time_unit=self.cohort.time_unit,
            title=f"{self._name()}: predicted survival",
            notes=["Predicted by models that never saw this patient"],
        )
        return (Figure("survival", drawing),)

    def _contributions(self) -> tuple[Block, ...]:
        names: list[str] = []
        values: list[float] = []
        groups: list[str] = []
        if self.attribution is not None:
            at = int(self._explained[self._row()])
            for place, name in enumerate(self.attribution.modality_names):
                fine = self.attribution.features.get(name)
                title = self._titled(name)
                if fine is None:
                    names.append(title)
                    values.append(float(self.attribution.modalities[-1, at, place]))
                    groups.append(title)
                else:
                    names += fine.names
                    values += fine.values[-1, at].tolist()
                    groups += [title] * len(fine.names)
            reference = self.attribution.reference
        else:
            parts = self.predictions.contributions
            names = [self._titled(name) for name in parts]
            values = [float(each[self._row()]) for each in parts.values()]
            reference = "a patient of whom nothing is known"
        if not names:
            return (Notice("The model does not say what moved its prediction."),)
        drawing = plot_patient_contributions(
            names,
            np.array(values),
            groups=groups if self.attribution is not None and self.attribution.features else None,
            reference=reference,
            title=f"{self._name()}: what moved the prediction",
        )
        return (Figure("contributions", drawing),)

    def _titled(self, modality: str) -> str:
        spec = self.cohort.card.spec.modalities
        return short(spec[modality].title) if modality in spec else modality

    # What if

    def _what_if(self) -> tuple[Block, ...]:
        if self.fitted is None or self.dataset is None:
            return ()
        clinical = self.dataset.modalities[self.dataset.clinical]
        known = variables(clinical)
        controls: list[Any] = []
        for name, variable in known.items():
            own = value_of(clinical, self._row(), variable)
            value = self.state.what_if.get(name, own)
            field, label = f"what_if.{name}", self._column(name)
            if variable.low is None:
                options = {"": self._reference_level(name)} | {v: v for v in variable.levels}
                controls.append(Choice(field, label, options, "" if value is None else str(value)))
            else:
                number = None if value is None else float(value)
                controls.append(Number(field, label, number, unit=self._unit(name)))
        controls.append(Button("as_is", "As it is", enabled=bool(self.state.what_if)))
        blocks: list[Block] = [
            Words("What if", 3),
            Notice(NOT_A_TREATMENT, "warning"),
            Controls(tuple(controls), "what-if"),
        ]
        if self.state.what_if:
            blocks.append(self._changed())
        return tuple(blocks)

    def _changed(self) -> Block:
        assert self.fitted is not None
        assert self.dataset is not None
        horizons = self.predictions.horizons
        horizons = horizons[horizons <= self._limit()]
        try:
            before, after = survival_if(
                self.fitted,
                self.dataset,
                self._row(),
                changes=self.state.what_if,
                horizons=horizons,
            )
        except ValueError as error:
            return Notice(str(error), "problem")
        write = percents(1)
        shown = np.unique(np.linspace(0, len(horizons) - 1, 6).astype(int)[1:])
        rows = tuple(
            (
                f"{time_words(float(horizons[i]))} {self.cohort.time_unit}",
                write(before[i]),
                write(after[i]),
            )
            for i in shown
        )
        head = ("Survival to", "As the patient is", "With the change")
        return Table("what-if", "Predicted again by the fitted model", head, rows)

    def _column(self, name: str) -> str:
        columns = self.cohort.card.spec.columns
        words = short(columns[name].meaning) if name in columns else name
        return words[:1].upper() + words[1:]

    def _unit(self, name: str) -> str:
        columns = self.cohort.card.spec.columns
        return (columns[name].unit or "") if name in columns else ""

    def _reference_level(self, name: str) -> str:
        columns = self.cohort.card.spec.columns
        levels = columns[name].listed_levels if name in columns else ()
        return str(levels[0]) if levels else "reference"

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


def _checked_events(events: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in EVENT_COLUMNS if name not in events.columns]
    if missing:
        raise CohortError(
            f"events need the columns {', '.join(EVENT_COLUMNS)}, got none named "
            f"{', '.join(missing)}"
        )
    return events
