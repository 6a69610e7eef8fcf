"""When and in whom contributions differ: over time, between groups, typical and failed patients."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.figures import plot_contributions_over_time
from workbench.report.drawing import Drawing, draw
from workbench.report.format import time
from workbench.report.sections.section import Context, Document
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import short_titles, terms, titled

PATH = ("contributions", "explained")
SHOWN = ("over_time", "times", "differences", "profiles", "groups_withheld")
MOST_CURVES = 6


def context(document: Document) -> Context:
    """What the section's template shows of time, groups and failures."""
    found = document["contributions"].get("explained") or {}
    if not found:
        return dict.fromkeys(SHOWN)
    return {
        "over_time": _drawn_over_time(document, found["over_time"]),
        "times": _over_time(document, found["over_time"]),
        "differences": _differences(document),
        "profiles": _profiles(document),
        "groups_withheld": [*found["groups_withheld"], *found["profiles_withheld"]],
    }


def _drawn_over_time(document: Document, found: Mapping[str, Any]) -> Drawing | None:
    horizons, rows = np.array(found["horizons"]), found["modalities"]
    if len(horizons) < 2 or not rows:
        return None
    titles = short_titles(document)
    first = sorted(rows, key=lambda row: -max(row["mean_absolute"]))[:MOST_CURVES]
    sizes = {titled(titles, r["modality"]): np.array(r["mean_absolute"]) for r in first}
    unit = document["outcome"]["time_unit"]
    drawn = plot_contributions_over_time(horizons, sizes, unit="survival", time_unit=unit, title="")
    return draw(
        drawn.static(),
        "contributions-over-time",
        drawn.description,
        "Mean absolute contribution to predicted survival at each horizon, over the patients who "
        "have that kind of data.",
    )


def _over_time(document: Document, found: Mapping[str, Any]) -> Table | None:
    if not found["modalities"]:
        return None
    titles, unit = short_titles(document), document["outcome"].get("time_unit", "")
    horizons = found["horizons"]
    return Table(
        "Mean absolute contribution to predicted survival",
        (
            Column("Kind of data", numeric=False),
            *(Column(f"{time(horizon)} {unit}") for horizon in horizons),
        ),
        tuple(
            (
                words(titled(titles, row["modality"])),
                *(
                    cell(document, "number", *path, "mean_absolute", t)
                    for t in range(len(horizons))
                    for path in [(*PATH, "over_time", "modalities", i)]
                ),
            )
            for i, row in enumerate(found["modalities"])
        ),
    )


def _differences(document: Document) -> Table | None:
    rows = document["contributions"]["explained"]["group_differences"]
    if not rows:
        return None
    titles = short_titles(document)
    path = (*PATH, "group_differences")
    return Table(
        "Mean absolute contribution in a group and in everyone else, with 95 % bootstrap interval",
        (
            Column("Group", numeric=False),
            Column("Kind of data", numeric=False),
            Column("Patients"),
            Column("In the group"),
            Column("In the others"),
            Column("Difference"),
            Column("2.5 %"),
            Column("97.5 %"),
        ),
        tuple(
            (
                words(row["group"]),
                words(titled(titles, row["modality"])),
                cell(document, "count", *path, i, "n_patients"),
                cell(document, "number", *path, i, "mean_absolute"),
                cell(document, "number", *path, i, "mean_absolute_others"),
                *(cell(document, "signed", *path, i, n) for n in ("difference", "lower", "upper")),
            )
            for i, row in enumerate(rows)
        ),
    )


def _profiles(document: Document) -> Table | None:
    rows = document["contributions"]["explained"]["profiles"]
    if not rows:
        return None
    titles, score = short_titles(document), terms(document).score
    path = (*PATH, "profiles")
    names = [each["modality"] for each in rows[0]["modalities"]]
    return Table(
        "Mean contributions of typical patients, and of those whom the model got wrong",
        (
            Column("Patients", numeric=False),
            Column("Number"),
            Column(f"{score[:1].upper()}{score[1:]}"),
            *(Column(titled(titles, name)) for name in names),
        ),
        tuple(
            (
                cell(document, "text", *path, i, "name"),
                cell(document, "count", *path, i, "n_patients"),
                cell(document, "signed", *path, i, "total"),
                *(
                    cell(document, "signed", *path, i, "modalities", m, "mean")
                    for m in range(len(names))
                ),
            )
            for i in range(len(rows))
        ),
        note="Each row is a mean over enough patients: nobody is shown alone.",
    )
