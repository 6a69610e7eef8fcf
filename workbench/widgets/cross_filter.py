"""Linked bars of many columns: brush in one, and every other shows who is left."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Literal

from workbench.cohort.criteria import Criterion
from workbench.cohort.crossfilter import (
    Clause,
    Dimension,
    RangeBins,
    Shown,
    ShownCurve,
    cover,
)
from workbench.cohort.crossfilter.ticks import round_edges
from workbench.errors import CohortError, printable
from workbench.figures.ticks import plain
from workbench.widgets.bin_choice import only_bin, range_of_bins, toggle_bin
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Notice,
    Part,
    Row,
    Section,
    Several,
    Switch,
    Table,
    TextEntry,
    Words,
)
from workbench.widgets.clause_words import clause_python, clause_words
from workbench.widgets.column_views import column_view, names_patients
from workbench.widgets.cross_filter_still import count_rows, count_words, still_figures
from workbench.widgets.selection import MODALITIES, Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

MOST_AT_FIRST = 12
MANY_COLUMNS = 12
"""Columns from which on one searches among them."""
MOST_EXACT = 200_000
"""Patients up to which curves are exact at once; with more the page asks when it has drawn."""
BARS = {"counts": "numbers", "shares": "shares"}
SHARES = "Shares: of the selected and of all patients, so that small selections compare"


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
        self._views: dict[str, tuple[Dimension, dict[str, Any]]] = {}
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
        shown = self._shown()
        head: Block = Row((Part("chosen", "chosen", _chosen(shown)), self._toolbar()), (1.6, 1.6))
        bars = Part("bars", "bars", self._bars(shown))
        has_curves = self.selection.index.outcome is not None
        body = Row((bars, self._survival(shown)), (2.5, 1), "linked") if has_curves else bars
        blocks = [head, *self._chips(), body, *self._rules(_code), self._columns_section()]
        return (*blocks, self._table(shown)) if self.state.table_shown else tuple(blocks)

    def still(self) -> tuple[Block, ...]:
        """The same as pictures and one table."""
        selection, shown = self.selection, self.selection.shown
        asked = [
            Words(f"{self._asks(view)}: {clause_words(clause)}")
            for view, clause in selection.brushes.present
        ]
        dimensions = [(self._dimension(name), self._title(name)) for name in self.columns]
        figures = still_figures(shown, dimensions, selection.time_unit, bool(asked))
        rules = self._rules(lambda text: [Words(line) for line in text.split("\n") if line])
        return (Words(count_words(shown)), *asked, *figures, *rules, self._table(shown))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose bars are shown."""
        offered = self._offered_columns()
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

    def _dimension(self, name: str) -> Dimension:
        return self.selection.index.dimensions[name]

    def _offered_columns(self) -> tuple[str, ...]:
        index = self.selection.index
        return tuple(
            name
            for name, each in index.dimensions.items()
            if not names_patients(each, index.n_patients)
        )

    def _asks(self, view: str) -> str:
        """What a chip says before the words of the clause of ``view``."""
        clause = self.selection.brushes.clauses[view]
        return self._title(getattr(clause, "column", MODALITIES))

    def _title(self, name: str) -> str:
        return "Modalities" if name == MODALITIES else self.selection.title(name)

    def _toolbar(self) -> Controls:
        brushes = self.selection.brushes
        rules = "Hide the rules" if self.state.rules_shown else "Make this a rule"
        asked = bool(brushes.present)
        return Controls(
            (
                Choice("bars", "Bars show", BARS, self.state.bars, SHARES),
                Button("undo", "Undo", enabled=bool(brushes.past), hint="Ctrl+Z"),
                Button("redo", "Redo", enabled=bool(brushes.future), hint="Ctrl+Shift+Z"),
                Button("clear_all", "Clear all", enabled=asked),
                Button("rule", rules, enabled=asked or self.state.rules_shown, primary=True),
            ),
            "toolbar",
        )

    def _chips(self) -> tuple[Block, ...]:
        chips = tuple(
            Button("clear", f"{self._asks(view)}: {clause_words(clause)}  ×", view, hint="Let go")
            for view, clause in self.selection.brushes.present
        )
        return (Controls(chips, "chips"),) if chips else ()

    def _bars(self, shown: Shown) -> dict[str, Any]:
        brushes, selection = self.selection.brushes, self.selection
        views = []
        for name in self.columns:
            dimension, view = self._view_of(name)
            clause = brushes.clauses.get(name)
            counts = shown.views[name]
            views.append(
                {
                    **view,
                    "total": list(counts.total),
                    "selected": list(counts.selected),
                    "chosen": cover(dimension, clause).chosen.tolist() if clause else None,
                    "asks": printable(clause_words(clause)) if clause else "",
                }
            )
        return {
            "views": views,
            "heights": self.state.bars,
            "undo": bool(brushes.past),
            "redo": bool(brushes.future),
            "minimum": selection.minimum,
        }

    def _view_of(self, name: str) -> tuple[Dimension, dict[str, Any]]:
        """The dimension, and what is always said of it: written once."""
        dimension = self._dimension(name)
        known = self._views.get(name)
        if known is None or known[0] is not dimension:
            known = (dimension, column_view(dimension, self._title(name)))
            self._views[name] = known
        return known

    def _survival(self, shown: Shown) -> Part:
        selection = self.selection
        outcome = selection.index.outcome
        end = float(outcome.ends[-1]) if outcome is not None else 0.0
        # Round as the times at which curves are shown, so that each tick has its number at risk.
        places = [0.0, *(round_edges(0.0, end, 5).tolist() if end > 0 else [])]
        ticks = [[at, plain(at)] for at in places]
        data = {"unit": selection.time_unit, "end": end or 1.0, "ticks": ticks}
        return Part("survival", "survival", {**data, **_curves(shown, selection.minimum)})

    def _columns_section(self) -> Section:
        state, shown = self.state, self.columns
        titles = {name: self._title(name) for name in self._offered_columns()}
        sought = state.search.casefold()
        found = {
            name: title
            for name, title in titles.items()
            if name in shown or sought in title.casefold() or sought in name.casefold()
        }
        controls: list[Control] = [Switch("table_shown", "Numbers as a table", state.table_shown)]
        if len(titles) > MANY_COLUMNS:
            controls.append(TextEntry("search", "Search columns", state.search))
        controls.append(Several("columns", "Columns", found, shown))
        blocks: list[Block] = [Controls(tuple(controls), "columns")]
        hidden = set(self.selection.index.dimensions) - set(titles)
        if hidden:
            names = ", ".join(self._title(name) for name in sorted(hidden))
            blocks.append(Notice(f"not shown, because its values tell patients apart: {names}"))
        caption = f"Columns and table ({len(shown)} of {len(titles)} columns shown)"
        return Section("columns", caption, tuple(blocks), open=False)

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
        rows: list[tuple[str, ...]] = []
        for name in self.columns:
            clause = self.selection.brushes.clauses.get(name)
            chosen = cover(self._dimension(name), clause).chosen.tolist() if clause else None
            rows += count_rows(self._title(name), shown.views[name], chosen)
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
        now, dimension = self.selection.brushes.clauses.get(column), self._dimension(column)
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
            clause = range_of_bins(self._dimension(name), now, ends, some_missing=some_missing)
        if moving:
            selection.move(name, clause)
        else:
            selection.set(name, clause)

    def _check_pick(self, name: str, pick: str) -> None:
        how, _, at = pick.partition(" ")
        a_bar = name in self.columns and how in ("only", "toggle") and at.isdecimal()
        if a_bar and int(at) < self._dimension(name).n_codes:
            return
        if (name, pick) != ("survival", "exact"):
            super()._check_pick(name, pick)

    def _check_brush(self, name: str) -> None:
        if name not in self.columns or not isinstance(self._dimension(name).bins, RangeBins):
            super()._check_brush(name)

    def _moved(self, moved: Moved) -> None:
        if moved.settled:
            self._exact = False
            self.refresh()
            return
        shown = self.selection.shown
        selected = {name: list(shown.views[name].selected) for name in self.columns}
        curves = _curves(shown, self.selection.minimum)
        self.send({"kind": "counts", **_chosen(shown), "selected": selected, **curves})


def _code(text: str) -> list[Block]:
    return [Part("python", "code", {"text": text, "label": "The same in Python"})]


def _chosen(shown: Shown) -> dict[str, Any]:
    return {"n_patients": shown.n_patients, "n_selected": shown.n_selected}


def _curves(shown: Shown, minimum: int) -> dict[str, Any]:
    """The curves as JSON, and what is to be said where one is withheld."""
    curves = [_curve(each) for each in (shown.survival, shown.survival_rest)]
    withheld = shown.n_selected is None or shown.n_rest is None
    note = ""
    if withheld:
        note = "Withheld: the number of the selected or of the others is too small to be shown."
    elif shown.n_rest == 0:
        note = "Everyone is selected."
    elif shown.n_selected == 0:
        note = "Nobody is selected."
    exact = all(each is None or each.exact for each in (shown.survival, shown.survival_rest))
    return {"curves": curves, "note": note, "exact": exact}


def _curve(curve: ShownCurve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    survival = [round(each, 5) for each in curve.survival]
    return {"time": list(curve.time), "survival": survival, "n_at_risk": list(curve.n_at_risk)}
