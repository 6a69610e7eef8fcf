"""Edits of rules as they are written: one added, moved or taken away, also within a group."""

from copy import deepcopy
from typing import Any

from workbench.widgets.rule_drafts import (
    AnyDraft,
    ColumnDraft,
    EventDraft,
    GroupDraft,
    HasDraft,
)

Written = list[dict[str, Any]]
"""Rules as plain JSON."""

NEW: dict[str, type[AnyDraft]] = {
    "column": ColumnDraft,
    "has": HasDraft,
    "event": EventDraft,
    "group": GroupDraft,
}


def with_new(rules: Written, kind: str) -> Written:
    """One more rule at the end, of which nothing is said yet."""
    return [*rules, NEW[kind]().model_dump(mode="json")]


def without(rules: Written, at: int) -> Written:
    """All rules but one."""
    kept = list(rules)
    del kept[at]
    return kept


def moved(rules: Written, at: int, by: int) -> Written:
    """The rule ``at`` comes ``by`` places later."""
    order = list(rules)
    order.insert(at + by, order.pop(at))
    return order


def with_part(rules: Written, path: str, kind: str) -> Written:
    """One more rule in the group at ``path``, such as ``rules.2.parts.0``."""
    changed = deepcopy(rules)
    _at(changed, path)["parts"].append(NEW[kind]().model_dump(mode="json"))
    return changed


def without_part(rules: Written, path: str) -> Written:
    """All rules but the one at ``path`` in a group, such as ``rules.2.parts.0``."""
    changed = deepcopy(rules)
    group, _, number = path.rpartition(".parts.")
    del _at(changed, group)["parts"][int(number)]
    return changed


def _at(rules: Written, path: str) -> dict[str, Any]:
    found: Any = {"rules": rules}
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found
