"""The page and its numbers on disk: both whole, or neither touched."""

import json
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from workbench.data.store import population
from workbench.report.author_text import with_author_text
from workbench.report.content import ReportContent
from workbench.report.document import report_document
from workbench.report.page import render_page
from workbench.report.scan import Known, refuse_private


def write_report(content: ReportContent, out: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into a folder.

    The same content gives the same bytes. An earlier report in ``out`` is replaced: whether it
    belongs to the same study is for the caller to know. What the authors wrote in ``author.md``
    there stands in the report, and is never touched.

    Parameters
    ----------
    content
        The records of one finished study.
    out
        Folder to write to; made if it is not there.

    Returns
    -------
    Path
        ``report.html``.

    Raises
    ------
    PrivacyError
        The report would hold what must not leave: nothing is written.
    """
    document = with_author_text(report_document(content), out)
    return write_document(document, out, patients=population(content.card))


def write_document(
    document: Mapping[str, Any], out: Path, *, patients: Collection[str] = ()
) -> Path:
    """Write a report from its numbers: ``report.json`` and the page that is rendered from it.

    Parameters
    ----------
    document
        Of :func:`report_document`, or ``report.json`` read back.
    out
        As of :func:`write_report`.
    patients
        Identifiers that no file may hold.
    """
    numbers, page = as_text(document), render_page(document)
    # The JSON goes first: a page never stands beside older numbers.
    written = {"report.json": numbers.encode(), "report.html": page.encode()}
    refuse_private(written, Known.of(document, patients))
    out.mkdir(parents=True, exist_ok=True)
    put(written, out)
    return out / "report.html"


def as_text(document: Mapping[str, Any]) -> str:
    """``report.json``."""
    return (
        json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    )


def put(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files beside their places, then put each in its own."""
    parts: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            parts.append((_write_beside(folder, name, content), folder / name))
        for part, target in parts:
            os.replace(part, target)
    finally:
        for part, _ in parts:
            part.unlink(missing_ok=True)


def _write_beside(folder: Path, name: str, content: bytes) -> Path:
    with tempfile.NamedTemporaryFile("wb", dir=folder, prefix=f".{name}.", delete=False) as file:
        try:
            file.write(content)
        except BaseException:
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o644)
    return Path(file.name)
