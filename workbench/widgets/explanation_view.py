"""What moved a model's predictions, once its explanation has passed its own checks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workbench.errors import WorkbenchError
from workbench.evaluation import Evaluation
from workbench.figures import Drawing, plot_patient_contributions
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Number,
    Section,
)
from workbench.widgets.explanation_sections.contributions import (
    kind_blocks,
    over_time_blocks,
    within_blocks,
)
from workbench.widgets.explanation_sections.soundness import calibration_blocks, check_blocks
from workbench.widgets.offered import ChosenNumber
from workbench.widgets.patient_parts import patient_parts
from workbench.widgets.shown_attribution import ShownAttribution, check_patients
from workbench.widgets.single_patient import check_ordinal, may_keep, single_patient
from workbench.widgets.widget import NotebookWidget, WidgetState

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution
    from workbench.cohort.cohort import Cohort
    from workbench.study import StudyResult


class ExplanationView(NotebookWidget):
    """Checks first, then kinds of data, then groups of features, features and single patients.

    Parameters
    ----------
    attributions
        One attribution, or several by a name that a person reads.
    evaluation
        Of the same model: its calibration then stands above every contribution.
    cohort
        The explained patients: who has which kind of data, titles, and the smallest count that may
        be shown (10 without a cohort).
    state
        What to begin with.

    Raises
    ------
    WorkbenchError
        No attribution, or one of other patients than the cohort's.
    """

    class State(WidgetState):
        """ "" is the first attribution, every kind of data, every feature."""

        method: str = ""
        horizon: ChosenNumber = None
        modality: str = ""
        group: str = ""
        patient: int | None = None

    title = "Explanation"

    def __init__(
        self,
        attributions: "Attribution | Mapping[str, Attribution]",
        evaluation: Evaluation | None = None,
        cohort: "Cohort | None" = None,
        *,
        state: WidgetState | dict | None = None,
    ) -> None:
        if isinstance(attributions, Mapping):
            self.attributions = dict(attributions)
        else:
            self.attributions = {attributions.method: attributions}
        if not self.attributions:
            raise WorkbenchError("an explanation needs an attribution, got none: pass one")
        self.evaluation = evaluation
        self.cohort = None if cohort is None else cohort.evaluated
        if self.cohort is not None:
            for each in self.attributions.values():
                check_patients(each, self.cohort)
        super().__init__(state)

    @classmethod
    def of(cls, result: "StudyResult", *, state: WidgetState | dict | None = None) -> Self:
        """What moved the judged model of ``workbench.run``, out of fold."""
        return cls(result.attributions, result.evaluation, result.cohort, state=state)

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state: Any = super()._read_state(value)
        if state.method and state.method not in self.attributions:
            raise WorkbenchError(f"method must be one of {', '.join(self.attributions)}")
        shown = self.attributions[state.method or next(iter(self.attributions))]
        if state.horizon is not None and not np.isclose(shown.horizons, state.horizon).any():
            raise WorkbenchError("horizon must be one at which the explanation was computed")
        if state.modality and state.modality not in shown.modality_names:
            raise WorkbenchError(f"modality must be one of {', '.join(shown.modality_names)}")
        groups = shown.features[state.modality].groups if state.modality in shown.features else {}
        if state.group and state.group not in groups:
            raise WorkbenchError("group must be one of the modality's groups of features")
        check_ordinal(state.patient, shown.n_patients)
        return state

    @property
    def attribution(self) -> "Attribution":
        """What is shown."""
        return self.attributions[self.state.method or next(iter(self.attributions))]

    @property
    def unit(self) -> str:
        """Of the contributions."""
        return self._shown().unit

    def _shown(self) -> ShownAttribution:
        return ShownAttribution(self.attribution, self.cohort, self.state.horizon)

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Checks, calibration, then contributions from the coarse to the fine."""
        state, shown = self.state, self._shown()
        kinds = kind_blocks(shown, state.modality)
        return (
            self._asked(shown),
            Section("checks", "Is the explanation sound?", check_blocks(shown)),
            Section(
                "calibration",
                "Is the model calibrated?",
                calibration_blocks(shown, self.evaluation),
            ),
            Section("modalities", "How far each kind of data moves the prediction", kinds),
            *within_blocks(shown, state.modality, state.group),
            *over_time_blocks(shown),
            Section("patient", "One patient", self._patient(shown)),
        )

    def _asked(self, shown: ShownAttribution) -> Controls:
        controls: list[Any] = []
        if len(self.attributions) > 1:
            names = {name: name for name in self.attributions}
            chosen = self.state.method or next(iter(names))
            controls.append(Choice("method", "Method", names, chosen))
        horizons = shown.found.horizons
        if len(horizons) > 1:
            options = {f"{h:g}": shown.at(h) for h in horizons}
            controls.append(Choice("horizon", "Horizon", options, f"{horizons[shown.position]:g}"))
        names = {"": "all kinds"} | {n: shown.titled(n) for n in shown.found.modality_names}
        controls.append(Choice("modality", "Kind of data", names, self.state.modality))
        groups = self._groups()
        if groups:
            options = {"": "all features"} | {name: name for name in groups}
            controls.append(Choice("group", "Group of features", options, self.state.group))
        return Controls(tuple(controls), "asked")

    def _groups(self) -> Mapping[str, tuple[str, ...]]:
        features = self.attribution.features
        return features[self.state.modality].groups if self.state.modality in features else {}

    # One patient

    def _patient(self, shown: ShownAttribution) -> tuple[Block, ...]:
        n, at = shown.found.n_patients, self.state.patient
        controls = Controls(
            (
                Number("patient", f"Patient (1 to {n:,})", at, 1, n, optional=True),
                Button("previous", "Previous", enabled=at is not None and at > 1),
                Button("next", "Next", enabled=at is None or at < n),
            ),
            "patient-asked",
        )
        if at is None:
            return (controls,)
        keep = may_keep(self.cohort)
        blocks = (Figure("contributions", self._waterfall(shown, at)),)
        title = f"Patient {at:,} of {n:,}"
        return (controls, single_patient("one", title, blocks, keep=keep, version=self.version))

    def _waterfall(self, shown: ShownAttribution, ordinal: int) -> Drawing:
        found, row = shown.found, shown.row(ordinal)
        parts = patient_parts(
            found,
            row,
            shown.position,
            titled=shown.titled,
            features_titled=shown.features_titled,
            within=self.state.modality,
        )
        notes = [] if found.total is not None else ["The method's parts need not add up."]
        return plot_patient_contributions(
            parts.names,
            parts.values,
            groups=parts.kinds if len(parts.names) > len(found.modality_names) else None,
            reference=found.reference,
            output=shown.unit.capitalize(),
            title=f"Patient {ordinal:,} of {found.n_patients:,}{shown.where}",
            notes=notes,
        )

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A kind of data, or a group of its features, was chosen."""
        if name == "modalities":
            self.change(modality=pick, group="")
        elif name == "kinds":
            shown = self._shown()
            names = shown.found.modality_names
            self.change(modality=next(n for n in names if shown.titled(n) == pick), group="")
        else:
            self.change(group=pick)

    def do_next(self) -> None:
        """The next patient."""
        self.change(patient=(self.state.patient or 0) + 1)

    def do_previous(self) -> None:
        """The patient before."""
        self.change(patient=(self.state.patient or 2) - 1)

    def change(self, **fields: Any) -> None:
        """Set some fields of the state; another kind of data or method drops what lay within."""
        if "method" in fields:
            fields = {"modality": "", "horizon": None, **fields}
        if "modality" in fields:
            fields = {"group": "", **fields}
        super().change(**fields)
