"""Whether a model is good enough for a decision, asked in the order of judging."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pydantic import field_validator

from workbench.cohort.crossfilter import Clause, Levels, Range
from workbench.errors import CohortError, WorkbenchError
from workbench.evaluation import Evaluation
from workbench.evaluation.words import at_time
from workbench.figures import (
    plot_calibration_curves,
    plot_decision_curves,
    plot_gains,
    plot_model_comparison,
    plot_subgroups,
    plot_survival_curves,
)
from workbench.figures.group_forests import METRICS as FOREST_METRICS
from workbench.report.withhold import withhold_counts
from workbench.report.words import RANKS_NOBODY, group_title, model_titles, short_titles
from workbench.widgets import evaluation_tables as tables
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Notice,
    Number,
    Section,
    Several,
    Slider,
    TextEntry,
    Words,
)
from workbench.widgets.evaluated_patients import (
    EvaluatedPatients,
    group_columns,
    site_column,
    withheld_parts,
)
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

if TYPE_CHECKING:
    from fusion.predictions import Predictions
    from workbench.cohort.cohort import Cohort
    from workbench.study import StudyResult

N_THRESHOLDS = 60
THIRD = "third of predicted risk"


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

    class State(WidgetState):
        """Percentages are of predicted risk; ``models`` () is the clinical and the judged one."""

        decision: str = ""
        horizon: float | None = None
        lowest: float | None = None
        highest: float | None = None
        threshold: float | None = None
        group: str = "all"
        models: tuple[str, ...] = ()
        by: tuple[str, ...] | None = None
        metric: str = "harrell_c"

        @field_validator("horizon", mode="before")
        @classmethod
        def _chosen(cls, value: object) -> object:
            """A control of the page offers horizons as words."""
            if isinstance(value, str):
                return float(value) if value else None
            return value

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
        self.evaluation, self.selection, self._view = evaluation, selection, view
        self.patients = None
        minimum = 10
        if cohort is not None and predictions is not None:
            self.patients = EvaluatedPatients.of(evaluation, cohort, predictions)
            minimum = self.patients.minimum
        self._shown = withhold_counts(evaluation.to_json(), minimum)
        self._minimum = minimum
        self._document = self._names()
        self._titles = model_titles(self._document)
        self._given: set[str] = set()
        self._chosen: Clause | None = None
        if selection is not None:
            self._check_selection(selection)
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

    def _names(self) -> dict[str, Any]:
        """What gives models and groups their words."""
        modalities = []
        if self.patients is not None:
            spec = self.patients.cohort.card.spec
            modalities = [{"name": n, "title": m.title} for n, m in spec.modalities.items()]
        return {"evaluation_settings": self.evaluation.settings, "modalities": modalities}

    def _check_selection(self, selection: Selection) -> None:
        if self.patients is None:
            raise WorkbenchError("to lead back to patients, pass the cohort and its predictions")
        lacking = ~self.patients.cohort.patients.index.isin(selection.patients.index)
        if lacking.any():
            raise CohortError(
                f"the selection lacks {int(lacking.sum())} of the evaluated patients: make it with "
                "Selection.of(cohort)"
            )

    def _moved(self, moved: Moved) -> None:
        # What others choose changes nothing here but what is chosen from here.
        if moved.settled and self._clause() != self._chosen:
            self.refresh()

    def _clause(self) -> Clause | None:
        if self.selection is None:
            return None
        return self.selection.brushes.clauses.get(self._view)

    # What is set, and what stands in its place

    @property
    def horizon(self) -> float:
        """The horizon that is asked for; the study's last until then."""
        return self.evaluation.settings["horizons"][-1] if self._open() else self.state.horizon

    def _open(self) -> bool:
        return self.state.horizon not in self.evaluation.settings["horizons"]

    @property
    def judged(self) -> str:
        """The only model that is judged."""
        return self.evaluation.settings["judged"]

    @property
    def models(self) -> tuple[str, ...]:
        """Models whose calibration and decisions are shown."""
        if self.state.models:
            return self.state.models
        return tuple(dict.fromkeys((self.evaluation.settings["clinical"], self.judged)))

    def _model(self, name: str) -> str:
        return self._titles.get(name, name)

    def _at(self) -> str:
        return at_time(self.horizon, self.evaluation.settings["time_unit"])

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state: Any = super()._read_state(value)
        settings = self.evaluation.settings
        if state.horizon is not None and state.horizon not in settings["horizons"]:
            horizons = ", ".join(f"{h:g}" for h in settings["horizons"])
            raise WorkbenchError(f"horizon must be one of the study's ({horizons})")
        known = {row["model"] for row in self.evaluation.ladder}
        unknown = [name for name in state.models if name not in known]
        if unknown or len(state.models) > 3:
            raise WorkbenchError(f"models must be up to three of {', '.join(sorted(known))}")
        if state.group not in {row["group"] for row in self.evaluation.ladder}:
            raise WorkbenchError("group must be one of the evaluation's")
        if state.metric not in FOREST_METRICS:
            raise WorkbenchError(f"metric must be one of {', '.join(FOREST_METRICS)}")
        low, high = state.lowest, state.highest
        if any(each is not None and not 0 <= each < 100 for each in (low, high)):
            raise WorkbenchError("thresholds must be percentages from 0 to below 100")
        return state

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """The decision, the comparison, calibration, decision curves, and the rest."""
        self._offer()
        self._chosen = self._clause()
        return (
            self._asked(),
            *self._lacking(),
            Section("comparison", "Model comparison", self._comparison()),
            Section("calibration", f"Calibration at {self._at()}", self._calibration()),
            Section("decision", "Is acting on it better than acting on all or none?", self._acts()),
            Section("risk-groups", "Survival by predicted risk", self._risk_groups()),
            Section("subgroups", "Subgroups and sites", self._subgroups()),
            Section(
                "missing",
                "What each kind of data adds, and what its absence costs",
                self._missing(),
            ),
            Section("notes", "How to read these numbers", self._notes(), open=False),
        )

    def _asked(self) -> Controls:
        state, settings = self.state, self.evaluation.settings
        horizons = {"": "not chosen yet"} | {
            f"{h:g}": at_time(h, settings["time_unit"]) for h in settings["horizons"]
        }
        chosen = "" if state.horizon is None else f"{state.horizon:g}"
        return Controls(
            (
                TextEntry(
                    "decision",
                    "The decision",
                    state.decision,
                    suggestions=("acting on a risk of death within 2 years",),
                    hint="What would be done for a patient at high risk",
                ),
                Choice("horizon", "Horizon", horizons, chosen),
                Number("lowest", "Act from a risk of", state.lowest, 0, 99, "%", optional=True),
                Number("highest", "to", state.highest, 0, 99, "%", optional=True),
                *self._let_go(),
            ),
            name="asked",
        )

    def _let_go(self) -> tuple[Button, ...]:
        if self._clause() is None:
            return ()
        return (Button("release", "Let the chosen patients go"),)

    def _lacking(self) -> tuple[Notice, ...]:
        state = self.state
        lacking = [
            words
            for words, there in (
                ("the decision", state.decision.strip()),
                ("the horizon", not self._open()),
                ("the range of risks at which one would act", self._thresholds() is not None),
            )
            if not there
        ]
        if not lacking:
            return ()
        return (
            Notice(
                f"Say {' and '.join(filter(None, [', '.join(lacking[:-1]), lacking[-1]]))} first: "
                "whether a model is useful depends on what is done with it. Decision curves are "
                "hidden until then.",
                name="lacking",
            ),
        )

    def _thresholds(self) -> np.ndarray | None:
        """Risks at which one might act; None while they are not said."""
        low, high = self.state.lowest, self.state.highest
        if low is None or high is None or high <= low:
            return None
        return np.linspace(low, high, N_THRESHOLDS) / 100

    def _ready(self) -> bool:
        return (
            bool(self.state.decision.strip())
            and not self._open()
            and (self._thresholds() is not None)
        )

    def _comparison(self) -> tuple[Block, ...]:
        groups = list(dict.fromkeys(row["group"] for row in self._shown["ladder"]))
        titles = {group: group_title(self._document, group) for group in groups}
        group = self.state.group
        rows = [
            row
            for row in self._shown["ladder"]
            if row["group"] == group and not row["model"].startswith("without_")
        ]
        settings = self.evaluation.settings
        counts = f"{rows[0]['n']} patients, {rows[0]['n_events']} events"
        blocks: list[Block] = [Controls((Choice("group", "Patients", titles, group),), "of")]
        ranked = [r for r in rows if r["model"] not in RANKS_NOBODY]
        if any(row["harrell_c"] for row in ranked):
            drawing = plot_model_comparison(
                ranked,
                titles=self._titles,
                clinical=settings["clinical"],
                judged=self.judged,
                title=f"{titles[group]} ({counts})",
            )
            blocks.append(Figure("comparison", drawing))
        claims = [c["sentence"] for c in self._shown["claims"] if c["group"] == group]
        blocks += [Words(sentence) for sentence in claims]
        blocks.append(tables.comparison(rows, self._titles, f"{titles[group]}: {counts}"))
        return tuple(blocks)

    def _calibration(self) -> tuple[Block, ...]:
        numbers = tables.calibration(
            [
                row
                for row in self._shown["at_horizons"]
                if row["model"] in self.models and row["horizon"] == self.horizon
            ],
            self._titles,
            {
                row["group"]: group_title(self._document, row["group"])
                for row in self._shown["ladder"]
            },
        )
        if self.patients is None:
            return (numbers, *self._without_patients("calibration curves"))
        known = {row["model"]: self._model(row["model"]) for row in self.evaluation.ladder}
        drawn = {n: t for n, t in known.items() if n not in RANKS_NOBODY}
        controls = Controls(
            (Several("models", "Models (up to three)", drawn, self.models),), "models"
        )
        try:
            found: dict[str, Any] = {
                n: self.patients.calibration(n, self.horizon) for n in self.models
            }
            drawing = plot_calibration_curves(
                {self._model(name): each for name, each in found.items()},
                title=f"Predicted and observed risk at {self._at()}",
                risks={self._model(n): self.patients.risk(n, self.horizon) for n in found},
                minimum_cell=max(self._minimum, 1),
            )
        except ValueError as error:
            return (controls, Notice(str(error), "problem"), numbers)
        blocks: list[Block] = [controls]
        if min(each.n_events for each in found.values()) < self._minimum:
            blocks.append(self._withheld("events by the horizon"))
        else:
            brush = 0 if self.selection is not None else -1
            blocks.append(Figure("calibration", drawing, brush=brush, brushed=self._brushed()))
        if self.judged in found:
            blocks.append(
                tables.bins(
                    found[self.judged].bins,
                    self._minimum,
                    f"{self._model(self.judged)}: patients by predicted risk"
                    + (" (choose a row to select its patients)" if self.selection else ""),
                    pickable=self.selection is not None,
                )
            )
        return (*blocks, numbers)

    def _acts(self) -> tuple[Block, ...]:
        thresholds = self._thresholds()
        if not self._ready() or thresholds is None:
            return (Notice("Hidden until decision, horizon and range are said above."),)
        if self.patients is None:
            return self._without_patients("decision curves")
        try:
            curves = {n: self.patients.decision(n, self.horizon, thresholds) for n in self.models}
            drawing = plot_decision_curves(
                {self._model(name): each for name, each in curves.items()},
                title=f"{tables.capital(self.state.decision)}, at {self._at()}",
            )
        except ValueError as error:
            return (Notice(str(error), "problem"),)
        if min(each.n_events for each in curves.values()) < self._minimum:
            return (self._withheld("events by the horizon"),)
        brush = 0 if self.selection is not None else -1
        figure = Figure("decision", drawing, brush=brush, brushed=self._brushed())
        return (figure, *self._at_threshold(thresholds))

    def _at_threshold(self, thresholds: np.ndarray) -> tuple[Block, ...]:
        low, high = 100 * thresholds[0], 100 * thresholds[-1]
        at = 100 * self._threshold()
        step = 1.0 if high - low >= 10 else 0.1
        controls: list[Any] = [
            Slider("threshold", "Threshold", float(low), float(high), step, round(at, 1), "%")
        ]
        if self.selection is not None:
            controls += [
                Button("above", "Select patients at or above it"),
                Button("below", "Select patients below it"),
            ]
        assert self.patients is not None
        curves = {
            self._model(name): self.patients.decision(name, self.horizon, np.array([at / 100]))
            for name in self.models
        }
        caption = f"At a threshold of {at:g} %"
        return (
            Controls(tuple(controls), "threshold"),
            tables.at_threshold(curves, self._minimum, caption),
        )

    def _risk_groups(self) -> tuple[Block, ...]:
        stratum = self._shown["risk_groups"]["strata"][0]
        table = tables.risk_groups(stratum, self.evaluation.settings["time_unit"])
        if self.patients is None:
            return (table, *self._without_patients("curves"))
        found = self.patients.risk_groups(self.judged)
        labels = self.patients.thirds(self.judged).categories
        curves: dict[object, Any] = {
            f"{labels[code]} risk": curve
            for code, curve in zip(found.groups, found.curves, strict=True)
        }
        if min(int(curve.n_at_risk[0]) for curve in curves.values()) < self._minimum:
            return (self._withheld("patients in a third"), table)
        drawing = plot_survival_curves(
            curves,
            time_unit=self.evaluation.settings["time_unit"],
            title=f"Thirds of the risk that {self._in_sentence()} predicts, within folds",
            log_rank=found.log_rank,
            minimum_cell=self.patients.shown_minimum,
        )
        picks = (
            {str(each): f"Select patients at {each}" for each in curves} if self.selection else {}
        )
        return (Figure("thirds", drawing, picks), table)

    def _in_sentence(self) -> str:
        title = self._model(self.judged)
        return f"the {title[:1].lower()}{title[1:]}"

    def _subgroups(self) -> tuple[Block, ...]:
        if self.patients is None:
            return self._without_patients("subgroups")
        cohort = self.patients.cohort
        site, spec = site_column(cohort), cohort.card.spec
        columns = {n: self._column(n) for n in group_columns(cohort)}
        options = columns | ({site: f"{self._column(site)} (site)"} if site else {})
        by = self.state.by if self.state.by is not None else tuple(spec.study.get("groups", ()))
        by = tuple(name for name in by if name in options)
        controls = Controls(
            (
                Several("by", "By", options, by),
                Choice(
                    "metric",
                    "Measure",
                    {n: w for n, (w, _) in FOREST_METRICS.items()},
                    self.state.metric,
                ),
            ),
            "subgroups",
        )
        groups = tuple(name for name in by if name in columns)
        if not by:
            return (controls, Notice("Choose by what patients are told apart."))
        try:
            table = self.patients.subgroups(
                self.judged, self.horizon, groups, site if site in by else ""
            )
            blocks = [list(cohort.group_masks([name])) for name in groups]
            blocks.append([row["group"] for row in table.rows if row["kind"] == "site"])
            rows = withheld_parts(table.rows, blocks, self._minimum)
            drawing = plot_subgroups(
                rows,
                metric=self.state.metric,
                sites=table.sites,
                title=f"{self._model(self.judged)}, at {self._at()}",
                minimum_cell=self.patients.shown_minimum,
            )
        except ValueError as error:
            return (controls, Notice(str(error), "problem"))
        return (
            controls,
            Figure("subgroups", drawing),
            tables.subgroups(rows, self._minimum, "Every measure of each group"),
        )

    def _column(self, name: str) -> str:
        assert self.patients is not None
        spec = self.patients.cohort.card.spec
        if name in spec.groups:
            return spec.groups[name].title
        return tables.label(spec.columns[name].meaning)

    def _missing(self) -> tuple[Block, ...]:
        rows = self._shown["modality_value"]
        if not rows:
            return (Notice("The study compared no model with the same without a kind of data."),)
        titles = short_titles(self._document)
        labels = [str(titles.get(row["modality"], row["modality"])) for row in rows]
        drawing = plot_gains(
            rows,
            labels=labels,
            title="The combined model with each kind of data, against the same without it",
            notes=["In the patients who have it. Right of the line: better with it."],
            minimum_cell=self._minimum or None,
        )
        return (
            Figure("gains", drawing),
            *(Words(row["sentence"]) for row in rows),
            tables.by_availability(self._shown["ladder"], self.judged, self._document),
        )

    def _notes(self) -> tuple[Block, ...]:
        own = (
            "Calibration, decision curves and subgroups are computed here from the same out-of-"
            "fold predictions, their limits from 200 bootstraps of patients within folds."
        )
        return tuple(Words(note) for note in (*self._shown["notes"], own))

    def _without_patients(self, what: str) -> tuple[Notice, ...]:
        return (Notice(f"For {what}, pass the cohort and its predictions too."),)

    def _withheld(self, what: str) -> Notice:
        return Notice(f"Withheld: fewer than {self._minimum} {what}.", "warning")

    # From numbers back to patients

    @property
    def risk_name(self) -> str:
        """What the predicted risk is called in the selection."""
        return f"predicted risk at {self._at()}"

    def _offer(self) -> None:
        """Let the selection know predicted risk and thirds, once each."""
        if self.selection is None or self.patients is None:
            return
        index = self.patients.cohort.patients.index
        for name in (self.risk_name, THIRD):
            if name in self._given:
                continue
            values = (
                self.patients.thirds(self.judged).astype(object)
                if name == THIRD
                else self.patients.risk(self.judged, self.horizon)
            )
            everyone = pd.Series(values, index=index).reindex(self.selection.patients.index)
            if name == THIRD:
                everyone = everyone.astype(
                    pd.CategoricalDtype(self.patients.thirds(self.judged).categories)
                )
            self._given.add(name)
            self.selection.offer(name, everyone)

    def _brushed(self) -> tuple[float, float] | None:
        clause = self._clause()
        if not isinstance(clause, Range) or clause.column != self.risk_name:
            return None
        low, high = clause.low, clause.high
        return (0.0 if low is None else float(low), 1.0 if high is None else float(high))

    def _select(self, clause: Clause | None) -> None:
        if self.selection is not None:
            self.selection.set(self._view, clause)

    def brush(self, name: str, ends: tuple[float, float] | None, *, moving: bool) -> None:
        """A range of predicted risk was brushed: its patients are selected once it is let go."""
        if not moving:
            self._select(None if ends is None else Range(self.risk_name, *ends))

    def pick(self, name: str, pick: str) -> None:
        """A third of risk, or a bin of the calibration, was chosen."""
        if name == "thirds":
            self._select(Levels(THIRD, (pick.removesuffix(" risk"),)))
        elif name == "bins" and self.patients is not None:
            ends = [None, *self.patients.bin_edges(self.judged, self.horizon), None]
            at = int(pick)
            self._select(Range(self.risk_name, ends[at], ends[at + 1]))

    def _threshold(self) -> float:
        thresholds = self._thresholds()
        if thresholds is None:
            raise WorkbenchError("say the range of thresholds first")
        asked = self.state.threshold
        low, high = 100 * thresholds[0], 100 * thresholds[-1]
        middle = round(float(low + high) / 2)
        return float(np.clip(middle if asked is None else asked, low, high)) / 100

    def do_above(self) -> None:
        """Patients whose predicted risk reaches the threshold."""
        self._select(Range(self.risk_name, self._threshold(), None))

    def do_below(self) -> None:
        """Patients whose predicted risk is below the threshold."""
        self._select(Range(self.risk_name, None, self._threshold()))

    def do_release(self) -> None:
        """The chosen patients are let go."""
        self._select(None)
