"""The command line: one command a verb. It parses and prints; the library does the work."""

import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import WorkbenchError, printable

if TYPE_CHECKING:
    from workbench.report import Format
    from workbench.study import StudyResult
    from workbench.study_settings import Study

BAD_DATA = 1
"""Exit code where data or a study is refused; 2 is wrong usage, 130 an interruption."""

MOST_DIFFERENCES = 10
"""Places that are printed where a repeated run differs; reproduction.json has all."""

FIRST = "01_first_study.ipynb"
"""The notebook that ``workbench lab`` opens."""

app = typer.Typer(
    name="workbench",
    help="From files on disk to a risk report a reviewer would trust.\n\n"
    "Start with `workbench demo`: the whole path on a simulated cohort, in about two minutes. "
    "Then describe your own data with `workbench data new FILES`, check it with "
    "`workbench data check CARD`, and run it with `workbench run CARD --out DIR`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
data = typer.Typer(
    help="Dataset descriptions: list them, draft one from files, check files, download sources.",
    no_args_is_help=True,
)
app.add_typer(data, name="data")
images = typer.Typer(
    help="Medical images: how they were taken, and copies without the patients.",
    no_args_is_help=True,
)
app.add_typer(images, name="images")

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder that holds a folder of the dataset's name. Default: $WORKBENCH_DATA, then "
        "your user data folder.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study file (YAML), or the name of a dataset.")
]
FormatsOption = Annotated[
    str, typer.Option("--formats", help="Of the report, besides the page: pdf, docx, zip.")
]
OutcomeOption = Annotated[
    str | None, typer.Option(help="Another outcome of the dataset than the study's.")
]


@app.command()
def demo(out: Out = Path("runs/demo")) -> None:
    """Run the whole path on a simulated cohort whose truth is known.

    600 simulated patients with images, gene expression, mutations and health records; about two
    minutes on two cores. Ends with the model comparison and the path of the report.
    """
    from workbench.printing import print_truth

    result = _run("simulated_glioma", out, None, None)
    print_truth(result)


@app.command()
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


@app.command()
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
    asked = _formats(formats)
    names = [f"report.{each}" for each in asked] if replace else []
    _tell_formats(run, rewrite_report(folder, asked, replace=names))


@app.command()
def cohort(study: StudyArgument, outcome: OutcomeOption = None, data_dir: DataDir = None) -> None:
    """Show who a study would evaluate: attrition, warnings and table one."""
    from workbench.data.open_card import open_card
    from workbench.printing import print_cohort
    from workbench.study_steps import choose

    asked = _study(study, outcome, data_dir)
    chosen = choose(asked, open_card(asked.card, data_dir))
    chosen.group_masks(asked.groups)
    print_cohort(chosen, by=chosen.compared_by(asked.groups))


@app.command()
def records(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="OMOP, MEDS, FHIR or cBioPortal: a folder or file."),
    ],
    kind: Annotated[
        str | None, typer.Option(help="omop, meds, fhir or cbioportal; told by the files.")
    ] = None,
    definition: Annotated[
        Path | None,
        typer.Option("--definition", help="A cohort definition (JSON): show whom it finds."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used, and say so.")
    ] = False,
) -> None:
    """Show what health records hold, or whom a cohort definition finds in them.

    Example: `workbench records cdm/ --definition diabetes.json`
    """
    from workbench.cohort.record_cohort import build_cohort
    from workbench.cohort.record_definition import RecordDefinition
    from workbench.data.sources.open_records import as_format, open_records
    from workbench.printing import print_record_cohort, print_records

    asked = None
    if definition is not None:
        asked = RecordDefinition.from_json(_text_of(definition))
    found = open_records(path, kind=as_format(kind), skip_bad=skip_bad)
    if asked is None:
        print_records(found)
    else:
        print_record_cohort(build_cohort(found, asked))


@app.command()
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


@app.command()
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


