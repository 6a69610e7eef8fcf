"""Options that several commands share, and how what was given is read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.report import Format
    from workbench.study_settings import Study

BAD_DATA = 1
"""Exit code where data or a study is refused; 2 is wrong usage, 130 an interruption."""

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


def study_of(study: str, outcome: str | None, data_dir: Path | None) -> "Study":
    from workbench.data.open_card import open_card
    from workbench.study_settings import Study

    if study.endswith((".yaml", ".yml")):
        asked = Study.from_file(study)
        return asked if outcome is None else asked.with_outcome(outcome)
    return Study.of_card(open_card(study, data_dir), outcome)


def text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise WorkbenchError(f"no file at {file}") from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise WorkbenchError(f"{file} is not UTF-8 text: give a cohort definition (JSON)") from None


def formats_of(names: str) -> "tuple[Format, ...]":
    from workbench.report.formats import as_formats

    return as_formats([name.strip() for name in names.split(",") if name.strip()])
