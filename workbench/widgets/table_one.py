"""Table one: who the patients are, by any group, with differences and what is missing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from workbench.cohort.cohort import Cohort
from workbench.cohort.features import Feature
from workbench.cohort.privacy import SUPPRESSED
from workbench.cohort.record_cohort import RecordCohort
from workbench.cohort.table_one import TableOne as Described
from workbench.cohort.table_one import describe
from workbench.cohort.table_one.asking import require_release
from workbench.cohort.table_one.layout import layout
from workbench.cohort.table_one.of_cohort import division_of
from workbench.cohort.table_one.of_records import UNITS, described_columns, record_words
from workbench.cohort.time_zero import check_columns
from workbench.errors import CohortError, PrivacyError, WorkbenchError
from workbench.figures import plot_balance
from workbench.widgets.blocks import (
    Block,
    Choice,
    Controls,
    Figure,
    Notice,
    Section,
    Several,
    Switch,
    Table,
    Words,
)
from workbench.widgets.grouping import group_by
from workbench.widgets.selection import Moved, Selection
from workbench.widgets.widget import NotebookWidget, WidgetState

AS = {
    "": "as its values suggest",
    "normal": "mean (SD)",
    "skewed": "median [quartiles]",
    "categorical": "levels, n (%)",
}
CUTS = {"median": "the median", "tertiles": "tertiles", "quartiles": "quartiles"}
SELECTED = "selected"
INDENT = "\u2003"
LONGEST_TITLE = 40
MOST_LEVELS = 12
"""Columns of more levels are no groups to compare."""


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
        self._source = patients
        if features and not isinstance(patients, RecordCohort):
            raise CohortError("features are variables out of events: give a cohort of records")
        self._features = tuple(features)
        frame = _columns_of(patients, self._features)
        self._frame, self._titles, self._units = frame
        self._groups = _groups_of(patients, self._frame)
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
        state, frame = self.state, self._frame
        columns = [c for c in (state.columns or self._described()) if c != state.by]
        by = self._by()
        shown = frame[columns] if by is None else frame[columns].assign(**{by[0]: by[1]})
        source = self._source
        if isinstance(source, Selection) and state.selected_only and state.by != SELECTED:
            shown = shown[source.mask]
        self._ask(by)
        return describe(
            shown,
            by=() if by is None else by[0],
            columns=columns,
            kinds={name: kind for name, kind in state.kinds.items() if name in columns},
            titles={name: self._titles[name] for name in columns},
            units={name: unit for name in columns if (unit := self._units[name])},
            minimum_cell=self._minimum(),
            p_values=state.p_values and by is not None,
            title="Patients at the index date",
        )

    def _ask(self, by: tuple[str, pd.Series] | None) -> None:
        """A restricted dataset is asked before anybody sees its patients, or groups of them."""
        source = self._source
        if isinstance(source, Selection):
            return
        of_records = isinstance(source, RecordCohort)
        words = record_words(source) if of_records else f"table one of {source.outcome}"
        ids = source.patients["patient_id"] if of_records else source.patients.index
        levels = {}
        if by is not None:
            named = by[1].astype("category").cat
            levels = {f"{by[0]} {each}": (named.codes == k).to_numpy()
                      for k, each in enumerate(named.categories)}  # fmt: skip
        require_release(source.release_log, words, ids, levels)

    def _check(self) -> None:
        state = self.state
        for name in (*(state.columns or ()), *state.kinds, *filter(None, [state.kind_of])):
            if name not in self._frame:
                raise CohortError(f"table one: no column is called {name!r}")
        if state.by not in self._groups:
            raise CohortError(f"table one cannot compare by {state.by!r}: choose another group")

    def _by(self) -> tuple[str, pd.Series] | None:
        by, frame = self.state.by, self._frame
        if not by:
            return None
        title = self._groups[by]
        if by == SELECTED and isinstance(self._source, Selection):
            return title, _named(self._source.mask, frame.index, "selected", "not selected")
        if isinstance(self._source, Cohort) and not (by in frame and _is_number(frame[by])):
            division = division_of(self._source, by)
            levels = list(division.titles)
            return title, pd.Series(
                pd.Categorical.from_codes(division.codes, levels), frame.index, name=title
            )
        values = frame[by]
        if _is_number(values):
            return title, self._cut(values)
        if pd.api.types.is_bool_dtype(values):
            values = _named(values.to_numpy(bool), frame.index, "yes", "no")
        return title, values

    def _cut(self, values: pd.Series) -> pd.Series:
        groups = group_by(values, cut=self.state.cut, title=self._titles[self.state.by])
        labels = pd.Categorical.from_codes(groups.codes, list(groups.labels))
        return pd.Series(labels, values.index)

    def _described(self) -> list[str]:
        if isinstance(self._source, Selection | RecordCohort):
            return list(self._frame)
        spec, roles = self._source.card.spec, ("feature", "group", "marker")
        return [n for n in self._frame if n == "event" or spec.columns[n].role in roles]

    def _follows(self) -> bool:
        return isinstance(self._source, Selection)

    def _minimum(self) -> int:
        source = self._source
        if isinstance(source, Selection):
            return source.minimum
        if isinstance(source, RecordCohort):
            return source.records.minimum_cell
        return source.card.spec.privacy.minimum_cell

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Controls, the table, and how far the groups differ."""
        self._check()
        return (*self._choices(), *self._results())

    def _choices(self) -> tuple[Block, ...]:
        state = self.state
        first: list = [Choice("by", "Compare by", self._groups, state.by)]
        if state.by in self._frame and _is_number(self._frame[state.by]):
            first.append(Choice("cut", "cut at", CUTS, state.cut))
        if self._follows():
            first.append(Switch("selected_only", "Selected patients only", state.selected_only))
        if state.by:
            first.append(
                Switch(
                    "p_values",
                    "p values",
                    state.p_values,
                    hint="Off by default: in a described cohort they answer no question asked",
                )
            )
        numbers = {n: self._titles[n] for n in self._frame if _is_number(self._frame[n])}
        second: list = [
            Several(
                "columns",
                "Describe",
                {name: self._titles[name] for name in self._frame},
                tuple(self._described() if state.columns is None else state.columns),
            )
        ]
        third: list = [Choice("kind_of", "Show", {"": "choose a number"} | numbers, state.kind_of)]
        if state.kind_of in numbers:
            kind = state.kinds.get(state.kind_of, "")
            third.append(Choice(f"kinds.{state.kind_of}", "as", AS, kind))
        chosen = (Controls(tuple(second), name="columns"), Controls(tuple(third), name="kinds"))
        n = len(self._described() if state.columns is None else state.columns)
        columns = Section(
            "which", f"Columns ({n} of {len(self._frame.columns)})", chosen, open=False
        )
        return Controls(tuple(first)), columns

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


