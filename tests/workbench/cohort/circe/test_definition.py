"""What is no definition is refused by its place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.circe import CirceDefinition, read_circe
from workbench.errors import CohortError

Definition = Callable[..., dict[str, Any]]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "PrimaryCriteria",
                    "CriteriaList",
                    "Death",
                    "ConceptSets",
                    "expression",
                    "Type",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("PrimaryCriteria"), r"\$.PrimaryCriteria is missing"),
        (
            lambda d: d["PrimaryCriteria"].update(CriteriaList=[]),
            "CriteriaList is empty: nothing lets a patient in",
        ),
        (
            lambda d: d["PrimaryCriteria"]["CriteriaList"].append({"Nonsense": {}}),
            r"CriteriaList\[1\]: Nonsense is none of ConditionOccurrence",
        ),
        (
            lambda d: d["PrimaryCriteria"]["CriteriaList"].append({"Death": {"CodesetId": 9}}),
            r"CriteriaList\[1\].Death.CodesetId: there is no concept set 9",
        ),
        (
            lambda d: d["ConceptSets"][1].update(id=0),
            r"\$.ConceptSets: an id stands twice",
        ),
        (
            lambda d: d["PrimaryCriteria"]["ObservationWindow"].update(PriorDays="many"),
            "PriorDays: expected a whole number from 0 to 100000, got text",
        ),
        (
            lambda d: d["PrimaryCriteria"]["ObservationWindow"].update(PriorDays=10**9),
            "PriorDays: expected a whole number from 0 to 100000, got 1000000000",
        ),
        (
            lambda d: d.update(CensorWindow={"EndDate": "2020-02-30"}),
            "CensorWindow.EndDate: expected a date such as",
        ),
        (
            lambda d: d["InclusionRules"][1]["expression"]["DemographicCriteriaList"][0]["Age"]
            .update(Op="bt"),
            "Age.Extent is missing: between needs two ends",
        ),
        (
            lambda d: d["InclusionRules"][0]["expression"].update(Type="AT_LEAST"),
            "Count is missing: at least or at most how many?",
        ),
        (
            lambda d: d["InclusionRules"][0]["expression"]["CriteriaList"][0]["Occurrence"]
            .update(Type=7),
            "Occurrence.Type: expected a whole number from 0 to 2, got 7",
        ),
        (
            lambda d: d.update(InclusionRules=d["InclusionRules"] * 20),
            "60 rules; more than 50 cannot be counted",
        ),
        (
            lambda d: d.update(AdditionalCriteria=[1]),
            r"\$.AdditionalCriteria: expected an object, got a list",
        ),
    ],
)  # fmt: skip
def test_a_problem_is_named_by_its_place(
    small_definition: Definition, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    document = small_definition()
    change(document)
    with pytest.raises(CohortError, match=message):
        read_circe(json.dumps(document))


def test_all_problems_are_found_at_once(small_definition: Definition) -> None:
    document = small_definition(CollapseSettings={"EraPad": -1}, CensorWindow=3)
    with pytest.raises(CohortError, match=r"2 problems: .*EraPad.*; .*CensorWindow"):
        read_circe(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: .* at line 1"),
        ('{"PrimaryCriteria": {}, "PrimaryCriteria": {}}', "a key stands twice"),
        ('{"PrimaryCriteria": NaN}', "NaN is no JSON number"),
        ('{"PrimaryCriteria": [-Infinity]}', "-Infinity is no JSON number"),
        ("[" * 100_000, "nested deeper than 40|not JSON"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested deeper than 40"),
        ("no_such_file.json", "expected a circe definition: a JSON file, or text"),
        ("[]", "expected an object, got a list"),
        ('{"expression": "{"}', r"\$.expression is text, but not JSON"),
    ],
)
def test_what_is_no_definition_at_all(text: str, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        read_circe(text)


@settings(max_examples=40, deadline=None)
@given(JSON)
def test_any_json_is_refused_by_its_place(value: Any) -> None:
    # No observation window is ever drawn, so that none of these is a definition.
    with pytest.raises(CohortError, match=r"\$"):
        read_circe(json.dumps({"x": value, "PrimaryCriteria": value}))


def test_keys_in_other_case_nulls_and_unknown_keys(small_definition: Definition) -> None:
    document = small_definition(AdditionalCriteria=None, cdmVersionRange=">=5.0.0")
    primary = document.pop("PrimaryCriteria")
    document["primaryCriteria"] = {"madeUp": 1, **primary}
    definition = read_circe(json.dumps(document))
    assert definition.document == read_circe(json.dumps(small_definition())).document
    assert definition.warnings == ("circe knows no $.PrimaryCriteria.madeUp: it does nothing",)


def test_what_webapi_exports_is_read_as_well(small_definition: Definition, tmp_path: Path) -> None:
    inner = small_definition()
    plain = read_circe(json.dumps(inner))
    for expression in (inner, json.dumps(inner)):
        path = tmp_path / "export.json"
        path.write_text(json.dumps({"id": 1, "name": "x", "expression": expression}))
        assert read_circe(path).document == plain.document
    assert plain.rule_names == ("no insulin before", "adults", "HbA1c over 7")
    assert repr(plain) == "CirceDefinition(3 concept sets, 3 inclusion rules)"
    assert isinstance(plain, CirceDefinition)
