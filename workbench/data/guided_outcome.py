"""The outcome of a guided card: its columns, and which values mean that the event happened."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.data.card import Card
from workbench.data.card.outcomes import Outcome, TimeUnit
from workbench.data.said import Said
from workbench.data.table_facts import TableFacts

HORIZONS: dict[TimeUnit, list[float]] = {
    "days": [365, 1095],
    "weeks": [52, 156],
    "months": [12, 36],
    "years": [1, 3],
}
_HAPPENED = re.compile(
    r"^(dead|died|deceased|death|event|yes|true|y)|progress|relaps|recur", re.IGNORECASE
)


def told_outcome(tables: Mapping[str, TableFacts], said: Said) -> tuple[str, str, str] | None:
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


def drafted_outcome(drafted: Card) -> Outcome | None:
    """The outcome that a draft wrote down: drafts know times only."""
    found = drafted.outcomes.get("os")
    return found if isinstance(found, Outcome) else None


def happened(values: Iterable[str], *, inverted: bool) -> tuple[str, ...]:
    """The values that most likely mean that the event happened; ``inverted`` where 1 does not."""
    if "1" in values:
        return tuple(v for v in values if (v == "1") != inverted)
    return tuple(v for v in values if _HAPPENED.search(v))


def written_outcome(
    drafted: Outcome, values: tuple[str, ...], said: Said, guess: Said
) -> dict[str, Any]:
    """The outcome of the card: its coding in ``values``, as said or else guessed."""
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
