"""Survival of groups: curves, who is at risk, tests, the mean time lived, adjusted curves."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.errors import PrivacyError, SurvivalError
from workbench.survival import landmark
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Notice,
    Number,
    Section,
    Several,
    Slider,
    Switch,
)
from workbench.widgets.group_survival import (
    Compared,
    adjusted_blocks,
    incidence_blocks,
    survival_blocks,
)
from workbench.widgets.grouping import Groups, group_by
from workbench.widgets.linked_columns import asked_words
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

CUTS = {"median": "median", "tertiles": "tertiles", "quartiles": "quartiles", "value": "a value"}
MEASURES = {"survival": "survival", "incidence": "what came first"}
ADJUSTABLE = 8
"""Levels up to which a column of levels can be adjusted for."""


class SurvivalExplorer(NotebookWidget):
    """Kaplan-Meier curves, or cumulative incidence, by any column of the selection's patients.

    Parameters
    ----------
    selection
        The patients with their outcome; a group that is chosen here is selected everywhere.
    state
        What to begin with.
    cause
        Where one event rules out another: 0 censored, 1, 2, ... the event that came first,
        (patient,) int.
    causes
        Names of causes 1, 2, ....
    view
        The name under which it takes part in the selection; another for a second explorer.

    Raises
    ------
    SurvivalError
        The selection has no outcome, or causes do not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patients = pd.DataFrame({"arm": ["a", "b"] * 40})
    >>> selection = Selection(patients, rng.exponential(500, 80), rng.random(80) < 0.7)
    >>> explorer = SurvivalExplorer(selection, {"group": "arm"})
    >>> [row[:2] for row in explorer.tables["groups"].rows]
    [('a', '40'), ('b', '40')]
    """

    class State(WidgetState):
        """What is compared, and how.

        ``group`` "" is all patients together; ``cut`` is for columns of numbers; ``landmark`` and
        ``tau`` are in the time unit; ``adjust_for`` are columns.
        """

        group: str = ""
        cut: Literal["median", "tertiles", "quartiles", "value"] = "median"
        cut_at: float | None = None
        measure: Literal["survival", "incidence"] = "survival"
        landmark: float = 0.0
        tau: float | None = None
        adjust_for: tuple[str, ...] = ()
        selected_only: bool = True

    title = "Survival"

    def __init__(
        self,
        selection: Selection,
        state: WidgetState | Mapping[str, Any] | None = None,
        *,
        cause: np.ndarray | None = None,
        causes: tuple[str, ...] = (),
        view: str = "survival",
    ) -> None:
        if selection.time is None or selection.event is None:
            raise SurvivalError(
                "survival needs an outcome that is a time: make the selection with time and event; "
                "an event that is there or not has no curve"
            )
        if cause is not None and (len(cause) != len(selection.time) or cause.max() > len(causes)):
            raise SurvivalError(
                f"expected a cause of 0 to {len(causes)} for each of {len(selection.time)} "
                "patients, and a name for every cause"
            )
        self.selection = selection
        self.time = np.asarray(selection.time, float)
        self.event = np.asarray(selection.event, bool)
        self.cause, self.causes = cause, causes
        self._view = view
        super().__init__(state)
        self.follow(selection, self._moved)

    def _moved(self, moved: Moved) -> None:
        if moved.settled:
            self.refresh()

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Controls, curves, and what is said of the groups."""
        return (self._settings(), *self._results())

    def _settings(self) -> Controls:
        state, unit = self.state, self.selection.time_unit
        names = {name: self.selection.title(name) for name in self.selection.patients.columns}
        controls: list[Control] = [
            Choice("group", "Compare by", {"": "all patients together"} | names, state.group)
        ]
        if state.group and self._is_number(state.group):
            controls.append(Choice("cut", "Cut at", CUTS, state.cut))
            if state.cut == "value":
                controls.append(Number("cut_at", "Value", state.cut_at, optional=True))
        if self.cause is not None:
            controls.append(Choice("measure", "Show", MEASURES, state.measure))
        latest = float(np.quantile(self.time, 0.9))
        step = float(f"{max(latest / 60, 1e-6):.1g}")
        controls += [
            Slider(
                "landmark",
                "Start at",
                0.0,
                round(latest / step) * step,
                step,
                state.landmark,
                unit,
                hint="A landmark: patients still at risk then, time counted from it. Groups that "
                "are known only later than day 0 need one.",
            ),
            Number("tau", "Mean time lived within", state.tau, 1e-9, None, unit, optional=True),
            Switch("selected_only", "Selected patients only", state.selected_only),
        ]
        if self.selection.brushes.clauses.get(self._view):
            controls.append(Button("release", "Let the group go"))
        return Controls(tuple(controls))

    def _is_number(self, name: str) -> bool:
        values = self.selection.patients[name]
        return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)

    def _results(self) -> list[Block]:
        state = self.state
        try:
            compared, rows = self._compared()
            if compared.small:
                least = max(compared.minimum, 1)
                return [
                    Notice(
                        f"fewer than {least} patients in {', '.join(compared.small)}: curves are "
                        "withheld. Choose another cut, or select more patients.",
                        "warning",
                    )
                ]
            self._ask(compared, rows)
            if state.measure == "incidence" and self.cause is not None:
                return incidence_blocks(compared, self.cause[rows], self.causes)
            blocks = survival_blocks(compared, state.tau)
            if state.group:
                blocks.append(self._adjusting(compared, rows))
        except ValueError as error:
            return [Notice(str(error), "problem")]
        return blocks

    def _ask(self, compared: Compared, rows: np.ndarray) -> None:
        """A restricted dataset is asked for each group, and for those of it with an event."""
        selection = self.selection
        log = selection.release_log
        if log.minimum <= 1:
            return
        asked = asked_words(selection) if self.state.selected_only else ""
        parts = {}
        for k, label in enumerate(compared.labels):
            words = f"survival of {label}, {compared.origin}" + (f", {asked}" if asked else "")
            inside = compared.codes == k
            for name, chosen in ((words, inside), (f"{words}: events", inside & compared.event)):
                if chosen.sum() >= log.minimum:
                    parts[name] = np.zeros(len(self.time), bool)
                    parts[name][rows[chosen]] = True
        answer = log.show_all(selection.patients.index, parts)
        if not answer.allowed:
            raise PrivacyError(answer.sentence)

    def _adjusting(self, compared: Compared, rows: np.ndarray) -> Section:
        state, patients = self.state, self.selection.patients
        fit = {
            name: self.selection.title(name)
            for name in patients.columns
            if name != state.group
            and (self._is_number(name) or patients[name].nunique() <= ADJUSTABLE)
        }
        chosen = tuple(name for name in state.adjust_for if name in fit)
        blocks: list[Block] = [
            Controls((Several("adjust_for", "Adjust for", fit, chosen),), name="adjusting")
        ]
        if chosen:
            covariates = patients.iloc[rows][list(chosen)].rename(columns=fit)
            title = self.selection.title(state.group)
            try:
                blocks += adjusted_blocks(compared, covariates, title)
            except ValueError as error:
                blocks.append(Notice(str(error), "problem"))
        return Section("adjusted", "Adjusted curves and hazard ratios", tuple(blocks), bool(chosen))

    # What is compared

    def _compared(self) -> tuple[Compared, np.ndarray]:
        """The groups, and which rows of the patients they are."""
        state, selection = self.state, self.selection
        groups = self._groups()
        kept = groups.codes >= 0
        if state.selected_only:
            kept &= selection.mask_for(self._view)
        rows = np.flatnonzero(kept)
        if not len(rows):
            raise SurvivalError("nobody who is selected has a value of this column")
        time, event = self.time[rows], self.event[rows]
        origin = "Time from the index date"
        if state.landmark:
            later = landmark(time, event, at=state.landmark)
            time, event, rows = later.time, later.event, rows[later.at_risk]
            after = f"{state.landmark:g} {selection.time_unit} after the index date"
            origin = f"Time from the landmark, {after}"
        by = f" by {selection.title(state.group)}" if state.group else ""
        what = "What came first" if state.measure == "incidence" else "Survival"
        chosen = self._chosen(groups)
        compared = Compared(
            time, event, groups.codes[rows], groups.labels, selection.time_unit,
            f"{what}{by}", origin, selection.minimum, bool(state.group), chosen,
        )  # fmt: skip
        return compared, rows

    def _groups(self) -> Groups:
        state, selection = self.state, self.selection
        if not state.group:
            return Groups(("all patients",), np.zeros(len(self.time), int), ())
        if state.group not in selection.patients:
            raise SurvivalError(f"no column is called {state.group!r}")
        values = selection.patients[state.group]
        return group_by(values, cut=state.cut, at=state.cut_at, title=selection.title(state.group))

    def _chosen(self, groups: Groups) -> int:
        clause = self.selection.brushes.clauses.get(self._view)
        return next((at for at, each in enumerate(groups.clauses) if each == clause), -1)

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A group was chosen: it becomes the selection of every other view."""
        groups = self._groups()
        at = groups.labels.index(pick)
        self.selection.set(self._view, None if at == self._chosen(groups) else groups.clauses[at])

    def do_release(self) -> None:
        """The group is let go."""
        self.selection.set(self._view, None)
