"""Whether there were enough patients for the clinical model."""

from workbench.report.format import prose
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import has_time

ROWS = {
    "Patients": ("n_patients", "needed_patients", "count"),
    "Events": ("n_events", "needed_events", "compact"),
    "Events a parameter": ("events_per_parameter", "needed_events_per_parameter", "compact"),
}


def context(document: Document) -> Context:
    size = document["sample_size"]
    verdict = "There were enough" if size["sufficient"] else "There were fewer than that"
    return {
        "sentence": prose(f"{size['sentence']} {verdict}."),
        "timed": has_time(document),
        "n_parameters": size["n_parameters"],
        "anticipated": f"{size['anticipated_r_squared']:.3f}",
        "content": Table(
            "Patients there were, and the fewest that the criteria ask for",
            (Column("Count", numeric=False), Column("There were"), Column("Needed")),
            tuple(
                (
                    words(title),
                    cell(document, "count" if written == "count" else _writer(size[was]),
                         "sample_size", was),
                    cell(document, written, "sample_size", needed),
                )
                for title, (was, needed, written) in ROWS.items()
            ),
        ),
    }  # fmt: skip


def _writer(value: object) -> str:
    return "count" if isinstance(value, int | str) else "compact"


SECTION = Section(
    "sample-size",
    "Size of the sample",
    context,
    there=lambda document: bool(document.get("sample_size")),
)
