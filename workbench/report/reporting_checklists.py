"""Published reporting checklists, each item filled by the run, the author's, or missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from workbench.report.evidence import holds

Status = Literal["auto", "author", "missing"]
Document = Mapping[str, Any]

NAMES = ("tripod_ai", "remark", "claim", "probast_ai")


@dataclass(frozen=True)
class ChecklistItem:
    """One item, by its published id and a short label of our own.

    Parameters
    ----------
    id, part, label
        Published number, part of the article, and what it is about.
    section
        Anchor of the section that fills it, or that helps the author with it; may be empty.
    evidence
        Rule that says whether the report fills it; empty where only an author can.
    adds
        What the author still has to add to what the report says.
    """

    id: str
    part: str
    label: str
    section: str = ""
    evidence: str = ""
    adds: str = ""


@dataclass(frozen=True)
class ReportingChecklist:
    """A published checklist: its items, where it comes from, and how it was verified.

    ``form`` is True where each item is a judgement that only an author makes; ``asks_for`` is the
    kind of modality without which the checklist does not apply.
    """

    name: str
    title: str
    about: str
    source: str
    doi: str
    licence: str
    verified: str
    verified_how: str
    n_items: int
    n_subitems: int
    items: tuple[ChecklistItem, ...]
    form: bool = False
    asks_for: str = ""


@dataclass(frozen=True)
class Filled:
    """Where an item stands in one report."""

    item: ChecklistItem
    status: Status


@cache
def reporting_checklist(name: str) -> ReportingChecklist:
    """A checklist by its name, of :data:`NAMES`.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    if name not in NAMES:
        raise KeyError(f"no checklist is called {name!r}; there are {', '.join(NAMES)}")
    file = files("workbench.report") / "checklists" / f"{name}.yaml"
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    items = tuple(ChecklistItem(**item) for item in written.pop("items"))
    return ReportingChecklist(**written | {"verified": str(written["verified"]), "items": items})


def applicable(document: Document) -> tuple[ReportingChecklist, ...]:
    """Checklists that apply to a study: that of images only where it has any; forms last."""
    kinds = {modality["kind"] for modality in document["modalities"]}
    found = [reporting_checklist(name) for name in NAMES]
    return tuple(each for each in found if not each.asks_for or each.asks_for in kinds)


def fill(checklist: ReportingChecklist, document: Document) -> tuple[Filled, ...]:
    """Each item with its status in a report.

    ``auto`` where the report holds the evidence and its section is on the page; ``missing`` where
    a run could give it and this one does not; ``author`` where only a person can.

    Parameters
    ----------
    checklist
        Of :func:`reporting_checklist`.
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    """
    from workbench.report.sections import SECTIONS  # One of them shows what is filled here.

    left_out = set(document.get("left_out", ()))
    there = {s.anchor for s in SECTIONS if s.anchor not in left_out and s.there(document)}
    return tuple(Filled(item, _status(item, document, there)) for item in checklist.items)


def _status(item: ChecklistItem, document: Document, there: set[str]) -> Status:
    if not item.evidence:
        return "author"
    return "auto" if item.section in there and holds(item.evidence, document) else "missing"
