"""What the figures say: counts, words, limits of what may leave, and what they refuse."""

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SurvivalError
from workbench.figures import (
    plot_accuracy_over_time,
    plot_calibration_curves,
    plot_cumulative_incidence,
    plot_decision_curves,
    plot_effect,
    plot_fairness,
    plot_hazard_ratios,
    plot_influence,
    plot_schoenfeld,
    plot_subgroups,
    plot_survival_curves,
)
from workbench.figures.coarse_histogram import coarse_bins, histogram_bars
from workbench.figures.drawing import Bars, Drawing, Intervals, Line, Points, Polygon
from workbench.figures.placing import fit_text, text_width
from workbench.figures.step_figure import MOST_STEPS, STEPS_BETWEEN
from workbench.figures.ticks import number_axis, ratio_axis, time_axis
from workbench.survival import kaplan_meier


def texts(drawing: Drawing) -> list[str]:
    return [label.text for label in drawing.labels]


def marks(drawing: Drawing, kind: type) -> list:
    return [m for panel in drawing.panels for m in panel.marks if isinstance(m, kind)]


def test_survival_curves_show_what_was_estimated(results: SimpleNamespace) -> None:
    curves = results.curves()
    drawing = results.survival()
    panel = drawing.panels[0]
    lines = [m for m in panel.marks if isinstance(m, Line) and m.step]
    assert panel.table is not None
    for (name, curve), line, row in zip(curves.items(), lines, panel.table.rows, strict=True):
        assert line.series == name
        assert line.x.tolist() == [0.0, *curve.time]
        assert line.y.tolist() == [1.0, *curve.survival]
        assert row.cells == tuple(str(n) for n in curve.at_risk_at(np.array(panel.x.ticks)))
    assert drawing.legend is not None
    low = curves["Low"]
    said = drawing.legend.entries[1].text
    assert said.startswith(f"Low: n = 120, {low.n_events.sum()} events, median ")
    assert "Log-rank p = 0.012 (χ² = 6.3, 2 df)" in texts(drawing)[0]
    assert "High less Low: 31 (2 to 60) days, p = 0.030" in texts(drawing)[0]


def test_a_figure_that_leaves_shows_no_single_patient(results: SimpleNamespace) -> None:
    curves = results.curves()
    drawing = results.survival(minimum_cell=10)
    panel = drawing.panels[0]
    ticks = np.array(panel.x.ticks)
    assert marks(drawing, Points) == []
    grid = np.unique(
        np.concatenate([np.linspace(a, b, STEPS_BETWEEN + 1) for a, b in pairwise(ticks)])
    )
    lines = [m for m in panel.marks if isinstance(m, Line) and m.step]
    assert panel.table is not None
    for curve, line, row in zip(curves.values(), lines, panel.table.rows, strict=True):
        assert np.isin(line.x, grid).all()
        assert line.y.tolist() == [float(v) for v in curve.at(line.x)]
        counts = curve.at_risk_at(ticks)
        assert line.x[-1] == ticks[counts >= 10][-1]
        assert row.cells == tuple("<10" if 0 < n < 10 else str(n) for n in counts)
        assert all("<10 at risk" not in text for text in line.hover)


def test_the_median_of_a_coarsened_curve_is_a_time_that_is_kept(results: SimpleNamespace) -> None:
    drawing = results.survival(minimum_cell=10)
    dashed = next(m for m in drawing.panels[0].marks if isinstance(m, Line) and not m.step)
    kept = [m for m in drawing.panels[0].marks if isinstance(m, Line) and m.step]
    assert set(dashed.x[np.isfinite(dashed.x)]) <= {t for line in kept for t in line.x}


def test_one_group_without_events_stays_level() -> None:
    curve = kaplan_meier(np.array([100.0, 200, 300]), np.zeros(3, dtype=bool))
    drawing = plot_survival_curves({"All": curve}, time_unit="days", title="None")
    line = next(m for m in marks(drawing, Line) if m.step)
    assert set(line.y) == {1.0}
    assert drawing.legend is not None
    assert drawing.legend.entries[0].text == "All: n = 3, 0 events, median not reached"
    assert "<svg" in drawing.svg()


