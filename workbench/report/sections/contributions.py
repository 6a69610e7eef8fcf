"""What moves the predicted risk, and first whether the explanation is sound."""

from workbench.figures import plot_contributions
from workbench.report.drawing import draw
from workbench.report.format import text
from workbench.report.sections import explained_features, explained_images, explained_patients
from workbench.report.sections.explained_images import check_table
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import short_titles, terms, titled

NUMBERS = {
    "mean_absolute": "Mean absolute",
    "standard_deviation": "Standard deviation",
    "lower": "5 %",
    "median": "Median",
    "upper": "95 %",
}


def context(document: Document) -> Context:
    content = document["contributions"]
    titles, score = short_titles(document), terms(document).score
    spreads = content["modalities"]
    words_for = [
        f"{titles.get(s['modality'], s['modality'])} {s['mean_absolute']:.2f}" for s in spreads
    ]
    return {
        "method": text(content["method"]),
        "reference": text(content["reference"]),
        "soundness": _soundness(content),
        "drawing": spreads
        and draw(
            plot_contributions(spreads, titles=titles, score=score),
            "contributions",
            f"Mean absolute contribution to the {score}: " + ", ".join(words_for),
            f"Contributions to the selected model’s {score}, over the patients who have the "
            "modality.",
        ),
        "content": spreads
        and Table(
            f"Contribution of each modality to the {score}, over the patients who have it",
            (
                Column("Modality", numeric=False),
                Column("Patients"),
                *(Column(title) for title in NUMBERS.values()),
            ),
            tuple(
                (
                    words(titled(titles, s["modality"])),
                    cell(
                        document,
                        "count",
                        "contributions",
                        "modalities",
                        i,
                        "n_patients",
                    ),
                    *(
                        cell(document, "number", "contributions", "modalities", i, name)
                        for name in NUMBERS
                    ),
                )
                for i, s in enumerate(spreads)
            ),
        ),
        "withheld": [titled(titles, name) for name in content["withheld"]],
        "checks": check_table(document, ("contributions", "checks"), content["checks"]),
        **explained_features.context(document),
        **explained_patients.context(document),
        **explained_images.context(document),
    }


def _soundness(content: Document) -> str:
    """What a reader is told first where a check failed; "" where none did."""
    n_failed, n_all = content["n_failed"], len(content["checks"])
    if not n_failed:
        return ""
    shown = content["modalities"] or content["withheld"]
    then = "do not rely on what follows" if shown else "contributions are withheld"
    return f"{n_failed} of {n_all} checks of this explanation failed: {then}."


SECTION = Section("contributions", "What drives the prediction", context)
