"""Linked bars of many columns: brush in one, and every other shows who is left."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Literal

from workbench.cohort.criteria import Criterion
from workbench.cohort.crossfilter import Clause, RangeBins, Shown
from workbench.errors import CohortError
from workbench.widgets.bin_choice import only_bin, range_of_bins, toggle_bin
from workbench.widgets.blocks import Block, Notice, Part, Row, Section, Table, Words
from workbench.widgets.clause_words import clause_python
from workbench.widgets.cross_filter_controls import chips, columns_section, toolbar
from workbench.widgets.cross_filter_still import count_words, rounding_words, still_figures
from workbench.widgets.linked_columns import LinkedColumns
from workbench.widgets.linked_survival import curves_json, survival_part
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

MOST_AT_FIRST = 12
MOST_EXACT = 200_000
"""Patients up to which curves are exact at once; with more the page asks when it has drawn."""


class CrossFilter(NotebookWidget):
    """Bars of every column, the selected in colour over all in grey, and their survival.

    Dragging over numbers or dates selects a range, a click selects a level; every other view that
    shares the selection follows. All counts come through the selection's display: what is too
    small to be shown never reaches the page.

    Parameters
    ----------
    selection
        The patients; what is brushed here is asked of it under the name of the column.
    state
        What to begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> patients = pd.DataFrame({"age": np.arange(80) % 50 + 30, "sex": ["f", "m"] * 40})
    >>> widget = CrossFilter(Selection(patients, minimum=0))
    >>> widget.receive({"kind": "pick", "name": "sex", "pick": "only 0"})
    >>> widget.selection.n_selected, [rule.sentence() for rule in widget.criteria]
    (40, ['sex is one of f'])
    """

    class State(WidgetState):
        """``columns`` None: the first twelve. ``bars`` is what their heights are."""

        columns: tuple[str, ...] | None = None
        search: str = ""
        bars: Literal["counts", "shares"] = "counts"
        rules_shown: bool = False
        table_shown: bool = False

    title = "Select patients"
    scripts = ("cross_filter.js",)
    _css = NotebookWidget._css + (
        files("workbench.widgets") / "static" / "cross_filter.css"
    ).read_text(encoding="utf-8")

    def __init__(
        self, selection: Selection, state: WidgetState | Mapping[str, Any] | None = None
    ) -> None:
        self.selection = selection
        self._columns = LinkedColumns(selection)
        self._exact = False
        super().__init__(state)
        self.follow(selection, self._moved)

    # Results

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What is selected, as rules for :meth:`workbench.cohort.cohort.Cohort.select`."""
        return self.selection.rules()

    @property
    def python(self) -> str:
        """What is selected, as Python that asks it of any cohort of the same columns."""
        self.selection.rules()
        clauses = [clause for _, clause in self.selection.brushes.present]
        lines = [clause_python(clause, self.selection.modalities) for clause in clauses]
        asked = "".join(f"    {line},\n" for line in lines)
        return f"import workbench as wb\n\ncohort = cohort.select(\n{asked})\n"

    @property
    def shown(self) -> Shown:
        """Counts and curves as they may be shown."""
        return self.selection.shown

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """How many are selected, the bars beside their survival, and what there is to choose."""
        state, selection, shown = self.state, self.selection, self._shown()
        tools = toolbar(selection.brushes, bars=state.bars, rules_shown=state.rules_shown)
        head = Row((Part("chosen", "chosen", _chosen(shown)), tools), (1.6, 1.6))
        bars: Block = Part("bars", "bars", self._bars(shown))
        if selection.index.outcome is not None:
            bars = Row((bars, survival_part(selection, shown)), (2.5, 1), "linked")
        columns = columns_section(
            self._columns.offered,
            self.columns,
            self._columns.refused,
            search=state.search,
            table_shown=state.table_shown,
        )
        said = (Words(f"In this dataset {rounding_words(shown)}."),) * (shown.rounded_to > 1)
        asked = chips(self._columns.asked)
        blocks = (head, *said, *asked, bars, *self._rules(_code), columns)
        return (*blocks, self._table(shown)) if state.table_shown else blocks

    def still(self) -> tuple[Block, ...]:
        """The same as pictures and one table."""
        columns, shown = self._columns, self.selection.shown
        asked = [Words(words) for _, words in columns.asked]
        dimensions = [(columns.dimension(name), columns.title(name)) for name in self.columns]
        figures = still_figures(shown, dimensions, self.selection.time_unit, bool(asked))
        rules = self._rules(lambda text: [Words(line) for line in text.split("\n") if line])
        return (Words(count_words(shown)), *asked, *figures, *rules, self._table(shown))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose bars are shown."""
        offered = tuple(self._columns.offered)
        if self.state.columns is None:
            return offered[:MOST_AT_FIRST]
        unknown = [name for name in self.state.columns if name not in offered]
        if unknown:
            raise CohortError(
                f"columns: {', '.join(unknown[:5])} cannot be shown; choose among "
                f"{', '.join(offered[:20])}"
            )
        return tuple(dict.fromkeys(self.state.columns))

    def _shown(self) -> Shown:
        selection = self.selection
        if self._exact or selection.index.n_patients <= MOST_EXACT:
            return selection.shown
        return selection.display.counts(selection.chosen.counts)

    def _bars(self, shown: Shown) -> dict[str, Any]:
        brushes = self.selection.brushes
        return {
            "views": self._columns.bars(self.columns, shown),
            "heights": self.state.bars,
            "undo": bool(brushes.past),
            "redo": bool(brushes.future),
            "minimum": self.selection.minimum,
        }

    def _rules(self, written: Callable[[str], list[Block]]) -> tuple[Block, ...]:
        if not self.state.rules_shown:
            return ()
        try:
            said = [Words(rule.sentence()) for rule in self.criteria]
            code = written(self.python)
        except CohortError as error:
            return (Section("rules", "As rules", (Notice(str(error), "problem"),)),)
        if not said:
            return (Section("rules", "As rules", (Words("Nothing is asked: everyone is in."),)),)
        words = Words("Kept are patients for whom all of these hold:")
        return (Section("rules", "As rules", (words, *said, *code)),)

    def _table(self, shown: Shown) -> Table:
        rows = self._columns.rows(self.columns, shown)
        head = ("Column", "Value", "Selected", "All")
        return Table("counts", "Numbers of the bars", head, tuple(rows))

    # What a person does

    def do_undo(self) -> None:
        """As before the last change."""
        self.selection.undo()

    def do_redo(self) -> None:
        """As before the last undoing."""
        self.selection.redo()

    def do_clear_all(self) -> None:
        """Nothing is asked any more."""
        self.selection.clear()

    def do_clear(self, view: str) -> None:
        """``view`` asks nothing any more."""
        self.selection.set(view, None)

    def do_rule(self) -> None:
        """Show the selection as rules, or hide them."""
        self.change(rules_shown=not self.state.rules_shown)

    def choose(self, column: str, bin_number: int, *, add: bool = False) -> None:
        """What a click on a bar does.

        Parameters
        ----------
        column
            Whose bar.
        bin_number
            Which bar; that of missing values comes last.
        add
            Whether the bar is added to those chosen, or taken from them; else it is chosen alone.
        """
        now, dimension = self.selection.brushes.clauses.get(column), self._columns.dimension(column)
        changed = toggle_bin if add else only_bin
        self.selection.set(column, changed(dimension, now, bin_number))

    def pick(self, name: str, pick: str) -> None:
        """A bar was clicked, or the page has time for exact curves."""
        if pick == "exact":
            self._exact = True
            self.refresh()
            return
        how, _, at = pick.partition(" ")
        self.choose(name, int(at), add=how == "toggle")

    def brush(self, name: str, ends: tuple[float, float] | None, *, moving: bool) -> None:
        """A range of bins is being dragged, or was let go."""
        selection = self.selection
        clause: Clause | None = None
        if ends is not None:
            some_missing = bool(selection.index.total[name][-1])
            now = selection.brushes.clauses.get(name)
            clause = range_of_bins(
                self._columns.dimension(name), now, ends, some_missing=some_missing
            )
        if moving:
            selection.move(name, clause)
        else:
            selection.set(name, clause)

    def _check_pick(self, name: str, pick: str) -> None:
        how, _, at = pick.partition(" ")
        a_bar = name in self.columns and how in ("only", "toggle") and at.isdecimal()
        if a_bar and int(at) < self._columns.dimension(name).n_codes:
            return
        if (name, pick) != ("survival", "exact"):
            super()._check_pick(name, pick)

    def _check_brush(self, name: str) -> None:
        if name not in self.columns or not isinstance(
            self._columns.dimension(name).bins, RangeBins
        ):
            super()._check_brush(name)

    def _moved(self, moved: Moved) -> None:
        if moved.settled:
            self._exact = False
            self.refresh()
            return
        shown = self.selection.shown
        selected = {name: list(shown.views[name].selected) for name in self.columns}
        counts = {**_chosen(shown), "selected": selected}
        self.send({"kind": "counts", **counts, **curves_json(shown)})


def _code(text: str) -> list[Block]:
    return [Part("python", "code", {"text": text, "label": "The same in Python"})]


def _chosen(shown: Shown) -> dict[str, Any]:
    return {"n_patients": shown.n_patients, "n_selected": shown.n_selected}
