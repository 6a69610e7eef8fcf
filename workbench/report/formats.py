"""The report on paper, for co-authors, and in parts: all of them from the page's own sections."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

from workbench.errors import StudyError
from workbench.report.bundle import render_zip
from workbench.report.page import Shown, shown_sections
from workbench.report.paged import NoPangoError, render_paged, render_pdf
from workbench.report.scan import Known, refuse_private
from workbench.report.word import NoDocxError, render_docx
from workbench.report.write import as_text, put

Format = Literal["pdf", "docx", "zip"]
FORMATS: tuple[Format, ...] = get_args(Format)


def as_formats(names: Sequence[str]) -> tuple[Format, ...]:
    """Names of formats, each once.

    Raises
    ------
    StudyError
        One of them is none.

    Examples
    --------
    >>> as_formats(["pdf", "zip", "pdf"])
    ('pdf', 'zip')
    """
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise StudyError(f"{unknown[0]!r} is no format of a report: choose of {', '.join(FORMATS)}")
    return tuple(cast("Format", name) for name in dict.fromkeys(names))


def write_formats(
    document: Mapping[str, Any],
    out: Path,
    formats: Sequence[Format] = FORMATS,
    *,
    patients: Collection[str] = (),
    replace: Collection[str] = (),
) -> dict[str, str]:
    """Write a report as ``report.pdf``, ``report.docx`` or ``report.zip`` into a folder.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    out
        The folder.
    formats
        Which of them.
    patients
        Identifiers that no file may hold.
    replace
        Names of files that may be replaced; others that differ are kept, and refused.

    Returns
    -------
    dict
        Name of the file → ``"made"``, or why it was not: a library that this machine lacks.

    Raises
    ------
    StudyError
        A file of that name is there and differs: it may hold what a co-author wrote.
    PrivacyError
        A file would hold what must not leave; none is written.
    """
    sections = shown_sections(document)
    made: dict[str, bytes] = {}
    scanned: dict[str, bytes] = {}
    said: dict[str, str] = {}
    for each in formats:
        name = f"report.{each}"
        try:
            made[name], beside = _rendered(each, document, sections)
        except (NoPangoError, NoDocxError) as error:
            said[name] = str(error)
        else:
            said[name] = "made"
            scanned |= {name: made[name], **beside}
    refuse_private(scanned, Known.of(document, patients))
    kept = [name for name in made if name not in replace and _differs(out / name, made[name])]
    if kept:
        raise StudyError(
            f"{' and '.join(kept)} is there already and differs: move it away, or let it be "
            "replaced (--replace)"
        )
    out.mkdir(parents=True, exist_ok=True)
    put(made, out)
    return said


def _rendered(
    kind: Format, document: Mapping[str, Any], sections: Sequence[Shown]
) -> tuple[bytes, dict[str, bytes]]:
    """The file, and what else has to be scanned for it."""
    if kind == "zip":
        return render_zip(document, sections, as_text(document)), {}
    if kind == "docx":
        return render_docx(document, sections), {}
    paged = render_paged(document, sections)
    return render_pdf(document, paged), {"report.pdf as laid out.html": paged.encode()}


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() != content