def test_a_long_curve_is_thinned_and_stays_true() -> None:
    random = np.random.default_rng(0)
    curve = kaplan_meier(random.exponential(500.0, 20_000), random.random(20_000) < 0.5)
    drawing = plot_survival_curves({"All": curve}, time_unit="days", title="Many")
    line = next(m for m in marks(drawing, Line) if m.step)
    ticked = marks(drawing, Points)[0]
    assert len(line.x) == len(line.hover) <= MOST_STEPS
    assert len(ticked.x) <= MOST_STEPS
    assert line.y[1:].tolist() == curve.at(line.x[1:]).tolist()
    assert line.x[-1] == curve.time[-1]


def test_too_many_or_no_curves_are_refused(results: SimpleNamespace) -> None:
    for n in (0, 7):
        with pytest.raises(SurvivalError, match=f"follow-up|1 to 6 curves, got {n}"):
            plot_survival_curves(results.curves(n), time_unit="days", title="")


@pytest.mark.parametrize("ticks", [[0.0], [1.0, 2.0], [0.0, 2.0, 2.0]])
def test_ticks_must_ascend_from_zero(ticks: list[float], results: SimpleNamespace) -> None:
    with pytest.raises(SurvivalError, match="ticks must ascend from 0"):
        plot_survival_curves(results.curves(1), time_unit="days", title="", ticks=ticks)


def test_a_predicted_curve_has_no_table(results: SimpleNamespace) -> None:
    drawing = results.standardised()
    assert drawing.panels[0].table is None
    low = next(m for m in marks(drawing, Line) if m.series == "Low")
    assert low.hover[1] == "Low\n50 days: 96.7 % (91.7 % to 101.7 %)"
    assert "nan" not in "".join(text for line in marks(drawing, Line) for text in line.hover)


def test_sums_of_weights_are_called_so(results: SimpleNamespace) -> None:
    curve = results.curves(1)[results.long]
    parts = {n: getattr(curve, n) for n in ("time", "survival", "lower", "upper", "median")}
    counts = {n: getattr(curve, n) * 0.5 for n in ("n_at_risk", "n_events", "n_censored")}
    weighted = SimpleNamespace(
        **parts, **counts, at_risk_at=lambda times: curve.at_risk_at(times) * 0.5
    )
    drawing = plot_survival_curves({"All": weighted}, time_unit="days", title="")
    assert drawing.legend is not None
    assert drawing.legend.entries[0].text.startswith("All: weighted n = 60, ")


def test_incidence_names_causes_and_counts(results: SimpleNamespace) -> None:
    found = results.incidences()
    single, grouped = results.incidence(), results.incidence_by_group()
    assert single.legend is not None
    n_events = found.n_events.sum(axis=0).tolist()
    assert [e.text for e in single.legend.entries] == [
        f"Relapse: {n_events[0]} events",
        f"Death without relapse: {n_events[1]} events",
    ]
    assert texts(single) == ["n = 120"]
    assert single.panels[0].table is not None
    assert len(single.panels[0].table.rows) == 1
    assert [p.title for p in grouped.panels] == [
        "Relapse  ·  Gray’s test p = 0.012",
        "Death without relapse",
    ]
    for at, panel in enumerate(grouped.panels):
        line = next(m for m in panel.marks if isinstance(m, Line))
        assert line.y[1:].tolist() == found.incidence[:, at].tolist()


def test_incidence_that_leaves_ends_with_enough_at_risk(results: SimpleNamespace) -> None:
    drawing = results.incidence_by_group(minimum_cell=10)
    found = results.incidences()
    ticks = np.array(drawing.panels[0].x.ticks)
    line = next(m for m in drawing.panels[0].marks if isinstance(m, Line))
    assert line.x[-1] == ticks[found.at_risk_at(ticks) >= 10][-1]


def test_causes_must_match(results: SimpleNamespace) -> None:
    with pytest.raises(SurvivalError, match=r"got 1 names for \[2\] causes"):
        plot_cumulative_incidence(
            {"All": results.incidences()}, ["Relapse"], time_unit="d", title=""
        )
    with pytest.raises(SurvivalError, match="got 0"):
        plot_cumulative_incidence({}, ["Relapse"], time_unit="d", title="")


