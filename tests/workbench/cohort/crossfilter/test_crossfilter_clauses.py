"""Clauses and brushes: typed JSON, undo and redo, rules."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohort.criteria import Population
from workbench.cohort.crossfilter import (
    Brushes,
    Clause,
    CrossFilter,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    Presence,
    Range,
    crossfilter,
    parse_clause,
    rule,
    rules,
    select,
    take_up,
)
from workbench.errors import CohortError

numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
levels = st.lists(st.text(max_size=3) | st.booleans() | st.integers(0, 9), max_size=3).map(tuple)
patterns = st.lists(st.sampled_from([(), ("mri",), ("mri", "rna")]), max_size=2).map(tuple)
missing = st.sampled_from(["in", "out"])
clauses = st.one_of(
    st.tuples(numbers, numbers)
    .map(sorted)
    .flatmap(
        lambda ends: st.builds(
            Range,
            st.text(max_size=3),
            st.sampled_from([ends[0], None]),
            st.sampled_from([ends[1], None]),
            st.sampled_from(["left", "both"]),
            missing,
        )
    ),
    st.just(Range("seen", "2020-01-31", "2020-02-01T12:00:00")),
    st.builds(Levels, st.text(max_size=3), levels, missing),
    st.builds(OtherThan, st.text(max_size=3), levels, missing),
    st.builds(Presence, st.text(max_size=3), st.sampled_from(["only", "out"])),
    st.builds(Modalities, patterns),
    st.builds(OtherModalities, patterns),
)


@given(clauses)
def test_a_clause_survives_json(clause: Clause) -> None:
    written = json.loads(json.dumps(clause.to_json()))
    assert parse_clause(written) == clause
    assert parse_clause(written).to_json() == clause.to_json()


@given(st.lists(st.tuples(st.sampled_from("abc"), clauses | st.none()), max_size=8), st.data())
def test_undo_and_redo_retrace_every_step(
    changes: list[tuple[str, Clause | None]], data: st.DataObject
) -> None:
    steps = [Brushes()]
    for view, clause in changes:
        last = steps[-1]
        after = last.without(view) if clause is None else last.with_clause(view, clause)
        if after.present != last.present:
            steps.append(after)
    back = data.draw(st.integers(0, len(steps) - 1))
    moved = steps[-1]
    for earlier in steps[::-1][1 : back + 1]:
        moved = moved.undo()
        assert moved.present == earlier.present
    assert moved.version == len(steps) - 1 + back
    read = Brushes.from_json(json.loads(json.dumps(moved.to_json())))
    assert read == moved
    for later in steps[len(steps) - back :]:
        moved, read = moved.redo(), read.redo()
        assert moved.present == later.present == read.present
    assert moved.redo() is moved


def test_a_change_after_undoing_forgets_what_was_undone() -> None:
    brushes = Brushes().with_clause("a", Range("a", 0, 1)).undo()
    assert brushes.future
    changed = brushes.with_clause("b", Range("b", 0, 1))
    assert not changed.future
    assert changed.undo().clauses == {}
    assert changed.with_clause("b", Range("b", 0, 1)) is changed
    assert Brushes().undo() == Brushes()
    assert changed.cleared().clauses == {}


def test_what_can_be_undone_is_limited() -> None:
    brushes = Brushes()
    for high in range(150):
        brushes = brushes.with_clause("a", Range("a", 0, high))
    assert (len(brushes.past), brushes.version) == (100, 150)


def small_index() -> CrossFilter:
    frame = pd.DataFrame(
        {
            "age": [18.0, 40.0, 60.0, np.nan],
            "sex": pd.Categorical(["f", "m", None, "f"]),
            "seen": pd.to_datetime(["2020-01-01", "2020-06-01", None, "2021-01-01"]),
        }
    )
    return crossfilter(frame, present={"mri": np.array([True, False, True, True])})


def selected(clause: Clause) -> list[int]:
    mask = select(small_index(), Brushes().with_clause("v", clause)).mask
    return np.flatnonzero(mask).tolist()


def test_ends_are_half_open_unless_closed() -> None:
    assert selected(Range("age", 18, 60)) == [0, 1]
    assert selected(Range("age", 18, 60, closed="both")) == [0, 1, 2]
    assert selected(Range("age", 18, 60, missing="in")) == [0, 1, 3]
    assert selected(Range("age", 40, 40)) == []
    assert selected(Range("seen", "2020-01-01", "2020-06-01")) == [0]
    assert selected(Range("seen", "2020-01-01", "2020-06-01", closed="both")) == [0, 1]
    assert selected(Range("seen", None, None)) == [0, 1, 3]
    assert selected(Range("seen", "20200101", "2020-W23-1")) == [0]
    assert selected(Presence("sex", "only")) == [2]
    assert selected(Modalities(((),))) == [1]


@pytest.mark.parametrize(
    ("clause", "message"),
    [
        (Range("agee", 1, 2), "no column of the index is called 'agee'.*did you mean"),
        (Range("sex", 1, 2), "names levels, got Range"),
        (Levels("age", (1,)), "names a range, got Levels"),
        (Levels("sex", ("x",)), "sex has no level 'x'"),
        (Levels("sex", (True,)), "sex has no level True"),
        (Range("age", "2020-01-01", None), "its limits must be numbers"),
        (Range("seen", 1, None), "its limits must be dates"),
        (Presence("modalities", "only"), "names modalities"),
        (Modalities((("ct",),)), "no modality is called 'ct'"),
    ],
)
def test_a_clause_that_does_not_fit_is_refused(clause: Clause, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        selected(clause)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([], "a clause is a mapping"),
        ({}, "no entries"),
        ({"column": "age", "range": [1]}, "expected column with"),
        ({"column": "age", "range": [1, 2], "sql": "drop"}, "expected column with"),
        ({"column": "age", "range": [2, 1]}, "low ≤ high"),
        ({"column": "age", "range": [1, "2020-01-01"]}, "two numbers or two dates"),
        ({"column": "age", "range": [True, 2]}, "finite number"),
        ({"column": "age", "range": [float("nan"), 2]}, "finite number"),
        ({"column": "age", "range": [10**400, None]}, "finite number"),
        ({"column": "age", "range": ["soon", None]}, "text that is no date"),
        ({"column": "age", "range": ["2020-01-01T00:00:00+01:00", None]}, "without a time zone"),
        ({"column": "age", "range": [1, 2], "closed": "right"}, "closed must be one of"),
        ({"column": "age", "range": [1, 2], "missing": "only"}, "missing must be one of"),
        ({"column": "age", "levels": [None]}, "age"),
        ({"column": "age", "missing": "in"}, "missing must be one of"),
        ({"column": "age", "missing": []}, "missing must be one of"),
        ({"modalities": ["mri"]}, "list of combinations"),
        ({"modalities": [["mri", 1]]}, "list of combinations"),
    ],
)
def test_json_that_is_no_clause_is_refused(written: Any, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        parse_clause(written)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"clauses": []},
        {"clauses": {}, "version": -1},
        {"clauses": {}, "past": {}},
        {"clauses": {}, "future": [[]]},
        {"clauses": {}, "rows": [1]},
    ],
)
def test_json_that_holds_no_brushes_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(CohortError, match="brushes"):
        Brushes.from_json(written)


def test_rules_read_as_a_person_would_write_them() -> None:
    brushes = (
        Brushes()
        .with_clause("age", Range("age", 40, 60, closed="both"))
        .with_clause("sex", Levels("sex", ("f",), missing="in"))
        .with_clause("m", Modalities((("mri",), ())))
    )
    assert [criterion.sentence() for criterion in rules(brushes, ["mri", "rna"])] == [
        "age is between 40 and 60",
        "(has mri and not (has rna)) or (not (has mri) and not (has rna))",
        "sex is one of f or sex is missing",
    ]
    assert rule(Range("age", None, 5, closed="both")).sentence() == "age ≤ 5"
    assert rule(Range("age", None, None)).sentence() == "not (age is missing)"
    seen = pd.DataFrame({"seen": pd.to_datetime(["2019-12-31", "2020-01-01", None, "2021-01-01"])})
    for closed, expected in (("left", [1]), ("both", [1, 3])):
        dates = rule(Range("seen", "2020-01-01", "2021-01-01", closed=closed))
        assert np.flatnonzero(dates.mask(Population(seen))).tolist() == expected
    for clause, message in (
        (Levels("sex", ()), "at least one value"),
        (Modalities(()), "at least one combination"),
        (Modalities((("mri",),)), "pass the modalities"),
    ):
        with pytest.raises(CohortError, match=message):
            rule(clause)


def test_a_brush_moves_on_its_own_column() -> None:
    index = small_index()
    drag = take_up(select(index, Brushes()), "age")
    with pytest.raises(CohortError, match="on that column alone"):
        drag.move(Levels("sex", ("f",)))
    with pytest.raises(CohortError, match="no view is called 'height'"):
        take_up(select(index, Brushes()), "height")
