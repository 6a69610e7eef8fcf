"""What a reviewer looks for in a report, and whether it is there."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.report.page import sections_of
from workbench.report.sections import SECTIONS
from workbench.report.words import OF_TIMES, has_time

Found = Literal["there", "left out", "nothing to show"]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing that a reviewer looks for.

    Parameters
    ----------
    what
        In words.
    anchor, section
        The section that holds it.
    found
        "left out" where the study has it and the page does not.
    """

    what: str
    anchor: str
    section: str
    found: Found


_ASKED: tuple[tuple[str, str, Callable[[Document], Any]], ...] = (
    ("Question, data, outcome and time zero", "definition", lambda d: d["definition_sentences"]),
    ("Who was left out, and why", "cohort-flow", lambda d: d["attrition"]),
    ("Who the patients are", "table-one", lambda d: d["table_one"]["rows"]),
    ("Who has which modality", "availability", lambda d: d["availability"]),
    (
        "How long patients were followed",
        "follow-up",
        lambda d: d["follow_up"]["median_follow_up"]["estimate"] is not None,
    ),
    ("What the judged model adds, as a claim", "summary", lambda d: d["claims"]),
    ("Every model beside the clinical one", "model-comparison", lambda d: d["ladder"]),
    (
        "Performance within groups",
        "model-comparison",
        lambda d: {row["group"] for row in d["ladder"]} - {"all"},
    ),
    (
        "Calibration",
        "calibration",
        lambda d: any(curve["predicted"] for curve in d["calibration_curves"]),
    ),
    (
        "Whether acting on the model does more good than harm",
        "decision-curve",
        lambda d: d.get("decision_curves"),
    ),
    ("Survival by predicted risk", "risk-groups", lambda d: True),
    ("Patients who lack a modality, and sites", "subgroups", lambda d: d.get("subgroups")),
    ("What each modality adds", "modality-value", lambda d: True),
    (
        "Explanation, with the method's own checks",
        "contributions",
        lambda d: d["contributions"]["checks"],
    ),
    ("Where the model fails", "failure-cases", lambda d: d.get("failure_cases")),
    ("Whole sites held out, or other folds", "other-splits", lambda d: True),
    ("What was chosen inside each fold", "folds", lambda d: True),
    ("Variables that an expert would ask for", "inventory", lambda d: True),
    ("Limits and warnings", "limits", lambda d: d["limits"]),
    ("Data card", "data-card", lambda d: d.get("data_card")),
    ("Model card, with what identifies the model", "model-card", lambda d: d.get("saved_model")),
    ("Published checklists", "checklists", lambda d: True),
    ("Hashes, version of the code, seed", "methods", lambda d: d.get("data_hash")),
)


def checklist(document: Document, left_out: Collection[str] = ()) -> tuple[Item, ...]:
    """Each item with where it stands.

    Parameters
    ----------
    document
        Of :func:`workbench.report.document.report_document`, or ``report.json`` read back.
    left_out
        Anchors of the sections that are not on the page.
    """
    titles = {section.anchor: section.spoken(document).title for section in SECTIONS}
    there = {section.anchor for section in sections_of(document)}

    def found(anchor: str, holds: Callable[[Document], Any]) -> Found:
        if anchor not in there or not holds(document):
            return "nothing to show"
        return "left out" if anchor in left_out else "there"

    asked = _ASKED if has_time(document) else [item for item in _ASKED if item[1] not in OF_TIMES]
    return tuple(Item(what, a, titles[a], found(a, holds)) for what, a, holds in asked)
