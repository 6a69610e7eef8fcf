"""From a checked definition to the SQL of circe, in which no text of the definition stands.

Texts are replaced by markers before circe sees them, concept sets are numbered anew, names are
left out. What circe would silently leave out is refused: each attribute must change the SQL.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.cohort.circe.cdm import SCHEMA
from workbench.cohort.circe.definition import CirceDefinition
from workbench.cohort.circe.extra import import_extra
from workbench.cohort.circe.schema import DOMAINS
from workbench.errors import CohortError

TARGET = "circe_cohort"
"""Temporary table that circe's SQL fills."""
_TEXT_OPERATORS = ("eq", "!eq", "startsWith", "endsWith", "contains", "!contains")
_FREE_TEXT = ("CONCEPT_NAME", "CONCEPT_CODE", "VOCABULARY_ID", "DOMAIN_ID", "CONCEPT_CLASS_ID")


@dataclass(frozen=True)
class Rendering:
    """SQL in the dialect of OHDSI, and the texts behind its markers."""

    sql: str
    texts: Mapping[str, str]


def marker(n: int) -> str:
    """What stands for the ``n``-th text."""
    return f"qqtext{n}qq"


def render(definition: CirceDefinition) -> Rendering:
    """SQL of a definition.

    Raises
    ------
    CohortError
        If circe cannot express a part of it, which is named by its place.
    """
    texts: dict[str, str] = {}
    numbers = {number: i for i, number in enumerate(definition.concept_sets, 1)}
    document = _anonymous(definition.document, numbers, texts)
    sql = _build(document)
    _check_nothing_is_lost(document, sql)
    return Rendering(sql, texts)


def _build(document: Mapping[str, Any]) -> str:
    api, sqlrender = import_extra("circe.api"), import_extra("circe.sqlrender")
    options = import_extra("circe.cohortdefinition").BuildExpressionQueryOptions()
    options.cdm_schema = options.vocabulary_schema = SCHEMA
    options.target_table, options.cohort_id = TARGET, 1
    try:
        expression = api.cohort_expression_from_json(json.dumps(document))
        return sqlrender.render(api.build_cohort_query(expression, options))
    except (ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise CohortError(
            f"circe cannot render this definition ({type(error).__name__}): open it in ATLAS and "
            "look at its criteria"
        ) from error


def _anonymous(value: Any, numbers: Mapping[int, int], texts: dict[str, str]) -> Any:
    """A copy without free text, with concept sets numbered from 1 and no default left out."""
    if isinstance(value, list):
        return [_anonymous(item, numbers, texts) for item in value]
    if not isinstance(value, Mapping):
        return value
    copy = {
        key: _anonymous(part, numbers, texts)
        for key, part in value.items()
        if key not in _FREE_TEXT and key not in ("name", "description", "Title")
    }
    if "Text" in copy:
        token = marker(len(texts))
        texts[token], copy["Text"] = copy["Text"], token
    for key, part in value.items():
        if _names_a_set(key, part):
            copy[key] = numbers[part]
    if "expression" in copy and "id" in copy:
        copy |= {"id": numbers[value["id"]], "name": "set"}
    if "EndWindow" in copy:
        # circe-be takes the end of the event where nothing is said; circepy would take its start.
        copy["EndWindow"] = {"UseEventEnd": True, **copy["EndWindow"]}
    if "CollapseSettings" in copy:
        copy["CollapseSettings"] = {"CollapseType": "ERA", "EraPad": 0, **copy["CollapseSettings"]}
    return copy


def _names_a_set(key: str, part: Any) -> bool:
    return (
        isinstance(part, int)
        and part is not True
        and part is not False
        and key.endswith(("CodesetId", "Concept", "PlaceOfServiceLocation"))
    )


def _check_nothing_is_lost(document: dict[str, Any], sql: str) -> None:
    """Refuse what makes no difference to the SQL: circe would leave it out without a word."""
    lost = []
    for path, holder, key in _optional_parts(document, "$"):
        part = holder.pop(key)
        try:
            if _build(document) == sql:
                lost.append(path)
        finally:
            holder[key] = part
    if lost:
        raise CohortError(
            f"the installed circe leaves out {len(lost)} parts of the definition, so its cohort "
            f"would be another: {', '.join(lost[:20])}"
        )


def _optional_parts(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Parts that must count: attributes of criteria, exclusions, flags that are set."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _optional_parts(item, f"{path}[{i}]")
    elif isinstance(value, dict):
        for key, part in list(value.items()):
            here = f"{path}.{key}"
            if key in DOMAINS:
                yield from (
                    (f"{here}.{name}", part, name)
                    for name in list(part)
                    if part[name] is not False and part[name] != [] and not name.endswith("Exclude")
                )
            elif key in ("IsExclusion", "IsDistinct", "RestrictVisit", "IgnoreObservationPeriod"):
                if part:
                    yield here, value, key
            elif key == "DemographicCriteriaList":
                for i, item in enumerate(part):
                    yield from ((f"{here}[{i}].{name}", item, name) for name in list(item))
            if key == "Op" and "Text" in value and part not in _TEXT_OPERATORS:
                raise CohortError(f"{here}: circe has no filter {part}")
            yield from _optional_parts(part, here)
