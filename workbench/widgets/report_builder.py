"""The report of a finished study: which sections, how they read, and where it was written."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

from workbench.errors import PrivacyError, StudyError
from workbench.report import write_document
from workbench.report.author_text import with_author_text
from workbench.report.checklist import checklist
from workbench.report.formats import Format, write_formats
from workbench.report.page import section_html, sections_of
from workbench.report.read import NUMBERS, read_document
from workbench.report.sections import OBLIGATORY
from workbench.run_formats import predicted_patients
from workbench.study import StudyResult
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Notice,
    Row,
    Section,
    Several,
    Table,
    TextEntry,
    Words,
)
from workbench.widgets.report_preview import preview_blocks
from workbench.widgets.widget import NotebookWidget, WidgetState

FORMATS = {
    "pdf": "PDF, to print",
    "docx": "Word, for co-authors",
    "zip": "figures and tables (zip)",
}
FOUND = {"there": "yes", "left out": "left out", "nothing to show": "the study has none"}


class ReportBuilder(NotebookWidget):
    """Choose the sections of a report, look at them, and write it beside the run.

    It computes nothing: all it shows stands in the run's ``report.json``.

    Parameters
    ----------
    source
        What :func:`workbench.run` returned, or the folder of a finished run.
    state
        What to begin with.
    out
        Folder in which a folder is made for each report; ``reports`` in the run's own folder, if
        not given.

    Attributes
    ----------
    written
        Files that were written last: the page, its numbers and the further formats.
    not_made
        File that was asked for → why this machine cannot make it.

    Raises
    ------
    StudyError
        The folder holds no report of this version.
    """

    class State(WidgetState):
        """Which sections (None: all that the study has), which is shown, name and formats."""

        sections: tuple[str, ...] | None = None
        preview: str = "summary"
        name: str = "report"
        formats: tuple[Format, ...] = ()

    title = "Build the report"

    def __init__(
        self,
        source: StudyResult | str | Path,
        state: WidgetState | Mapping[str, Any] | None = None,
        *,
        out: str | Path | None = None,
    ) -> None:
        folder = source.report.parent if isinstance(source, StudyResult) else Path(source)
        self.document = with_author_text(read_document(folder), folder)
        self.document.pop("left_out", None)
        self._run = folder
        self.out = folder / "reports" if out is None else Path(out)
        self.written: tuple[Path, ...] = ()
        self.not_made: dict[str, str] = {}
        self._there = {section.anchor: section for section in sections_of(self.document)}
        self._seen: dict[str, tuple[Block, ...]] = {}
        super().__init__(state)

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state: Any = super()._read_state(value)
        absent = [a for a in (*(state.sections or ()), state.preview) if a not in self._there]
        if absent:
            raise StudyError(
                f"the report has no section {absent[0]!r}; there are {', '.join(self._there)}"
            )
        return state

    @property
    def sections(self) -> tuple[str, ...]:
        """Anchors of the chosen sections, in the order of the report."""
        chosen = self.state.sections
        return tuple(a for a in self._there if chosen is None or a in chosen)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Anchors of the sections that the study has and the report leaves out."""
        return tuple(a for a in self._there if a not in self.sections)

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Sections, checklist, preview, and the way to disk."""
        titles = {anchor: section.title for anchor, section in self._there.items()}
        preview = self.state.preview
        return (
            Controls((Several("sections", "Sections", titles, self.sections),), name="sections"),
            *self._owed(titles),
            *self._writing(),
            Row(
                (
                    Section("checklist", "What a reviewer looks for", (self._checklist(),)),
                    Section(
                        "preview",
                        "Preview",
                        (
                            Controls((Choice("preview", "Section", titles, preview),), "shown"),
                            Words(titles[preview], 1, "shown-title"),
                            *self._preview(preview),
                        ),
                    ),
                ),
                (1.3, 2.3),
            ),
        )

    def _owed(self, titles: Mapping[str, str]) -> tuple[Block, ...]:
        owed = [titles[a] for a in self.left_out if a in OBLIGATORY]
        if not owed:
            return ()
        words = (
            f"Every report owes its reader {', '.join(owed)}: without, the page will say that it "
            "is incomplete."
        )
        return (Notice(words, "warning", name="owed"),)

    def _writing(self) -> tuple[Block, ...]:
        name = TextEntry("name", "Folder of the report", self.state.name, 60)
        further = Several(
            "formats",
            "Besides the page, as",
            FORMATS,
            self.state.formats,
            "A PDF of many figures takes about half a minute.",
        )
        button = Button("write", "Write the report", enabled=bool(self.sections), primary=True)
        blocks: list[Block] = [Controls((name, further, button), name="write")]
        if not self.sections:
            blocks.append(Notice("Choose at least one section.", "warning", name="none"))
        if self.written:
            sizes = [f"{path.name} ({_size(path)})" for path in self.written]
            where = self.written[0].parent
            words = f"Written to {where.parent.name}/{where.name}: {', '.join(sizes)}."
            blocks.append(Notice(words, name="written"))
        blocks += [
            Notice(f"{file} was not made: {why}", "warning", name=f"not-made-{file[7:]}")
            for file, why in self.not_made.items()
        ]
        return tuple(blocks)

    def _checklist(self) -> Table:
        items = checklist(self.document, self.left_out)
        return Table(
            "checklist",
            "Choose one to look at its section",
            ("A reviewer looks for", "Section", "In this report"),
            tuple((item.what, item.section, FOUND[item.found]) for item in items),
            tuple(item.what for item in items),
        )

    def _preview(self, anchor: str) -> tuple[Block, ...]:
        if anchor not in self._seen:
            self._seen[anchor] = preview_blocks(section_html(self.document, self._there[anchor]))
        return self._seen[anchor]

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """An item of the checklist was chosen: its section is shown."""
        item = next(each for each in checklist(self.document) if each.what == pick)
        if item.anchor not in self._there:
            raise StudyError(f"the study has nothing to show there: {item.section}")
        self.change(preview=item.anchor)

    def do_write(self) -> None:
        """Write the report."""
        self.write()

    def write(self) -> Path:
        """Write the chosen sections as ``report.html``, and all numbers as ``report.json``.

        Then the further formats that the state asks for; what this machine cannot make stands in
        :attr:`not_made`.

        Returns
        -------
        Path
            The page.

        Raises
        ------
        StudyError
            No section is chosen, the name is none, or there is a folder of that name.
        """
        name = self.state.name
        if not self.sections:
            raise StudyError("no section is chosen: choose at least one")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name):
            raise StudyError(f"{name!r} is no name of a folder: use letters, digits, _ and -")
        left_out = {"left_out": list(self.left_out)} if self.left_out else {}
        document = {**self.document, **left_out}
        folder = self.out / name
        patients = predicted_patients(self._run)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            page = write_document(document, folder, patients=patients)
            said = write_formats(document, folder, self.state.formats, patients=patients)
        except PrivacyError:
            rmtree(folder)
            raise
        except FileExistsError:
            raise StudyError(f"{name} is there already: choose another name") from None
        except OSError as error:
            with suppress(OSError):
                folder.rmdir()
            raise StudyError(f"the report cannot be written: {error.strerror}") from None
        made = [folder / file for file, how in said.items() if how == "made"]
        self.written = (page, folder / NUMBERS, *made)
        self.not_made = {file: how for file, how in said.items() if how != "made"}
        self.refresh()
        return page


def _size(path: Path) -> str:
    n_bytes = path.stat().st_size
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{max(n_bytes // 1000, 1)} kB"
