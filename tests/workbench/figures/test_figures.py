"""Figures: same bytes each time, text as text, nothing cut off, nothing of a single patient."""

import re
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from workbench.figures import (
    plot_calibration,
    plot_claims,
    plot_contributions,
    plot_kaplan_meier,
    plot_ladder,
    to_svg,
)
from workbench.figures.kaplan_meier import exportable

LONG = "a model whose name is longer than any sensible person would choose"


def estimate(value: float) -> dict[str, float]:
    return {"estimate": value, "lower": value - 0.05, "upper": value + 0.05}


def ladder() -> Figure:
    models = ("null", "clinical", LONG, "selected")
    rows = [
        {"model": m, "group": g, "n": 1011, "n_events": "<10", "harrell_c": estimate(0.6 + i / 20)}
        for g in ("all", "LGG", "GBM", LONG)
        for i, m in enumerate(models)
    ]
    rows[0]["harrell_c"] = None
    return plot_ladder(rows, titles={"all": "All patients"})


def claims() -> Figure:
    rows = [
        {"n": 90, "n_events": "<10", "delta_harrell_c": estimate(change)} for change in (0.02, -0.2)
    ]
    return plot_claims(rows, labels=["All patients", f"{LONG}, over {LONG}"])


def stratum() -> dict[str, Any]:
    curve = {
        "time": [0.0, 100.0, 400.0, 900.0],
        "survival": [1.0, 0.8, 0.4, 0.0],
        "lower": [1.0, 0.6, 0.2, None],
        "upper": [1.0, 0.9, 0.6, None],
        "censored": [250.0],
        "median": {"estimate": 400.0, "lower": 100.0, "upper": None},
        "n": 40,
        "n_events": 30,
    }
    return {
        "at_risk_times": [0.0, 365.0, 730.0, 1095.0, 1460.0],
        "curves": [
            {**curve, "label": "low", "n_at_risk": [40, 20, 12, 0, 0]},
            {**curve, "label": "high", "n_at_risk": [38, 9, 3, 0, 0]},
        ],
    }


def kaplan_meier() -> Figure:
    return plot_kaplan_meier(stratum(), title=LONG, time_unit="days")


def calibration() -> Figure:
    bins = [
        {"predicted": 0.2, "observed": 0.3, "lower": 0.1, "upper": 0.5, "n": 30, "n_events": 9},
        {"predicted": 0.7, "observed": None, "lower": None, "upper": None, "n": 30, "n_events": 9},
    ]
    line = {"predicted": [0.1, 0.9], "observed": [0.2, 0.8], "lower": [0.1, 0.6]}
    return plot_calibration(
        {**line, "upper": [0.3, 0.9], "bins": bins}, title=LONG, subtitle="at 1"
    )


def contributions() -> Figure:
    row = {"mean_absolute": 0.3, "lower": -0.5, "median": 0.0, "upper": 0.6}
    return plot_contributions([{"modality": m, **row} for m in ("rna", LONG)], titles={})


FIGURES = [ladder, claims, kaplan_meier, calibration, contributions]


@pytest.mark.parametrize("make", FIGURES)
def test_svg_is_the_same_each_time_and_asks_for_nothing(make: Any) -> None:
    svg = to_svg(make(), "name", 'Says <what> it "shows"')
    assert svg == to_svg(make(), "name", 'Says <what> it "shows"')
    assert svg.startswith("<svg ")
    assert 'role="img" aria-label="Says &lt;what&gt; it &quot;shows&quot;"' in svg
    assert "<text" in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert set(re.findall(r'\bid="(.{5})', svg)) == {"name-"}
    assert set(re.findall(r'href="(.{6})', svg)) <= {"#name-"}


@pytest.mark.parametrize("make", FIGURES)
def test_no_text_leaves_the_figure(make: Any) -> None:
    figure = make()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    unseen = {id(label) for axes in figure.axes for label in _beyond_the_axis(axes)}
    for text in figure.findobj(Text):
        if not text.get_visible() or not text.get_text().strip() or id(text) in unseen:
            continue
        box = text.get_window_extent(canvas.get_renderer())
        assert min(box.x0, box.y0) >= -1, f"{text.get_text()!r} at {box}"
        assert box.x1 <= width + 1, f"{text.get_text()!r} at {box}"
        assert box.y1 <= height + 1, f"{text.get_text()!r} at {box}"


def _beyond_the_axis(axes: Axes) -> list[Text]:
    """Labels that matplotlib holds ready for ticks outside the limits, and does not draw."""
    low, high = sorted(axes.get_xlim())
    return [t for t in axes.get_xticklabels() if not low <= t.get_position()[0] <= high]


def test_risk_table_stands_under_its_ticks() -> None:
    figure = kaplan_meier()
    axes = figure.axes[0]
    ticks = axes.get_xticks().tolist()
    assert ticks == [0.0, 365.0, 730.0, 1095.0]  # the first time with nobody left ends the axis
    for counts in (["40", "20", "12", "0"], ["38", "9", "3", "0"]):
        places = [t.xy[0] for c in counts for t in axes.texts if t.get_text() == c][: len(counts)]
        assert sorted(set(places)) == ticks


def test_exported_curves_show_no_single_patient() -> None:
    low, high = exportable(stratum(), minimum_cell=10, steps_between=2)["curves"]
    assert low["time"] == [0.0, 182.5, 365.0, 547.5, 730.0]
    assert low["survival"] == [1.0, 0.8, 0.8, 0.4, 0.4]
    assert low["median"] == {"estimate": 547.5, "lower": 182.5, "upper": None}
    assert high["time"] == [0.0]
    assert low["censored"] == high["censored"] == []
