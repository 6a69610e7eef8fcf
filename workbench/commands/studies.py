"""A study from its question to its report: look, run, write again, compare, predict."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.commands.options import (
    BAD_DATA,
    DataDir,
    FormatsOption,
    Out,
    OutcomeOption,
    StudyArgument,
    formats_of,
    study_of,
)
from workbench.errors import WorkbenchError, printable

if TYPE_CHECKING:
    from workbench.study import StudyResult

MOST_DIFFERENCES = 10
"""Places that are printed where a repeated run differs; reproduction.json has all."""


def demo(out: Out = Path("runs/demo")) -> None:
    """Run the whole path on a simulated cohort whose truth is known.

    600 simulated patients with images, gene expression, mutations and health records; about four
    minutes on two cores. Ends with the model comparison and the path of the report.
    """
    from workbench.printing import print_truth

    result = _run("simulated_glioma", out, None, None)
    print_truth(result)


def run(
    study: StudyArgument,
    out: Out,
    outcome: OutcomeOption = None,
    card: Annotated[
        str | None,
        typer.Option(help="Card file of your own that a report.json is of: it names no path."),
    ] = None,
    data_dir: DataDir = None,
    formats: FormatsOption = "",
) -> None:
    """Run a study: report, numbers, predictions and a saved model.

    Writes report.html, report.json, predictions.parquet, model/ and run.json. A run that was
    stopped goes on where it was: give the same study and the same --out. --formats pdf,docx,zip
    writes the report on paper, for Word, and as figures and tables.

    Of a report.json, repeats its run and says whether every number agrees.

    Example: `workbench run tcga_glioma --outcome pfi --out runs/glioma_pfi`
    """
    if study.endswith(".json"):
        _reproduce(study, out, card, data_dir)
        return
    if card is not None:
        raise typer.BadParameter("--card goes with a report.json: a study file names its card")
    _run(study, out, outcome, data_dir, formats)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    formats: FormatsOption = "pdf,docx,zip",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace files that are there and differ.")
    ] = False,
    draft: Annotated[
        bool, typer.Option("--draft", help="Only put an author.md to write into the folder.")
    ] = False,
) -> None:
    """Write the report of a finished run again: with the authors' words, in further formats.

    What stands in RUN/author.md under `## <section>` is printed at the head of that section, and
    stays when the report is written again. No model is trained and no number changes.

    Example: `workbench report runs/demo --formats pdf,docx`
    """
    from workbench.run_folder import RunFolder
    from workbench.run_formats import draft_text, rewrite_report

    folder = RunFolder(run)
    if draft:
        try:
            typer.echo(f"Write into {draft_text(folder)}")
        except FileExistsError:
            raise WorkbenchError("author.md is there already: it is never overwritten") from None
        return
    asked = formats_of(formats)
    names = [f"report.{each}" for each in asked] if replace else []
    _tell_formats(run, rewrite_report(folder, asked, replace=names))


def cohort(study: StudyArgument, outcome: OutcomeOption = None, data_dir: DataDir = None) -> None:
    """Show who a study would evaluate: attrition, warnings and table one."""
    from workbench.data.open_card import open_card
    from workbench.printing import print_cohort
    from workbench.study_steps import choose

    asked = study_of(study, outcome, data_dir)
    chosen = choose(asked, open_card(asked.card, data_dir))
    chosen.group_masks(asked.groups)
    print_cohort(chosen, by=chosen.compared_by(asked.groups))


def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="Folder of a finished run.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="Folder of another.")],
    out: Out,
    card: Annotated[
        str | None, typer.Option(help="Card file of your own that both runs are of.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show what changed between two runs: cohort, data, models and numbers.

    Writes comparison.html and comparison.json.

    Example: `workbench compare runs/first runs/second --out runs/compared`
    """
    from workbench.printing import print_comparison
    from workbench.run_comparison import compare_runs, write_comparison

    comparison = compare_runs(before, after, card=card, data_dir=data_dir)
    page = write_comparison(comparison, out)
    print_comparison(comparison)
    typer.echo(f"\nComparison: {page}")


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a run, or its model folder.")
    ],
    dataset: Annotated[
        str, typer.Argument(metavar="DATA", help="Name or card file of the new patients' dataset.")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write; must not exist.")],
    data_dir: DataDir = None,
) -> None:
    """Predict the risk of new patients with a saved model.

    The new patients are described by a card with the same modalities; no outcome is needed.
    """
    from workbench.data.fingerprint import write_atomically
    from workbench.data.open_card import open_card
    from workbench.predict import predict as predict_patients

    if out.exists():
        raise WorkbenchError(f"{out} exists already: choose another file with --out")
    risks = predict_patients(model, open_card(dataset, data_dir))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, risks.to_csv(index=False).encode())
    typer.echo(f"{len(risks)} patients: {out}")


def _run(
    study: str, out: Path, outcome: str | None, data_dir: Path | None, formats: str = ""
) -> "StudyResult":
    from workbench.printing import ProgressBars, print_claims, print_ladder
    from workbench.report.read import read_document
    from workbench.study import run as run_study

    further = formats_of(formats)
    asked = study_of(study, outcome, data_dir)
    with ProgressBars() as bars:
        try:
            result = run_study(
                asked, out, data_dir=data_dir, formats=further, on_progress=bars.show
            )
        except KeyboardInterrupt:
            typer.echo("stopped; finished folds are kept: the same command goes on", err=True)
            raise
    document = read_document(result.report.parent)
    print_ladder(document)
    print_claims(document, result.cohort.warnings)
    typer.echo(f"\nReport: {result.report}")
    if further:
        made = json.loads((out / "run.json").read_text(encoding="utf-8"))["formats"]
        _tell_formats(out, {f"report.{each}": made[f"report.{each}"] for each in further})
    return result


def _reproduce(report: str, out: Path, card: str | None, data_dir: Path | None) -> None:
    from workbench.printing import ProgressBars
    from workbench.reproduction import provenance_sentences, reproduce

    def say(sentences: tuple[str, ...]) -> None:
        for sentence in sentences:
            typer.echo(printable(sentence))

    with ProgressBars() as bars:
        found = reproduce(
            report,
            out,
            card=card,
            data_dir=data_dir,
            on_provenance=lambda provenance: say(provenance_sentences(provenance)),
            on_progress=bars.show,
        )
    say(found.sentences[-1:])
    for difference in found.differences[:MOST_DIFFERENCES]:
        typer.echo(printable(f"  {difference}"))
    if len(found.differences) > MOST_DIFFERENCES:
        typer.echo(f"  and {len(found.differences) - MOST_DIFFERENCES} more")
    typer.echo(f"\nReport: {found.result.report}, comparison: {out / 'reproduction.json'}")
    if not found.agrees:
        raise typer.Exit(BAD_DATA)


def _tell_formats(folder: Path, said: Mapping[str, str]) -> None:
    for name, made in said.items():
        typer.echo(f"{folder / name}" if made == "made" else made)
