"""What the command line shows: tables, progress, and notebooks put within reach."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from workbench.cohort.cohort import Cohort
from workbench.data.open_card import DataCard
from workbench.evaluation import Evaluation
from workbench.study import StudyResult
from workbench.study_steps import Progress as Step

LADDER_COLUMNS = (
    ("harrell_c", "Harrell C (95 % CI)", 3),
    ("ibs", "IBS", 3),
    ("ipa", "IPA", 3),
    ("delta_harrell_c", "ΔC over clinical", 3),
    ("delta_ipa", "ΔIPA", 3),
)
_console = Console()


class ProgressBars:
    """One bar a step, with time left; plain lines where output is not a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeLeftColumn(),
            TextColumn("left"),
            console=_console,
            disable=not _console.is_terminal,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, step: Step) -> None:
        """Move the bar of one step."""
        if not _console.is_terminal:
            _console.print(f"{step.step}: {step.done}/{step.total}", highlight=False)
            return
        if step.step not in self._tasks:
            self._tasks[step.step] = self._bars.add_task(step.step, total=step.total)
        self._bars.update(self._tasks[step.step], completed=step.done)


def print_ladder(evaluation: Evaluation) -> None:
    """The model comparison, overall and within each group."""
    groups = list(dict.fromkeys(row["group"] for row in evaluation.ladder))
    for group in groups:
        rows = [row for row in evaluation.ladder if row["group"] == group]
        title = "All patients" if group == "all" else group
        counts = f"{rows[0]['n']} patients, {rows[0]['n_events']} events"
        table = Table("Model", title=f"{title}: {counts}", title_justify="left")
        for _, heading, _ in LADDER_COLUMNS:
            table.add_column(heading, justify="right", no_wrap=True)
        for row in rows:
            cells = [_interval(row[name], digits) for name, _, digits in LADDER_COLUMNS]
            table.add_row(row["model"], *cells, style="bold" if row["model"] == "selected" else "")
        _console.print(table)


def print_claims(evaluation: Evaluation, warnings: Sequence[str]) -> None:
    """What may be said of the judged model and of each modality, and what to beware of."""
    _console.print("\n[bold]What the selected model adds[/bold]")
    for claim in evaluation.claims:
        _console.print(f"  {claim['sentence']}", highlight=False)
    if evaluation.modality_value:
        _console.print("\n[bold]What each modality adds to the others, in those who have it[/bold]")
    for claim in evaluation.modality_value:
        _console.print(f"  {claim['sentence']}", highlight=False)
    for warning in warnings:
        _console.print(f"[yellow]warning[/yellow]: {warning}", highlight=False)


def print_truth(result: StudyResult) -> None:
    """How close the judged model came to the best possible risk score, which is known here."""
    truth = json.loads((result.cohort.card.folder / "truth.json").read_text(encoding="utf-8"))
    oracle = truth["oracle_c"][result.cohort.outcome]
    judged = next(r for r in result.evaluation.ladder if r["model"] == "selected")
    reached = judged["harrell_c"]["estimate"]
    _console.print(
        f"Simulated data: the true risk has C {oracle:.3f}; the selected model reached "
        f"{reached:.3f} ({reached - oracle:+.3f}).",
        highlight=False,
    )


def print_cohort(cohort: Cohort, by: str | None) -> None:
    """Attrition, warnings and table one, small cells withheld as the card asks."""
    _print_frame(cohort.attrition_for_export(), "Attrition")
    _print_frame(cohort.table_one(by=by), "Table one" + (f" by {by}" if by else ""))
    for warning in cohort.warnings:
        _console.print(f"[yellow]warning[/yellow]: {warning}", highlight=False)


def print_cards(cards: Sequence[DataCard]) -> None:
    """Names, titles, and whether files are here."""
    table = Table("Name", "Title", "Files")
    for card in cards:
        missing = len(card.missing_files())
        here = "here" if not missing else f"{missing} missing: workbench data get {card.name}"
        table.add_row(card.name, card.spec.title, here)
    _console.print(table)


def copy_notebooks(source: Path, target: Path) -> Path:
    """Put the guided notebooks into ``target``; what is there already is left as it is."""
    if source.resolve() == target.resolve():
        return target
    target.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (target / notebook.name).exists():
            handle, part = tempfile.mkstemp(dir=target, suffix=".part")
            os.close(handle)
            shutil.copyfile(notebook, part)
            os.chmod(part, 0o644)
            os.replace(part, target / notebook.name)
    return target


def _print_frame(frame: pd.DataFrame, title: str) -> None:
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(str(name), justify="right" if numeric else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*("" if pd.isna(value) else str(value) for value in row))
    _console.print(table)


def _interval(number: dict[str, float] | None, digits: int) -> str:
    if number is None:
        return "–"
    return (
        f"{number['estimate']:.{digits}f} "
        f"({number['lower']:.{digits}f} to {number['upper']:.{digits}f})"
    )
