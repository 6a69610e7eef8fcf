"""From the population to those evaluated, and who was lost where."""

from workbench.cohort.privacy import SUPPRESSED
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell


def context(document: Document) -> Context:
    steps = [
        {
            "sentence": cell(document, "prose", "attrition", i, "sentence"),
            "before": cell(document, "count", "attrition", i, "n_before"),
            "removed": cell(document, "count", "attrition", i, "n_removed"),
            "after": cell(document, "count", "attrition", i, "n_after"),
            "events_after": cell(document, "count", "attrition", i, "events_after"),
            "events_removed": cell(document, "count", "attrition", i, "events_removed"),
            "empty": row["n_removed"] == 0,
            "events_shown": row["events_after"] != SUPPRESSED,
        }
        for i, row in enumerate(document["attrition"])
    ]
    return {"steps": steps, "attrition": _table(document)}


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
