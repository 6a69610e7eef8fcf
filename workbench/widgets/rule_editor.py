"""Controls for one rule: what can be chosen next, for what is chosen already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from workbench.cohort.values import Table
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Number,
    Several,
    Switch,
    TextEntry,
    Words,
)
from workbench.widgets.concept_search import ConceptSearch
from workbench.widgets.rule_drafts import (
    AnyDraft,
    ColumnDraft,
    EventDraft,
    EventsDraft,
    GroupDraft,
    HasDraft,
)
from workbench.widgets.rule_reading import Reader, level_text

Kind = Literal["number", "level", "yes or no", "date"]

COMPARE = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}
BETWEEN = {"between": "between"}
KNOWN = {"is_known": "is known", "is_missing": "is missing"}
LEVELS = {"in": "is one of", "not in": "is none of", "==": "is", "!=": "is not"}
OPS: dict[Kind, dict[str, str]] = {
    "number": COMPARE | BETWEEN | {"==": "equals", "!=": "does not equal"} | KNOWN,
    "level": LEVELS | KNOWN,
    "yes or no": {"==": "is"} | KNOWN,
    "date": {">=": "from", "<=": "up to", ">": "after", "<": "before"} | KNOWN,
}
UNSET = {"": "choose …"}
HOLDS = {"any": "any of these", "all": "all of these", "at least": "at least so many of these"}
HOLDS |= {"none": "none of these"}
ADDED = {"column": "a column", "has": "a modality", "event": "events", "group": "a group"}
DAYS_HINT = "Days after the index date, negative before it; empty: open"


@dataclass(frozen=True)
class ColumnChoice:
    """A column that rules may ask for: what it is called, its kind, its unit and its levels."""

    title: str
    kind: Kind
    unit: str = ""
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Palette:
    """What rules can be made of.

    Parameters
    ----------
    columns, modalities
        That may be asked for.
    dated
        Whether modalities have acquisitions with a day.
    search
        Events of records; None where a dataset has none.
    """

    columns: Mapping[str, ColumnChoice]
    modalities: tuple[str, ...] = ()
    dated: bool = True
    search: ConceptSearch | None = field(default=None)

    @property
    def kinds(self) -> dict[str, str]:
        """Kinds of rules that can be added → what each is about."""
        there = {
            "column": self.columns,
            "has": self.modalities,
            "event": self.search,
            "group": True,
        }
        return {kind: words for kind, words in ADDED.items() if there[kind]}


def column_choice(values: pd.Series, title: str, unit: str | None) -> ColumnChoice:
    """What can be asked of a column, by its type."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = tuple(map(level_text, values.cat.categories))
        return ColumnChoice(title, "level", unit or "", levels)
    if pd.api.types.is_bool_dtype(values):
        return ColumnChoice(title, "yes or no", "", ("yes", "no"))
    kind: Kind = "date" if pd.api.types.is_datetime64_any_dtype(values) else "number"
    return ColumnChoice(title, kind, unit or "")


def reader_of(table: Table, palette: Palette) -> Reader:
    """What reads drafts on these columns."""
    levels: dict[str, dict] = {}
    for name, column in palette.columns.items():
        if column.kind == "level":
            values = table[name].cat.categories
            plain = [v.item() if isinstance(v, np.generic) else v for v in values]
            levels[name] = {level_text(value): value for value in plain}
        elif column.kind == "yes or no":
            levels[name] = {"yes": True, "no": False}
    numbers = frozenset(n for n, column in palette.columns.items() if column.kind == "number")
    records = None if palette.search is None else palette.search.records
    return Reader(levels, numbers, None if records is None else records.vocabulary)


def rule_blocks(draft: AnyDraft, path: str, palette: Palette) -> tuple[Block, ...]:
    """Controls of the draft that stands at ``path`` of the state, such as ``rules.2``."""
    match draft:
        case ColumnDraft():
            return (_column(draft, path, palette),)
        case HasDraft():
            return (_has(draft, path, palette),)
        case EventDraft():
            return _event(draft, path, palette)
        case GroupDraft():
            return _group(draft, path, palette)
    return (Words("This rule was written elsewhere and can be kept, moved or deleted.", name=path),)


def _column(draft: ColumnDraft, path: str, palette: Palette) -> Controls:
    columns = {name: column.title for name, column in palette.columns.items()}
    controls: list[Control] = [Choice(f"{path}.column", "Column", UNSET | columns, draft.column)]
    column = palette.columns.get(draft.column)
    if column is not None:
        controls.append(Choice(f"{path}.op", "Comparison", UNSET | OPS[column.kind], draft.op))
        controls += _values(draft, path, column)
    return Controls(tuple(controls), name=path)


