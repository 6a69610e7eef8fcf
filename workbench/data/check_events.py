"""Whether an outcome's event coding is likely the wrong way round."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pandas as pd

from workbench.data.card import AnyOutcome, EventCoding, Outcome, StateCoding
from workbench.data.columns import to_text
from workbench.data.store import absent_headers, read_table
from workbench.data.tables import as_text

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard

Level = Literal["error", "warning"]
_CENSORING = re.compile(r"cens", re.IGNORECASE)
_HAPPENING = re.compile(r"event|death|dead|died|deceased|progress|relaps|recur", re.IGNORECASE)
_ALIVE = {"alive", "living"}
_DEAD = {"dead", "deceased", "died"}


def coding_problems(
    card: "DataCard", outcome: AnyOutcome, known: pd.DataFrame
) -> Iterator[tuple[Level, str]]:
    """Signs that events and censorings are exchanged, each as (level, message).

    Parameters
    ----------
    card
        The dataset.
    outcome
        What the card says of it.
    known
        ``time`` and ``event`` of every patient, as the card's coding reads them.
    """
    complete = known.dropna()
    event = complete["event"].astype(bool)
    if not len(event) or event.all() or not event.any():
        what = "no patient has" if not event.any() else "every patient has"
        yield (
            "error",
            (
                f"{what} the event as the card codes it: look at "
                f"{outcome.event.column} and correct "
                f"`event:` or `{outcome.event.other_entry}:`"
            ),
        )
        return
    by_name = _contradicts_name(outcome.event)
    if by_name is not None:
        both = outcome.event.event is not None and outcome.event.other is not None
        yield "warning" if both else "error", by_name
    by_vital_status = _contradicts_vital_status(card, outcome, event)
    if by_vital_status is not None:
        yield "error", by_vital_status
    if not isinstance(outcome, Outcome):
        return  # There is no time that could tell.
    medians = complete["time"].groupby(event).median()
    if event.mean() > 0.5 and medians[True] > 3 * medians[False]:
        yield (
            "warning",
            (
                f"{event.mean():.0%} of patients have the event, later than others are censored: "
                f"if {outcome.event.column} marks censoring, write `censored:` instead of `event:`"
            ),
        )


def _contradicts_name(coding: EventCoding | StateCoding) -> str | None:
    """Where 1 is said to mean the opposite of what the column is called after."""
    column, entry = coding.column, coding.other_entry
    if _CENSORING.search(column) and _names_one(coding.event):
        return (
            f"the card says that 1 in {column} means the event, but by its name 1 means censored "
            f"in this file: write `event: {{column: {column}, {entry}: 1}}`, or both `event:` and "
            f"`{entry}:` if the name misleads"
        )
    if _HAPPENING.search(column) and not _CENSORING.search(column) and _names_one(coding.other):
        return (
            f"the card says that 1 in {column} means {_without_event(coding)}, but by its name 1 "
            f"means the event in this file: write `event: {{column: {column}, event: 1}}`, or both "
            f"`event:` and `{entry}:` if the name misleads"
        )
    return None


def _without_event(coding: EventCoding | StateCoding) -> str:
    return "censored" if isinstance(coding, EventCoding) else "no event"


def _other_side(coding: EventCoding | StateCoding) -> str:
    return "censoring" if isinstance(coding, EventCoding) else "no event"


def _names_one(value: object) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return any(v is not None and as_text(v).lower() in ("1", "true") for v in values)


def _contradicts_vital_status(
    card: "DataCard", outcome: AnyOutcome, event: pd.Series
) -> str | None:
    """Where most events are alive and most censorings dead, by another column of the same file."""
    absent = absent_headers(card, outcome.file)
    for name, column in card.spec.columns.items():
        header = column.source or name
        if column.file != outcome.file or header in {outcome.event.column, *absent}:
            continue
        if column.type != "categorical" or not {v.lower() for v in column.listed_levels} & _DEAD:
            continue
        status = to_text(read_table(card, column.file, (header,))[header]).str.lower()
        status = status.reindex(event.index)
        dead, alive = status.isin(_DEAD), status.isin(_ALIVE)
        if alive[event].mean() > 0.5 and dead[~event].mean() > 0.5:
            return (
                f"{int(alive[event].sum())} of {int(event.sum())} patients with the event are "
                f"alive by {name}: event and {_other_side(outcome.event)} are exchanged; 1 means "
                f"{_without_event(outcome.event)} in this file where the card says that it means "
                "the event"
            )
    return None
