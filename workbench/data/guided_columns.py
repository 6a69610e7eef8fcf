"""Columns of a guided card: what each is for, and how it stands in the card."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.data.card import Card
from workbench.data.draft import unique_name
from workbench.data.guided_outcome import drafted_outcome
from workbench.data.said import Known, Role, Said
from workbench.data.table_facts import TableFacts

_CONFIRM = "CONFIRM"


@dataclass(frozen=True)
class GuidedColumn:
    """One column of a table, as it will stand in the card.

    ``place`` is ``"table/header"``; ``role`` is what was said or else guessed.
    """

    name: str
    place: str
    kind: str
    role: Role
    numeric: bool
    offered: tuple[Role, ...]


def guessed_role(role: str) -> Role:
    """What a column is for, as the draft guesses it."""
    return "later" if role == "post_outcome" else role  # type: ignore[return-value]


def guided_columns(
    drafted: Card, tables: Mapping[str, TableFacts], said: Said
) -> Iterator[GuidedColumn]:
    """Columns of the draft, then those that it left out."""
    outcome = drafted_outcome(drafted)
    taken = {(outcome.file, header) for header in outcome.headers} if outcome else set()
    taken |= {(name, table.key) for name, table in tables.items()}
    for name, column in drafted.columns.items():
        header = column.source or name
        taken.add((column.file, header))
        numeric = column.type == "numeric"
        offered: tuple[Role, ...] = (
            ("feature", "description", "later", "out")
            if numeric
            else ("feature", "group", "site", "description", "later", "out")
        )
        role = said.roles.get(name, guessed_role(column.role))
        kind = tables[column.file].kind(header)
        yield GuidedColumn(name, f"{column.file}/{header}", kind, role, numeric, offered)
    wide = {
        m.file: re.compile(m.columns) for m in drafted.modalities.values() if m.kind == "genomics"
    }
    names = set(drafted.columns)
    for table in tables.values():
        pattern = wide.get(table.name)
        for header in table.headers:
            if (table.name, header) in taken or (pattern and pattern.fullmatch(header)):
                continue
            name = unique_name(header, names)
            role = said.roles.get(name, "out")
            place = f"{table.name}/{header}"
            yield GuidedColumn(name, place, table.kind(header), role, False, ("site", "out"))


def written_column(column: GuidedColumn, drafted: dict[str, Any], said: Said) -> dict[str, Any]:
    """One column of the card: as drafted, with what was said of it."""
    file, _, header = column.place.partition("/")
    base = {"file": file, "source": header, "type": "categorical"}
    written = {**drafted.get(column.name, base)}
    written["meaning"] = said.meanings.get(column.name) or header.replace("_", " ")
    written["role"] = "post_outcome" if column.role == "later" else column.role
    written.pop("unit", None)
    if said.units.get(column.name):
        written["unit"] = said.units[column.name]
    elif column.numeric and column.role == "feature":
        written["unit"] = _CONFIRM
    written.pop("observed_at", None)
    if column.role in ("feature", "group"):
        written["observed_at"] = _observed(said.known.get(column.name))
        if written["type"] == "categorical":
            written.setdefault("levels", "from_data")
    return written


def _observed(known: Known | None) -> dict[str, Any]:
    match known:
        case "at":
            return {"days": 0, "basis": "known on the day of time zero"}
        case "before":
            return {"assumed": True, "basis": "said to be known before time zero"}
        case "assumed":
            return {"assumed": True, "basis": "not certain; assumed to be known at time zero"}
    return {"assumed": True, "basis": f"{_CONFIRM}: when it was observed"}
