"""The variables that an expert would ask for, and whether they were there."""

from workbench.report.format import text
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell


def context(document: Document) -> Context:
    return {
        "content": Table(
            text(document["inventory_title"] or "Variables that an expert would ask for"),
            (
                Column("Variable", numeric=False),
                Column("Status", numeric=False),
                Column("Note", numeric=False),
            ),
            tuple(
                tuple(
                    cell(document, "prose", "inventory", i, name)
                    for name in ("item", "status", "note")
                )
                for i in range(len(document["inventory"]))
            ),
        )
    }


SECTION = Section(
    "inventory", "Expected variables", context, there=lambda document: bool(document["inventory"])
)
