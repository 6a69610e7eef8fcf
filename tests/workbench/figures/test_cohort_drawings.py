"""What figures of cohorts and of single patients say, withhold and refuse."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import CohortError
from workbench.figures import Drawing, plot_attrition, plot_balance
from workbench.figures.drawing import Line, Points
from workbench.figures.placing import fit_text, text_width
from workbench.figures.wrapping import wrapped


def marks(drawing: Drawing, kind: type) -> list:
    return [m for panel in drawing.panels for m in panel.marks if isinstance(m, kind)]


def texts(drawing: Drawing) -> list[str]:
    return [label.text for label in drawing.labels]


@given(st.text(max_size=300), st.floats(0.4, 6.0), st.integers(1, 5))
def test_wrapped_lines_fit_and_lose_nothing_unless_cut(text: str, room: float, most: int) -> None:
    lines = wrapped(text, room, most=most)
    assert len(lines) <= most
    assert all(text_width(line) <= room for line in lines)
    if not any(line.endswith("…") for line in lines):
        assert "".join(" ".join(lines).split()) == "".join(
            re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", " ", text).split()
        )


def test_text_is_cut_no_earlier_than_it_must() -> None:
    cut = fit_text("w" * 10_000, 3.0)
    assert text_width(cut) <= 3.0 < text_width("w" + cut)


def test_flow_shows_the_counts_of_its_table(results: SimpleNamespace) -> None:
    said = texts(results.attrition())
    assert "800 patients, 900 records" in said
    assert any(re.fullmatch(r"\d+ patients left out", text) for text in said)  # the entry event
    assert said.count("Nobody left out") == 1
    assert "1 patient" in said
    assert "number with the event" in said
    assert "withheld" in said


def test_flow_says_what_is_withheld(results: SimpleNamespace) -> None:
    drawing = results.attrition_withheld()
    said = texts(drawing)
    assert "Numbers that could tell of single patients are withheld." in said
    assert said.count("Patients (number withheld) left out") == 2
    assert "Patients (number withheld)" in said
    assert not any("suppressed" in text for text in [*said, drawing.description])
    assert not any("with the event" in text for text in said)


def test_flow_of_counts_after_each_step(results: SimpleNamespace) -> None:
    said = texts(results.attrition_of_atlas())
    assert "40 patients, 60 records" in said
    assert "20 records left out" in said
    assert "39 patients, 39 records left out" in said
    assert "Evaluated: 1 patient, 1 record" in said


@pytest.mark.parametrize("columns", [["step"], ["sentence", "n_removed", "n_after", "n_unknown"]])
def test_flow_refuses_what_is_no_attrition(columns: list[str]) -> None:
    rows = [[1]] if len(columns) == 1 else []
    with pytest.raises(CohortError, match="attrition"):
        plot_attrition(pd.DataFrame(rows, columns=columns), title="")


def test_balance_shows_each_difference_once_and_why_there_is_none(
    results: SimpleNamespace,
) -> None:
    drawing = results.balance()
    observed, weighted = marks(drawing, Points)
    assert observed.x.tolist() == [0.62, 0.08, 0.0]  # the largest first
    assert weighted.x == pytest.approx([0.062, 0.008, 0.0])
    said = texts(drawing)
    assert said.count("withheld") == said.count("not defined") == 2
    assert "Women against Men" in said
    (limit,) = marks(drawing, Line)
    assert limit.x.tolist() == [0.1, 0.1]


def test_balance_names_the_pair_that_differs_most(results: SimpleNamespace) -> None:
    (points,) = marks(results.balance_of_three(), Points)
    assert points.x.tolist() == [0.31, 0.62, 0.02]  # in the order of the table
    table = results.table_one(groups=("Women", "Men", "Unknown"))
    (asked,) = marks(plot_balance(table, pair=("Unknown", "Women"), order="table"), Points)
    assert asked.x.tolist() == [0.2, 0.1, 0.01]


def test_balance_refuses_tables_without_groups_or_of_other_variables(
    results: SimpleNamespace,
) -> None:
    table = results.table_one()
    with pytest.raises(CohortError, match="no differences of two groups"):
        plot_balance(replace(table, variables=table.variables[3:]))
    with pytest.raises(CohortError, match="no differences of \\['Men', 'Other'\\]"):
        plot_balance(table, pair=("Men", "Other"))
    with pytest.raises(CohortError, match="same variables"):
        plot_balance(table, replace(table, variables=table.variables[::-1]))
