"""Whether a model is good enough for a decision, asked in the order of judging."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from workbench.cohort.crossfilter import Clause
from workbench.errors import WorkbenchError
from workbench.evaluation import Evaluation
from workbench.report.format import prose
from workbench.widgets.blocks import Block, Section, Words
from workbench.widgets.evaluated_patients import EvaluatedPatients
from workbench.widgets.evaluation_sections.calibration import calibration_blocks
from workbench.widgets.evaluation_sections.comparison import comparison_blocks
from workbench.widgets.evaluation_sections.decision import (
    asked_controls,
    decision_blocks,
    lacking_notice,
)
from workbench.widgets.evaluation_sections.groups import risk_group_blocks, subgroup_blocks
from workbench.widgets.evaluation_sections.missing import missing_blocks
from workbench.widgets.evaluation_state import EvaluationState, check_state
from workbench.widgets.risk_selection import RiskSelection
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.shown_evaluation import ShownEvaluation
from workbench.widgets.widget import NotebookWidget, WidgetState

if TYPE_CHECKING:
    from fusion.predictions import Predictions
    from workbench.cohort.cohort import Cohort
    from workbench.study import StudyResult

OWN_NOTE = (
    "Calibration, decision curves and subgroups are computed here from the same out-of-fold "
    "predictions, their limits from 200 bootstraps of patients within folds."
)


class ModelEvaluation(NotebookWidget):
    """A model comparison, calibration, decision curves, subgroups and what is lost without inputs.

    Parameters
    ----------
    evaluation
        What the study computed: it is shown, never computed anew.
    cohort, predictions
        The evaluated patients and their out-of-fold predictions by model: needed for calibration
        curves, decision curves, subgroups and the way back to patients.
    selection
        Of the same cohort: a bin, a third of risk or a threshold that is chosen selects its
        patients everywhere.
    state
        What to begin with.
    view
        Names this widget among those that share the selection.

    Raises
    ------
    WorkbenchError
        Predictions or a selection of other patients.
    """

    State = EvaluationState
    title = "Model evaluation"

    def __init__(
        self,
        evaluation: Evaluation,
        cohort: "Cohort | None" = None,
        predictions: "Mapping[str, Predictions] | None" = None,
        *,
        selection: Selection | None = None,
        state: WidgetState | dict | None = None,
        view: str = "evaluation",
    ) -> None:
        if (cohort is None) != (predictions is None):
            raise WorkbenchError("pass the cohort and its predictions together, or neither")
        self.evaluation, self.selection = evaluation, selection
        self.patients = None
        if cohort is not None and predictions is not None:
            self.patients = EvaluatedPatients.of(evaluation, cohort, predictions)
        self._shown = ShownEvaluation.of(evaluation, self.patients)
        self._chosen: RiskSelection | None = None
        if selection is not None:
            self._chosen = RiskSelection(selection, self.patients, self.judged, view=view)
        self._drawn: Clause | None = None
        super().__init__(state)
        if selection is not None:
            self.follow(selection, self._moved)

    @classmethod
    def of(
        cls,
        result: "StudyResult",
        *,
        selection: Selection | None = None,
        state: WidgetState | dict | None = None,
    ) -> Self:
        """The evaluation that ``workbench.run`` came to."""
        return cls(
            result.evaluation, result.cohort, result.predictions, selection=selection, state=state
        )

    def _moved(self, moved: Moved) -> None:
        # What others choose changes nothing here but what is chosen from here.
        if moved.settled and self._chosen is not None and self._chosen.clause != self._drawn:
            self.refresh()

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state = super()._read_state(value)
        check_state(state, self.evaluation)
        return state

    # What is set, and what stands in its place

    @property
    def horizon(self) -> float:
        """The horizon that is asked for; the study's last until then."""
        return self._shown.horizons[-1] if self.state.horizon is None else self.state.horizon

    @property
    def judged(self) -> str:
        """The only model that is judged."""
        return self._shown.judged

    @property
    def models(self) -> tuple[str, ...]:
        """Models whose calibration and decisions are shown."""
        return self.state.models or tuple(dict.fromkeys((self._shown.clinical, self.judged)))

    @property
    def risk_name(self) -> str:
        """What the predicted risk is called in the selection."""
        return f"predicted risk{self._shown.at(self.horizon, ' at ')}"

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """The decision, the comparison, calibration, decision curves, and the rest."""
        state, shown, chosen = self.state, self._shown, self._chosen
        if chosen is not None:
            chosen.offer(self.risk_name, self.horizon)
            self._drawn = chosen.clause
        at, models, named = self.horizon, self.models, self.risk_name
        calibration = calibration_blocks(shown, models, at, risk_name=named, chosen=chosen)
        acts = decision_blocks(state, shown, models, risk_name=named, chosen=chosen)
        thirds = (
            (
                Section(
                    "risk-groups",
                    "Survival by predicted risk",
                    risk_group_blocks(shown, selects=chosen is not None),
                ),
            )
            if shown.terms.has_time
            else ()
        )
        notes = tuple(Words(prose(note)) for note in (*shown.numbers["notes"], OWN_NOTE))
        return (
            asked_controls(state, shown, chosen),
            *lacking_notice(state, shown),
            Section("comparison", "Model comparison", comparison_blocks(shown, state.group)),
            Section("calibration", f"Calibration{shown.at(at, ' at ')}", calibration),
            Section("decision", "Is acting on it better than acting on all or none?", acts),
            *thirds,
            Section("subgroups", "Subgroups and sites", subgroup_blocks(state, shown, at)),
            Section(
                "missing",
                "What each kind of data adds, and what its absence costs",
                missing_blocks(shown),
            ),
            Section("notes", "How to read these numbers", notes, open=False),
        )

    # From numbers back to patients

    def brush(self, name: str, ends: tuple[float, float] | None, *, moving: bool) -> None:
        """A range of predicted risk was brushed: its patients are selected once it is let go."""
        if moving:
            return
        if ends is None:
            self.do_release()
        else:
            self._ask(*ends)

    def pick(self, name: str, pick: str) -> None:
        """A third of risk, or a bin of the calibration, was chosen."""
        if self._chosen is None:
            return
        if name == "thirds":
            self._chosen.ask_third(pick.removesuffix(" risk"))
        elif name == "bins":
            self._chosen.ask_bin(self.risk_name, self.horizon, int(pick))

    def do_above(self) -> None:
        """Patients whose predicted risk reaches the threshold."""
        self._ask(self.state.acts_at, None)

    def do_below(self) -> None:
        """Patients whose predicted risk is below the threshold."""
        self._ask(None, self.state.acts_at)

    def do_release(self) -> None:
        """The chosen patients are let go."""
        if self._chosen is not None:
            self._chosen.release()

    def _ask(self, low: float | None, high: float | None) -> None:
        if self._chosen is not None:
            self._chosen.ask(self.risk_name, self.horizon, low, high)
