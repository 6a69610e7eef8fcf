"""Where the model was most wrong: events at low predicted risk, survivors at high."""

from workbench.report.format import time
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import group_title, has_time

COUNTS = {
    "low": "Low risk",
    "low_events": "of these with the event",
    "high": "High risk",
    "high_survivors": "of these without it",
}


def context(document: Document) -> Context:
    rows = document["failure_cases"]
    timed = has_time(document)
    return {
        "content": Table(
            "Patients whose state at the horizon is known, by third of predicted risk"
            if timed
            else "Patients by third of predicted risk",
            (
                *([Column("Horizon", numeric=False)] if timed else []),
                Column("Patients", numeric=False),
                *(Column(title) for title in COUNTS.values()),
            ),
            tuple(
                (
                    *(
                        [words(f"{time(row['horizon'])} {document['outcome']['time_unit']}")]
                        if timed
                        else []
                    ),
                    words(group_title(document, row["group"])),
                    *(cell(document, "count", "failure_cases", i, name) for name in COUNTS),
                )
                for i, row in enumerate(rows)
            ),
        )
    }


SECTION = Section(
    "failure-cases",
    "Where the model fails",
    context,
    there=lambda document: bool(document.get("failure_cases")),
)
