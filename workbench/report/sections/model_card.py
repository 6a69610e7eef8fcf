"""The saved model: for whom it is, how it did, and what identifies it."""

from workbench.report.format import prose
from workbench.report.model_card import model_card
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import group_title, has_time

NUMBERS = {"harrell_c": "Harrell’s C", "uno_c": "Uno’s C", "ibs": "IBS", "ipa": "IPA"}
STATE_NUMBERS = {"harrell_c": "AUC", "ipa": "IPA"}


def context(document: Document) -> Context:
    card = model_card(document)
    return {
        "facts_shown": [
            ("Name", card["name"]),
            ("Intended for", card["intended_use"]),
            ("Not for", " ".join(card["not_for"])),
            ("Population", card["population"]["dataset"]),
            ("Inputs", "; ".join(_input(each) for each in card["inputs"])),
            ("Output", card["output"]),
            ("To predict", card["how_to_use"]),
        ],
        "content": _performance(document),
        "hashes": [
            ("Model (sha256)", cell(document, "text", "saved_model", "sha256")),
            *(
                (prose(file["name"]), cell(document, "text", "saved_model", "files", i, "sha256"))
                for i, file in enumerate(document["saved_model"]["files"])
            ),
        ],
        "has_subgroups": bool(document.get("subgroups")),
    }


def _input(each: dict[str, str]) -> str:
    return f"{each['title']}, known {each['known']}" if each["known"] else each["title"]


def _performance(document: Document) -> Table:
    judged = document["evaluation_settings"]["judged"]
    rows = [i for i, row in enumerate(document["ladder"]) if row["model"] == judged]
    numbers = NUMBERS if has_time(document) else STATE_NUMBERS
    return Table(
        "Performance of the selected model, out of fold",
        (
            Column("Patients", numeric=False),
            Column("Number"),
            Column("Events"),
            *(Column(title) for title in numbers.values()),
        ),
        tuple(
            (
                words(group_title(document, document["ladder"][i]["group"])),
                cell(document, "count", "ladder", i, "n"),
                cell(document, "count", "ladder", i, "n_events"),
                *(cell(document, "estimate", "ladder", i, name) for name in numbers),
            )
            for i in rows
        ),
        "The saved model is fitted on all of these patients; the numbers are of models of the same "
        "kind on patients they had not seen.",
    )


SECTION = Section(
    "model-card",
    "Model card",
    context,
    there=lambda document: bool(document.get("saved_model")),
)
