"""What figures of cohorts and of single patients say, withhold and refuse."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import CohortError
from workbench.figures import Drawing, plot_attrition
from workbench.figures.placing import fit_text, text_width
from workbench.figures.wrapping import wrapped


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
    assert said.count("patients (number withheld) left out") == 2
    assert "patients (number withheld)" in said
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
