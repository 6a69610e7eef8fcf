"""Survival of groups: curves, who is at risk, tests, and the mean time lived."""

from typing import Literal

import numpy as np
import pandas as pd

from workbench.errors import SurvivalError
from workbench.figures import plot_survival_curves
from workbench.survival import (
    kaplan_meier_by_group,
    landmark,
    pairwise_log_rank,
    rmst_comparison,
)
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Figure,
    Notice,
    Number,
    Switch,
    Table,
    Words,
)
from workbench.widgets.grouping import Groups, group_by
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

CUTS = {"median": "median", "tertiles": "tertiles", "quartiles": "quartiles", "value": "a value"}


class SurvivalExplorer(NotebookWidget):
    """Kaplan-Meier curves by any column of the selection's patients.

    Parameters
    ----------
    selection
        The patients with their outcome; a curve that is chosen selects its group everywhere.
    state
        What to begin with.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patients = pd.DataFrame({"arm": ["a", "b"] * 40})
    >>> selection = Selection(patients, rng.exponential(500, 80), rng.random(80) < 0.7)
    >>> explorer = SurvivalExplorer(selection, {"group": "arm"})
    >>> [row[0] for row in explorer.tables["groups"].rows]
    ['a', 'b']
    """

    class State(WidgetState):
        """Group "" is all patients; ``cut`` is for columns of numbers."""

        group: str = ""
        cut: Literal["median", "tertiles", "quartiles", "value"] = "median"
        cut_at: float | None = None
        landmark: float | None = None
        tau: float | None = None
        selected_only: bool = True

    title = "Survival"

    def __init__(self, selection: Selection, state: WidgetState | dict | None = None) -> None:
        if selection.time is None or selection.event is None:
            raise SurvivalError("survival needs an outcome: make the selection with time and event")
        self.selection = selection
        self._view = "survival"
        super().__init__(state)
        self._stop = selection.watch(self._moved)

    def _moved(self, moved: Moved) -> None:
        if moved.settled:
            self.refresh()

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Controls, curves, and what is said of the groups."""
        return (self._controls_block(), *self._results())

    def _controls_block(self) -> Controls:
        state, selection = self.state, self.selection
        columns = {"": "all patients"} | {
            name: selection.title(name) for name in selection.patients.columns
        }
        controls = [Choice("group", "Compare by", columns, state.group)]
        if state.group and self._numeric():
            controls.append(Choice("cut", "cut at", CUTS, state.cut))
            if state.cut == "value":
                controls.append(Number("cut_at", "value", state.cut_at, optional=True))
        unit = selection.time_unit
        controls += [
            Number(
                "landmark",
                "Start at",
                state.landmark,
                low=0,
                unit=unit,
                optional=True,
                hint="A landmark: patients still at risk then, time counted from it",
            ),
            Number("tau", "Mean time lived within", state.tau, low=0, unit=unit, optional=True),
            Switch("selected_only", "Selected patients only", state.selected_only),
        ]
        if selection.brushes.clauses.get(self._view):
            controls.append(Button("release", "Let the group go"))
        return Controls(tuple(controls))

    def _numeric(self) -> bool:
        values = self.selection.patients[self.state.group]
        return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)

    def _results(self) -> tuple[Block, ...]:
        try:
            return self._curves()
        except ValueError as error:
            return (Notice(str(error), "problem"),)

    def _curves(self) -> tuple[Block, ...]:
        time, event, groups = self._data()
        codes = groups.codes
        minimum = self.selection.minimum
        small = [
            label
            for label, n in zip(
                groups.labels, np.bincount(codes, minlength=len(groups.labels)), strict=True
            )
            if n < minimum
        ]
        if small:
            return (
                Notice(
                    f"fewer than {minimum} patients in: {', '.join(small)}. Their curves are withheld; "
                    "choose another cut or select more patients.",
                    "warning",
                ),
            )
        labels = np.array(groups.labels, dtype=object)[codes]
        found = kaplan_meier_by_group(time, event, codes)
        curves = {
            groups.labels[at]: curve for at, curve in zip(found.groups, found.curves, strict=True)
        }
        drawing = plot_survival_curves(
            curves,
            time_unit=self.selection.time_unit,
            title=self._heading(len(time), int(event.sum())),
            log_rank=found.log_rank,
            origin=self._origin(),
            minimum_cell=minimum or None,
        )
        picks = {label: f"Select {label}" for label in groups.labels} if self.state.group else {}
        blocks: list[Block] = [Figure("curves", drawing, picks)]
        if found.refusal and len(curves) > 1:
            blocks.append(Notice(found.refusal))
        blocks.append(self._group_table(curves))
        if len(curves) > 2:
            blocks.append(self._pairs(time, event, labels))
        if self.state.tau is not None and len(curves) == 2:
            blocks.append(self._means(time, event, codes, groups))
        return tuple(blocks)

    def _data(self) -> tuple[np.ndarray, np.ndarray, Groups]:
        selection, state = self.selection, self.state
        time, event = np.asarray(selection.time), np.asarray(selection.event)
        groups = self._groups()
        kept = selection.mask_for(self._view) if state.selected_only else np.ones(len(time), bool)
        kept &= groups.codes >= 0
        if not kept.any():
            raise SurvivalError("nobody is selected who has a value of this column")
        time, event, codes = time[kept], event[kept], groups.codes[kept]
        if state.landmark:
            from_there = landmark(time, event, at=state.landmark)
            time, event, codes = from_there.time, from_there.event, codes[from_there.at_risk]
        return time, event, Groups(groups.labels, codes, groups.clauses)

    def _groups(self) -> Groups:
        state, selection = self.state, self.selection
        if not state.group:
            everybody = np.zeros(len(selection.patients), int)
            return Groups(("all patients",), everybody, ())
        values = selection.patients[state.group]
        return group_by(values, cut=state.cut, at=state.cut_at, title=selection.title(state.group))

    def _heading(self, n_patients: int, n_events: int) -> str:
        by = f" by {self.selection.title(self.state.group)}" if self.state.group else ""
        return f"Survival{by} ({n_patients:,} patients, {n_events:,} events)"

    def _origin(self) -> str:
        if not self.state.landmark:
            return "Time from the index date"
        return f"Time from the landmark at {self.state.landmark:g} {self.selection.time_unit}"

    def _group_table(self, curves: dict) -> Table:
        rows = []
        for label, curve in curves.items():
            median = curve.median
            words = "not reached" if not np.isfinite(median.estimate) else f"{median.estimate:.0f}"
            limits = " to ".join(
                f"{each:.0f}" if np.isfinite(each) else "not reached"
                for each in (median.lower, median.upper)
            )
            rows.append(
                (label, f"{curve.n_at_risk[0]:,}", f"{curve.n_events.sum():,}", words, limits)
            )
        unit = self.selection.time_unit
        picks = tuple(curves) if self.state.group else ()
        return Table(
            "groups",
            "Groups",
            ("Group", "Patients", "Events", f"Median ({unit})", "95 % interval"),
            tuple(rows),
            picks,
            self._chosen(tuple(curves)),
        )

    def _chosen(self, labels: tuple[str, ...]) -> int:
        clause = self.selection.brushes.clauses.get(self._view)
        if clause is None or not self.state.group:
            return -1
        groups = self._groups()
        return next(
            (
                labels.index(lb)
                for lb, c in zip(groups.labels, groups.clauses, strict=True)
                if c == clause and lb in labels
            ),
            -1,
        )

    def _pairs(self, time: np.ndarray, event: np.ndarray, labels: np.ndarray) -> Table:
        pairs = pairwise_log_rank(time, event, labels.astype(str))
        rows = tuple(
            (f"{p.first} and {p.second}", f"{p.test.statistic:.1f}", f"{p.p_adjusted:.2g}")
            for p in pairs
        )
        return Table(
            "pairs",
            "Each two groups, log-rank with Holm's correction",
            ("Groups", "χ²", "p"),
            rows,
            folded=True,
        )

    def _means(
        self, time: np.ndarray, event: np.ndarray, codes: np.ndarray, groups: Groups
    ) -> Words:
        found = rmst_comparison(time, event, codes, tau=self.state.tau).difference
        unit, (first, second) = self.selection.time_unit, groups.labels
        return Words(
            f"Within {self.state.tau:g} {unit}, patients of {second} lived on average "
            f"{found.estimate:+.0f} {unit} against {first} ({found.lower:.0f} to "
            f"{found.upper:.0f})."
        )

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A group was chosen: it becomes the selection of every other view."""
        groups = self._groups()
        self.selection.set(self._view, groups.clauses[groups.labels.index(pick)])

    def do_release(self) -> None:
        """The group is let go."""
        self.selection.set(self._view, None)
