"""A card's text: YAML between two ``---`` lines, then prose. Every problem names its line."""

from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from workbench.data import card as schema
from workbench.data.card import Card, DanglingReferencesError, did_you_mean
from workbench.data.strict_yaml import NotYamlError, read_yaml
from workbench.errors import DataCardError

_LARGEST = 1_000_000


def parse_card(text: str, name: str) -> tuple[Card, str]:
    """Read a card.

    Parameters
    ----------
    text
        The whole file.
    name
        What to call the file in messages.

    Returns
    -------
    Card, str
        The validated front matter, and the prose after it.

    Raises
    ------
    DataCardError
        One line a problem, each with the line of the file where it stands.
    """
    front, prose = _split(text, name)
    try:
        tree, values = read_yaml(front)
    except NotYamlError as error:
        where = f"{name}, line {error.line + 1}" if error.line else name
        raise DataCardError(f"{where}: the front matter is not YAML: {error.problem}") from None
    if not isinstance(values, dict):
        raise DataCardError(f"{name}, line 2: expected `key: value` lines in the front matter")
    try:
        return Card.model_validate(values), prose
    except ValidationError as error:
        lines = [
            f"{name}, line {_line(tree, place)}: {'.'.join(map(str, place)) or 'card'}: {message}"
            for place, message in _problems(error)
        ]
        raise DataCardError("\n".join(lines)) from None


def _split(text: str, name: str) -> tuple[str, str]:
    if len(text) > _LARGEST:
        raise DataCardError(f"{name}: longer than {_LARGEST:,} characters; is this a card?")
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        raise DataCardError(
            f"{name}, line 1: expected `---` and YAML front matter; start one with "
            "`workbench data new`"
        )
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]).strip()
    raise DataCardError(f"{name}: the front matter has no closing `---` line")


def _problems(error: ValidationError) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Each problem as (place in the card, message)."""
    for item in error.errors(include_url=False):
        place = item["loc"]
        cause = item.get("ctx", {}).get("error")
        if isinstance(cause, DanglingReferencesError):
            yield from cause.problems
        elif item["type"] == "extra_forbidden":
            yield place, f"no such entry{did_you_mean(str(place[-1]), _entries())}"
        elif item["type"] == "missing":
            yield place, "is required"
        elif item["type"] == "string_type" and isinstance(item["input"], bool | int | float):
            yield place, f"expected text, got {item['input']!r}: put it in quotes"
        elif item["type"] == "string_pattern_mismatch" and place[-1] == "[key]":
            yield (
                place[:-1],
                "a name starts with a letter and holds letters, digits and _ only",
            )
        else:
            yield (
                place,
                item["msg"].removeprefix("Value error, ").replace("Input should", "should"),
            )


def _entries() -> set[str]:
    """Every name that the schema knows."""
    parts = [v for v in vars(schema).values() if isinstance(v, type) and issubclass(v, BaseModel)]
    return {f.alias or n for part in parts for n, f in part.model_fields.items()}


def _line(tree: yaml.Node | None, place: tuple[Any, ...]) -> int:
    """Line of the file where ``place`` stands, or its nearest parent that stands in the file."""
    line = 2
    for step in place:
        if isinstance(tree, yaml.MappingNode):
            found = [(key, value) for key, value in tree.value if key.value == str(step)]
            if not found:
                continue  # The tag of a union, or an entry that is missing.
            line, tree = found[0][0].start_mark.line + 2, found[0][1]
        elif isinstance(tree, yaml.SequenceNode) and isinstance(step, int):
            item = tree.value[step]
            line, tree = item.start_mark.line + 2, item
    return line
