"""The same models on other folds, such as whole hospitals held out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.report.format import text
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, cell, words
from workbench.report.words import group_title, model_titles, of_study, terms, titled


def context(document: Document) -> Context:
    return {
        "content": _table(document),
        "splits": [
            {
                "title": text(split["title"]),
                "claims": [
                    cell(document, "prose", "other_splits", i, "claims", j, "sentence")
                    for j, _ in of_study(document, split["claims"])
                ],
            }
            for i, split in enumerate(document["other_splits"])
        ],
    }


def _table(document: Document) -> Table:
    """C on the study's folds, beside C and its change over clinical on each other split."""
    titles, spoken = model_titles(document), terms(document)
    settings = document["evaluation_settings"]
    judged = settings["judged"]
    shown = {settings["clinical"], settings["markers"], judged}
    rows = [(i, row) for i, row in of_study(document, document["ladder"]) if row["model"] in shown]
    heads = [
        "Study folds",
        *(text(f"{s['title'][:1].upper()}{s['title'][1:]}") for s in document["other_splits"]),
    ]
    return Table(
        f"{spoken.concordance}, and its change over the clinical {spoken.regression} model, by "
        "kind of split",
        (
            Column("Group", numeric=False),
            Column("Model", numeric=False),
            *(Column(f"{head}: {what}") for head in heads for what in (spoken.c, "change")),
        ),
        tuple(
            (
                replace(
                    words(group_title(document, row["group"])),
                    quiet=at > 0 and rows[at - 1][1]["group"] == row["group"],
                ),
                words(titled(titles, row["model"])),
                *_pair(document, "ladder", i),
                *(
                    part
                    for s, split in enumerate(document["other_splits"])
                    for part in _same_row(document, s, split, row)
                ),
            )
            for at, (i, row) in enumerate(rows)
        ),
        "Other models on these folds are in report.json.",
        strong=frozenset(at for at, (_, row) in enumerate(rows) if row["model"] == judged),
    )


def _pair(document: Document, *at: str | int) -> tuple[Cell, Cell]:
    return (
        cell(document, "estimate", *at, "harrell_c"),
        cell(document, "difference", *at, "delta_harrell_c"),
    )


def _same_row(
    document: Document, s: int, split: Mapping[str, Any], row: Mapping[str, Any]
) -> tuple[Cell, Cell]:
    for i, other in enumerate(split["ladder"]):
        if (other["model"], other["group"]) == (row["model"], row["group"]):
            return _pair(document, "other_splits", s, "ladder", i)
    return words(""), words("")


SECTION = Section(
    "other-splits",
    "Other ways of splitting",
    context,
    there=lambda document: bool(document["other_splits"]),
)
