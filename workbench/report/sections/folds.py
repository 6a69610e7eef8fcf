"""What the selected model turned out to be inside each fold."""

from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import model_titles, titled

TITLES = {
    "fold": "Fold",
    "model": "Chosen model",
    "n_train": "Training patients",
    "events_train": "Training events",
}


def context(document: Document) -> Context | None:
    chosen = document["chosen"]
    if not chosen:
        return None
    titles = model_titles(document)
    names = [*TITLES, *sorted({k for row in chosen for k in row} - set(TITLES))]
    return {
        "content": Table(
            "Choices made in the inner folds, before the outer fold was seen",
            tuple(
                Column(
                    TITLES.get(n, n.replace("_", " ").capitalize()),
                    numeric=n in ("n_train", "events_train"),
                )
                for n in names
            ),
            tuple(
                tuple(
                    words("")
                    if name not in row
                    else words(titled(titles, row["model"]))
                    if name == "model"
                    else cell(document, "setting", "chosen", i, name)
                    for name in names
                )
                for i, row in enumerate(chosen)
            ),
        )
    }


SECTION = Section("folds", "Inside the folds", context)
