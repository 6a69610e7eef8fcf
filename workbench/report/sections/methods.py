"""How the numbers were made, and how to make them again."""

import json
from typing import Any

from workbench.report.bibliography import bibliography
from workbench.report.format import prose, text
from workbench.report.methods_text import methods_sentences
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, cell

LONGEST = 20_000

KEYS = {
    "definition_hash": "Definition of the cohort (sha256)",
    "data_hash": "Dataset description and files (sha256)",
    "code_version": "Version of the code",
    "seed": "Seed",
}


def context(document: Document) -> Context:
    settings = document["evaluation_settings"]
    return {
        "facts_shown": [
            (title, cell(document, "setting", key))
            for key, title in KEYS.items()
            if key in document
        ]
        + _environment(document),
        "topics": [
            (title, [prose(sentence) for sentence in sentences])
            for title, sentences in methods_sentences(document).items()
        ],
        "references": [
            (reference.used_for, reference.citation, reference.doi)
            for reference in bibliography(document)
        ],
        "settings": [
            (
                name.replace("_", " "),
                cell(document, "setting", "evaluation_settings", name),
            )
            for name in sorted(settings)
        ],
        "study": _as_json(document["study"]),
        "definition": _as_json(document["definition"]),
        "dataset": text(document["dataset"]["name"]),
    }


def _environment(document: Document) -> list[tuple[str, Cell]]:
    """Versions and machine, a row each, by name: the JSON's own order is no order."""
    environment = document.get("environment") or {}
    places = [(name,) for name in ("python", "processor", "threads", "device")]
    places += [("packages", name) for name in sorted(environment.get("packages", ()))]
    return [
        (place[-1].capitalize() if len(place) == 1 else place[-1],
         cell(document, "setting", "environment", *place))
        for place in places
        if place[0] in environment
    ]  # fmt: skip


def _as_json(value: Any) -> str:
    """ASCII, so that no direction mark of a name can turn the page around."""
    written = json.dumps(value, indent=1, sort_keys=True)
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}\n… (the rest: report.json)"


SECTION = Section("methods", "Methods and provenance", context)
