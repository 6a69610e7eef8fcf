"""Patients sorted into thirds by predicted risk, and what became of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.evaluation.risk_groups import NO_TEST
from workbench.figures import plot_kaplan_meier
from workbench.report.drawing import Drawing, draw
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.withheld_events import WITHHELD
from workbench.report.words import group_title, of_study


def context(document: Document) -> Context:
    strata = document["risk_groups"].get("strata", [])
    privacy = document["privacy"]
    return {
        "fewest": privacy["minimum_cell"] if privacy["restricted"] else 0,
        "figures": [_figure(document, i, stratum) for i, stratum in of_study(document, strata)],
        "content": _table(document),
        "no_test": NO_TEST,
    }


def _coarse(document: Document, stratum: Mapping[str, Any]) -> str:
    """What was done to curves whose events are withheld; "" where none are."""
    if all(curve["n_events"] != WITHHELD for curve in stratum["curves"]):
        return ""
    fewest = document["privacy"]["minimum_cell"]
    return (
        f" Where the number of events is withheld, survival falls in steps of {fewest} patients, "
        "at times between which that many or none left, and has no band."
    )


def _figure(document: Document, i: int, stratum: Mapping[str, Any]) -> Drawing:
    group = group_title(document, stratum["group"])
    parts = [f"{c['label']}, {c['n']} patients, {c['n_events']} events" for c in stratum["curves"]]
    return draw(
        plot_kaplan_meier(stratum, title=group, time_unit=document["outcome"]["time_unit"]),
        f"risk-groups-{i}",
        f"Kaplan–Meier curves by predicted risk, {group}: {'; '.join(parts)}.",
        f"{group}. Bands: 95 % log-log intervals. Below: patients at risk just before each time."
        f"{_coarse(document, stratum)}",
    )


def _table(document: Document) -> Table:
    rows = [
        (i, j, stratum)
        for i, stratum in enumerate(document["risk_groups"]["strata"])
        for j in range(len(stratum["curves"]))
    ]
    return Table(
        f"Outcome by predicted risk; medians in {document['outcome']['time_unit']}",
        (
            Column("Group", numeric=False),
            Column("Predicted risk", numeric=False),
            Column("Patients"),
            Column("Events"),
            Column("Median time"),
        ),
        tuple(
            (
                replace(words(group_title(document, stratum["group"])), quiet=j > 0),
                *(
                    cell(document, kind, "risk_groups", "strata", i, "curves", j, name)
                    for kind, name in (
                        ("text", "label"),
                        ("count", "n"),
                        ("count", "n_events"),
                        ("times", "median"),
                    )
                ),
            )
            for i, j, stratum in rows
        ),
        "Not reached: fewer than half had the event within follow-up.",
    )


SECTION = Section(
    "risk-groups",
    "Survival by predicted risk",
    context,
    there=lambda document: bool(document["risk_groups"].get("strata")),
)