def test_forest_has_a_line_a_level_and_arrows_where_it_is_cut(results: SimpleNamespace) -> None:
    drawing = results.ratios()
    said = texts(drawing)
    for words in ("1 (reference)", "1.33 (1.12 to 1.59)", "0.71 (0.50 to 1.02)", "0.064", "1,200"):
        assert words in said
    assert [p.symbol for p in marks(drawing, Points) if p.symbol in ("left", "right")] == ["right"]
    axis = drawing.panels[0].x
    assert axis.log
    for interval in marks(drawing, Intervals):
        assert axis.limits[0] <= interval.lower[0] < interval.upper[0] <= axis.limits[1]
    assert "<10" in texts(results.ratios(minimum_cell=10))
    assert "4" not in texts(results.ratios(minimum_cell=10))


def test_a_table_without_its_columns_or_rows_is_refused(results: SimpleNamespace) -> None:
    with pytest.raises(SurvivalError, match=r"got none named \['p_value'\]"):
        plot_hazard_ratios(results.ratio_table().drop(columns="p_value"), title="")
    with pytest.raises(SurvivalError, match="got none"):
        plot_hazard_ratios(pd.DataFrame(results.ratio_table().iloc[:0]), title="")


def test_subgroups_show_refusals_and_the_summary_of_sites(results: SimpleNamespace) -> None:
    drawing = results.subgroups()
    said = texts(drawing)
    assert said.count("not judged") == 1
    assert "0.680 (0.630 to 0.730)" in said
    assert "0.550 to 0.800" in said
    assert "−0.040 (−0.090 to +0.010)" in said
    diamond = marks(drawing, Polygon)
    assert [(d.x.min(), d.x.max()) for d in diamond] == [(0.68 - 0.05, 0.68 + 0.05)]
    with pytest.raises(SurvivalError, match="metric must be one of"):
        plot_subgroups([], metric="accuracy", title="")


def test_fairness_compares_with_its_reference(results: SimpleNamespace) -> None:
    said = texts(results.fairness())
    assert said.count("reference") == 2
    assert "70 % (65 to 75)" in said
    assert "−10 (−15 to −5)" in said
    with pytest.raises(SurvivalError, match="rates must be of"):
        plot_fairness([], reference="", title="", rates=["luck"])


def test_residuals_over_time_leave_without_points(results: SimpleNamespace) -> None:
    shown, leaving = results.schoenfeld(), results.schoenfeld(minimum_cell=10)
    assert len(marks(shown, Points)) == 2
    assert marks(leaving, Points) == []
    assert len(marks(leaving, Line)) == len(marks(shown, Line)) == 4
    empty = SimpleNamespace(time=np.empty(0))
    with pytest.raises(SurvivalError, match="need events, got none"):
        plot_schoenfeld(empty, time_unit="days", title="")


def test_no_point_stands_outside_its_axis(results: SimpleNamespace) -> None:
    drawing = results.schoenfeld()
    for panel in drawing.panels:
        for points in (m for m in panel.marks if isinstance(m, Points)):
            assert points.y.min() >= panel.y.limits[0]
            assert points.y.max() <= panel.y.limits[1]


def test_influence_leaves_as_a_histogram(results: SimpleNamespace) -> None:
    shown, leaving = results.influence(), results.influence(minimum_cell=10)
    assert sum(len(p.x) for p in marks(shown, Points)) == 4 * 150
    assert marks(leaving, Points) == []
    for bars in marks(leaving, Bars):
        assert all(int(text.split(": ")[1].split()[0]) >= 10 for text in bars.hover)
    with pytest.raises(SurvivalError, match="dfbeta must be"):
        plot_influence(np.ones((3, 2)), ["a"], standard_errors=np.ones(2), title="")


def test_effect_is_one_at_its_reference(results: SimpleNamespace) -> None:
    drawing = results.effect()
    point = marks(drawing, Points)[0]
    assert (point.x[0], point.y[0]) == (60, 1)
    assert texts(drawing) == ["Hazard ratio 1 at 60  ·  non-linearity p = 0.012"]
    short = SimpleNamespace(value=np.ones(1))
    with pytest.raises(SurvivalError, match="two values or more"):
        plot_effect(short, name="Age", reference=1, title="")


