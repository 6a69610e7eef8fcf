"""What the command line shows: tables, progress, and notebooks put within reach."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from workbench.benchmarks import BenchmarkResult, table
from workbench.cohort.cohort import Cohort
from workbench.cohort.privacy import SUPPRESSED, KAnonymity, records_log
from workbench.cohort.record_cohort import RecordCohort
from workbench.data.open_card import DataCard
from workbench.data.paths import cache_folder
from workbench.data.prepared import Prepared
from workbench.data.records import Records
from workbench.errors import printable
from workbench.evaluation.words import STATES, TIMES, Terms, terms_of
from workbench.run_comparison import RunComparison
from workbench.segmentation import SegmentationResult
from workbench.study import StudyResult
from workbench.study_steps import Progress as Step

LADDER_COLUMNS = (
    ("harrell_c", "{concordance}"),
    ("delta_harrell_c", "Δ{c}"),
    ("ipa", "IPA"),
    ("delta_ipa", "ΔIPA"),
)
WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100
"""Of what is printed to a file or a pipe; a terminal knows its own."""
MOST_CODES = 40
WIDE = 98
"""Columns of a terminal in which the whole model comparison fits; a narrower one shows no IPA."""

_console = Console(markup=False, emoji=False, highlight=False, width=WIDTH)


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
            _console.print(f"{step.step}: {step.done}/{step.total}", soft_wrap=True)
            return
        if step.step not in self._tasks:
            self._tasks[step.step] = self._bars.add_task(step.step, total=step.total)
        self._bars.update(self._tasks[step.step], completed=step.done)


def print_ladder(document: Mapping[str, Any]) -> None:
    """The model comparison: overall all models, within each group those that are claimed of.

    Parameters
    ----------
    document
        The report's numbers, whose small counts are withheld.
    """
    settings, ladder = document["evaluation_settings"], document["ladder"]
    claimed = (settings["clinical"], settings["markers"], settings["judged"])
    without = {claim["over"] for claim in document["modality_value"]}
    wide = _console.width >= WIDE
    terms = terms_of(settings.get("time_unit"))
    spoken = {"concordance": _short(terms), "c": terms.c}
    columns = [
        (name, head.format(**spoken)) for name, head in LADDER_COLUMNS if wide or name != "ipa"
    ]
    for group in dict.fromkeys(row["group"] for row in ladder):
        rows = [
            row
            for row in ladder
            if row["group"] == group
            and (row["model"] in claimed or (group == "all" and row["model"] not in without))
        ]
        title = "All patients" if group == "all" else printable(group)
        counts = f"{rows[0]['n']} patients, {rows[0]['n_events']} events"
        heading = f"{title}: {counts} (95 % intervals; Δ over the clinical model)"
        table = Table(
            title=heading, title_justify="left", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0)
        )
        table.add_column("Model", no_wrap=True)
        for _, head in columns:
            table.add_column(head, justify="right", no_wrap=True)
        for row in rows:
            cells = [_interval(row[name]) for name, _ in columns]
            bold = "bold" if row["model"] == settings["judged"] else ""
            table.add_row(printable(row["model"]), *cells, style=bold)
        _console.print(table)


def _short(terms: Terms) -> str:
    """The concordance at the head of a column."""
    return "Harrell C" if terms.has_time else terms.concordance


def print_claims(document: Mapping[str, Any], warnings: Sequence[str]) -> None:
    """What may be said of the judged model and of each modality, and what to beware of."""
    _print_sentences("What the selected model adds", document["claims"])
    if document["modality_value"]:
        title = "What each modality adds to the others, in those who have it"
        _print_sentences(title, document["modality_value"])
    _print_warnings(warnings)


def _print_sentences(title: str, claims: Sequence[Mapping[str, Any]]) -> None:
    _console.print(f"\n{title}", style="bold")
    for claim in claims:
        _console.print(f"  {printable(claim['sentence'])}", soft_wrap=True)


def _print_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings:
        _console.print("warning: ", style="yellow", end="")
        _console.print(printable(warning), soft_wrap=True)


def print_segmentation(result: SegmentationResult) -> None:
    """How well outlines agree with those drawn, over the held-out patients of finished folds."""
    rows, found = Table(box=SIMPLE), result.agreement
    for column in ("fold", "patients", "Dice", "HD95", "surface Dice"):
        rows.add_column(column, justify="right")
    for name, group in [*found.groupby("fold"), ("all", found)]:
        known = [group[column].dropna() for column in ("dice", "hd95", "surface_dice")]
        medians = (f"{values.median():.3f}" if len(values) else "–" for values in known)
        rows.add_row(str(name), str(len(group)), *medians)
    _console.print(rows)
    done = found["fold"].nunique()
    _console.print(
        f"Medians over held-out patients; mean Dice {found['dice'].mean():.3f}. HD95 is undefined, "
        f"and left out, in {int(found['hd95'].isna().sum())} patients with an empty outline."
    )
    if done < result.n_folds:
        _console.print(f"{done} of {result.n_folds} folds are finished.")
    if result.unreadable:
        _console.print(f"{result.unreadable} images could not be read and were left out.")
    _console.print(f"\nNetworks, masks and tables: {result.folder}", soft_wrap=True)


def print_truth(result: StudyResult) -> None:
    """How close the judged model came to the best possible risk score, which is known here."""
    truth = json.loads((result.cohort.card.folder / "truth.json").read_text(encoding="utf-8"))
    oracle = truth["oracle_c"][result.cohort.outcome]
    judged = next(r for r in result.evaluation.ladder if r["model"] == "selected")
    reached = judged["harrell_c"]["estimate"]
    _console.print(
        f"Simulated data: the true risk has C {oracle:.3f}; the selected model reached "
        f"{reached:.3f} ({reached - oracle:+.3f}).",
        soft_wrap=True,
    )


def print_benchmark(result: BenchmarkResult) -> None:
    """Our numbers beside the published ones, and what to know to compare them."""
    _console.print(table(result))


def print_cohort(cohort: Cohort, by: str | None) -> None:
    """Attrition, warnings and table one, small cells withheld as the card asks."""
    evaluated, withheld = cohort.evaluated, ()
    _print_attrition(evaluated.attrition_for_export())
    compared = cohort.release(by)
    if not compared.allowed:
        by, withheld = None, (f"table one by {by} is withheld: {compared.sentence}",)
    _print_frame(cohort.table_one(by=by), "Table one" + (f" by {by}" if by else ""))
    _print_warnings((*cohort.warnings, *evaluated.withheld_notes(), *withheld))


def print_records(records: Records) -> None:
    """How many patients and events there are, and the codes that occur most."""
    counts = records.events.code_counts().sort_values(ascending=False)
    source = records.source
    title = f"{source.kind} {source.name} {source.version}".strip()
    ids = records.patients.index.to_numpy(object)
    everyone = {f"every patient of {source.name}": np.ones(len(ids), bool)}
    answer = records_log(records).show_all(ids, everyone)
    n_patients = f"{len(ids)} patients" if answer.allowed else f"patients {SUPPRESSED}"
    _console.print(f"{printable(title)}: {n_patients}, {counts.sum()} events")
    minimum, names = records.minimum_cell, {}
    if records.vocabulary is not None:
        names = records.vocabulary.names
    shown = [(code, n) for code, n in counts.items() if n >= minimum][:MOST_CODES]
    rows = [(c, names.get(c, names.get(str(c).rpartition("//")[2], "")), n) for c, n in shown]
    frame = pd.DataFrame(rows, columns=["code", "name", "events"])
    few = f"The {len(rows)} most frequent of {len(counts)} codes"
    _print_frame(frame, "Codes" if len(rows) == len(counts) else few)
    _print_warnings((*records.warnings, *([] if answer.allowed else [answer.sentence])))


def print_record_cohort(cohort: RecordCohort) -> None:
    """The definition in words, the attrition and warnings, small cells withheld."""
    _console.print("\n".join(printable(line) for line in cohort.definition.sentences()))
    _print_attrition(cohort.attrition_for_export())
    _print_warnings((*cohort.warnings, *cohort.withheld_notes()))


def print_cards(cards: Sequence[DataCard]) -> None:
    """Names, titles, and whether files are here."""
    table = Table("Name", "Title", "Files")
    for card in cards:
        missing = len(card.missing_files())
        here = "here" if not missing else f"{missing} missing: workbench data get {card.name}"
        table.add_row(card.name, printable(card.spec.title), here)
    _console.print(table)


def print_prepared(prepared: Sequence[Prepared]) -> None:
    """Kind, name, size and age of what lies in the cache folder."""
    rows = [
        (p.kind, p.path.name[:16], f"{p.n_bytes / 1e6:,.1f}", f"{p.age():.0f}") for p in prepared
    ]
    columns = ["kind", "name", "MB", "days since used"]
    total = sum(p.n_bytes for p in prepared) / 1e6
    title = f"{cache_folder()}: {len(prepared)} prepared, {total:,.1f} MB"
    _print_frame(pd.DataFrame(rows, columns=columns), title)


def print_anonymity(anonymity: KAnonymity) -> None:
    """How many patients share what a reader may know of them."""
    sheet = anonymity.sheet()
    _print_frame(anonymity.frame(), sheet.caption)
    for note in sheet.notes:
        _console.print(printable(note), soft_wrap=True)


def copy_notebooks(source: Path, target: Path) -> Path:
    """Put the guided notebooks, and the study that they share, into ``target``.

    What is there already is left as it is.
    """
    if source.resolve() == target.resolve():
        return target
    target.mkdir(parents=True, exist_ok=True)
    for notebook in sorted((*source.glob("*.ipynb"), *source.glob("*.yaml"))):
        if not (target / notebook.name).exists():
            handle, part = tempfile.mkstemp(dir=target, suffix=".part")
            os.close(handle)
            shutil.copyfile(notebook, part)
            os.chmod(part, 0o644)
            os.replace(part, target / notebook.name)
    return target


def _print_attrition(attrition: pd.DataFrame) -> None:
    """Patients, where nothing else is said; who was there before stands in the row above."""
    shown = attrition.drop(columns=["step", "n_before"])
    titles = {name: name.removeprefix("n_").replace("_", " ") for name in shown}
    _print_frame(shown.rename(columns=titles), "Attrition")


def _print_frame(frame: pd.DataFrame, title: str) -> None:
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(printable(str(name)), justify="right" if numeric else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*("" if pd.isna(value) else printable(str(value)) for value in row))
    _console.print(table)


def _interval(number: Mapping[str, float] | None) -> str:
    """``.853 (.831, .875)``: short, so that four stand side by side."""
    if number is None:
        return "–"
    estimate, lower, upper = (
        re.sub(r"^(-?)0\.", r"\1.", f"{number[name]:.3f}")
        for name in ("estimate", "lower", "upper")
    )
    return f"{estimate} ({lower}, {upper})"


def print_comparison(comparison: RunComparison) -> None:
    """Cohort, what differs in data and study, and the judged model's change."""
    cohort, concordance = comparison.cohort, _short(TIMES if comparison.has_time else STATES)
    patients, events = (" → ".join(map(str, cohort[n])) for n in ("n_patients", "n_events"))
    _console.print(f"Patients {patients}, events {events}")
    members = cohort["members"]
    told = members.get("not_known") or ", ".join(f"{n} {name}" for name, n in members.items())
    _console.print(printable(f"Members: {told}"))
    for row in (*cohort["definition"], *comparison.data, *comparison.model):
        what = row.get("what", row.get("part"))
        _console.print(printable(f"Differs: {what}"))
    for row in comparison.numbers:
        if (
            row["model"] == "selected"
            and row["metric"] == "harrell_c"
            and row["change"] is not None
        ):
            _console.print(printable(f"{concordance}, {row['group']}: {row['change']:+.3f}"))
