"""Whatever stands in a definition's JSON, it is refused in one clear line or means what it says."""

import copy
import json
from random import Random
from typing import Any

import pytest

from tests.workbench.cohort.random_cases import as_records, random_definition, random_source
from workbench.cohort.criteria import parse
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.errors import CohortError, RecordsError

ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 10**12, 10**30, -(10**400), 1e308, float("nan"),
    float("inf"), "", "a", "*", "\x00", "\x1b[31m", "\ud800", "x" * 5000, "2000-02-30", "20000101",
    [], {}, [[]], [None], {"a": 1}, {"": {}}, [1, 2], ["a", "a"], {"all": []},
]  # fmt: skip


def places(written: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every node of a JSON value, as the keys that lead to it."""
    inside = (
        written.items()
        if isinstance(written, dict)
        else enumerate(written)
        if isinstance(written, list)
        else ()
    )
    found = [path]
    for key, value in inside:
        found += places(value, (*path, key))
    return found


def mutated(rng: Random, written: Any) -> Any:
    """With one node exchanged, taken out, doubled, or given an entry more."""
    written = copy.deepcopy(written)
    *way, last = rng.choice(places(written)[1:])
    parent = written
    for key in way:
        parent = parent[key]
    kind = rng.random()
    if kind < 0.6:
        parent[last] = copy.deepcopy(rng.choice(ODD))
    elif kind < 0.75:
        del parent[last]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[last]))
    else:
        parent[rng.choice(["entry", "window", "least", "not", "\n", "value"])] = rng.choice(ODD)
    return written


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_definition_is_refused_or_still_a_definition(seed: int) -> None:
    rng = Random(seed)
    source = random_source(rng)
    records = as_records(source)
    refusals = []
    for _ in range(25):
        damaged = random_definition(rng, source).to_dict()
        for _ in range(rng.choice([1, 1, 2])):
            damaged = mutated(rng, damaged)
        try:
            definition = RecordDefinition.from_dict(damaged)
            cohort = build_cohort(records, definition)
        except (CohortError, RecordsError) as error:
            refusals.append(str(error))
        else:
            assert RecordDefinition.from_json(definition.to_json()).hash == definition.hash
            assert cohort.attrition["n_after"].is_monotonic_decreasing
    assert len(refusals) > 5
    assert all(10 < len(line) < 600 and line.isprintable() for line in refusals)


def nested(depth: int) -> str:
    return '{"not":' * depth + '{"column":"age","op":"is_missing"}' + "}" * depth


@pytest.mark.parametrize("depth", [100, 2_000, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    written: Any = {"column": "age", "op": "is_missing"}
    for _ in range(depth):
        written = {"not": written}
    with pytest.raises(CohortError, match="deep"):
        parse(written)
    with pytest.raises(CohortError, match="deep"):
        RecordDefinition.from_json(nested(depth))
    while isinstance(written, dict) and "not" in written:
        written = written.pop("not")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1, 2]", "schema 2"),
        ("null", "schema 2"),
        ('{"schema": 2, "schema": 2}', "twice"),
        ('{"schema": NaN}', "NaN"),
        ('{"schema": -Infinity}', "Infinity"),
        ('{"schema": ' + "9" * 5000 + "}", "not JSON"),
        ('{"schema": true}', "schema 2"),
        ('{"title": "\\ud800"}', "control"),
    ],
)
def test_what_is_no_definition_is_refused(text: str, words: str) -> None:
    with pytest.raises(CohortError, match=words) as refused:
        RecordDefinition.from_json(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "written",
    [
        {"at_least": True, "of": [{"has": "mri"}]},
        {"event": {"codes": ["a"]}, "least": True},
        {"event": {"codes": ["a"]}, "window": {"start": False}},
        {"event": {"codes": ["a"]}, "window": {"start": 10**9}},
        {"event": {"codes": ["a"]}, "window": []},
        {"event": {"codes": ["a"], "first_ever": 1}},
        {"event": {"codes": ["a"], "value": {">": True}}},
        {"event": {"codes": ["a"], "value": {">": 10**400}}},
        {"event": {"codes": "a"}},
        {"event": {"codes": ["a\x07"]}},
        {"column": "age", "op": ">=", "value": 10**17},
        {"column": "age", "op": ">=", "value": float("nan")},
        {"column": "age", "op": "in", "value": [[1]]},
    ],
)
def test_what_is_no_criterion_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(CohortError) as refused:
        parse(written)
    assert "\n" not in str(refused.value)


def test_a_long_list_is_a_list() -> None:
    codes = [f"c{i}" for i in range(100_000)]
    assert parse(json.loads(json.dumps({"event": {"codes": codes}}))).to_json()["event"] == {
        "codes": sorted(codes)
    }


@pytest.mark.parametrize("concept", [True, 1.5, None, ["1"], {}])
def test_a_concept_that_is_none_is_refused(concept: Any) -> None:
    lines = {"name": "some", "concepts": [{"concept": concept}]}
    with pytest.raises(RecordsError, match="a line of a concept set"):
        parse({"event": {"concept_set": lines, "domain": "c"}})
