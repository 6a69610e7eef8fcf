"""YAML as a card or a study may use it: plain values, each key once, nothing that expands."""

from collections.abc import Hashable
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError


class NotYamlError(ValueError):
    """Text that is not such YAML: ``line`` (from 1, None where it is not known) and ``problem``."""

    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class _Loader(yaml.SafeLoader):
    """YAML without repeated keys, which it would drop silently, without aliases and without tags.

    Aliases let a small file stand for a huge one; tags ask for other types than text shows.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise ComposerError(None, None, "aliases (*name) are not read", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise ComposerError(None, None, "tags (!name) are not read", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key must be a word", key.start_mark)
            if key.value in seen:
                raise ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """The tree of a YAML text, which knows its lines, and its values.

    Raises
    ------
    NotYamlError
        If it is not YAML, repeats a key, or holds an alias or a tag.
    """
    try:
        return yaml.compose(text, Loader=_Loader), yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "it cannot be read"
        raise NotYamlError(mark.line + 1 if mark else None, problem) from None
    except (yaml.YAMLError, RecursionError):
        raise NotYamlError(None, "it holds control characters, or is nested too deeply") from None
    except ValueError as error:  # What looks like a date or a number, and is none.
        raise NotYamlError(None, f"{error}: put it in quotes") from None