@app.command()
def benchmark(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="tcga_omics, tcga_omics_staged, mcat, missing, missing_dispro, glioma or speed.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the results. Default: runs/benchmark-NAME."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show our numbers beside published ones, or our times beside those of others.

    Writes benchmark.json and run.json. The packages that `speed` compares with come with
    `pip install 'precision-workbench[dev]'`.
    """
    from workbench.benchmarks import run_benchmark
    from workbench.benchmarks.record import FILE
    from workbench.printing import ProgressBars, print_benchmark

    folder = out or Path("runs") / f"benchmark-{name}"
    with ProgressBars() as bars:
        try:
            result = run_benchmark(name, folder, data_dir=data_dir, on_progress=bars.show)
        except KeyboardInterrupt:
            typer.echo("stopped: the same command goes on, or measures again", err=True)
            raise
    print_benchmark(result)
    typer.echo(f"\nNumbers: {folder / FILE}")


@app.command()
def segment(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    out: Out,
    fold: Annotated[int | None, typer.Option(min=0, help="Only this fold, from 0.")] = None,
    modality: Annotated[
        str | None, typer.Option(help="Images with masks; needed where the card has several.")
    ] = None,
    network: Annotated[str, typer.Option(help="unet or vnet.")] = "unet",
    size: Annotated[int, typer.Option(min=16, help="Pixels a side that the network sees.")] = 128,
    steps: Annotated[int, typer.Option(min=1, help="Training steps a fold.")] = 1200,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    data_dir: DataDir = None,
) -> None:
    """Learn to outline what a dataset's masks show, and outline patients of the other folds.

    Writes the network of each fold, a mask a patient (NIfTI), and how well it agrees with the drawn
    one. A run that was stopped goes on where it was: give the same command.

    Example: `workbench segment lgg_mri --out runs/lgg --fold 0`
    """
    from workbench.data.open_card import open_card
    from workbench.printing import ProgressBars, print_segmentation
    from workbench.segmentation import SegmentationSettings
    from workbench.segmentation import segment as segment_images

    if network not in ("unet", "vnet"):
        raise typer.BadParameter("--network must be unet or vnet")
    settings = SegmentationSettings(modality=modality, network=network, size=size, n_steps=steps)
    with ProgressBars() as bars:
        try:
            result = segment_images(
                open_card(card, data_dir),
                out,
                settings,
                fold=fold,
                device=device,
                on_progress=bars.show,
            )
        except KeyboardInterrupt:
            typer.echo("stopped; the same command goes on from the last checkpoint", err=True)
            raise
    print_segmentation(result)


@app.command()
def lab(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open JupyterLab on the first of the guided notebooks, copied to ./notebooks if not there."""
    import importlib.util
    import subprocess

    from workbench.data.paths import notebooks_folder
    from workbench.printing import copy_notebooks

    if importlib.util.find_spec("jupyterlab") is None:
        raise WorkbenchError("JupyterLab is not installed: pip install 'precision-workbench[lab]'")
    folder = copy_notebooks(notebooks_folder(), Path("notebooks"))
    command = [sys.executable, "-m", "jupyterlab", str(folder / FIRST), f"--port={port}"]
    raise typer.Exit(subprocess.call(command if browser else [*command, "--no-browser"]))


@data.command("list")
def data_list(data_dir: DataDir = None) -> None:
    """List the datasets that the workbench can describe, and whether their files are here."""
    from workbench.data.open_card import list_cards, list_datasets, open_card
    from workbench.printing import print_cards

    names = list_datasets(data_dir)
    print_cards([open_card(name, data_dir) for name in names])
    for collection in sorted(set(list_cards()) - {name.partition(":")[0] for name in names}):
        typer.echo(f"{collection}: a collection; none of its members is here")


@data.command("new")
def data_new(
    files: Annotated[list[Path], typer.Argument(help="Tables, and folders of images.")],
    name: Annotated[str, typer.Option(help="Name of the dataset: letters, digits, underscore.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Card file to write; default beside the files.")
    ] = None,
) -> None:
    """Draft a dataset description from files; every guess is marked for you to confirm."""
    from workbench.data.draft import draft_card, draft_folder
    from workbench.data.fingerprint import write_atomically

    text = draft_card(files, name)
    target = out or draft_folder(files) / f"{name}.md"
    if target.exists():
        raise WorkbenchError(f"{target} exists already: choose another file with --out")
    write_atomically(target, text.encode())
    typer.echo(f"{target}\nRead it, confirm what is marked, then: workbench data check {target}")


@data.command("check")
def data_check(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    data_dir: DataDir = None,
) -> None:
    """Check files against their description, one line a problem."""
    from workbench.cohort.privacy.card_anonymity import anonymity_problems, card_anonymity
    from workbench.data.check import check_card
    from workbench.data.open_card import open_card
    from workbench.printing import print_anonymity

    opened = open_card(card, data_dir)
    problems = check_card(opened)
    n_errors = sum(problem.level == "error" for problem in problems)
    anonymity = None if n_errors else card_anonymity(opened)
    if anonymity is not None:
        problems += anonymity_problems(anonymity)
    for problem in problems:
        typer.echo(printable(str(problem)))
    if anonymity is not None:
        print_anonymity(anonymity)
    typer.echo(f"{n_errors} errors, {len(problems) - n_errors} warnings")
    if n_errors:
        raise typer.Exit(BAD_DATA)


@data.command("get")
def data_get(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    data_dir: DataDir = None,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Parallel downloads.")] = 4,
) -> None:
    """Download a dataset's pinned sources, verify their hashes, and prepare them."""
    from workbench.data.download import get
    from workbench.data.open_card import open_card

    folder = get(open_card(card, data_dir), data_dir, jobs=jobs)
    typer.echo(f"{card} is in {folder}")


@data.command("croissant")
def data_croissant(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    out: Annotated[Path, typer.Option("--out", help="JSON file to write; must not exist.")],
    data_dir: DataDir = None,
) -> None:
    """Write a dataset description as Croissant JSON-LD, for catalogues and other tools."""
    import json

    from workbench.data.croissant import croissant
    from workbench.data.fingerprint import write_atomically
    from workbench.data.open_card import open_card

    if out.exists():
        raise WorkbenchError(f"{out} exists already: choose another file with --out")
    described = croissant(open_card(card, data_dir))
    text = json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False)
    write_atomically(out, f"{text}\n".encode())
    typer.echo(f"{out}")


