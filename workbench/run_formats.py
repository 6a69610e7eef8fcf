"""The report of a finished run in further formats, again and again, without training."""

from collections.abc import Collection, Sequence
from pathlib import Path

from workbench.report.author_text import FILE, draft_author_text, with_author_text
from workbench.report.formats import Format, write_formats
from workbench.report.read import read_document
from workbench.report.write import write_document
from workbench.run_folder import RunFolder


def write_run_formats(
    folder: RunFolder,
    formats: Sequence[Format],
    patients: Collection[str],
    *,
    replace: Collection[str] = (),
) -> dict[str, str]:
    """Write a run's report in further formats, and note in ``run.json`` what was made.

    Parameters
    ----------
    folder
        Of a finished run.
    formats
        Which of them; none writes nothing.
    patients
        Identifiers that no file may hold.
    replace
        As of :func:`workbench.report.write_formats`.

    Returns
    -------
    dict
        Name of the file → ``"made"``, or why it was not.
    """
    if not formats:
        return {}
    document = read_document(folder.path)
    said = write_formats(document, folder.path, formats, patients=patients, replace=replace)
    folder.note(formats={**folder.record().get("formats", {}), **said})
    return said


def rewrite_report(
    folder: RunFolder, formats: Sequence[Format], *, replace: Collection[str] = ()
) -> dict[str, str]:
    """Write a finished run's page again, with what ``author.md`` says now, and further formats.

    The numbers stay those of the run. Identifiers that the run's own predictions hold are looked
    for in what the authors wrote.

    Parameters
    ----------
    folder
        Of a finished run.
    formats, replace
        As of :func:`write_run_formats`.

    Raises
    ------
    StudyError
        The folder holds no report, or ``author.md`` is not as it should be.
    PrivacyError
        The report would hold what must not leave: nothing is written.
    """
    folder.record()
    patients = predicted_patients(folder.path)
    document = with_author_text(read_document(folder.path), folder.path)
    write_document(document, folder.path, patients=patients)
    return write_run_formats(folder, formats, patients, replace=replace)


def draft_text(folder: RunFolder) -> Path:
    """Put an ``author.md`` with the headings of the report's sections into the run's folder.

    Raises
    ------
    FileExistsError
        There is one; it is never overwritten.
    """
    path = folder.path / FILE
    with path.open("x", encoding="utf-8") as file:
        file.write(draft_author_text(read_document(folder.path)))
    return path


def predicted_patients(folder: Path) -> frozenset[str]:
    """Identifiers under which patients stand in a run's own predictions; none if it has none."""
    import pandas as pd

    path = folder / "predictions.parquet"
    if not path.is_file():
        return frozenset()
    return frozenset(pd.read_parquet(path, columns=["patient_id"])["patient_id"].astype(str))
