"""What the rules make: the flow, the definition in four ways, and what changed."""

import json
from collections.abc import Mapping

import pandas as pd

from workbench.cohort.definition import Definition
from workbench.cohort.python_text import definition_python
from workbench.cohort.record_definition import RecordDefinition
from workbench.figures import plot_attrition
from workbench.widgets.blocks import Block, Code, Figure, Table, Words
from workbench.widgets.flow_rows import WITHHELD, count_words

VIEWS = {
    "flow": "the flow of patients",
    "words": "the definition in words",
    "json": "the definition as JSON",
    "python": "the definition as Python",
    "sql": "the definition as SQL",
    "changes": "what changed",
}
PARTS = {"select": "rule", "entry": "entry", "follow_up": "follow-up", "limit": "which record"}


def offered_views(*, has_sql: bool, has_versions: bool) -> dict[str, str]:
    """Views that there are: SQL is for records, changes need a version to compare with."""
    absent = {"sql": not has_sql, "changes": not has_versions}
    return {view: words for view, words in VIEWS.items() if not absent.get(view, False)}


def flow_view(shown: pd.DataFrame, title: str, outcome: str) -> Figure:
    """Who was left out where, as CONSORT draws it."""
    notes = [f"The event: {outcome}"] if outcome else []
    return Figure("flow", plot_attrition(shown, title=title, end="In the cohort", notes=notes))


def definition_view(definition: Definition | RecordDefinition, view: str) -> Block:
    """The definition in words, or as text to copy.

    Raises
    ------
    WorkbenchError
        SQL cannot ask for it.
    """
    if view == "words":
        rows = tuple((str(at), sentence) for at, sentence in enumerate(definition.sentences(), 1))
        return Table("words", "", ("", "Definition"), rows)
    if view == "sql" and isinstance(definition, RecordDefinition):
        return Code("sql", str(definition.to_sql()))
    if view == "python":
        return Code("python", definition_python(definition))
    written = json.dumps(definition.to_dict(), indent=1, ensure_ascii=False, sort_keys=True)
    return Code("json", f"{written}\n\nsha256 of the canonical text: {definition.hash}")


def changes(rows: pd.DataFrame, members: Mapping[str, int | str]) -> tuple[Block, ...]:
    """What differs from another version, and whom that moved."""
    said = [
        (PARTS.get(str(part), str(part)), str(change), str(before), str(after))
        for part, change, before, after in rows.itertuples(index=False)
    ]
    if not said:
        return (Words("Nothing changed since then.", name="no-change"),)
    table = Table("changes", "Changes", ("Part", "Change", "Before", "Now"), tuple(said))
    told = {name: count_words(count) for name, count in members.items()}
    if WITHHELD in (told["kept"], told["gained"], told["lost"]):
        words = "How many patients stayed, came and went is withheld: a number is too small."
    else:
        words = f"{told['kept']} patients stayed, {told['gained']} came, {told['lost']} went"
        moved = "" if told["moved"] == "0" else f"; {told['moved']} have another index date"
        words += f"{moved}."
    return table, Words(words, name="members")
