"""What each modality adds to all the others, in the patients who have it."""

from typing import Any

from workbench.figures import plot_claims
from workbench.report.drawing import draw
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Cell, Column, Table, cell, words
from workbench.report.words import in_sentence, modality_groups, short_titles, terms, titled


def context(document: Document) -> Context:
    values = document["modality_value"]
    titles = short_titles(document)
    drawn = [value for value in values if value["delta_harrell_c"] is not None]
    aside = modality_groups(document)
    return {
        "content": _table(document),
        "sentences": [
            cell(document, "prose", "modality_value", i, "sentence") for i in range(len(values))
        ],
        "drawing": draw(
            plot_claims(
                drawn,
                labels=[titled(titles, value["modality"]) for value in drawn],
                concordance=terms(document).concordance,
            ),
            "modality-value",
            f"Forest plot: change in {terms(document).concordance} of the combined model with a "
            "modality against the same without it. "
            + " ".join(value["sentence"] for value in values),
            "The combined model with a modality against the same without it, in the patients who "
            "have it. Blue where the 95 % interval lies clear of zero, grey where it does not.",
        )
        if drawn
        else None,
        "beside": [
            cell(document, "prose", "claims", i, "sentence")
            for i, claim in enumerate(document["claims"])
            if claim["group"] in aside
            and claim["over"] == document["evaluation_settings"]["clinical"]
        ],
    }


def _table(document: Document) -> Table:
    titles, c = short_titles(document), terms(document).c
    return Table(
        "The combined model with and without each modality, in the patients who have it",
        (
            Column("Modality", numeric=False),
            Column("Patients"),
            Column("Events"),
            Column(f"{c} with"),
            Column(f"{c} without"),
            Column(f"Change in {c}"),
            Column("Change in IPA"),
            Column("Verdict", numeric=False),
        ),
        tuple(
            (
                words(titled(titles, value["modality"])),
                cell(document, "count", "modality_value", i, "n"),
                cell(document, "count", "modality_value", i, "n_events"),
                _concordance(document, value["model"], value["group"]),
                _concordance(document, value["over"], value["group"]),
                cell(document, "difference", "modality_value", i, "delta_harrell_c"),
                cell(document, "difference", "modality_value", i, "delta_ipa"),
                cell(document, "text", "modality_value", i, "verdict"),
            )
            for i, value in enumerate(document["modality_value"])
        ),
        "Change: with the modality against without it, paired by patient. All other inputs stay.",
    )


def _concordance(document: Document, model: str, group: str) -> Cell:
    at = next(
        i
        for i, row in enumerate(document["ladder"])
        if (row["model"], row["group"]) == (model, group)
    )
    return cell(document, "estimate", "ladder", at, "harrell_c")


def verdicts(document: Document) -> list[tuple[str, str, dict[str, Any]]]:
    """Modality, verdict and claim, for the summary's one line."""
    titles = short_titles(document)
    return [
        (in_sentence(titled(titles, value["modality"])), value["verdict"].split(";")[0], value)
        for value in document["modality_value"]
    ]


SECTION = Section(
    "modality-value",
    "What each modality adds",
    context,
    there=lambda document: bool(document["modality_value"]),
)