def _values(draft: ColumnDraft, path: str, column: ColumnChoice) -> list[Control]:
    if draft.op in ("", "is_missing", "is_known"):
        return []
    if column.kind == "number":
        return _numbers(draft, path, column.unit)
    if column.kind == "date":
        hint = "Such as 2015-03-31"
        return [TextEntry(f"{path}.text", "day", draft.text, 10, hint=hint)]
    levels = {level: level for level in column.levels}
    if draft.op in ("in", "not in"):
        chosen = tuple(level for level in draft.levels if level in levels)
        return [Several(f"{path}.levels", "Values", levels, chosen)]
    return [Choice(f"{path}.text", "Value", UNSET | levels, draft.text)]


def _numbers(draft: ColumnDraft | EventsDraft, path: str, unit: str) -> list[Control]:
    if draft.op != "between":
        return [Number(f"{path}.number", "Number", draft.number, unit=unit, optional=True)]
    return [
        Number(f"{path}.number", "Number", draft.number, optional=True),
        Number(f"{path}.high", "and", draft.high, unit=unit, optional=True),
    ]


def _has(draft: HasDraft, path: str, palette: Palette) -> Controls:
    names = {name: name for name in palette.modalities}
    controls: list[Control] = [
        Choice(f"{path}.modality", "Modality", UNSET | names, draft.modality)
    ]
    if palette.dated:
        controls.append(Switch(f"{path}.dated", "acquired in a window", draft.dated))
        controls += _window(draft, path) if draft.dated else []
    return Controls(tuple(controls), name=path)


def _window(draft: HasDraft | EventDraft, path: str) -> list[Control]:
    return [
        Number(f"{path}.start", "from day", draft.start, optional=True, hint=DAYS_HINT),
        Number(f"{path}.end", "to day", draft.end, optional=True, hint=DAYS_HINT),
    ]


def _event(draft: EventDraft, path: str, palette: Palette) -> tuple[Block, ...]:
    how_many: list[Control] = [Switch(f"{path}.never", "Never happened", draft.never)]
    if not draft.never:
        counted = {"events": "events", "days": "days with one", "codes": "different codes"}
        how_many += [
            Number(f"{path}.least", "At least", draft.least, 0),
            Number(f"{path}.most", "at most", draft.most, 0, optional=True),
            Choice(f"{path}.counted", "counting", counted, draft.counted),
        ]
    when = Controls((*how_many, *_window(draft, path)), name=path)
    return (*events_blocks(draft.events, f"{path}.events", palette), when)


def events_blocks(draft: EventsDraft, path: str, palette: Palette) -> tuple[Block, ...]:
    """Controls for what counts as an event."""
    if draft.written is not None or palette.search is None:
        return (Words("These events were written elsewhere; they can be kept.", name=path),)
    search, chosen = palette.search, draft.codes
    found = search.find(draft.find, chosen)
    first: list[Control] = [
        TextEntry(f"{path}.find", "Search", draft.find, hint="Words of a name, or a code"),
        Several(f"{path}.codes", "Events", found, chosen),
    ]
    blocks: list[Block] = [Controls(tuple(first), name=f"{path}.codes")]
    below = search.below(chosen, draft.excluded) if chosen else {}
    second: list[Control] = []
    if below:
        second.append(
            Switch(f"{path}.descendants", "With all that lies under them", draft.descendants)
        )
        if draft.descendants:
            second.append(Several(f"{path}.excluded", "but not", below, draft.excluded))
    second.append(Switch(f"{path}.first_ever", "First in life only", draft.first_ever))
    ops = {"": "any value"} | COMPARE | BETWEEN
    second.append(Choice(f"{path}.op", "Value", ops, draft.op))
    second += _numbers(draft, path, "") if draft.op else []
    return (*blocks, Controls(tuple(second), name=f"{path}.more"))


def _group(draft: GroupDraft, path: str, palette: Palette) -> tuple[Block, ...]:
    head: list[Control] = [Choice(f"{path}.holds", "Asks for", HOLDS, draft.holds)]
    if draft.holds == "at least":
        head.append(Number(f"{path}.least", "At least", draft.least, 1, max(1, len(draft.parts))))
    blocks: list[Block] = [Controls(tuple(head), name=path)]
    for at, part in enumerate(draft.parts):
        inner = f"{path}.parts.{at}"
        *before, last = rule_blocks(part, inner, palette)
        remove = Button("remove_part", "Remove", inner, hint=f"Part {at + 1} of the group")
        beside = last.controls if isinstance(last, Controls) else ()
        before += [] if isinstance(last, Controls) else [last]
        blocks += [*before, Controls((*beside, remove), name=inner)]
    adds = (Button("add_part", f"Add {w}", f"{path}/{kind}") for kind, w in palette.kinds.items())
    return (*blocks, Controls(tuple(adds), name=f"{path}.add"))
