"""The dataset as its description tells it: every input, its unit, and when it was known."""

import json
from collections.abc import Mapping
from typing import Any

from workbench.figures.style import shorten
from workbench.report.format import LONGEST_SENTENCE
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell

LONGEST = 20_000


def context(document: Document) -> Context:
    card, dataset = document["data_card"], document["dataset"]
    columns = {
        "meaning": "Meaning",
        "type": "Kind",
        "unit": "Unit",
        "role": "Role",
        "known": "Known",
    }
    return {
        "facts_shown": [
            ("Name", f"{dataset['title']}, version {dataset['version']}"),
            ("Source", dataset["source"]),
            ("Licence", dataset["licence"]),
            ("Citation", dataset["citation"]),
            ("Access", "restricted" if card["restricted"] else "as its licence says"),
        ],
        "variables": Table(
            "Declared variables",
            (
                *(Column(title, numeric=False) for title in columns.values()),
                Column("Input", numeric=False),
            ),
            tuple(
                (
                    *(
                        cell(document, _writer(name), "data_card", "columns", i, name)
                        for name in columns
                    ),
                    cell(document, "setting", "data_card", "columns", i, "input"),
                )
                for i in range(len(card["columns"]))
            ),
        ),
        "modalities": Table(
            "Inputs of the models",
            (
                Column("Modality", numeric=False),
                Column("Kind", numeric=False),
                Column("Unit", numeric=False),
                Column("Known", numeric=False),
            ),
            tuple(
                tuple(
                    cell(document, _writer(name), "data_card", "modalities", i, name)
                    for name in ("title", "kind", "unit", "known")
                )
                for i in range(len(card["modalities"]))
            ),
        ),
        "croissant": _as_json(document.get("croissant")),
    }


def _writer(name: str) -> str:
    return "term" if name in ("type", "kind", "role") else "prose"


def _as_json(value: object) -> str:
    """ASCII, so that no direction mark of a name can turn the page around."""
    if not value:
        return ""
    written = json.dumps(_shortened(value), indent=1, sort_keys=True)
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}\n… (the rest: report.json)"


def _shortened(value: Any) -> Any:
    """The same with sentences of a length that can be read."""
    if isinstance(value, Mapping):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    return shorten(value, LONGEST_SENTENCE) if isinstance(value, str) else value


SECTION = Section(
    "data-card",
    "Data card",
    context,
    there=lambda document: bool(document.get("data_card")),
)
