"""Entries of ``report.json`` on data, model and use in practice, fit to leave the room."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.cohort.privacy import suppress
from workbench.data.card import Card, Observed
from workbench.evaluation.group_rows import partition
from workbench.report.content import ReportContent
from workbench.report.withheld_events import WITHHELD
from workbench.report.withhold import exposed, withheld

Json = dict[str, Any]


def provenance_entries(content: ReportContent, refused: Collection[str]) -> Json:
    """What a reader must know of data and model beyond the evaluation.

    Parameters
    ----------
    content
        The records of a finished study.
    refused
        Groups whose counts earlier releases forbid.

    Returns
    -------
    dict
        ``data_card, croissant, saved_model``, and the entries of ``content.practice`` without
        small counts.
    """
    spec = content.card.spec
    return {
        "data_card": data_card(spec, content.study["modalities"]),
        "croissant": content.croissant,
        "saved_model": content.saved_model,
        **withheld_practice(content.practice, spec.privacy.minimum_cell, refused),
    }


def data_card(spec: Card, modalities: Sequence[str]) -> Json:
    """What the dataset's description says: every column and file, and when each was known."""
    inputs = {
        column for name in modalities for column in getattr(spec.modalities[name], "columns", ())
        if spec.modalities[name].kind == "ehr"
    }  # fmt: skip
    return {
        "columns": [
            {
                "name": name,
                "meaning": column.meaning,
                "type": column.type,
                "unit": column.unit,
                "levels": list(column.listed_levels),
                "role": column.role,
                "known": _known(column.observed_at),
                "input": name in inputs,
            }
            for name, column in spec.columns.items()
        ],
        "modalities": [
            {
                "name": name,
                "title": spec.modalities[name].title,
                "kind": spec.modalities[name].kind,
                "unit": getattr(spec.modalities[name], "unit", None),
                "known": _known(getattr(spec.modalities[name], "observed_at", None)),
            }
            for name in modalities
        ],
        "files": [
            {"name": name, "licence": file.licence, "url": file.url}
            for name, file in spec.files.items()
        ],
        "markers": list(spec.markers),
        "restricted": spec.privacy.restricted,
    }


def _known(observed: Observed | None) -> str:
    """When a value was known, in words."""
    if observed is None:
        return ""
    basis = f" ({observed.basis.rstrip('.')})" if observed.basis else ""
    if observed.assumed:
        return f"assumed to be known at the index date{basis}"
    if observed.column is not None:
        return f"on the day in {observed.column}, used where that is in time{basis}"
    days = observed.days or 0
    when = "at the index date" if days == 0 else f"{abs(days)} days {_side(days)} the index date"
    return f"{when}{basis}"


def _side(days: int) -> str:
    return "before" if days < 0 else "after"


def withheld_practice(
    practice: Mapping[str, Any], minimum: int, refused: Collection[str]
) -> Json:  # fmt: skip
    """The same without small counts, nor counts that give a small one away."""
    if minimum <= 1:
        return dict(practice)
    hidden = {(name, group) for name in ("n", "n_events", "n_at_risk") for group in refused}
    kept = {
        **practice,
        "failure_cases": [
            _failures(row, minimum)
            for row in practice.get("failure_cases", ())
            if row["group"] == "all"
        ],
        "fold_balance": withheld_folds(practice.get("fold_balance", ()), minimum),
    }
    tables = [_subgroups(table, minimum, hidden) for table in practice.get("subgroups", ())]
    told = {**withheld(kept, minimum, hidden), "subgroups": tables}
    if told.get("sample_size"):
        # Those whom a criterion asks for are nobody.
        told["sample_size"]["sentence"] = practice["sample_size"]["sentence"]
    return told


def withheld_folds(
    rows: Sequence[Mapping[str, Any]], minimum: int, totals: Mapping[str, int] | None = None
) -> list[Json]:
    """Folds without counts of few patients, nor of those who train, who are all others.

    Parameters
    ----------
    rows
        One a fold, and repeat where there are several: ``n_train, events_train``.
    minimum
        Smallest count that may be shown.
    totals
        ``n, n_events`` of everyone; if not given, each row has those of its fold beside.
    """
    kept = [dict(row) for row in rows]
    for repeat in {row.get("repeat") for row in kept} if minimum > 1 else ():
        folds = [row for row in kept if row.get("repeat") == repeat]
        for name, training in (("n", "n_train"), ("n_events", "events_train")):
            counts = [
                (row[name] if totals is None else totals[name] - row[training], row[training])
                for row in folds
            ]
            hidden = np.any(suppress(np.array(counts), minimum, row_totals=True), axis=1)
            for row, hide in zip(folds, hidden, strict=True):
                row |= dict.fromkeys([training, *({name} & row.keys())] if hide else [], WITHHELD)
    return kept


def _subgroups(table: Json, minimum: int, hidden: Collection[tuple[str, str]]) -> Json:
    """Rows of which no small count is had by subtracting others from a whole."""
    more = {
        (name, row["group"])
        for family in _families(table)
        for name in ("n", "n_events", "n_at_risk")
        for row in exposed(family, name, minimum)
    }
    return withheld(table, minimum, {*hidden, *more})


def _families(table: Json) -> Iterator[list[Json]]:
    """Rows that together hold every patient once."""
    rows = table["rows"]
    yield [row for row in rows if row["kind"] == "site"]
    strata = set(partition(table["settings"]))
    yield [row for row in rows if row["group"] in strata]
    names = {row["group"]: row for row in rows}
    for group, row in names.items():
        other = names.get(group.replace("patients with ", "patients without ", 1))
        if group.startswith("patients with ") and other is not None:
            yield [row, other]


def _failures(row: Json, minimum: int) -> Json:
    """A share of a third is shown where neither its patients nor the others are few."""
    parts = [
        row["low_events"],
        row["low"] - row["low_events"],
        row["high_survivors"],
        row["high"] - row["high_survivors"],
    ]
    if all(part == 0 or part >= minimum for part in parts):
        return row
    few = [name for name in ("low", "high") if 0 < row[name] < minimum]
    return {**row, **dict.fromkeys([*few, "low_events", "high_survivors"], WITHHELD)}
