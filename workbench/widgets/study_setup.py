"""From the researcher's own spreadsheet to a dataset description that studies can use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.data.check import check_card
from workbench.data.guided_draft import (
    GuidedCard,
    Said,
    card_text,
    guided_card,
    write_guided_card,
)
from workbench.data.open_card import DataCard
from workbench.data.problem import Problem
from workbench.data.tables import is_table
from workbench.errors import DataCardError, WorkbenchError
from workbench.widgets.blocks import (
    Block,
    Button,
    Controls,
    Notice,
    Row,
    Section,
    Several,
    TextEntry,
    Words,
)
from workbench.widgets.setup_questions import (
    about_blocks,
    column_blocks,
    example_blocks,
    needed_block,
    outcome_blocks,
    patient_blocks,
    problem_blocks,
)
from workbench.widgets.widget import NotebookWidget, WidgetState

MOST_FILES = 60


class StudySetup(NotebookWidget):
    """Describe the files of a folder: who is a patient, when time starts, what each column is.

    Everything is guessed first and said to be a guess; what only a person can know is asked. No
    value of a patient is shown: numbers are ranges, identifiers hidden, columns shuffled.

    Parameters
    ----------
    folder
        Where the files lie; the description is written beside them.
    state
        What was said before, such as the state of an earlier session.

    Attributes
    ----------
    card
        The dataset description once it is written, as :func:`workbench.open_card` opens it.

    Raises
    ------
    DataCardError
        ``folder`` is none, or the state names files that are not in it.
    """

    class State(Said, WidgetState):
        """What the person has said; ``column`` is the one whose questions are open."""

        column: str = ""

    title = "Describe your data"

    def __init__(
        self, folder: str | Path, state: WidgetState | Mapping[str, Any] | None = None
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise DataCardError(f"{folder} is no folder: name the one that holds your files")
        self.card: DataCard | None = None
        self.draft: GuidedCard | None = None
        self._written = ""
        super().__init__(state)

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Questions, in the order in which they can be answered."""
        self.draft = None
        if not self.state.files:
            return (self._files(), Words("Choose the files of one study: a row a patient in each."))
        try:
            self.draft = draft = guided_card(self.folder, self._said())
        except DataCardError as error:
            return (self._files(), Notice(str(error), "problem"))
        said, problems = draft.said, check_card(draft.opened(self.folder))
        questions = Section(
            "questions",
            "What the files hold",
            (
                Section("patients", "Patients and time zero", patient_blocks(draft, said)),
                Section("outcome", "Outcome", outcome_blocks(draft, said)),
                Section("columns", "Columns", column_blocks(draft, said, self.state.column)),
                Section("about", "About the data", about_blocks(said)),
            ),
        )
        n = len(draft.needed)
        rest = Section("rest", f"Still needed ({n})" if n else "Ready", self._end(draft, problems))
        return (
            self._files(),
            Row((questions, rest), (2.6, 1)),
            Section("problems", "Check of the files", problem_blocks(problems)),
            Section("rows", "Example rows, masked", example_blocks(draft), open=False),
        )

    def _said(self) -> Said:
        return Said(**self.state.model_dump(exclude={"column"}))

    def _files(self) -> Controls:
        return Controls(
            (
                Several(
                    "files",
                    "Files",
                    {name: name for name in self.offered_files},
                    self.state.files,
                    hint="Tables: CSV, TSV, XLSX or Parquet",
                ),
            ),
            name="files",
        )

    @property
    def offered_files(self) -> tuple[str, ...]:
        """Tables of the folder, by name."""
        found = sorted(p.name for p in self.folder.iterdir() if p.is_file() and is_table(p))
        return tuple(found[:MOST_FILES])

    def _end(self, draft: GuidedCard, problems: list[Problem]) -> tuple[Block, ...]:
        name = TextEntry("name", "Name", self.state.name or draft.spec.name, 64)
        button = Button("write", self._label(draft), enabled=not draft.needed, primary=True)
        errors = sum(p.level == "error" for p in problems)
        found: tuple[Block, ...] = ()
        if errors:
            words = f"The check found {errors} {'thing' if errors == 1 else 'things'} to mend."
            found = (Notice(words, "warning", name="errors"),)
        controls = Controls((name, button), name="write")
        return (needed_block(draft.needed), *found, controls, *self._said_written(draft))

    def _label(self, draft: GuidedCard) -> str:
        again = self.card is not None and self.card.name == draft.spec.name
        return "Write it again" if again else "Write the description"

    def _said_written(self, draft: GuidedCard) -> tuple[Block, ...]:
        if self.card is None:
            return ()
        stale = card_text(draft.spec) != self._written
        words = f"{self.card.path.name} is written beside the files and open as setup.card"
        words += "; what was changed since is not in it yet." if stale else "."
        return (Notice(words, "warning" if stale else "note", name="written"),)

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state = super()._read_state(value)
        absent = [f for f in getattr(state, "files", ()) if f not in self.offered_files]
        if absent:
            raise DataCardError(
                f"{len(absent)} files are not tables of this folder: choose among "
                "setup.offered_files"
            )
        return state

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A column was chosen: its questions open, or close again."""
        self.change(column="" if pick == self.state.column else pick)

    def do_confirm(self, part: str) -> None:
        """What is guessed of one part is right: it is said from now on."""
        if self.draft is None:
            raise WorkbenchError("choose the files of the dataset first")
        guess = self.draft.guess.model_dump(mode="json")
        match part:
            case "patients":
                self.change(patient_ids=guess["patient_ids"])
            case "outcome":
                self.change(**{n: guess[n] for n in ("time", "time_unit", "event", "event_values")})
            case "columns":
                self.change(roles={c.name: c.role for c in self.draft.columns})
            case _:
                raise WorkbenchError("there is nothing of this name to confirm")

    def do_write(self) -> None:
        """Write the description, and open it."""
        self.write()

    def write(self) -> DataCard:
        """Write the description beside its files, and open it.

        A description that this widget wrote before is written again; any other file of that name
        is left as it is.

        Raises
        ------
        DataCardError
            Something is still needed, or a file of that name is there.
        """
        if self.draft is None:
            raise DataCardError("choose the files of the dataset first")
        try:
            self.card = write_guided_card(self.draft, self.folder, replaces=self._written)
        except OSError as error:
            raise DataCardError(
                f"the description cannot be written to this folder: {error.strerror}"
            ) from None
        self._written = card_text(self.draft.spec)
        self.refresh()
        return self.card
