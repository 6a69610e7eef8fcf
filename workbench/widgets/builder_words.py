"""What is said of the patients whom rules leave in: how many, and what a reader must know."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.cohort.flow import Flow
from workbench.cohort.record_cohort import RecordCohort
from workbench.widgets.blocks import Notice, Words
from workbench.widgets.flow_rows import (
    WITHHELD,
    AnyCohort,
    count_words,
    minimum_of,
    withheld_words,
)
from workbench.widgets.rule_counts import CountedRules


def headline(base: AnyCohort, flow: Flow, lines: Sequence[dict]) -> Words:
    """How many are in, of how many there were, with their events.

    Parameters
    ----------
    base
        Everybody before any rule.
    flow
        Who was lost where.
    lines
        The attrition as it may be shown.
    """
    n_steps = len(flow.before) + len(flow.rules) + len(flow.after)
    first, last = lines[len(lines) - n_steps + len(flow.before) - 1], lines[-1]
    left, start = count_words(last["n_after"]), count_words(first["n_after"])
    words = f"{left} of {start} patients are in"
    if last.get("records_after") is not None and last["records_after"] != last["n_after"]:
        words += f", with {count_words(last['records_after'])} index dates"
    if isinstance(base, Cohort) or base.definition.outcome is not None:
        n_events = count_words(last["events_after"])
        withheld = n_events == WITHHELD
        words += "; how many have the event is withheld" if withheld else ""
        words += "" if withheld else f"; {n_events} with the event"
    return Words(f"{words}.", 2, name="headline")


def notices(counted: CountedRules, flow: Flow, shown: pd.DataFrame) -> tuple[Notice, ...]:
    """Warnings of the data and of the rules, and why counts are withheld."""
    found = [
        Notice(text, "warning", name=f"warning-{at}")
        for at, text in enumerate(dict.fromkeys(_warnings(counted, flow)))
    ]
    withheld = withheld_words(shown, minimum_of(counted.base))
    return (*found, *([Notice(withheld, name="withheld")] if withheld else []))


def _warnings(counted: CountedRules, flow: Flow) -> list[str]:
    base, criteria = counted.base, counted.criteria
    if isinstance(base, RecordCohort):
        whole = replace(base, definition=base.definition.selecting(*criteria))
        own = base.records.warnings
        return [*counted.warnings, *(each for each in whole.warnings if each not in own)]
    said = [*base.warnings, *counted.warnings]
    asked = frozenset().union(*(criterion.columns() for criterion in criteria))
    return [*said, *lost_together(base, flow, said, asked)]


def lost_together(base: Cohort, flow: Flow, said: list[str], asked: frozenset[str]) -> list[str]:
    """Levels of which the rules leave nobody, where no rule does so alone or asks for them."""
    kept, before = flow.kept, base.flow.kept
    lost = []
    for name, column in base.card.spec.columns.items():
        if column.role == "group" and name in base.everyone and name not in asked:
            group = base.everyone[name]
            left, there = group[kept].value_counts(), group[before].value_counts()
            for level in there.index[there > 0]:
                told = any(f"{name} = {level}" in each for each in said)
                if not left.get(level, 0) and not told:
                    lost.append(f"together the rules remove all patients with {name} = {level}")
    return lost
