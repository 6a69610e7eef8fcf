"""Whether a predicted risk of 30 % comes true in 30 of 100."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.figures import plot_calibration
from workbench.report.drawing import Drawing, draw
from workbench.report.format import time
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import group_title, has_time, model_titles, of_study, titled

NUMBERS = {
    "auc": "AUC",
    "brier": "Brier score",
    "ipa": "IPA",
    "calibration_intercept": "Intercept",
    "calibration_slope": "Slope",
    "observed_expected": "Observed / expected",
}
STATE_NUMBERS = NUMBERS | {"ici": "ICI"}
"""Where the outcome has no time. ICI: mean distance of the smooth curve from the diagonal."""


def context(document: Document) -> Context:
    settings = document["evaluation_settings"]
    judged = settings["judged"]
    curves = [
        curve
        for _, curve in of_study(document, document["calibration_curves"])
        if curve["model"] == judged and curve["predicted"]
    ]
    groups = list(dict.fromkeys(row["group"] for row in document["at_horizons"]))
    models = [settings["clinical"], settings["markers"], judged]
    return {
        "figures": [_figure(document, i, curve) for i, curve in enumerate(curves)],
        "tables": [_table(document, group, [m for m in models if m]) for group in groups],
        "refused": [
            f"{group_title(document, row['group'])}: {row['refused']}"
            for row in document["at_horizons"]
            if row["model"] == judged and row["refused"]
        ],
    }


def _figure(document: Document, i: int, curve: Mapping[str, Any]) -> Drawing:
    group, at = group_title(document, curve["group"]), ""
    if has_time(document):
        at = f"{time(curve['horizon'])} {document['outcome']['time_unit']}"
    return draw(
        plot_calibration(curve, title=group, subtitle=at and f"at {at}"),
        f"calibration-{i}",
        f"Calibration of the selected model{at and f' at {at}'}, {group}: observed against "
        "predicted risk.",
        f"{group}{at and f', {at}'}.",
        narrow=True,
    )


def _table(document: Document, group: str, models: list[str]) -> Table:
    titles = model_titles(document)
    rows = [
        (i, row)
        for i, row in enumerate(document["at_horizons"])
        if row["group"] == group and row["model"] in models
    ]
    rows.sort(key=lambda placed: models.index(placed[1]["model"]))
    if not has_time(document):
        return Table(
            f"{group_title(document, group)}: discrimination, accuracy and calibration",
            (
                Column("Model", numeric=False),
                *(Column(title) for title in STATE_NUMBERS.values()),
            ),
            tuple(
                (
                    words(titled(titles, row["model"])),
                    *(cell(document, "estimate", "at_horizons", i, name) for name in STATE_NUMBERS),
                )
                for i, row in rows
            ),
        )
    return Table(
        f"{group_title(document, group)}: discrimination and calibration at a horizon",
        (
            Column("Model", numeric=False),
            Column(f"Horizon, {document['outcome']['time_unit']}"),
            Column("At risk"),
            *(Column(title) for title in NUMBERS.values()),
        ),
        tuple(
            (
                replace(
                    words(titled(titles, row["model"])),
                    quiet=at > 0 and rows[at - 1][1]["model"] == row["model"],
                ),
                cell(document, "time", "at_horizons", i, "horizon"),
                cell(document, "count", "at_horizons", i, "n_at_risk"),
                *(cell(document, "estimate", "at_horizons", i, name) for name in NUMBERS),
            )
            for at, (i, row) in enumerate(rows)
        ),
    )


SECTION = Section("calibration", "Calibration at the horizons", context, without_time="Calibration")
