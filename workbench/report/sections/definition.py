"""What was asked, of which data, and how the models climb."""

from typing import Any

from workbench.report.format import listed, text, time
from workbench.report.sections.section import Context, Document, Section
from workbench.report.words import group_title, model_titles, rung, titled

SPLITS = {
    "given": "published folds",
    "kfold": "random folds, drawn by patient",
    "site": "whole sites held out in turn",
}


def context(document: Document) -> Context:
    dataset, outcome, study = (
        document["dataset"],
        document["outcome"],
        document["study"],
    )
    titles = model_titles(document)
    models = list(dict.fromkeys(row["model"] for row in document["ladder"]))
    groups = list(dict.fromkeys(row["group"] for row in document["ladder"]))
    unit = outcome["time_unit"]
    return {
        "facts_shown": [
            ("Dataset", f"{dataset['title']}, version {dataset['version']}"),
            ("Source", dataset["source"]),
            ("Licence", dataset["licence"]),
            ("Citation", dataset["citation"]),
            ("Index date", dataset["index_date"]),
            ("Outcome", f"{outcome['title']}, in {unit}"),
            ("Time zero", outcome["time_zero"]),
            ("About the outcome", outcome["note"]),
            ("Who is in", ". ".join(document["definition_sentences"]) + "."),
            ("Inputs", listed([m["title"] for m in document["modalities"]])),
            ("Split", _split(study["split"])),
            ("Horizons", f"{listed([time(h) for h in study['horizons']])} {unit}"),
            ("Groups", listed([group_title(group) for group in groups])),
        ],
        "rungs": [(text(titled(titles, m)), rung(document, m)) for m in models],
    }


def _split(split: dict[str, Any]) -> str:
    kind = split["kind"]
    words = SPLITS.get(kind) or text(kind)
    details = ", ".join(f"{k} {v}" for k, v in sorted(split.items()) if k != "kind")
    return f"{words} ({details})" if details else words


SECTION = Section("definition", "What was asked", context)
