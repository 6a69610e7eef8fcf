"""Table one: who the patients are, by any group, with differences and what is missing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from workbench.cohort.cohort import Cohort
from workbench.cohort.features import Feature
from workbench.cohort.privacy import SUPPRESSED
from workbench.cohort.record_cohort import RecordCohort
from workbench.cohort.table_one import Division, Earlier, describe, require_tables
from workbench.cohort.table_one import TableOne as Described
from workbench.cohort.table_one.asking import require_cohort_tables
from workbench.cohort.table_one.earlier import NOTHING_EARLIER
from workbench.cohort.table_one.layout import layout
from workbench.cohort.table_one.of_cohort import with_event_levels
from workbench.cohort.table_one.of_records import (
    owner_of_records,
    require_record_tables,
    title_of_records,
)
from workbench.errors import CohortError, PrivacyError, WorkbenchError
from workbench.figures import plot_balance
from workbench.widgets.blocks import (
    Block,
    Choice,
    Control,
    Controls,
    Figure,
    Notice,
    Section,
    Several,
    Switch,
    Table,
    Words,
)
from workbench.widgets.described_patients import SELECTED, DescribedPatients
from workbench.widgets.linked_columns import asked_words
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

AS = {
    "": "as its values suggest",
    "normal": "mean (SD)",
    "skewed": "median [quartiles]",
    "categorical": "levels, n (%)",
}
CUTS = {"median": "the median", "tertiles": "tertiles", "quartiles": "quartiles"}

INDENT = "\u2003"


class TableOne(NotebookWidget):
    """Patients by groups: mean or median, counts, missing values, standardised differences.

    Parameters
    ----------
    patients
        A cohort, also of health records, or the selection that widgets share: the table then
        follows it.
    state
        What to begin with.
    features
        Of health records: variables out of events before the index date.

    Examples
    --------
    >>> import workbench as wb
    >>> cohort = wb.open_card("simulated_glioma").cohort(outcome="os")
    >>> table = TableOne(cohort, {"by": "sex", "columns": ["age", "grade"]})
    >>> table.tables["table-one"].head[:2], len(table.table.variables)
    (('Characteristic', 'All patients (n = 600)'), 2)
    """

    class State(WidgetState):
        """By "" compares nobody, a number is cut; ``columns`` None are all.

        ``kinds`` says how a column is described where not as its values suggest, and ``kind_of`` is
        the column whose kind is on offer.
        """

        by: str = ""
        cut: Literal["median", "tertiles", "quartiles"] = "median"
        columns: tuple[str, ...] | None = None
        kinds: dict[str, Literal["normal", "skewed", "categorical"]] = Field(default_factory=dict)
        kind_of: str = ""
        p_values: bool = False
        selected_only: bool = True

    title = "Table one"

    def __init__(
        self,
        patients: Cohort | RecordCohort | Selection,
        state: WidgetState | dict | None = None,
        *,
        features: Sequence[Feature] = (),
    ) -> None:
        self._source, self._described = patients, DescribedPatients.of(patients, features)
        super().__init__(state)
        if isinstance(patients, Selection):
            self.follow(patients, self._moved)

    def _moved(self, moved: Moved) -> None:
        if moved.settled:
            self.refresh()

    # Results

    @property
    def table(self) -> Described:
        """The table as numbers, small cells withheld: it writes Word, CSV, HTML and JSON.

        Raises
        ------
        CohortError
            The state names a column or a group that is not there, or nobody is selected.
        PrivacyError
            Together with what was shown before, the table would give a small group away.
        """
        self._check()
        state, described = self.state, self._described
        columns = [c for c in (state.columns or described.default_columns) if c != state.by]
        by = described.divided(state.by, state.cut)
        shown = described.frame[columns]
        shown = shown if by is None else shown.assign(**{by[0]: by[1]})
        source = self._source
        owner = owner_of_records(source) if isinstance(source, RecordCohort) else None
        if isinstance(source, Selection) and state.selected_only and state.by != SELECTED:
            shown = shown[source.mask]
        return describe(
            shown,
            by=() if by is None else by[0],
            columns=columns,
            kinds={name: kind for name, kind in state.kinds.items() if name in columns},
            titles={name: described.titles[name] for name in columns},
            units={name: unit for name in columns if (unit := described.units[name])},
            minimum_cell=described.minimum,
            p_values=state.p_values and by is not None,
            title=title_of_records(owner),
            owner=owner,
            ask=self._ask,
        )

    def _ask(self, divisions: Sequence[Division]) -> Earlier:
        """A restricted dataset is asked before anybody sees its patients, or groups of them."""
        source = self._source
        if source.release_log.minimum <= 1:
            return NOTHING_EARLIER
        if isinstance(source, RecordCohort):
            return require_record_tables(source, self._described.features, divisions)
        if isinstance(source, Cohort):
            earlier = require_cohort_tables(source, divisions)
            return replace(earlier, everyone=with_event_levels(earlier.everyone))
        asked = asked_words(source)
        alone = self.state.selected_only and self.state.by != SELECTED and asked
        frame = self._described.frame
        return require_tables(
            source.release_log,
            f"patients selected by {asked}" if alone else "all patients of a selection",
            frame,
            ids=frame.index,
            described=source.mask if alone else np.ones(len(frame), bool),
            divisions=divisions,
        )

    def _check(self) -> None:
        state = self.state
        for name in (*(state.columns or ()), *state.kinds, *filter(None, [state.kind_of])):
            if name not in self._described.frame:
                raise CohortError(f"table one: no column is called {name!r}")
        if state.by not in self._described.groups:
            raise CohortError(f"table one cannot compare by {state.by!r}: choose another group")

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Controls, the table, and how far the groups differ."""
        self._check()
        return (*self._choices(), *self._results())

    def _choices(self) -> tuple[Block, ...]:
        return Controls(tuple(self._grouping())), self._columns()

    def _grouping(self) -> list[Control]:
        state, described = self.state, self._described
        controls: list[Control] = [Choice("by", "Compare by", described.groups, state.by)]
        if described.is_number(state.by):
            controls.append(Choice("cut", "cut at", CUTS, state.cut))
        if isinstance(self._source, Selection):
            label = "Selected patients only"
            controls.append(Switch("selected_only", label, state.selected_only))
        if state.by:
            hint = "Off by default: in a described cohort they answer no question asked"
            controls.append(Switch("p_values", "p values", state.p_values, hint=hint))
        return controls

    def _columns(self) -> Section:
        state, described = self.state, self._described
        shown = tuple(described.default_columns if state.columns is None else state.columns)
        numbers = {"": "choose a number"} | described.numbers
        kinds: list[Control] = [Choice("kind_of", "Show", numbers, state.kind_of)]
        if state.kind_of in described.numbers:
            kind = state.kinds.get(state.kind_of, "")
            kinds.append(Choice(f"kinds.{state.kind_of}", "as", AS, kind))
        titles = {name: described.titles[name] for name in described.frame}
        chosen = (
            Controls((Several("columns", "Describe", titles, shown),), name="columns"),
            Controls(tuple(kinds), name="kinds"),
        )
        caption = f"Columns ({len(shown)} of {len(titles)})"
        return Section("which", caption, chosen, open=False)

    def _results(self) -> tuple[Block, ...]:
        try:
            table = self.table
        except (CohortError, PrivacyError) as error:
            return (Notice(str(error), "problem", name="refused"),)
        blocks: list[Block] = [*_shown(table)]
        if len(table.groups) > 2:
            try:
                blocks.append(Figure("balance", plot_balance(table, title="How far groups differ")))
            except CohortError as error:
                blocks.append(Notice(str(error), name="no-balance"))
        return tuple(blocks)

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        """ "" for a kind means that none is set: the page cannot take an entry away."""
        if isinstance(value, Mapping) and isinstance(value.get("kinds"), Mapping):
            kinds = {name: kind for name, kind in value["kinds"].items() if kind != ""}
            value = {**value, "kinds": kinds}
        return super()._read_state(value)

    def save(self, path: str | Path, name: str = "") -> Path:
        """Write the table, or what else is shown.

        Parameters
        ----------
        path
            ``.docx``, ``.csv`` and ``.html``: the table alone, ready to be read; ``.json``: state
            and numbers; ``.svg``, ``.png`` and ``.pdf``: the figure of differences.
        name
            Which figure, where there are several.

        Raises
        ------
        WorkbenchError
            Another suffix, or nothing to be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".docx":
            self.table.to_docx(path)
        elif suffix == ".csv":
            self.table.to_csv(path)
        elif suffix == ".html":
            path.write_text(self.table.to_html(), encoding="utf-8")
        elif suffix == ".json":
            state = self.state.model_dump(mode="json")
            written = {"widget": "TableOne", "state": state, "table_one": self.table.to_json()}
            path.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")
        elif suffix in (".svg", ".png", ".pdf"):
            return super().save(path, name)
        else:
            raise WorkbenchError(
                "table one is saved as .docx, .csv, .html or .json, and its figure as .svg, .png "
                f"or .pdf; got {suffix or 'no suffix'!r}"
            )
        return path


def _shown(table: Described) -> tuple[Block, ...]:
    """The table as it is printed: a line a level, set in under its variable; then its notes."""
    sheet = layout(table)
    heads = [f"{head.text} ({head.below})" if head.below else head.text for head in sheet.heads[0]]
    rows = []
    for line in (line for body in sheet.bodies for line in body):
        title = f"{INDENT}{line.title}" if line.part else line.title
        title = f"{title}, {line.beside}" if line.beside and not line.part else title
        cells = (cell.replace("\n", " ").replace(SUPPRESSED, "withheld") for cell in line.cells)
        rows.append((title, *cells))
    notes = (Words(note, name=f"note-{at}") for at, note in enumerate(sheet.notes))
    return Table("table-one", sheet.caption, ("Characteristic", *heads), tuple(rows)), *notes
