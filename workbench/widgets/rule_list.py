"""The rules of a builder as a list with counts, beside the one that is edited."""

from collections.abc import Sequence
from typing import Protocol

from workbench.cohort.flow import Flow
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Controls,
    Notice,
    Row,
    Section,
    Switch,
    Table,
    TextEntry,
    Words,
)
from workbench.widgets.flow_rows import count_words
from workbench.widgets.rule_counts import Read
from workbench.widgets.rule_drafts import AnyDraft
from workbench.widgets.rule_editor import Palette, rule_blocks
from workbench.widgets.rule_reading import rule_of

HEAD = ("Rule", "Left", "Left out", "Value missing", "Back without it")


class Shown(Protocol):
    """What of a builder's state the list shows."""

    @property
    def rules(self) -> tuple[AnyDraft, ...]: ...

    @property
    def chosen(self) -> int: ...

    @property
    def adding(self) -> str: ...


def rules_row(
    shown: Shown,
    read: Sequence[Read],
    palette: Palette,
    *,
    lines: list[dict],
    flow: Flow | None,
) -> Row:
    """The list on the left, the chosen rule on the right.

    Parameters
    ----------
    shown
        The builder's state.
    read
        One a rule.
    palette
        What rules can be made of.
    lines, flow
        The attrition as it may be shown, and whose it is; none where nothing can be counted.
    """
    rules = (_table(shown, read, lines, flow), _adding(shown, palette))
    listed = Section("all-rules", "Rules", rules)
    return Row((listed, _editor(shown, read, palette)), (1.3, 1), name="rules")


def _table(shown: Shown, read: Sequence[Read], lines: list[dict], flow: Flow | None) -> Table:
    at = len(lines) - (len(flow.rules) + len(flow.after) if flow else 0)
    rows, picks, chosen = [], [], -1
    for number, (draft, one) in enumerate(zip(shown.rules, read, strict=True)):
        chosen = len(rows) if number == shown.chosen else chosen
        picks.append(str(number))
        if one.answer is None or flow is None:
            rows.append((_uncounted(draft, one), *["–"] * (len(HEAD) - 1)))
            continue
        for step in one.answer.steps:
            picks += [str(number)] if step is not one.answer.steps[0] else []
            rows.append(_row(lines[at]))
            at += 1
    rows += [_row(line) for line in lines[at:]]
    caption = "In their order; choose one to change it" if rows else "No rule yet"
    return Table("rules", caption, HEAD, tuple(rows), tuple(picks), chosen)


def _uncounted(draft: AnyDraft, read: Read) -> str:
    words = rule_of(draft) if read.criterion is None else read.criterion.sentence()
    if not draft.on:
        return f"{words} (switched off)"
    return f"{words} (not counted: {read.problem})" if read.problem else words


def _editor(shown: Shown, read: Sequence[Read], palette: Palette) -> Block:
    at = shown.chosen
    if at < 0:
        words = "Choose a rule to change it, or add one."
        return Section("editor", "Rule", (Words(words, name="no-rule"),))
    draft, path, last = shown.rules[at], f"rules.{at}", len(shown.rules) - 1
    buttons = Controls(
        (
            Switch(f"{path}.on", "Counts", draft.on),
            Button("up", "Earlier", enabled=at > 0),
            Button("down", "Later", enabled=at < last),
            Button("delete", "Delete"),
            Button("close", "Done"),
        ),
        name="rule-buttons",
    )
    notes = Controls(
        (
            TextEntry(f"{path}.name", "Name", draft.name, 80),
            TextEntry(f"{path}.rationale", "Why", draft.rationale, 300),
        ),
        name="rule-notes",
    )
    problem = read[at].problem
    missing = (Notice(problem, "warning", name="missing"),) if problem else ()
    blocks = rule_blocks(draft, path, palette)
    return Section("editor", f"Rule {at + 1}", (*blocks, *missing, notes, buttons))


def _adding(shown: Shown, palette: Palette) -> Controls:
    kinds = palette.kinds
    adding = shown.adding if shown.adding in kinds else next(iter(kinds))
    buttons: list = [
        Choice("adding", "A new rule about", kinds, adding),
        Button("add", "Add", primary=True),
        Button("keep", "Keep this version"),
    ]
    return Controls(tuple(buttons), name="adding")


def _row(line: dict) -> tuple[str, ...]:
    counts = ("n_after", "n_removed", "n_unknown", "n_regained")
    return (str(line["sentence"]), *(count_words(line[name]) for name in counts))
