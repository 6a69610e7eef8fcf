"""Every model beside the clinical one, overall and within each group."""

from workbench.figures import plot_ladder
from workbench.report.drawing import draw
from workbench.report.format import count, estimate
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import (
    RANKS_NOBODY,
    group_title,
    metrics,
    model_titles,
    of_study,
    terms,
    titled,
)

MEANINGS = {
    "harrell_c": "share of comparable pairs, within folds, that the model ranks as they came; "
    ".5 is chance",
    "harrell_c_fold_mean": "mean over folds, for comparison with published tables",
    "uno_c": "the same, weighted so that censoring does not matter",
    "ibs": "mean squared error of predicted survival; lower is better",
    "ipa": "gain in that error over predicting the same curve for all; higher is better",
}
STATE_MEANINGS = {
    "harrell_c": "share of pairs of a patient with the event and one without, within folds, in "
    "which the former is at higher risk; .5 is chance",
    "harrell_c_fold_mean": MEANINGS["harrell_c_fold_mean"],
    "ipa": "gain in the mean squared error of predicted risk (Brier score) over predicting the "
    "same risk for all; higher is better",
}
"""Where the outcome has no time."""
WITHOUT = "without_"
"""Rungs that say what a modality adds: they have a section of their own."""

DIFFERENCES = ("delta_harrell_c", "delta_ipa")


def context(document: Document) -> Context:
    titles = model_titles(document)
    groups = list(dict.fromkeys(row["group"] for row in document["ladder"]))
    names = titles | {group: group_title(document, group) for group in groups}
    settings = document["evaluation_settings"]
    judged = settings["judged"]
    clinical = settings["clinical"]
    drawn = [
        row
        for _, row in of_study(document, document["ladder"])
        if row["model"] not in RANKS_NOBODY and not row["model"].startswith(WITHOUT)
    ]
    spoken = terms(document)
    concordance = spoken.concordance
    figure = plot_ladder(
        drawn, titles=names, clinical=clinical, judged=judged, concordance=concordance
    )
    best = [
        f"{group_title(document, r['group'])}: {estimate(r['harrell_c'])}."
        for r in drawn
        if r["model"] == judged and r["harrell_c"] is not None
    ]
    return {
        "drawing": draw(
            figure,
            "model-comparison",
            f"Forest plot of {concordance} for every model, one panel a group. Selected model: "
            + " ".join(best),
            f"{concordance} with 95 % intervals. Dashed: the clinical {spoken.regression} model in "
            "the same group. "
            "Blue: the selected model, the only one that is judged; the others describe.",
        ),
        "markers": titles.get(settings["markers"], ""),
        "beyond_markers": [
            cell(document, "prose", "claims", i, "sentence")
            for i, claim in of_study(document, document["claims"])
            if claim["over"] == settings["markers"]
        ],
        "tables": [ladder_table(document, group) for group in groups],
        "meanings": [
            (metrics(document)[name], meaning)
            for name, meaning in (MEANINGS if spoken.has_time else STATE_MEANINGS).items()
        ],
    }


def ladder_table(document: Document, group: str) -> Table:
    """All metrics of all models in one group."""
    titles = model_titles(document)
    judged = document["evaluation_settings"]["judged"]
    rows = [
        (i, r)
        for i, r in enumerate(document["ladder"])
        if r["group"] == group and not r["model"].startswith(WITHOUT)
    ]
    first = rows[0][1]
    return Table(
        f"{group_title(document, group)}: {count(first['n'])} patients, "
        f"{count(first['n_events'])} events",
        (
            Column("Model", numeric=False),
            *(Column(title) for title in metrics(document).values()),
        ),
        tuple(
            (
                words(titled(titles, row["model"])),
                *(
                    cell(
                        document,
                        "difference" if name in DIFFERENCES else "estimate",
                        "ladder",
                        i,
                        name,
                    )
                    for name in metrics(document)
                ),
            )
            for i, row in rows
        ),
        strong=frozenset(at for at, (_, row) in enumerate(rows) if row["model"] == judged),
    )


SECTION = Section("model-comparison", "Model comparison", context)
