"""A cohort definition of ATLAS, read strictly: what is wrong with it is said by its place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from workbench.cohort.circe.schema import definition as shape
from workbench.cohort.circe.shapes import Place
from workbench.errors import CohortError

_DEEPEST = 40
_LARGEST = 20 << 20
_SET_KEYS = ("CodesetId", "Concept", "PlaceOfServiceLocation")
"""How keys end whose whole number is that of a concept set."""
_MOST_RULES = 50
"""circe keeps which rules an event meets as a sum of powers of two, as floats in some engines."""


@dataclass(frozen=True, repr=False)
class CirceDefinition:
    """A definition whose every part is known and of the right kind.

    Parameters
    ----------
    document
        The JSON in canonical form: keys as circe spells them, no nulls.
    warnings
        What a reader must know, one sentence each: keys that circe does not know and that
        therefore do nothing.
    """

    document: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        n_sets, rules = len(self.concept_sets), len(self.rule_names)
        return f"CirceDefinition({n_sets} concept sets, {rules} inclusion rules)"

    @property
    def concept_sets(self) -> dict[int, Mapping[str, Any]]:
        """Concept set id → concept set."""
        return {s["id"]: s for s in self.document.get("ConceptSets", ())}

    @property
    def rule_names(self) -> tuple[str, ...]:
        """Names of the inclusion rules, in order."""
        rules = self.document.get("InclusionRules", ())
        return tuple(rule.get("name") or f"rule {i}" for i, rule in enumerate(rules, 1))


def read_circe(source: str | Path) -> CirceDefinition:
    """Read a cohort definition.

    Parameters
    ----------
    source
        A file, or the JSON itself. What WebAPI exports, with the definition under
        ``expression``, is read as well.

    Raises
    ------
    CohortError
        If it is not JSON, or not a circe definition: every problem is named by its place.
    """
    text = _text(source)
    try:
        written = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise CohortError(
            f"the cohort definition is not JSON: {error.msg} at line {error.lineno}"
        ) from None
    except RecursionError:
        raise CohortError(f"the cohort definition is nested deeper than {_DEEPEST}") from None
    written = _unwrap(written)
    _check_depth(written)
    place = Place()
    document = shape(written, place)
    if document is not None:
        place.problems.extend(_further_problems(document))
    if place.problems or document is None:
        raise CohortError(
            f"not a circe cohort definition, {len(place.problems)} problems: "
            + "; ".join(place.problems[:20])
        )
    warnings = tuple(f"circe knows no {path}: it does nothing" for path in place.ignored)
    return CirceDefinition(document, warnings)


def _text(source: str | Path) -> str:
    if isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
        text = source
    else:
        path = Path(source)
        if not path.is_file():
            raise CohortError(
                "expected a circe definition: a JSON file, or text that begins with {"
            )
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise CohortError(f"{path.name} is not UTF-8 text: save it as UTF-8") from None
    if len(text) > _LARGEST:
        raise CohortError(f"a cohort definition larger than {_LARGEST >> 20} MB is refused")
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise CohortError("a key stands twice in one object of the cohort definition")
    return entries


def _refuse_constant(name: str) -> NoReturn:
    raise CohortError(f"{name} is no JSON number")


def _unwrap(written: Any) -> Any:
    """The definition inside what WebAPI exports."""
    if isinstance(written, dict) and "expression" in written and "PrimaryCriteria" not in written:
        inner = written["expression"]
        if isinstance(inner, str):
            try:
                return json.loads(inner, object_pairs_hook=_once, parse_constant=_refuse_constant)
            except json.JSONDecodeError:
                raise CohortError("$.expression is text, but not JSON") from None
        return inner
    return written


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise CohortError(f"the cohort definition is nested deeper than {_DEEPEST}")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _further_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """What no single place shows: concept sets that are used but not there, and the like."""
    ids = [s.get("id") for s in document.get("ConceptSets", ()) if s]
    if len(set(ids)) < len(ids):
        yield "$.ConceptSets: an id stands twice"
    primary = document.get("PrimaryCriteria") or {}
    if not primary.get("CriteriaList"):
        yield "$.PrimaryCriteria.CriteriaList is empty: nothing lets a patient in"
    rules = document.get("InclusionRules", ())
    if len(rules) > _MOST_RULES:
        yield f"$.InclusionRules: {len(rules)} rules; more than {_MOST_RULES} cannot be counted"
    for path, used in _uses(document, "$"):
        if used not in ids:
            yield f"{path}: there is no concept set {used}"


def _uses(value: Any, path: str) -> Iterator[tuple[str, int]]:
    """Every place that names a concept set."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _uses(item, f"{path}[{i}]")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(part, int) and key.endswith(_SET_KEYS) and part is not True:
                yield f"{path}.{key}", part
            else:
                yield from _uses(part, f"{path}.{key}")
