"""Who the patients are."""

from dataclasses import replace

from workbench.report.format import text
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, cell

TITLES = {
    "variable": "Variable",
    "statistic": "Summary",
    "level": "Level",
    "all": "All patients",
    "missing": "Missing",
    "smd": "SMD",
}
WORDS = 3


def context(document: Document) -> Context:
    columns, rows = document["table_one"]["columns"], document["table_one"]["rows"]
    return {
        "content": Table(
            "Patients at the index date",
            tuple(
                Column(text(TITLES.get(c, c)), numeric=i >= WORDS) for i, c in enumerate(columns)
            ),
            tuple(
                _row(document, i, i > 0 and rows[i - 1][0] == rows[i][0]) for i in range(len(rows))
            ),
            _note(document, "smd" in columns),
        )
    }


def _row(document: Document, i: int, same_variable: bool) -> tuple[Cell, ...]:
    """A variable is shown once; a screen reader still hears it on each of its rows."""
    first, *rest = (
        cell(document, "text", "table_one", "rows", i, j)
        for j in range(len(document["table_one"]["columns"]))
    )
    return (replace(first, quiet=same_variable), *rest)


def _note(document: Document, compared: bool) -> str:
    minimum = document["privacy"]["minimum_cell"]
    sentences = ["Percentages are of all patients in the column."]
    if compared:
        sentences.append("SMD: largest standardised mean difference between two groups.")
    if minimum:
        sentences.append(
            f"Counts below {minimum} are withheld, and others where they would give those away."
        )
    return " ".join(sentences)


SECTION = Section("table-one", "Patients", context)
