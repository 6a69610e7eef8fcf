"""Controls for what sets the index date, how long patients are followed, and what is waited for."""

from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Number,
    TextEntry,
    Words,
)
from workbench.widgets.rule_drafts import RecordsDraft
from workbench.widgets.rule_editor import Palette, events_blocks

WHICH = {"first": "the first such event", "last": "the last such event", "all": "every such event"}
LIMIT = {"first": "the first that meets all rules", "last": "the last", "all": "all of them"}
PER = {"day": "the first of that day", "moment": "each moment on its own"}
UNITS = {"days": "days, by calendar", "hours": "hours, from the moment"}
EARLIER = {"leave": "the patient leaves", "stay": "it may come again: the patient stays"}
DAY = "Such as 2015-03-31; empty: open"


def entry_blocks(draft: RecordsDraft, palette: Palette) -> tuple[Block, ...]:
    """Controls of ``records`` in the state of a builder."""
    path, entry, unit = "records.entry", draft.entry, draft.unit
    search = palette.search
    dated = search is not None and search.records.clock == "calendar"
    observed = search is not None and search.records.observation is not None
    blocks: list[Block] = [Words("The index date is set by", name="by")]
    for at, events in enumerate(entry.events):
        blocks += events_blocks(events, f"{path}.events.{at}", palette)
    buttons = [Button("add_entry", "Add another event")]
    if len(entry.events) > 1:
        last = len(entry.events) - 1
        buttons.append(Button("remove_entry", f"Remove event {last + 1}", str(last)))
    blocks.append(Controls(tuple(buttons), name="entry-events"))
    known: list[Control] = [
        Choice(f"{path}.which", "Index date", WHICH, entry.which),
        Choice(f"{path}.per", "of one day", PER, entry.per),
    ]
    if observed:
        known += [
            Number(
                f"{path}.observed_before", "observed before", entry.observed_before, 0, unit="days"
            ),
            Number(f"{path}.observed_after", "and after", entry.observed_after, 0, unit="days"),
        ]
    known.append(
        Number(
            f"{path}.washout_days",
            "none in the days before",
            entry.washout_days,
            0,
            unit="days",
            optional=True,
            hint="Washout: no such event may lie in so many days before",
        )
    )
    if dated:
        known += [
            TextEntry(f"{path}.since", "study period from", entry.since, 10, hint=DAY),
            TextEntry(f"{path}.until", "to", entry.until, 10, hint=DAY),
        ]
    follow: list[Control] = [
        Choice("records.limit", "Of a patient's index dates", LIMIT, draft.limit),
        Choice("records.unit", "Time is counted in", UNITS, draft.unit),
        Number("records.follow_for", "Followed for", draft.follow_for, 0, unit=unit, optional=True),
        Number(
            "records.landmark",
            "time runs from a landmark, after",
            draft.landmark,
            0,
            unit=unit,
            optional=True,
            hint="Whoever is not followed up beyond it leaves; empty: from the index date",
        ),
    ]
    if draft.landmark is not None and draft.outcome is not None:
        follow.append(Choice("records.earlier", "The outcome came by then", EARLIER, draft.earlier))
    if dated:
        follow.append(
            TextEntry("records.follow_until", "at most up to", draft.follow_until, 10, hint=DAY)
        )
    follow.append(TextEntry("records.title", "Title", draft.title, 120))
    blocks += [Controls(tuple(known), name="entry-known"), Controls(tuple(follow), name="follow")]
    waits = draft.outcome is not None
    words = "No outcome" if waits else "Wait for an outcome"
    outcome: list[Block] = []
    if draft.outcome is not None:
        origin = "the index date" if draft.landmark is None else "the landmark"
        outcome = [Words(f"The outcome is the first, after {origin}, of", name="outcome")]
        outcome += events_blocks(draft.outcome, "records.outcome", palette)
    return (*blocks, *outcome, Controls((Button("outcome", words),), name="outcome-button"))
