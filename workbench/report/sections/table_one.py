"""Who the patients are."""

from collections.abc import Iterator
from itertools import groupby

from workbench.cohort.table_one import ALL, EVALUATED, MISSING, ONLY_TRAIN
from workbench.report.format import text
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, cell, words
from workbench.report.words import has_time, label

TITLES = {
    ALL: "All patients",
    EVALUATED: "Evaluated",
    ONLY_TRAIN: "Only train",
    MISSING: "Missing",
    "smd": "SMD",
}
HEAD = ("variable", "statistic", "level")
OF_THE_VARIABLE = ("missing", "smd")
OWN = {"patients": "Patients", "event": "Event observed"}


def context(document: Document) -> Context:
    columns, rows = document["table_one"]["columns"], document["table_one"]["rows"]
    shown = [name for name in columns if name not in HEAD]
    named = _labels(document)
    return {
        "content": Table(
            "Patients at the index date",
            (
                Column("Variable", numeric=False),
                *(Column(text(TITLES.get(name, name))) for name in shown),
            ),
            tuple(
                row
                for variable, part in groupby(range(len(rows)), key=lambda i: rows[i][0])
                for row in _rows(
                    document, named.get(str(variable), str(variable)), list(part), shown
                )
            ),
            _note(document, columns),
        )
    }


def _labels(document: Document) -> dict[str, str]:
    """How table one writes a column, and how a person does."""
    event = {} if has_time(document) else {"event": "Event"}
    return (
        OWN
        | event
        | {
            f"{name}, {column['unit']}" if column["unit"] else name: (
                f"{label(document, name)}, {column['unit']}"
                if column["unit"] and column["unit"] not in label(document, name)
                else label(document, name)
            )
            for name, column in document["columns"].items()
        }
    )


def _rows(
    document: Document, title: str, part: list[int], shown: list[str]
) -> Iterator[tuple[Cell, ...]]:
    """One row for a number; for levels, a row that names the variable and one a level."""
    columns = document["table_one"]["columns"]
    rows = document["table_one"]["rows"]
    statistic, level = (rows[part[0]][columns.index(name)] for name in HEAD[1:])

    def at(i: int, name: str) -> Cell:
        return cell(document, "text", "table_one", "rows", i, columns.index(name))

    head = words(title if statistic == "n" else f"{title}: {statistic}")
    if not level:
        yield (head, *(at(part[0], name) for name in shown))
        return
    yield (head, *(at(part[0], name) if name in OF_THE_VARIABLE else words("") for name in shown))
    for i in part:
        first = Cell(text(rows[i][columns.index("level")]), indent=True)
        yield (
            first,
            *(words("") if name in OF_THE_VARIABLE else at(i, name) for name in shown),
        )


def _note(document: Document, columns: list[str]) -> str:
    minimum = document["privacy"]["minimum_cell"]
    sentences = ["Percentages are of all patients in the column."]
    if ONLY_TRAIN in columns:
        sentences.append(
            "Patients who only train are described here alone: results, follow-up and "
            "availability of modalities are of those evaluated."
        )
    if "smd" in columns:
        sentences.append("SMD: largest standardised mean difference between two groups.")
    if minimum:
        sentences.append(
            f"Counts below {minimum} are withheld, and others where they would give those away."
        )
    return " ".join(sentences)


SECTION = Section("table-one", "Patients", context)
