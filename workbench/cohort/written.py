"""What a definition holds when it is written: plain JSON, of a depth that a person could read."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from workbench.data.card import did_you_mean
from workbench.errors import CohortError

DEEPEST = 40
"""Lists and mappings within each other; deeper than that, nobody meant it."""


def read_json(text: str) -> Any:
    """JSON of a definition.

    Raises
    ------
    CohortError
        If it is no JSON, holds NaN or infinity, or gives an entry twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except CohortError:
        raise
    except RecursionError:
        raise CohortError("the cohort definition is not JSON that can be read: too deep") from None
    except (TypeError, ValueError) as error:
        line = str(error).splitlines()[0][:120]
        raise CohortError(f"the cohort definition is not JSON: {line}") from None


def check_plain(written: Any) -> None:
    """Refuse what is nested too deep, and text that cannot be shown or saved.

    Raises
    ------
    CohortError
        If lists and mappings are nested deeper than ``DEEPEST``, or a text has a control
        character (line breaks and tabs are none) or half of a surrogate pair.
    """
    level = [written]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for part in level:
            if isinstance(part, str):
                _check_text(part)
            elif isinstance(part, Mapping):
                inner += part.keys()
                inner += part.values()
            elif isinstance(part, list | tuple):
                inner += part
        if not inner:
            return
        level = inner
    raise CohortError(f"criteria are nested deeper than {DEEPEST} lists and mappings: write fewer")


def check_entries(written: Any, known: set[str], what: str) -> None:
    """Refuse what is no mapping, or has an entry that is not ``known``."""
    if not isinstance(written, Mapping):
        raise CohortError(f"{what}: expected a mapping, got {type(written).__name__}")
    odd = next((entry for entry in written if entry not in known), None)
    if odd is not None:
        raise CohortError(
            f"{what}: no entry {shown(odd)}{did_you_mean(str(odd)[:60], known)}; there are "
            f"{', '.join(sorted(known))}"
        )


def shown(value: Any) -> str:
    """What came, in a message: short, and on one line."""
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float) and abs(value) < 1e18:
        return f"{type(value).__name__} {value}"
    return type(value).__name__


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise CohortError(f"the cohort definition gives {shown(twice)} twice in one mapping")
    return entries


def _no_number(text: str) -> None:
    raise CohortError(f"the cohort definition is not JSON: {text} is no number there")


def _check_text(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    for letter in text:
        if letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs"):
            raise CohortError(
                f"a text holds the control character {letter!r}, which cannot be shown: take it out"
            )
