"""A card from files and from what a person has said of them so far: guesses stay guesses.

:func:`guided_card` drafts (:mod:`workbench.data.draft`), puts what was said in the place of the
guesses, and lists what a card needs and nobody has said yet.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench.data.card import Card
from workbench.data.draft import Told, draft_card
from workbench.data.fingerprint import write_atomically
from workbench.data.front_matter import parse_card
from workbench.data.guided_columns import (
    GuidedColumn,
    guessed_role,
    guided_columns,
    written_column,
)
from workbench.data.guided_needs import needed_of
from workbench.data.guided_outcome import (
    HORIZONS,
    drafted_outcome,
    happened,
    told_outcome,
    written_outcome,
)
from workbench.data.open_card import DataCard, open_card
from workbench.data.said import TEXTS, Said
from workbench.data.table_facts import TableFacts, table_facts
from workbench.errors import DataCardError

__all__ = [
    "TEXTS",
    "GuidedCard",
    "GuidedColumn",
    "Said",
    "card_text",
    "guided_card",
    "write_guided_card",
]


@dataclass(frozen=True)
class GuidedCard:
    """A card as far as it has come.

    Parameters
    ----------
    spec
        Valid; what nobody has said yet is marked ``CONFIRM`` in it.
    tables
        Name → what the file shows.
    columns
        Every column that is neither identifier nor outcome.
    said
        What was said and still holds for these files.
    guess
        What is taken where nothing was said: ``patient_ids``, ``time``, ``event``, ``time_unit``,
        ``event_values`` and ``roles`` complete.
    needed
        What a card needs and the person has not said, a sentence each.
    """

    spec: Card
    tables: Mapping[str, TableFacts]
    columns: tuple[GuidedColumn, ...]
    said: Said
    guess: Said
    needed: tuple[str, ...]

    def opened(self, folder: Path) -> DataCard:
        """The card with its files, to be checked before it is written."""
        return DataCard(self.spec, "", folder / f"{self.spec.name}.md", folder)


def guided_card(folder: Path, said: Said) -> GuidedCard:
    """The card of some files of ``folder``, as far as it has been described.

    Raises
    ------
    DataCardError
        No file is chosen, or one cannot be read as a table.
    """
    if not said.files:
        raise DataCardError("choose the files of the dataset first")
    tables = table_facts(folder, said.files, said.sheets, said.patient_ids)
    said = _still_true(said, tables)
    told = Told(
        {t.path: t.key for t in tables.values()},
        {t.path: t.sheet for t in tables.values() if t.sheet},
        told_outcome(tables, said),
    )
    name = said.name or _name(said.files[0])
    drafted, _ = parse_card(draft_card([folder / f for f in said.files], name, told), name)
    guess = _guess(drafted, tables, said)
    columns = tuple(guided_columns(drafted, tables, said))
    spec = _spoken(drafted, columns, tables, said, guess)
    needed = tuple(needed_of(spec, tables, columns, said))
    return GuidedCard(spec, tables, columns, said, guess, needed)


def write_guided_card(card: GuidedCard, folder: Path, *, replaces: str = "") -> DataCard:
    """Write a card beside its files, whole or not at all, and open it.

    Parameters
    ----------
    card
        With nothing needed any more.
    folder
        The folder of the files.
    replaces
        Text of an earlier card that may be replaced; any other file is left as it is.

    Raises
    ------
    DataCardError
        Something is still needed, or a file of this name is there.
    """
    if card.needed:
        raise DataCardError(f"still needed: {'; '.join(card.needed)}")
    path = folder / f"{card.spec.name}.md"
    if path.exists() and path.read_text(encoding="utf-8") != replaces:
        raise DataCardError(f"{path.name} is already in the folder: choose another name")
    text = card_text(card.spec)
    parse_card(text, path.name)
    write_atomically(path, text.encode())
    return open_card(path)


def card_text(spec: Card) -> str:
    """Front matter as YAML, and a heading."""
    written = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    front = yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{front}---\n\n# {spec.title}\n"


def _name(file: str) -> str:
    stem = re.sub(r"\W+", "_", file.split(".")[0], flags=re.ASCII).strip("_").lower()[:56]
    return stem if stem[:1].isalpha() else f"data_{stem}".rstrip("_")


def _still_true(said: Said, tables: Mapping[str, TableFacts]) -> Said:
    """What was said, without what the files no longer have: it is to be asked again."""
    places = {f"{name}/{header}" for name, t in tables.items() for header in t.headers}
    time = said.time if said.time in places else ""
    event = said.event if said.event in places else ""
    if time and event and time.partition("/")[0] != event.partition("/")[0]:
        event = ""
    name, _, header = event.partition("/")
    values = tables[name].counts(header) if event else {}
    return said.model_copy(
        update={
            "patient_ids": {
                n: t.key for n, t in tables.items() if said.patient_ids.get(n) == t.key
            },
            "time": time,
            "event": event,
            "event_values": tuple(v for v in said.event_values if not event or v in values),
        }
    )


def _guess(drafted: Card, tables: Mapping[str, TableFacts], said: Said) -> Said:
    """What is taken where nothing was said."""
    outcome = drafted_outcome(drafted)
    roles = {n: guessed_role(c.role) for n, c in drafted.columns.items()} | dict(said.roles)
    keys = {name: table.key for name, table in tables.items()} | dict(said.patient_ids)
    taken: dict[str, Any] = {"patient_ids": keys, "roles": roles, "name": drafted.name}
    if outcome is not None:
        column, inverted = outcome.event.column, outcome.event.event is None
        taken |= {
            "time": f"{outcome.file}/{outcome.time}",
            "event": f"{outcome.file}/{outcome.event.column}",
            "time_unit": said.time_unit or outcome.unit,
            "event_values": said.event_values
            or happened(tables[outcome.file].counts(column), inverted=inverted),
        }
    return said.model_copy(update=taken)


def _spoken(
    drafted: Card,
    columns: tuple[GuidedColumn, ...],
    tables: Mapping[str, TableFacts],
    said: Said,
    guess: Said,
) -> Card:
    """The drafted card with what was said in the place of its guesses."""
    card = drafted.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for text in ("title", "source", "licence", "citation", "index_date"):
        card[text] = getattr(said, text) or card[text]
    card["limits"] = [said.limits] if said.limits else card["limits"]
    for name, file in card["files"].items():
        if not said.first_rows.get(name):
            file.pop("first_per", None)
    card["columns"] = {
        c.name: written_column(c, card["columns"], said) for c in columns if c.role != "out"
    }
    features = [c.name for c in columns if c.role == "feature"]
    card["modalities"].pop("clinical", None)
    if features:
        clinical = {"kind": "ehr", "title": "Clinical variables", "columns": features}
        card["modalities"] = {"clinical": clinical, **card["modalities"]}
    card["study"] |= {
        "modalities": list(card["modalities"]),
        "groups": [c.name for c in columns if c.role == "group"],
    }
    outcome = drafted_outcome(drafted)
    if outcome is not None:
        values = tables[outcome.file].counts(outcome.event.column)
        card["outcomes"]["os"] |= written_outcome(outcome, tuple(values), said, guess)
        card["study"]["horizons"] = HORIZONS[guess.time_unit or "days"]
    return Card.model_validate(card)
