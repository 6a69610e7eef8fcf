"""Nothing in a definition is ever part of a query."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.circe import CommonDataModel, read_circe, run_circe
from workbench.cohort.circe.definition import CirceDefinition
from workbench.cohort.circe.duck_sql import statements
from workbench.cohort.circe.rendering import Rendering, render
from workbench.errors import CohortError

CORPUS = [
    "'; DROP TABLE cdm.person; --",
    "x' OR 1=1 --",
    "x') UNION SELECT person_id FROM cdm.person --",
    "%' OR '1'='1",
    "''; ATTACH 'evil.duckdb'; --",
    '" OR ""="',
    "/* comment */ */ --",
    "$text_0 ? :name",
    "@eventTable @cdm_database_schema @indexId @target_cohort_id",
    "{1 = 1}?{DROP TABLE cdm.person}:{x}",
    "qqtext0qq qqtext1qq",
    "#Codesets; TRUNCATE TABLE #qualified_events;",
    "\\'; SELECT 1; \N{RIGHT SINGLE QUOTATION MARK} \u0000 \u202e",
    "read_csv('/etc/passwd')",
]
Definition = Callable[..., dict[str, Any]]


def with_text(small_definition: Definition, text: str, operator: str) -> CirceDefinition:
    """Diabetes whose stop reason matches a text."""
    document = small_definition(InclusionRules=[])
    document["PrimaryCriteria"]["ObservationWindow"]["PriorDays"] = 0
    criterion = document["PrimaryCriteria"]["CriteriaList"][0]["ConditionOccurrence"]
    criterion["StopReason"] = {"Op": operator, "Text": text}
    return read_circe(json.dumps(document))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as what holds it and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(pairs):
        yield value, key
        if isinstance(part, dict | list):
            yield from places(part)


@pytest.mark.parametrize("text", CORPUS)
def test_text_to_search_for_is_bound(
    small_cdm: CommonDataModel, small_definition: Definition, text: str
) -> None:
    definition = with_text(small_definition, text, "eq")
    for statement in statements(render(definition)):
        assert text not in statement.sql
    if text in CORPUS[:3]:
        cohort = run_circe(definition, small_cdm)
        # Patient 3's record says exactly the second text of the corpus.
        assert cohort.rows["person_id"].tolist() == ([3] if text == CORPUS[1] else [])
        assert small_cdm.count("person") == 5


def test_searching_still_finds(small_cdm: CommonDataModel, small_definition: Definition) -> None:
    for operator, text, found in [
        ("contains", "100", [1]),
        ("startsWith", "it's", [1]),
        ("endsWith", "over", [1]),
        ("!eq", "x' OR 1=1 --", [1]),
        ("!contains", "1=1", [1]),
    ]:
        cohort = run_circe(with_text(small_definition, text, operator), small_cdm)
        assert cohort.rows["person_id"].tolist() == found, operator


def test_names_of_sets_and_rules_never_reach_a_query(
    small_cdm: CommonDataModel, small_definition: Definition
) -> None:
    plain = render(read_circe(json.dumps(small_definition())))

    def called(text: str) -> CirceDefinition:
        document = small_definition(Title=text)
        for concept_set in document["ConceptSets"]:
            concept_set["name"] = text
            concept_set["expression"]["items"][0]["concept"] |= {
                "CONCEPT_NAME": text, "CONCEPT_CODE": text, "VOCABULARY_ID": text,
                "STANDARD_CONCEPT": text, "INVALID_REASON": text,
            }  # fmt: skip
        for rule in document["InclusionRules"]:
            rule |= {"name": text, "description": text}
        return read_circe(json.dumps(document))

    for text in CORPUS:
        assert render(called(text)) == plain
    assert run_circe(called(CORPUS[0]), small_cdm).rules.names == (CORPUS[0],) * 3


@pytest.mark.parametrize("text", CORPUS[:2])
def test_text_in_place_of_any_number_flag_or_word_is_refused(
    small_definition: Definition, text: str
) -> None:
    document = small_definition(
        CensorWindow={"EndDate": "2011-01-01"},
        EndStrategy={"DateOffset": {"DateField": "StartDate", "Offset": 7}},
        CollapseSettings={"CollapseType": "ERA", "EraPad": 3},
    )
    free = {"name", "description", "Title"}
    tried = 0
    for holder, key in list(places(document)):
        if key in free:
            continue
        kept, holder[key] = holder[key], text
        with pytest.raises(CohortError):
            read_circe(json.dumps(document))
        holder[key] = kept
        tried += 1
    assert tried > 50


@settings(max_examples=6, deadline=None)
@given(text=st.text(min_size=1, max_size=30))
def test_any_text_is_only_a_text(
    small_cdm: CommonDataModel, small_definition: Definition, text: str
) -> None:
    definition = with_text(small_definition, text, "contains")
    rendering = render(definition)
    assert rendering.sql == render(with_text(small_definition, "plain", "contains")).sql
    (bound,) = [s.bound for s in statements(rendering) if s.bound]
    assert set(bound.values()) == {f"%{text}%"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * INTO #x FROM cdm.person; DROP TABLE cdm.person",
        "COPY cdm.person TO 'out.csv'",
        "ATTACH 'evil.duckdb'",
        "SELECT * INTO #x FROM other.person",
        "SELECT * INTO #x FROM cdm.secrets",
        "SELECT * INTO #x FROM read_csv('/etc/passwd')",
        "SELECT * INTO cdm.person FROM cdm.death",
        "INSERT INTO cdm.person SELECT * FROM cdm.person",
        "SELECT person_id, 'text' AS t INTO #x FROM cdm.person",
        "UPDATE cdm.person SET person_id = 1",
        "SELECT person_id FROM cdm.person",
        "EXEC xp_cmdshell 'dir'",
    ],
)
def test_sql_that_does_more_than_ask_the_cdm_is_refused(sql: str) -> None:
    """Even if circe should ever write it."""
    if sql.startswith("SELECT * INTO #x FROM cdm.person; DROP"):
        (kept,) = statements(Rendering(sql, {}))
        assert kept.makes == "x"
        return
    with pytest.raises(CohortError, match="refused|cannot be read"):
        statements(Rendering(sql, {}))
