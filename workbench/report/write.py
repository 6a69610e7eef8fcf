"""The page and its numbers on disk: both whole, or neither touched."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.report.content import ReportContent
from workbench.report.document import report_document
from workbench.report.page import render_page


def write_report(content: ReportContent, out: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into a folder.

    The same content gives the same bytes. An earlier report in ``out`` is replaced: whether it
    belongs to the same study is for the caller to know.

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
    """
    return write_document(report_document(content), out)


def write_document(document: Mapping[str, Any], out: Path) -> Path:
    """Write a report from its numbers: ``report.json`` and the page that is rendered from it.

    Parameters
    ----------
    document
        Of :func:`report_document`, or ``report.json`` read back.
    out
        As of :func:`write_report`.
    """
    out.mkdir(parents=True, exist_ok=True)
    numbers = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # The JSON goes first: a page never stands beside older numbers.
    written = {"report.json": numbers + "\n", "report.html": render_page(document)}
    parts = [(_write_beside(out, name, text), out / name) for name, text in written.items()]
    for part, target in parts:
        os.replace(part, target)
    return out / "report.html"


def _write_beside(folder: Path, name: str, text: str) -> Path:
    with tempfile.NamedTemporaryFile(
        "w",
        encoding="utf-8",
        dir=folder,
        prefix=f".{name}.",
        delete=False,
        newline="\n",
    ) as file:
        try:
            file.write(text)
        except BaseException:
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o644)
    return Path(file.name)
