"""A card from files and from what a person has said of them so far: guesses stay guesses.

:func:`guided_card` drafts (:mod:`workbench.data.draft`), puts what was said in the place of the
guesses, and lists what a card needs and nobody has said yet.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from workbench.data.card import Card
from workbench.data.card.outcomes import Outcome, TimeUnit
from workbench.data.draft import Told, draft_card
from workbench.data.fingerprint import write_atomically
from workbench.data.front_matter import parse_card
from workbench.data.open_card import DataCard, open_card
from workbench.data.table_facts import TableFacts, table_facts
from workbench.errors import DataCardError

Role = Literal["feature", "group", "site", "description", "later", "out"]
Known = Literal["at", "before", "assumed"]

HORIZONS: dict[TimeUnit, list[float]] = {
    "days": [365, 1095],
    "weeks": [52, 156],
    "months": [12, 36],
    "years": [1, 3],
}
TEXTS = {
    "title": "what this dataset is, in one line",
    "source": "where the data come from",
    "licence": "who may use them",
    "citation": "how to cite them",
    "limits": "who is missing from these data, and what was not recorded",
}
_CONFIRM = "CONFIRM"
_HAPPENED = re.compile(
    r"^(dead|died|deceased|death|event|yes|true|y)|progress|relaps|recur", re.IGNORECASE
)


class Said(BaseModel):
    """What a person has said of the files; empty where nothing was said.

    ``sheets``, ``patient_ids`` and ``first_rows`` are by table, the others by column, under the
    names that :class:`GuidedCard` gives them. ``time`` and ``event`` are ``"table/header"``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: tuple[str, ...] = ()
    name: str = ""
    sheets: dict[str, str] = {}
    patient_ids: dict[str, str] = {}
    first_rows: dict[str, bool] = {}
    index_date: str = ""
    time: str = ""
    time_unit: Literal["", "days", "weeks", "months", "years"] = ""
    event: str = ""
    event_values: tuple[str, ...] = ()
    event_means: str = ""
    outcome_title: str = ""
    roles: dict[str, Role] = {}
    known: dict[str, Known] = {}
    units: dict[str, str] = {}
    meanings: dict[str, str] = {}
    title: str = ""
    source: str = ""
    licence: str = ""
    citation: str = ""
    limits: str = ""


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
        _told_outcome(tables, said),
    )
    name = said.name or _name(said.files[0])
    drafted, _ = parse_card(draft_card([folder / f for f in said.files], name, told), name)
    guess = _guess(drafted, tables, said)
    columns = tuple(_columns(drafted, tables, said))
    spec = _spoken(drafted, columns, tables, said, guess)
    needed = tuple(_needed(spec, tables, columns, said))
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


def _told_outcome(tables: Mapping[str, TableFacts], said: Said) -> tuple[str, str, str] | None:
    """Time and event of one table: what was said of one of them, and the nearest guess."""
    table, _, time = (said.time or said.event).partition("/")
    if not table or table not in tables:
        return None
    facts = tables[table]
    event = said.event.partition("/")[2] if said.event.startswith(f"{table}/") else ""
    time = said.time.partition("/")[2] or facts.likely_time(event)
    event = event or facts.likely_event(time)
    headers = [h for h in facts.headers if h != facts.key]
    return (facts.path, time, event) if {time, event} <= set(headers) and time != event else None


def _guess(drafted: Card, tables: Mapping[str, TableFacts], said: Said) -> Said:
    """What is taken where nothing was said."""
    outcome = drafted.outcomes.get("os")
    roles = {n: _role(c.role) for n, c in drafted.columns.items()} | dict(said.roles)
    keys = {name: table.key for name, table in tables.items()} | dict(said.patient_ids)
    taken: dict[str, Any] = {"patient_ids": keys, "roles": roles, "name": drafted.name}
    if outcome is not None:
        column, inverted = outcome.event.column, outcome.event.event is None
        taken |= {
            "time": f"{outcome.file}/{outcome.time}",
            "event": f"{outcome.file}/{outcome.event.column}",
            "time_unit": said.time_unit or outcome.unit,
            "event_values": said.event_values
            or _happened(tables[outcome.file].counts(column), inverted=inverted),
        }
    return said.model_copy(update=taken)


