"""Whether a predicted risk of 30 % comes true in 30 of 100."""

from typing import Any

from workbench.figures import plot_calibration
from workbench.report.drawing import Drawing, draw
from workbench.report.format import time
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import group_title, model_titles, titled

NUMBERS = {
    "auc": "AUC",
    "brier": "Brier score",
    "ipa": "IPA",
    "calibration_intercept": "Intercept",
    "calibration_slope": "Slope",
    "observed_expected": "Observed / expected",
}


def context(document: Document) -> Context:
    settings = document["evaluation_settings"]
    judged = settings["judged"]
    curves = [c for c in document["calibration_curves"] if c["model"] == judged and c["predicted"]]
    groups = list(dict.fromkeys(row["group"] for row in document["at_horizons"]))
    models = [settings["clinical"], settings["markers"], judged]
    return {
        "figures": [_figure(document, i, curve) for i, curve in enumerate(curves)],
        "tables": [_table(document, group, [m for m in models if m]) for group in groups],
        "refused": [
            f"{group_title(row['group'])}, {time(row['horizon'])}: {row['refused']}"
            for row in document["at_horizons"]
            if row["model"] == judged and row["refused"]
        ],
    }


def _figure(document: Document, i: int, curve: dict[str, Any]) -> Drawing:
    unit = document["outcome"]["time_unit"]
    group, at = group_title(curve["group"]), f"{time(curve['horizon'])} {unit}"
    return draw(
        plot_calibration(curve, title=group, subtitle=f"at {at}"),
        f"calibration-{i}",
        f"Calibration of the selected model at {at}, {group}: observed against predicted risk.",
        f"{group}, {at}.",
        narrow=True,
    )


def _table(document: Document, group: str, models: list[str]) -> Table:
    titles = model_titles(document)
    rows = [
        (i, row)
        for i, row in enumerate(document["at_horizons"])
        if row["group"] == group and row["model"] in models
    ]
    return Table(
        f"{group_title(group)}: discrimination and calibration at a horizon",
        (
            Column("Model", numeric=False),
            Column(f"Horizon, {document['outcome']['time_unit']}"),
            Column("At risk"),
            *(Column(title) for title in NUMBERS.values()),
        ),
        tuple(
            (
                words(titled(titles, row["model"])),
                cell(document, "time", "at_horizons", i, "horizon"),
                cell(document, "count", "at_horizons", i, "n_at_risk"),
                *(cell(document, "estimate", "at_horizons", i, name) for name in NUMBERS),
            )
            for i, row in rows
        ),
    )


SECTION = Section("calibration", "Calibration at the horizons", context)
