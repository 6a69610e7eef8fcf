import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohort.criteria import Criterion, Population, at_least, col, has, parse
from workbench.errors import CohortError

PATIENTS = pd.DataFrame(
    {
        "age": [17.0, 18.0, 40.0, np.nan, 65.0, 80.0],
        "grade": pd.Categorical(["low", "high", None, "low", "high", "low"], ["low", "high"]),
        "smoker": pd.array([True, False, True, None, False, True], dtype="boolean"),
    },
    index=pd.Index([f"P{i}" for i in range(6)], name="patient_id"),
)
AVAILABLE = {"mri": np.array([True, False, True, False, True, False])}
POPULATION = Population(PATIENTS, AVAILABLE)

leaves = st.one_of(
    st.builds(
        lambda op, value: parse({"column": "age", "op": op, "value": value}),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.integers(10, 90),
    ),
    st.builds(
        lambda ends: col("age").between(*sorted(ends)),
        st.tuples(st.integers(10, 90), st.integers(10, 90)),
    ),
    st.sampled_from(
        [
            col("grade") == "low",
            col("grade").isin(["low", "high"]),
            col("smoker") == True,  # noqa: E712
            col("age").is_missing(),
            has("mri"),
        ]
    ),
)
criteria = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(lambda a, b: a & b, parts, parts),
        st.builds(lambda a, b: a | b, parts, parts),
        st.builds(lambda a: ~a, parts),
        st.builds(lambda a, b, c: at_least(2, a, b, c), parts, parts, parts),
        st.builds(lambda a: a.named("A rule", "a reason"), parts),
    ),
    max_leaves=6,
)


def members(criterion: Criterion) -> list[bool]:
    return criterion.mask(POPULATION).tolist()


def test_a_comparison_with_a_missing_value_is_false() -> None:
    assert members(col("age") >= 18) == [False, True, True, False, True, True]
    assert members(~(col("age") >= 18)) == [True, False, False, False, False, False]
    assert (col("age") >= 18).unknown(POPULATION).tolist() == [False] * 3 + [True] + [False] * 2


def test_unknown_follows_three_valued_logic() -> None:
    low_or_old = (col("grade") == "low") | (col("age") > 60)
    assert members(low_or_old) == [True, False, False, True, True, True]
    assert members((col("grade") == "low") & (col("age") > 60)) == [False] * 5 + [True]
    two = at_least(2, col("age") > 60, col("grade") == "low", has("mri"))
    assert members(two) == [True, False, False, False, True, True]


def test_a_limit_beyond_a_columns_precision_leaves_nobody_out() -> None:
    # Warnings are errors in tests; a person would have read numpy's in the notebook.
    single = Population(PATIENTS.assign(age=PATIENTS["age"].astype("float32")), AVAILABLE)
    known = [True, True, True, False, True, True]
    assert (col("age") < 1e300).mask(single).tolist() == known
    assert col("age").between(-1e300, 1e300).mask(single).tolist() == known
    assert not (col("age") > 1e300).mask(single).any()


def test_values_of_every_type() -> None:
    assert members(col("grade") != "low") == [False, True, False, False, True, False]
    assert members(col("smoker") == False) == [False, True, False, False, True, False]  # noqa: E712
    assert members(col("age").isin([17, 80])) == [True, False, False, False, False, True]
    assert members(col("age").between(18, 65)) == [False, True, True, False, True, False]
    assert members(col("grade").is_missing()) == [False, False, True, False, False, False]
    assert members(has("mri")) == AVAILABLE["mri"].tolist()


@given(criteria)
def test_json_round_trip(criterion: Criterion) -> None:
    text = json.dumps(criterion.to_json())
    again = parse(json.loads(text))
    assert again.to_json() == criterion.to_json()
    assert again.sentence() == criterion.sentence()
    assert members(again) == members(criterion)


@given(criteria, criteria)
def test_de_morgan_and_order(a: Criterion, b: Criterion) -> None:
    assert members(~(a & b)) == members(~a | ~b)
    assert members(a & b) == members(b & a)
    assert members(a | b) == members(b | a)
    holds, fails = a.truth(POPULATION)
    assert not (holds & fails).any()


def test_equal_criteria_have_equal_json() -> None:
    assert (col("age") >= 18.0).to_json() == (col("age") >= np.int64(18)).to_json()
    a, b, c = col("age") > 1, has("mri"), col("grade") == "low"
    assert ((a & b) & c).to_json() == (a & (b & c)).to_json()


def test_sentences() -> None:
    adult = (col("age") >= 18).named("Adults", "the trial enrolled adults")
    assert adult.sentence() == "Adults: age ≥ 18"
    assert (~has("mri") | (col("grade").isin(["low", "high"]) & adult)).sentence() == (
        "not (has mri) or (grade is one of low, high and Adults: age ≥ 18)"
    )
    assert adult.to_json()["rationale"] == "the trial enrolled adults"


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        (col("aeg") > 1, "did you mean 'age'"),
        (col("age") == "old", "age is a number"),
        (col("age") == True, "age is a number"),  # noqa: E712
        (col("grade") == "hgih", "did you mean 'high'"),
        (col("grade") > "low", "grade has no order"),
        (col("smoker") == 1, "smoker has no level int 1"),
        (has("mir"), "did you mean 'mri'"),
    ],
)
def test_what_does_not_fit_the_table_is_refused(criterion: Criterion, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        criterion.mask(POPULATION)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "no entries"),
        ("age >= 18", "got str"),
        ({"column": "age"}, "expected column, op and"),
        ({"column": "age", "op": ">="}, ">= needs a value"),
        ({"column": "age", "op": "=>", "value": 18}, "op '=>'"),
        ({"column": "age", "op": ">", "value": None}, "is_missing for missing values"),
        ({"column": "age", "op": ">", "value": float("nan")}, "finite"),
        ({"column": "age", "op": "in", "value": 18}, "`in` with a list"),
        ({"column": "age", "op": "in", "value": []}, "at least one value"),
        ({"column": "age", "op": "between", "value": [9, 1]}, "low ≤ high"),
        ({"column": "age", "op": "between", "value": ["a", "b"]}, "between needs numbers"),
        ({"column": "age", "op": "is_missing", "value": 1}, "takes no value"),
        ({"has": "mri", "haz": 1}, "has, haz"),
        ({"all": []}, "at least one"),
        ({"at_least": 3, "of": [{"has": "mri"}]}, "at least 3 of 1"),
        ({"not": 5}, "got int"),
        ({"has": "mri", "name": 5}, "name must be text"),
    ],
)
def test_what_is_no_criterion_is_refused(written: object, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        parse(written)  # pyright: ignore[reportArgumentType]


def test_python_habits_that_would_lose_a_rule_are_refused() -> None:
    with pytest.raises(CohortError, match="no truth value"):
        assert 18 <= col("age") <= 65
    with pytest.raises(CohortError, match="no truth value"):
        assert (col("age") > 18) and has("mri")  # noqa: PT018
    with pytest.raises(CohortError, match="isin needs a list"):
        col("grade").isin("low")
    with pytest.raises(CohortError, match="expected a criterion"):
        (col("age") > 18) & True  # pyright: ignore[reportOperatorIssue]
