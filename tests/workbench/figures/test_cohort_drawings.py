"""What figures of cohorts and of single patients say, withhold and refuse."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.crossfilter import RangeBins
from workbench.cohort.crossfilter.picture import ShownView
from workbench.errors import CohortError, SurvivalError
from workbench.figures import (
    Drawing,
    plot_attrition,
    plot_balance,
    plot_bars,
    plot_histogram,
    plot_modalities,
    plot_patient_contributions,
    plot_patient_survival,
    plot_timeline,
    plot_training,
)
from workbench.figures.counted_bars import count_axis
from workbench.figures.drawing import Bars, Intervals, Line, Points, Polygon
from workbench.figures.placing import fit_text, text_width
from workbench.figures.ticks import plain
from workbench.figures.timeline import FollowUp
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


def shown(*counts: int | None, selected: Sequence[int | None] = ()) -> ShownView:
    part = tuple(selected) or (None,) * len(counts)
    return ShownView(tuple(f"level {i}" for i in range(len(counts))), counts, part, part)


def test_bars_are_the_counts_and_a_withheld_one_is_hatched_not_zero() -> None:
    view = shown(40, 0, None, 20, selected=[11, 0, None, None])
    everyone, unknown, chosen, hidden = marks(
        plot_histogram(view, RangeBins(np.array([1.0, 2.0]), ("a", "b", "c")), name="x"), Bars
    )
    assert everyone.height.tolist() == [40, 20]
    assert chosen.height.tolist() == [11]
    assert [m.hatched for m in (everyone, unknown, chosen, hidden)] == [False, True, False, True]
    assert hidden.left.tolist() == everyone.left[1:].tolist()
    assert unknown.hover == ("level 2: number withheld of number withheld selected",)
    assert everyone.left.tolist() == [0.0, 4.5]  # missing values stand apart


def test_level_bars_are_the_same_counts(results: SimpleNamespace) -> None:
    view = shown(40, None, 0, selected=[0, None, 0])
    drawing = plot_bars(view, name="Grade")
    bars = marks(drawing, Polygon)
    assert [(m.x.max(), m.hatched) for m in bars] == [(40.0, False), (2.0, True)]
    assert texts(drawing).count("withheld") == 2
    assert "level 2" not in texts(drawing)  # nobody lacks a value
    assert "All" in texts(results.bars_of_everyone())
    assert "Selected" not in texts(results.bars_of_everyone())


@settings(max_examples=40)
@given(st.integers(2, 60), st.integers(-3, 3), st.sampled_from([1, 2, 5]), st.integers(0, 99))
def test_ticks_of_a_histogram_are_round_and_have_room(
    n: int, power: int, digit: int, start: int
) -> None:
    edges = (start + np.arange(n)) * digit * 10.0**power
    labels = tuple(str(i) for i in range(n + 1))
    view = shown(*[20] * (n + 2))
    (panel,) = plot_histogram(view, RangeBins(edges, labels), name="x", chosen=False).panels
    places = [int(at - 1) for at in panel.x.ticks[:-1]]
    step = places[1] - places[0] if len(places) > 1 else 0
    if step:
        assert f"{step * digit:.0e}"[0] in "125"
    for at, text in zip(places, panel.x.labels, strict=False):
        assert text == plain(edges[at])
    inch = panel.width / (panel.x.limits[1] - panel.x.limits[0])
    for (a, one), (b, other) in pairwise(zip(panel.x.ticks, panel.x.labels, strict=True)):
        assert (b - a) * inch >= (text_width(one) + text_width(other)) / 2


def test_patients_are_counted_whole() -> None:
    for few in (1, 2, 3):
        assert all(float(at).is_integer() for at in count_axis("Patients", few).ticks)
    drawing = plot_modalities(("a",), [("a",), ()], [1, None], title="")
    assert drawing.panels[0].y.ticks == (0, 1)


def test_dates_have_ticks_at_the_start_of_years(results: SimpleNamespace) -> None:
    (panel,) = results.histogram_of_dates().panels
    assert panel.x.labels == tuple(f"{year}-01" for year in range(2016, 2022))


def test_a_view_of_another_column_is_refused() -> None:
    with pytest.raises(CohortError, match="must have 3 bars"):
        plot_histogram(shown(4), RangeBins(np.array([1.0]), ("a", "b")), name="x")
    with pytest.raises(CohortError, match="one bar or more"):
        plot_bars(shown(), name="x")


def test_patterns_stand_under_their_bars(results: SimpleNamespace) -> None:
    drawing = results.modalities()
    bars, matrix, sizes = drawing.panels
    everyone, unknown, *_ = bars.marks
    assert everyone.height.tolist() == [1210, 400, 31, 12]
    assert unknown.hatched
    dark = matrix.marks[-1]
    assert {*zip(dark.x.tolist(), dark.y.tolist(), strict=True)} == {
        *((0, 0), (0, 1), (1, 0), (3, 0), (3, 1), (3, 2))
    }
    assert [m.x.max() for m in sizes.marks if not m.hatched] == [1640, 1241]
    assert sizes.x.limits[0] == 1640
    assert "withheld" in texts(drawing)
    assert "none: number withheld of number withheld selected" in drawing.description


@pytest.mark.parametrize(
    ("counts", "more", "said"),
    [
        ([3], {}, "counts: expected 2 numbers, one or more, got 1"),
        ([3, 4], {"n_other": 2}, "counts: expected 3 numbers"),
        ([3, 4], {"sizes": [3]}, "sizes: expected 2 numbers.*one a modality"),
        ([3, 4], {"selected": [3]}, "selected: expected 2"),
    ],
)
def test_counts_that_fit_no_pattern_are_refused(counts: list, more: dict, said: str) -> None:
    with pytest.raises(CohortError, match=said):
        plot_modalities(("a", "b"), [("a",), ("b",)], counts, title="", **more)


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(CohortError, match=r"patterns name \['b'\]"):
        plot_modalities(("a",), [("a", "b")], [3], title="")


def test_a_timeline_shows_each_event_once_in_its_lane(results: SimpleNamespace) -> None:
    drawing = results.timeline()
    before, after = (m for m in marks(drawing, Points) if m.series)
    assert before.x.max() <= 0 < after.x.min()
    note = next(text for text in texts(drawing) if text.startswith("Death on day 812"))
    n_before = int(re.findall(r"(\d+) events before", note)[0])
    assert len(before.x) + len(after.x) + n_before == 55
    assert "+ 4 more kinds" in texts(drawing)
    assert len({*before.y, *after.y}) == 12
    assert all(("odd" in h) and ("day" in h) for h in before.hover)
    (end,) = [m for m in marks(drawing, Points) if not m.series]
    assert (end.x.tolist(), end.symbol) == ([812.0], "diamond")


def test_a_timeline_says_that_the_event_was_not_seen(results: SimpleNamespace) -> None:
    drawing = results.timeline_of_little()
    assert "Censored without relapse on day 400" in texts(drawing)
    assert marks(drawing, Points)[-1].symbol == "tick"


def test_a_timeline_without_events_explains_no_colours() -> None:
    end = FollowUp(400.0, False, "relapse")
    assert plot_timeline(np.empty(0), (), (), follow_up=end, title="").legend is None
    one = plot_timeline(np.array([3.0]), ["scan"], ["MRI"], follow_up=end, title="")
    assert one.legend is not None


def test_a_timeline_refuses_events_without_a_time() -> None:
    with pytest.raises(CohortError, match="1 days that are not finite"):
        plot_timeline(np.array([np.nan]), ["a"], ["b"], title="")
    with pytest.raises(CohortError, match=r"got \[1, 2, 1, 1\]"):
        plot_timeline(np.array([1.0]), ["a", "b"], ["b"], title="")
    with pytest.raises(CohortError, match="events or a follow-up"):
        plot_timeline(np.array([]), [], [], title="")


@settings(max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=30), st.integers(1, 4), st.integers(1, 9))
def test_contributions_lead_from_the_reference_to_their_sum(
    values: list[float], n_groups: int, most: int
) -> None:
    groups = [f"group {i % n_groups}" for i in range(len(values))]
    names = [str(i) for i in range(len(values))]
    for owner in (None, groups):
        drawing = plot_patient_contributions(
            names, np.array(values), groups=owner, reference="zero", title="", most=most
        )
        bars = [m for m in marks(drawing, Polygon) if abs(m.y[0] - m.y[2]) > 0.5]
        *parts, total = [(m.x[0], m.x[1]) for m in bars]
        assert parts[0][0] == 0 == total[0]
        assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(parts))
        assert parts[-1][1] == pytest.approx(total[1])
        assert total[1] == pytest.approx(sum(values), abs=1e-9)


def test_contributions_keep_their_limits_and_name_the_rest(results: SimpleNamespace) -> None:
    drawing = results.patient_contributions()
    said = texts(drawing)
    assert "+0.41 (+0.21 to +0.61)" in said
    assert "−0.22" in said  # no limits
    assert "22 smaller ones" in said
    first = marks(drawing, Intervals)[0]
    assert (first.lower[0], first.upper[0]) == pytest.approx((0.21, 0.61))


def test_contributions_that_are_not_finite_are_refused() -> None:
    with pytest.raises(SurvivalError, match="1 numbers that are not finite"):
        plot_patient_contributions(["a"], np.array([np.inf]), reference="", title="")
    with pytest.raises(SurvivalError, match=r"lengths \[1, 2\]"):
        plot_patient_contributions(["a"], np.ones(2), reference="", title="")


def test_a_training_marks_the_chosen_step_on_the_held_out_loss(results: SimpleNamespace) -> None:
    drawing = results.training()
    chosen, training, held_out = marks(drawing, Line)
    assert chosen.x.tolist() == [45, 45]
    assert len(training.x) == 120
    assert held_out.x.tolist() == list(range(5, 121, 5))
    (point,) = marks(drawing, Points)
    assert (point.x[0], point.y[0]) == (45, held_out.y[8])
    assert marks(results.training_begins(), Points)[0].y.tolist() == [2.3]


@pytest.mark.parametrize("steps", [[], [2.0, 1.0]])
def test_a_training_without_order_is_refused(steps: list[float]) -> None:
    with pytest.raises(SurvivalError, match="ascending steps"):
        plot_training(np.array(steps), np.ones(len(steps)), np.ones(len(steps)), title="")


def test_nothing_is_predicted_beyond_the_training_data(results: SimpleNamespace) -> None:
    drawing = results.patient_survival()
    reference, patient = marks(drawing, Line)
    assert reference.x[-1] == patient.x[-1] == 2500.0
    assert (reference.x[0], reference.y[0]) == (0.0, 1.0)
    (shade,) = marks(drawing, Polygon)
    assert shade.hatched
    assert shade.x.min() == 2500.0
    assert "Hatched: not predicted after 2,500 days, where the training data end" in texts(drawing)
    assert not marks(results.patient_survival_alone(), Polygon)
    (alone,) = marks(results.patient_survival_alone(), Line)
    assert alone.x.tolist() == [0.0, 6.0, 12.0, 60.0]


@pytest.mark.parametrize(
    ("time", "survival", "limit", "said"),
    [
        ([1.0, 1.0], [0.9, 0.8], 5.0, "ascend"),
        ([1.0, 2.0], [0.9, 1.8], 5.0, "within 0 and 1"),
        ([1.0, 2.0], [0.9, np.nan], 5.0, "within 0 and 1"),
        ([1.0, 2.0], [0.9], 5.0, r"got \[2, 1, 2, 2\]"),
        ([1.0, 2.0], [0.9, 0.8], 0.0, "limit must lie after 0"),
    ],
)
def test_what_is_no_survival_is_refused(
    time: list[float], survival: list[float], limit: float, said: str
) -> None:
    with pytest.raises(SurvivalError, match=said):
        plot_patient_survival(
            np.array(time), np.array(survival), limit=limit, time_unit="days", title=""
        )
