"""Two runs side by side as one self-contained page."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.report.format import WRITERS, setting, signed, text
from workbench.report.table import Cell, Column, Table, words
from workbench.report.words import (
    METRICS,
    MODELS,
    RESEARCH_USE,
    STATE_METRICS,
    STATE_MODELS,
    titled,
)

CHANGES = ("before", "after")


def render_comparison(comparison: Mapping[str, Any]) -> str:
    """One HTML page; the same bytes for the same comparison.

    Parameters
    ----------
    comparison
        :meth:`workbench.run_comparison.RunComparison.to_json`.
    """
    templates = Environment(
        loader=PackageLoader("workbench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(WRITERS)
    style = (files("workbench.report") / "templates" / "style.css").read_text(encoding="utf-8")
    return templates.get_template("comparison.html").render(
        style=Markup(style.strip()),
        research_use=RESEARCH_USE,
        counts=_counts(comparison["cohort"]),
        members=_members(comparison["cohort"]["members"]),
        definition=_definition(comparison["cohort"]["definition"]),
        data=_changes("What differs in the data", comparison["data"]),
        model=_changes("What differs in study and models", comparison["model"]),
        numbers=_numbers(comparison["numbers"], comparison["has_time"]),
    )


def _counts(cohort: Mapping[str, Any]) -> Table:
    return Table(
        "Evaluated patients",
        (Column("Count", numeric=False), Column("Before"), Column("After")),
        tuple(
            (words(title), *(Cell(WRITERS["count"](value)) for value in cohort[name]))
            for name, title in (("n_patients", "Patients"), ("n_events", "Events"))
        ),
    )


def _members(members: Mapping[str, Any]) -> str:
    if "not_known" in members:
        return f"Who was kept, gained and lost is not known: {members['not_known']}."
    return f"{members['kept']} kept, {members['gained']} gained, {members['lost']} lost."


def _definition(changes: list[Mapping[str, Any]]) -> Table:
    return Table(
        "Changes of the definition",
        tuple(
            Column(head, numeric=False)
            for head in ("Part", "Change", *(name.capitalize() for name in CHANGES))
        ),
        tuple(
            tuple(words(str(row[name])) for name in ("part", "change", *CHANGES)) for row in changes
        ),
    )


def _changes(caption: str, rows: list[Mapping[str, Any]]) -> Table:
    return Table(
        caption,
        tuple(
            Column(head, numeric=False)
            for head in ("What", *(name.capitalize() for name in CHANGES))
        ),
        tuple(
            (words(row["what"]), *(Cell(setting(row[name])) for name in CHANGES)) for row in rows
        ),
    )


def _numbers(rows: list[Mapping[str, Any]], has_time: bool) -> Table:
    models, metrics = (MODELS, METRICS) if has_time else (STATE_MODELS, STATE_METRICS)
    heads = ("Model", "Patients", "Metric", "Before", "After", "Change")
    return Table(
        "Metrics of every model that both runs have, with 95 % intervals",
        tuple(Column(head, numeric=at > 2) for at, head in enumerate(heads)),
        tuple(
            (
                words(titled(models, row["model"])),
                words("All patients" if row["group"] == "all" else text(row["group"])),
                words(titled(metrics, row["metric"])),
                *(_estimate(row[name]) for name in CHANGES),
                Cell(signed(row["change"])),
            )
            for row in rows
        ),
    )


def _estimate(value: Mapping[str, Any] | None) -> Cell:
    head, _, interval = WRITERS["estimate"](value).partition(" (")
    return Cell(head, interval.rstrip(")"))