def _columns_of(
    source: Cohort | RecordCohort | Selection, features: Sequence[Feature]
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str | None]]:
    """Columns that can be described, what a reader calls each, and its unit."""
    if isinstance(source, Selection):
        frame = source.patients
        return frame, {n: _short(source, n) for n in frame}, dict.fromkeys(frame.columns)
    if isinstance(source, RecordCohort):
        patients = source.patients_with(features)
        names = [*described_columns(source, patients), *(each.name for each in features)]
        titles = {n: n.replace("_", " ") for n in names} | {f.name: f.words() for f in features}
        units = dict.fromkeys(names) | {name: UNITS.get(name) for name in names}
        return patients[names], titles, units | {each.name: each.unit for each in features}
    spec = source.card.spec
    roles = ("feature", "group", "marker", "site", "description")
    names = [name for name, column in spec.columns.items() if column.role in roles]
    frame = source.patients[names].copy()
    event = source.patients["event"].to_numpy()
    frame.insert(0, "event", _named(event, frame.index, "yes", "no"))
    title = spec.outcomes[source.outcome].title
    titles = {"event": f"{title}: event"} | {name: name.replace("_", " ") for name in names}
    return frame, titles, {"event": None} | {name: spec.columns[name].unit for name in names}


def _groups_of(source: Cohort | RecordCohort | Selection, frame: pd.DataFrame) -> dict[str, str]:
    """What patients can be compared by → what it is called."""
    groups = {"": "nobody"}
    if isinstance(source, Selection):
        groups |= {SELECTED: "in the selection"}
        return groups | {n: _short(source, n) for n in frame if _few(frame[n])}
    if isinstance(source, RecordCohort):
        return groups | {n: n.replace("_", " ") for n in frame if _few(frame[n])}
    groups |= {"event": "event"}
    if "fold" in source.patients:
        groups["fold"] = "fold"
    for name in source.card.spec.columns:
        try:
            check_columns(source.card.spec, [name], "a group")
        except CohortError:
            continue
        if name in frame and _few(frame[name]):
            groups[name] = name.replace("_", " ")
    return groups | {f"has_{name}": f"has {name}" for name in source.card.spec.modalities}


def _few(values: pd.Series) -> bool:
    """Whether the values make few groups; numbers do once they are cut."""
    return _is_number(values) or values.nunique() <= MOST_LEVELS


def _short(selection: Selection, name: str) -> str:
    """The title of a column, where it is one, and not a sentence."""
    title = selection.title(name)
    return title if len(title) <= LONGEST_TITLE else name.replace("_", " ")


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _named(holds: np.ndarray, index: pd.Index, yes: str, no: str) -> pd.Series:
    return pd.Series(pd.Categorical(np.where(holds, yes, no), [no, yes]), index)


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
