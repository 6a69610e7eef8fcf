"""How long patients were watched, and how many are left at each horizon."""

from dataclasses import replace

from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import group_title, has_time


def context(document: Document) -> Context:
    unit = document["outcome"]["time_unit"]
    medians = (
        ("Follow-up (reverse Kaplan–Meier)", "median_follow_up"),
        ("Time to the event (Kaplan–Meier)", "median_time_to_event"),
    )
    return {
        "medians": Table(
            f"Medians with 95 % intervals, in {unit}",
            (Column("", numeric=False), Column("Median")),
            tuple(
                (words(title), cell(document, "times", "follow_up", key)) for title, key in medians
            ),
        ),
        "horizons": _at_horizons(document),
    }


def _at_horizons(document: Document) -> Table:
    """Patients at risk: the same for every model, so read from the first."""
    first = document["ladder"][0]["model"]
    rows = [(i, r) for i, r in enumerate(document["at_horizons"]) if r["model"] == first]
    return Table(
        f"At risk just before each horizon ({document['outcome']['time_unit']})",
        (
            Column("Group", numeric=False),
            Column("Horizon"),
            Column("Patients"),
            Column("Events by then"),
            Column("At risk"),
        ),
        tuple(
            (
                replace(
                    words(group_title(document, row["group"])),
                    quiet=at > 0 and rows[at - 1][1]["group"] == row["group"],
                ),
                cell(document, "time", "at_horizons", i, "horizon"),
                cell(document, "count", "at_horizons", i, "n"),
                cell(document, "count", "at_horizons", i, "n_events"),
                cell(document, "count", "at_horizons", i, "n_at_risk"),
            )
            for at, (i, row) in enumerate(rows)
        ),
        "Numbers at a horizon with fewer than ten at risk in a group are refused there.",
    )


SECTION = Section("follow-up", "Follow-up", context, there=has_time)
