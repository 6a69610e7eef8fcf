"""How the selected model does in each group, without a modality, and in each site."""

from collections.abc import Mapping
from typing import Any

from workbench.figures import plot_subgroups
from workbench.report.drawing import Drawing, draw
from workbench.report.format import in_years
from workbench.report.sections.section import Context, Document, Section
from workbench.report.table import Column, Table, cell, words
from workbench.report.words import has_time, in_sentence, short_titles, terms

NUMBERS = {
    "calibration_slope": "Calibration slope",
    "observed_expected": "Observed / expected",
    "ipa": "IPA",
}
FEWEST_EVENTS = 5
"""By the horizon, of a group that is shown; ``report.json`` has all that are judged."""
HAVING = {"patients with ": "Patients with", "patients without ": "Patients without"}


def context(document: Document) -> Context:
    tables = document["subgroups"]
    return {
        "figures": [_figure(document, t) for t in _drawn(tables)],
        "tables": [_table(document, t) for t in range(len(tables))],
        "sites": [_site_sentence(document, table) for table in tables[:1] if table["sites"]],
        "refused": [_refused(document, table) for table in tables],
    }


def title(document: Document, group: str) -> str:
    """A group as a heading; of modalities, with the modality's own title."""
    for head, words_for in HAVING.items():
        modality = group.removeprefix(head)
        if modality != group and modality in short_titles(document):
            return f"{words_for} {in_sentence(short_titles(document)[modality])}"
    return "All patients" if group == "all" else group


def _judged(table: Mapping[str, Any]) -> list[int]:
    """Places of the rows that are shown; one whose number is withheld is not known to be small."""
    return [
        i
        for i, row in enumerate(table["rows"])
        if not row["refused"] and (row["kind"] == "all" or not _few(row["n_events"]))
    ]


def _few(n_events: int | str) -> bool:
    return isinstance(n_events, int) and n_events < FEWEST_EVENTS


def _drawn(tables: list[Mapping[str, Any]]) -> list[int]:
    """Place of the first that can be drawn: C is the same at every horizon."""
    drawable = [_drawable([table["rows"][i] for i in _judged(table)]) for table in tables]
    return [drawable.index(True)] if any(drawable) else []


def _drawable(rows: list[Mapping[str, Any]]) -> bool:
    """Whether every count may be shown: a drawing has no words for one withheld."""
    counts = [row[name] for row in rows for name in ("n", "n_events")]
    return bool(rows) and all(isinstance(count, int) for count in counts)


def _by(document: Document, table: Mapping[str, Any]) -> str:
    """By when, behind what happens; "" where the outcome has no time."""
    if not has_time(document):
        return ""
    return f" by {in_years(table['settings']['horizon'], document['outcome']['time_unit'])}"


def _numbers(document: Document) -> dict[str, str]:
    return {"harrell_c": terms(document).concordance, **NUMBERS}


def _figure(document: Document, t: int) -> Drawing:
    table = document["subgroups"][t]
    rows = [table["rows"][i] for i in _judged(table)]
    by, concordance = _by(document, table), terms(document).concordance
    forest = plot_subgroups(
        rows,
        sites=table["sites"],
        title=f"Selected model, events{by}" if by else "Selected model",
        titles={row["group"]: title(document, row["group"]) for row in rows},
        minimum_cell=document["privacy"]["minimum_cell"] or None,
        concordance=concordance,
    )
    return draw(
        forest.static(),
        f"subgroups-{t}",
        forest.description,
        f"{concordance} in groups and sites, and its difference from all other patients"
        f"{by and f'; events{by}'}.",
    )


def _table(document: Document, t: int) -> Table:
    table = document["subgroups"][t]
    by, numbers = _by(document, table), _numbers(document)
    return Table(
        f"The selected model by group{by and f', outcome{by}'}",
        (
            Column("Patients", numeric=False),
            Column("Number"),
            Column("Events"),
            *(Column(words_for) for words_for in numbers.values()),
        ),
        tuple(
            (
                words(title(document, table["rows"][i]["group"])),
                cell(document, "count", "subgroups", t, "rows", i, "n"),
                cell(document, "count", "subgroups", t, "rows", i, "n_events"),
                *(cell(document, "estimate", "subgroups", t, "rows", i, name) for name in numbers),
            )
            for i in _judged(table)
        ),
    )


def _site_sentence(document: Document, table: Mapping[str, Any]) -> str:
    sites = table["sites"]
    numbers = [f"{sites[name]:.3f}" for name in ("estimate", "lower", "upper")]
    further = ""
    if sites["prediction_lower"] is not None:
        further = (
            f"; in a further site it is expected between {sites['prediction_lower']:.3f} and "
            f"{sites['prediction_upper']:.3f}"
        )
    return (
        f"Over {sites['n_sites']} sites, {terms(document).concordance} is {numbers[0]} "
        f"({numbers[1]} to {numbers[2]}){further}."
    )


def _refused(document: Document, table: Mapping[str, Any]) -> str:
    """How many groups and sites are too small to be shown."""
    shown = set(_judged(table))
    refused = [row["kind"] for i, row in enumerate(table["rows"]) if i not in shown]
    if not refused:
        return ""
    parts = [
        f"{refused.count(kind)} {kind if refused.count(kind) == 1 else kind + 's'}"
        for kind in ("group", "site")
        if kind in refused
    ]
    few, by = f"{' and '.join(parts)} had fewer than {FEWEST_EVENTS} events", _by(document, table)
    if not by:
        return f"{few}, or too few patients to be judged."
    return f"{by.strip().capitalize()}, {few}, or too few patients or too few at risk to be judged."


SECTION = Section(
    "subgroups",
    "Groups, sites and absent modalities",
    context,
    there=lambda document: bool(document.get("subgroups")),
)
