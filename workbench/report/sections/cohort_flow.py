"""From the population to those evaluated, and who was lost where."""

import pandas as pd

from workbench.figures import plot_attrition
from workbench.report.drawing import Drawing, draw
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell


def context(document: Document) -> Context:
    return {"figure": _figure(document), "attrition": _table(document)}


def _figure(document: Document) -> Drawing:
    flow = plot_attrition(pd.DataFrame(document["attrition"]), title="")
    return draw(
        flow.static(),
        "cohort-flow",
        flow.description,
        "Down the left, who remains; to the right, who was left out and what was required.",
    )


def _table(document: Document) -> Table:
    counts = (
        "n_before",
        "n_removed",
        "n_unknown",
        "n_after",
        "events_removed",
        "events_after",
    )
    return Table(
        "Attrition, in the order in which the rules were applied",
        (
            Column("Rule", numeric=False),
            Column("Before"),
            Column("Removed"),
            Column("Of these unknown"),
            Column("After"),
            Column("Events removed"),
            Column("Events after"),
        ),
        tuple(
            (
                cell(document, "prose", "attrition", i, "sentence"),
                *(cell(document, "count", "attrition", i, name) for name in counts),
            )
            for i in range(len(document["attrition"]))
        ),
    )


SECTION = Section("cohort-flow", "Cohort flow", context)