@data.command("cache")
def data_cache(
    prune: Annotated[bool, typer.Option("--prune", help="Delete what the options name.")] = False,
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Days since it was used, to be deleted.")
    ] = None,
    at_most: Annotated[
        float | None, typer.Option(min=0, help="Gigabytes to keep; the oldest goes first.")
    ] = None,
) -> None:
    """List prepared files of sources, with size and age, or delete some: they are made again.

    Example: `workbench data cache --prune --older-than 30`
    """
    from workbench.data.prepared import list_prepared, prune_prepared
    from workbench.printing import print_prepared

    if prune != (older_than is not None or at_most is not None):
        raise typer.BadParameter("--prune goes with --older-than DAYS, --at-most GB, or both")
    if not prune:
        print_prepared(list_prepared())
        return
    n_bytes = None if at_most is None else int(at_most * 1e9)
    gone = prune_prepared(older_than_days=older_than, at_most_bytes=n_bytes)
    freed = sum(each.n_bytes for each in gone) / 1e6
    typer.echo(f"deleted {len(gone)}, {freed:.1f} MB")


@data.command("released")
def data_released(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    data_dir: DataDir = None,
) -> None:
    """List what was shown of a restricted dataset, which limits what more may be shown."""
    from workbench.cohort.privacy import card_log
    from workbench.data.open_card import open_card

    log = card_log(open_card(card, data_dir))
    surfaces = log.surfaces()
    for day, words in surfaces:
        typer.echo(printable(f"{day}  {words}"))
    where = f"; the log is {log.folder}: delete it only if none of them left the room"
    typer.echo(f"{len(surfaces)} are remembered{where if surfaces else ''}")


@images.command("facts")
def image_facts_of(
    card: Annotated[str, typer.Argument(metavar="CARD", help="Name of a dataset, or card file.")],
    modality: Annotated[str, typer.Argument(help="Name of one of its modalities of images.")],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write, one row a patient.")],
    data_dir: DataDir = None,
) -> None:
    """Write how each patient's images were taken: scanner, field strength, slice thickness, view.

    Name the file and its columns in the dataset description: they are characteristics then.
    """
    from workbench.data.fingerprint import write_atomically
    from workbench.data.imaging.facts import image_facts
    from workbench.data.open_card import open_card

    if out.exists():
        raise WorkbenchError(f"{out} exists already: choose another file with --out")
    table = image_facts(open_card(card, data_dir), modality)
    write_atomically(out, table.to_csv().encode())
    typer.echo(f"{out}: {len(table)} patients, {len(table.columns)} columns")