def test_calibration_shows_its_numbers_and_no_small_bin(results: SimpleNamespace) -> None:
    drawing = results.calibration()
    assert "0.021 (0.015 to 0.040)" in texts(drawing)
    assert texts(drawing)[0] == "n = 1,200, 300 events by the horizon"
    # That of 2 events, and one that would give it away, are left out.
    assert marks(drawing, Points)[0].x.tolist() == [0.1, 0.3]
    assert marks(results.calibrations(), Points) == []
    with pytest.raises(SurvivalError, match="no calibration"):
        plot_calibration_curves(
            {"a": results.calibrated(0)}, title="", risks={"b": np.array([0.1])}
        )


def test_decision_curves_stay_on_their_axis(results: SimpleNamespace) -> None:
    drawing = results.decisions()
    benefit, avoided = drawing.panels
    for line in (m for m in benefit.marks if isinstance(m, Line)):
        assert np.nanmin(line.y) >= benefit.y.limits[0]
    made = results.decision()
    line = next(m for m in avoided.marks if isinstance(m, Line) and m.series == "Clinical")
    assert np.allclose(line.y, 100 * made.interventions_avoided.estimate)
    with pytest.raises(SurvivalError, match="same patients"):
        plot_decision_curves({"a": made, "b": results.decision(10)}, title="")


def test_accuracy_keeps_its_horizons(results: SimpleNamespace) -> None:
    drawing = results.accuracy()
    assert [p.marks[0].y.tolist() for p in (drawing.panels[0], drawing.panels[2])] == [
        [0.5, 0.5],
        [0.0, 0.0],
    ]
    with pytest.raises(SurvivalError, match="metrics must be of"):
        plot_accuracy_over_time({"luck": {}}, time_unit="days", title="")


@given(st.lists(st.floats(-5, 15), max_size=80), st.integers(1, 20))
def test_no_bin_holds_fewer_than_the_smallest_cell(values: list[float], cell: int) -> None:
    bins = coarse_bins(np.array(values), 0.0, 10.0, minimum_cell=cell)
    inside = sum(0 <= v <= 10 for v in values)
    assert (bins.counts >= cell).all()
    assert bins.counts.sum() == (inside if inside >= cell else 0)
    assert (np.diff(bins.edges) > 0).all()
    assert len(histogram_bars(bins).hover) == len(bins.counts)


def test_a_histogram_refuses_what_is_not_a_number() -> None:
    with pytest.raises(SurvivalError, match="1 values that are not finite"):
        coarse_bins(np.array([1.0, math.nan]), 0, 1)


@pytest.mark.parametrize(
    ("unit", "end", "ticks"),
    [
        ("days", 4000.0, [0, 730, 1460, 2190, 2920, 3650]),
        ("days", 1022.0, [0, 200, 400, 600, 800, 1000]),
        ("months", 30.0, [0, 6, 12, 18, 24, 30]),
        ("months", 7.0, [0, 1, 2, 3, 4, 5, 6, 7]),
        ("years", 12.5, [0, 2, 4, 6, 8, 10, 12]),
        ("hours", 24.0, [0, 5, 10, 15, 20]),
    ],
)
def test_time_is_read_in_years_or_round_numbers(unit: str, end: float, ticks: list[float]) -> None:
    axis = time_axis(unit, end, title="Time", ticks=None)
    assert list(axis.ticks) == ticks
    assert axis.title == f"Time ({unit})"
    assert axis.limits == (0.0, 1.02 * end)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_axes_hold_their_numbers(low: float, span: float) -> None:
    axis = number_axis("", low, low + span)
    slack = 1e-6 * (abs(low) + span)
    assert axis.limits[0] <= low + slack
    assert axis.limits[1] >= low + span - slack
    assert 2 <= len(axis.ticks) <= 12


@given(st.floats(0.001, 1.0), st.floats(1.0, 1000.0))
def test_ratio_axes_hold_one_and_a_few_more_ticks(low: float, high: float) -> None:
    axis = ratio_axis("", [low, math.nan, high])
    assert axis.limits[0] < 1 < axis.limits[1]
    assert 1 in axis.ticks
    assert 2 <= len(axis.ticks) <= 9
    assert all(axis.limits[0] <= t <= axis.limits[1] for t in axis.ticks)


@given(st.text(max_size=60), st.floats(0.5, 3))
def test_text_is_cut_to_its_room(text: str, room: float) -> None:
    assert text_width(fit_text(text, room)) <= room
