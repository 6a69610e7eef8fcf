"""The command line: one command a verb. It parses and prints; the library does the work."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.commands import studies
from workbench.commands.data import data
from workbench.commands.images import images, segment
from workbench.commands.options import BAD_DATA, DataDir
from workbench.commands.records import records
from workbench.errors import WorkbenchError, printable

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
app.add_typer(data, name="data")
app.add_typer(images, name="images")
for command in (
    studies.demo,
    studies.run,
    studies.report,
    studies.compare,
    studies.cohort,
    studies.predict,
    records,
    segment,
):
    app.command()(command)


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
