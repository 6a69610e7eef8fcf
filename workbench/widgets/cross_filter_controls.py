"""Controls of the linked bars: what is asked and can be let go, and which columns are shown."""

from collections.abc import Mapping, Sequence

from workbench.cohort.crossfilter import Brushes
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Notice,
    Section,
    Several,
    Switch,
    TextEntry,
)

MANY_COLUMNS = 12
"""Columns from which on one searches among them."""
BARS = {"counts": "numbers", "shares": "shares"}
SHARES = "Shares: of the selected and of all patients, so that small selections compare"


def toolbar(brushes: Brushes, *, bars: str, rules_shown: bool) -> Controls:
    """What the heights of bars are, undoing, and the way to rules."""
    rules = "Hide the rules" if rules_shown else "Make this a rule"
    asked = bool(brushes.present)
    return Controls(
        (
            Choice("bars", "Bars show", BARS, bars, SHARES),
            Button("undo", "Undo", enabled=bool(brushes.past), hint="Ctrl+Z"),
            Button("redo", "Redo", enabled=bool(brushes.future), hint="Ctrl+Shift+Z"),
            Button("clear_all", "Clear all", enabled=asked),
            Button("rule", rules, enabled=asked or rules_shown, primary=True),
        ),
        "toolbar",
    )


def chips(asked: Sequence[tuple[str, str]]) -> tuple[Block, ...]:
    """A button for each view that asks something: it lets that go."""
    buttons = tuple(Button("clear", f"{words}  ×", view, hint="Let go") for view, words in asked)
    return (Controls(buttons, "chips"),) if buttons else ()


def columns_section(
    titles: Mapping[str, str],
    shown: tuple[str, ...],
    refused: Sequence[str],
    *,
    search: str,
    table_shown: bool,
) -> Section:
    """Which columns are shown, found by a part of their name where there are many.

    Parameters
    ----------
    titles
        Of every column that may be shown.
    shown
        Those that are.
    refused
        Titles of those that may not.
    search
        What is sought.
    table_shown
        Whether the numbers stand in a table too.
    """
    sought = search.casefold()
    found = {
        name: title
        for name, title in titles.items()
        if name in shown or sought in title.casefold() or sought in name.casefold()
    }
    controls: list[Control] = [Switch("table_shown", "Numbers as a table", table_shown)]
    if len(titles) > MANY_COLUMNS:
        controls.append(TextEntry("search", "Search columns", search))
    controls.append(Several("columns", "Columns", found, shown))
    blocks: list[Block] = [Controls(tuple(controls), "columns")]
    if refused:
        names = ", ".join(refused)
        blocks.append(Notice(f"not shown, because its values tell patients apart: {names}"))
    caption = f"Columns and table ({len(shown)} of {len(titles)} columns shown)"
    return Section("columns", caption, tuple(blocks), open=False)
