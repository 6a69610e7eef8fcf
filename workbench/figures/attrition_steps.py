"""What the flow of a cohort counts at each step, in numbers and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import pandas as pd

from workbench.errors import CohortError
from workbench.figures.style import tally

Count = int | str
"""A number, or the word for one that is withheld."""
Counts = tuple[Count, Count | None, Count | None]
"""Patients, records, and those with the event; None: not counted."""


@dataclass(frozen=True)
class Lost:
    """One step: what it asks, whom it removed and left, and how many lack a value for it."""

    sentence: str
    removed: Counts
    after: Counts
    unknown: Count

    @property
    def empty(self) -> bool:
        """Whether it removed nothing."""
        return self.removed[0] == 0 and self.removed[1] in (0, None)


def lost_steps(table: pd.DataFrame) -> tuple[Lost, list[Lost]]:
    """Who there was at first, and each step after it."""
    if not len(table):
        raise CohortError(
            "an attrition needs one step or more, got none: pass a cohort's attrition"
        )
    lines = table.to_dict("records")
    if {"step", "n_patients", "n_records"} <= set(table.columns):
        return _counted_after(lines)
    needed = ["sentence", "n_removed", "n_after", "n_unknown"]
    if missing := [name for name in needed if name not in table.columns]:
        raise CohortError(
            f"an attrition has columns {needed}, got none named {missing}: pass the attrition "
            "of a cohort"
        )
    # Records and events are named where there are any beside the patients.
    names = {"n_": True, "records_": _differ(lines), "events_": _any_event(lines)}

    def triple(line: Mapping[Any, Any], ending: str) -> Any:
        return tuple(_count(line[f"{n}{ending}"]) if told else None for n, told in names.items())

    found = [
        Lost(
            str(line["sentence"]),
            triple(line, "removed"),
            triple(line, "after"),
            _count(line["n_unknown"]),
        )
        for line in lines
    ]
    return found[0], found[1:]


def _counted_after(lines: Sequence[Mapping[Any, Any]]) -> tuple[Lost, list[Lost]]:
    """Of counts after each step: what a step removed lies between two of them."""
    pairs = [(int(line["n_patients"]), int(line["n_records"])) for line in lines]
    found = []
    for line, before, after in zip(lines, [pairs[0], *pairs], pairs, strict=False):
        removed = (before[0] - after[0], before[1] - after[1], None)
        found.append(Lost(str(line["step"]), removed, (*after, None), 0))
    return found[0], found[1:]


def _differ(lines: Sequence[Mapping[Any, Any]]) -> bool:
    return any(line.get("records_after", line["n_after"]) != line["n_after"] for line in lines)


def _any_event(lines: Sequence[Mapping[Any, Any]]) -> bool:
    counts = [line.get(name) for line in lines for name in ("events_removed", "events_after")]
    return all(isinstance(count, Integral) for count in counts) and any(counts)


def _count(value: Any) -> Count:
    return value if isinstance(value, str) else int(value)


def who_words(counts: tuple[Any, ...]) -> str:
    """Such as ``"1,234 patients, 1,500 records"``."""
    patients = _noun(counts[0], "patient")
    return patients if counts[1] is None else f"{patients}, {_noun(counts[1], 'record')}"


def left_out_words(removed: tuple[Any, ...]) -> str:
    """Such as ``"12 patients left out"``."""
    if removed[0] == 0 and removed[1] in (0, None):
        return "nobody left out"
    n_patients, n_records, _ = removed
    if n_patients == 0:
        return f"{_noun(n_records, 'record')} left out"
    return f"{who_words((n_patients, n_records or None, None))} left out"


def _noun(count: Count, noun: str) -> str:
    if isinstance(count, str):
        return f"{noun}s (number withheld)"
    return f"{tally(count)} {noun}{'' if count == 1 else 's'}"


def event_words(count: Count, event: str) -> str:
    """Such as ``"12 with the event"``."""
    return f"number {event} withheld" if isinstance(count, str) else f"{tally(count)} {event}"


def missing_words(count: Count) -> str:
    """Such as ``"value missing in 3"``."""
    if isinstance(count, str):
        return "value missing in some (number withheld)"
    return f"value missing in {tally(count)}"
