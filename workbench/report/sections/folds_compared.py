"""Whether the patients on whom each fold is judged are like those on whom it was trained."""

from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell
from workbench.report.words import in_sentence, label


def context(document: Document) -> Context:
    rows = document["fold_balance"]
    return {
        "content": Table(
            "Evaluated and training patients of each fold",
            (
                Column("Fold", numeric=False),
                Column("Evaluated"),
                Column("Events"),
                Column("Training"),
                Column("Events"),
                Column("Largest SMD"),
            ),
            tuple(
                (
                    cell(document, "count", "fold_balance", i, "fold"),
                    *(
                        cell(document, "count", "fold_balance", i, name)
                        for name in ("n", "n_events", "n_train", "events_train")
                    ),
                    cell(document, "number", "fold_balance", i, "largest_smd"),
                )
                for i in range(len(rows))
            ),
        ),
        "worst": _worst(document),
    }


def _worst(document: Document) -> str:
    """The feature that differs most, and where."""
    known = [row for row in document["fold_balance"] if row["largest_smd"] is not None]
    if not known:
        return ""
    row = max(known, key=lambda each: each["largest_smd"])
    column, _, level = row["of"].partition("=")
    name = in_sentence(label(document, column)) + (f" ({level})" if level else "")
    return f"The largest is that of {name} in fold {row['fold']}."


SECTION = Section(
    "folds-compared",
    "Evaluated beside training patients",
    context,
    there=lambda document: bool(document.get("fold_balance")),
)
