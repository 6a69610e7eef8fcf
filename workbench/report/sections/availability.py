"""Which modality is there for whom: absence is rarely at random."""

from dataclasses import replace
from typing import Any

from workbench.report.format import text
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, cell, words
from workbench.report.words import group_title, in_sentence, label, told_apart


def context(document: Document) -> Context:
    return {
        "tables": [_table(document, i, part) for i, part in enumerate(document["availability"])]
    }


def _table(document: Document, i: int, part: dict[str, Any]) -> Table:
    """One row a level, one column a modality."""
    at = {(row["level"], row["modality"]): j for j, row in enumerate(part["rows"])}
    titles = told_apart(part["titles"])
    levels, modalities = (list(dict.fromkeys(key[n] for key in at)) for n in (0, 1))
    by = "Outcome" if part["by"] == "event" else text(label(document, part["by"]))
    return Table(
        f"Modalities by {in_sentence(by)}",
        (
            Column(by, numeric=False),
            Column("Patients"),
            Column("Events"),
            *(Column(text(titles[name])) for name in modalities),
        ),
        tuple(
            (
                words(group_title(document, level)),
                cell(document, "count", *_row(i, at[level, modalities[0]]), "n_patients"),
                cell(document, "count", *_row(i, at[level, modalities[0]]), "n_events"),
                *(_tinted(document, i, at[level, name], part["rows"]) for name in modalities),
            )
            for level in levels
        ),
    )


def _row(i: int, j: int) -> tuple[str, int, str, int]:
    return ("availability", i, "rows", j)


def _tinted(document: Document, i: int, j: int, rows: list[dict[str, Any]]) -> Cell:
    share = rows[j]["percent"]
    known = share if isinstance(share, int | float) else None
    return replace(cell(document, "availability", *_row(i, j)), share=known, sort=known)


SECTION = Section("availability", "Availability of modalities", context)