def _happened(values: Iterable[str], *, inverted: bool) -> tuple[str, ...]:
    """The values that most likely mean that the event happened; ``inverted`` where 1 does not."""
    if "1" in values:
        return tuple(v for v in values if (v == "1") != inverted)
    return tuple(v for v in values if _HAPPENED.search(v))


def _role(role: str) -> Role:
    return "later" if role == "post_outcome" else role  # type: ignore[return-value]


def _columns(drafted: Card, tables: Mapping[str, TableFacts], said: Said) -> Iterator[GuidedColumn]:
    """Columns of the draft, then those that it left out."""
    outcome = drafted.outcomes.get("os")
    taken = {(outcome.file, h) for h in (outcome.time, outcome.event.column)} if outcome else set()
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
        role = said.roles.get(name, _role(column.role))
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
            name = _free(_name(header).removeprefix("data_") or "column", names)
            role = said.roles.get(name, "out")
            place = f"{table.name}/{header}"
            yield GuidedColumn(name, place, table.kind(header), role, False, ("site", "out"))


def _free(base: str, names: set[str]) -> str:
    base = base if base[:1].isalpha() else f"x_{base}"
    name = next(n for n in (base, *(f"{base}_{i}" for i in range(2, 1000))) if n not in names)
    names.add(name)
    return name


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
        c.name: _column(c, card["columns"], said) for c in columns if c.role != "out"
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
    if card["outcomes"]:
        outcome = drafted.outcomes["os"]
        values = tables[outcome.file].counts(outcome.event.column)
        card["outcomes"]["os"] |= _outcome(outcome, tuple(values), said, guess)
        card["study"]["horizons"] = HORIZONS[guess.time_unit or "days"]
    return Card.model_validate(card)


def _outcome(drafted: Outcome, values: tuple[str, ...], said: Said, guess: Said) -> dict[str, Any]:
    coding: dict[str, Any] = {"column": drafted.event.column}
    if said.event_values:
        # Both sides are named: who says which values mean the event says that the others do not.
        others = [v for v in values if v not in said.event_values]
        coding |= {"event": list(said.event_values)} | ({"censored": others} if others else {})
    elif guess.event_values:
        coding |= {"event": list(guess.event_values)}
    else:
        coding = drafted.event.model_dump(mode="json", exclude_unset=True)
    return {
        "title": said.outcome_title or drafted.title,
        "unit": guess.time_unit,
        "time_zero": said.index_date or "time zero",
        "event": coding,
        **({"note": f"The event: {said.event_means}."} if said.event_means else {}),
    }


def _column(column: GuidedColumn, drafted: dict[str, Any], said: Said) -> dict[str, Any]:
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


def _needed(
    spec: Card, tables: Mapping[str, TableFacts], columns: tuple[GuidedColumn, ...], said: Said
) -> Iterator[str]:
    """What nobody has said yet, in the order of the questions."""
    unsaid = [t.path for n, t in tables.items() if not said.patient_ids.get(n)]
    if unsaid:
        yield f"which column identifies the patient in {', '.join(unsaid)}"
    repeated = [t.path for n, t in tables.items() if t.n_repeated and not said.first_rows.get(n)]
    if repeated:
        yield f"one row a patient in {', '.join(repeated)}, or that the first row counts"
    if not said.index_date:
        yield "when time starts (time zero)"
    outcome = {
        "time": "which column is the time to the event or to the last contact",
        "time_unit": "the unit of time",
        "event": "which column says whether the event happened",
        "event_values": "which of its values mean that the event happened",
        "outcome_title": "what the outcome is called",
    }
    yield from (words for name, words in outcome.items() if not getattr(said, name))
    roles = sum(c.name not in said.roles for c in columns)
    if roles:
        yield f"what {_some(roles, 'column is', 'columns are')} for"
    features = [c for c in columns if c.role == "feature"]
    genomics = [m for m in spec.modalities.values() if m.kind != "ehr"]
    if not features and not genomics:
        yield "at least one column to predict from"
    undated = sum(c.role in ("feature", "group") and c.name not in said.known for c in columns)
    if undated:
        yield f"when {_some(undated, 'column was', 'columns were')} known"
    without = sum(c.numeric and not said.units.get(c.name) for c in features)
    if without:
        yield f"the unit of {_some(without, 'number', 'numbers')} to predict from"
    yield from (words for name, words in TEXTS.items() if not getattr(said, name))


def _some(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"
