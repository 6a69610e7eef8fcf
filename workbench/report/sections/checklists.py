"""Reporting checklists: what the run fills, what is missing, and what only the author can say."""

from collections import Counter
from dataclasses import replace
from typing import Any

from workbench.report.reporting_checklists import (
    Filled,
    ReportingChecklist,
    applicable,
    fill,
)
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, words
from workbench.report.words import OF_TIMES, has_time

STATUS = {"auto": "filled", "author": "author", "missing": "missing"}


def context(document: Document) -> Context:
    return {"parts": [_part(document, each) for each in applicable(document)]}


def _part(document: Document, checklist: ReportingChecklist) -> dict[str, Any]:
    filled = fill(checklist, document)
    n = Counter(each.status for each in filled)
    return {
        "title": checklist.title,
        "about": checklist.about,
        "source": checklist.source,
        "doi": checklist.doi,
        "verified": checklist.verified,
        "counts": ""
        if checklist.form
        else f"Of {len(filled)} items, {n['auto']} are filled by this run, {n['missing']} could "
        f"be and are missing, {n['author']} are the author’s.",
        "content": _table(document, checklist, filled),
    }


def _table(
    document: Document, checklist: ReportingChecklist, filled: tuple[Filled, ...]
) -> Table:  # fmt: skip
    from workbench.report.sections import SECTIONS  # It holds this section too.

    left_out = set(document.get("left_out", ()))
    there = {s.anchor for s in SECTIONS if s.anchor not in left_out and s.there(document)}
    titles = {
        section.anchor: section.spoken(document).title
        for section in SECTIONS
        if has_time(document) or section.anchor not in OF_TIMES
    }
    status = "Judgement" if checklist.form else "Status"
    heads = ("Item", "Part", "About", "Section", status)
    return Table(
        f"{checklist.title}, items by their published numbers",
        tuple(Column(head, numeric=False) for head in heads),
        tuple(
            (
                words(each.item.id),
                replace(
                    words(each.item.part),
                    quiet=at > 0 and filled[at - 1].item.part == each.item.part,
                ),
                words(each.item.label),
                Cell(
                    titles.get(each.item.section, ""),
                    section=each.item.section if each.item.section in there else "",
                ),
                words(_status(each)),
            )
            for at, each in enumerate(filled)
        ),
    )


def _status(each: Filled) -> str:
    if each.status == "auto" and each.item.adds:
        return f"filled; the author adds {each.item.adds}"
    return STATUS[each.status]


SECTION = Section("checklists", "Reporting checklists", context)