@images.command("deidentify")
def images_deidentify(
    folder: Annotated[Path, typer.Argument(metavar="IN", help="Folder of DICOM files.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the copies.")],
    key: Annotated[
        Path, typer.Option("--key", help="File of the secret key; made if it is not there.")
    ],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            help="Write what else is withheld, once looked at: burned_in (pixels may show "
            "writing), faces (heads whose face was removed, and what is no head)."
        ),
    ] = None,
) -> None:
    """Copy DICOM files without what names the patients, by PS3.15's basic profile.

    Dates move, UIDs are replaced alike in all files. What cannot be made safe is withheld and
    counted. OUT/audit.csv says what was done to which data element.
    """
    from workbench.data.deidentify import DateShift
    from workbench.data.deidentify_dicom import deidentify_images
    from workbench.data.secret_key import make_key, read_key

    secret = read_key(key) if key.exists() else make_key(key, outside=[folder, out])
    done = deidentify_images(folder, out, DateShift(secret), accept=accept or ())
    files = "file" if done.n_written == 1 else "files"
    typer.echo(f"{done.n_written} {files} in {out}, {len(done.withheld)} withheld")
    for reason, n in done.reasons.items():
        typer.echo(printable(f"{n} × {reason}"))
    if not done.n_written:
        raise typer.Exit(BAD_DATA)


def _study(study: str, outcome: str | None, data_dir: Path | None) -> "Study":
    from workbench.data.open_card import open_card
    from workbench.study_settings import Study

    if study.endswith((".yaml", ".yml")):
        asked = Study.from_file(study)
        return asked if outcome is None else asked.with_outcome(outcome)
    return Study.of_card(open_card(study, data_dir), outcome)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise WorkbenchError(f"no file at {file}") from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise WorkbenchError(f"{file} is not UTF-8 text: give a cohort definition (JSON)") from None


def _formats(names: str) -> "tuple[Format, ...]":
    from workbench.report.formats import as_formats

    return as_formats([name.strip() for name in names.split(",") if name.strip()])


def _tell_formats(folder: Path, said: Mapping[str, str]) -> None:
    for name, made in said.items():
        typer.echo(f"{folder / name}" if made == "made" else made)


def _run(
    study: str, out: Path, outcome: str | None, data_dir: Path | None, formats: str = ""
) -> "StudyResult":
    from workbench.printing import ProgressBars, print_claims, print_ladder
    from workbench.study import run as run_study

    further = _formats(formats)
    asked = _study(study, outcome, data_dir)
    with ProgressBars() as bars:
        try:
            result = run_study(
                asked, out, data_dir=data_dir, formats=further, on_progress=bars.show
            )
        except KeyboardInterrupt:
            typer.echo("stopped; finished folds are kept: the same command goes on", err=True)
            raise
    print_ladder(result.evaluation)
    print_claims(result.evaluation, result.cohort.warnings)
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


def main() -> None:
    """Run a command; what the workbench refuses becomes one line and exit code 1."""
    # Waiting threads sleep instead of spinning: ten times faster beside another busy program.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a Δ shows ?, rather than end a finished run.
            stream.reconfigure(errors="replace")
    try:
        app()
    except WorkbenchError as error:
        _refuse(str(error))
    except OSError as error:
        # What a folder allows is known only when it is tried.
        _refuse(f"{error.filename or 'a file'}: {error.strerror or error}{_remedy(error)}")


def _remedy(error: OSError) -> str:
    from workbench.data.paths import cache_folder

    cache = str(cache_folder())
    inside = str(error.filename or "").startswith(cache)
    return f": {cache} is the cache folder, WORKBENCH_CACHE names another" if inside else ""


def _refuse(message: str) -> None:
    typer.echo(f"workbench: {printable(message)}", err=True)
    sys.exit(BAD_DATA)
