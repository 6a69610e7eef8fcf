"""A first card from files: what they show is written down, what only a person knows is asked."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from workbench.data.draft_lines import (
    column_lines,
    file_lines,
    image_lines,
    modality_lines,
    outcome_lines,
    study_lines,
)
from workbench.data.seen_tables import (
    MISSING,
    SeenTable,
    Told,
    inspect_table,
    likely_key,
    likely_outcome,
)
from workbench.errors import DataCardError

__all__ = ["MISSING", "Told", "draft_card", "draft_folder", "likely_key", "unique_name"]


def draft_card(files: Sequence[str | os.PathLike[str]], name: str, told: Told | None = None) -> str:
    """Draft a card that the schema accepts.

    Parameters
    ----------
    files
        Tables, and folders of images. Paths in the card are relative to :func:`draft_folder`,
        where the card should be saved.
    name
        Name of the card: a letter, then letters, digits and ``_``.
    told
        What need not be guessed.

    Returns
    -------
    str
        Markdown; what a person must confirm is marked ``CONFIRM``. Nothing is known to be a
        feature until somebody says when it was observed, so only what is usually known at
        diagnosis (age, sex, grade, stage) is drafted as one.

    Raises
    ------
    DataCardError
        If the name is not a name, or a file cannot be read.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise DataCardError(
            f"{name!r} is not a name: start with a letter, then use letters, digits and _ only"
        )
    told = told or Told()
    folder = draft_folder(files)
    taken: set[str] = set()
    tables, images = [], []
    for file in map(Path, files):
        path = file.resolve().relative_to(folder).as_posix()
        if file.is_dir():
            images.append(image_lines(file, path, unique_name(file.stem, taken)))
        else:
            tables.append(
                inspect_table(file, path, unique_name(file.name.split(".")[0], taken), told)
            )
    if not tables:
        raise DataCardError("no table: name at least one, with patients, times and events")
    return _card(name, tables, images, told)


def draft_folder(files: Sequence[str | os.PathLike[str]]) -> Path:
    """The folder that holds all the files."""
    if not files:
        raise DataCardError("no file: name the tables and image folders of the dataset")
    for file in map(Path, files):
        if not file.exists():
            raise DataCardError(f"{file}: no such file or folder")
    return Path(os.path.commonpath([Path(file).resolve().parent for file in files]))


def _card(name: str, tables: list[SeenTable], images: list[list[str]], told: Told) -> str:
    outcome = likely_outcome(tables, told)
    taken: set[str] = set()
    columns, features = [], []
    for table in tables:
        for header, values in table.columns.items():
            if outcome is None or header not in outcome[1:] or table.name != outcome[0]:
                column = unique_name(header, taken)
                lines, is_feature = column_lines(column, header, table.name, values)
                columns += lines
                features += [column] * (is_feature and bool(lines))
    modalities = modality_lines(tables, features, images)
    return "\n".join(
        [
            "---",
            "schema: 1",
            f"name: {name}",
            'title: "CONFIRM: one line that says what this is"',
            'version: "0.1"',
            'licence: "CONFIRM"',
            'citation: "CONFIRM"',
            'source: "CONFIRM: where the files came from"',
            'index_date: "CONFIRM: when time starts, such as the date of diagnosis"',
            "",
            "files:",
            *[line for table in tables for line in file_lines(table)],
            f"population: [{tables[0].name}]  # CONFIRM: whose rows are the patients",
            "",
            *(["columns:", *columns] if columns else ["columns: {}"]),
            "",
            *outcome_lines(outcome),
            "",
            *(["modalities:", *modalities] if modalities else ["modalities: {}  # CONFIRM"]),
            "",
            "limits:",
            '  - "CONFIRM: who is missing from these data, and what was not recorded"',
            "privacy: {minimum_cell: 10, restricted: true}",
            "",
            *study_lines(outcome, features, tables, images),
            "---",
            "",
            f"# {name}",
            "",
            "Say in plain words who these patients are, how the data were made, and what to keep",
            "in mind. Then run `workbench data check` on this file.",
            "",
        ]
    )


def unique_name(text: str, taken: set[str]) -> str:
    """A name that the schema accepts, not taken yet."""
    base = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()[:56] or "column"
    base = base if base[0].isalpha() else f"x_{base}"
    name = next(n for n in (base, *(f"{base}_{i}" for i in range(2, 1000))) if n not in taken)
    taken.add(name)
    return name
