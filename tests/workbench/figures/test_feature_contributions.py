"""Figures of single features: what is drawn is what was said, and nothing lies over another."""

import numpy as np
import pytest

from workbench.errors import SurvivalError
from workbench.figures import plot_beeswarm, plot_dependence, plot_feature_sizes
from workbench.figures.drawing import Intervals, Points, Polygon
from workbench.figures.feature_contributions import FeatureCurve, FeatureSize, FeatureValues

GENES = [FeatureSize("EGFR", 0.4, 0.3, 0.6, 1.0), FeatureSize("PTEN", 0.2, 0.0, 0.3, 0.4)]


def test_a_bar_is_as_long_as_the_feature_is_important() -> None:
    drawn = plot_feature_sizes(GENES, unit="log hazard", title="Genes")
    (panel,) = drawn.panels
    ends = [mark.x.max() for mark in panel.marks if isinstance(mark, Polygon)]
    assert ends == [0.4, 0.2]
    (limits,) = [mark for mark in panel.marks if isinstance(mark, Intervals)]
    assert limits.upper.tolist() == [0.6, 0.3]
    assert "EGFR 0.400, 100 % of models; PTEN 0.200, 40 % of models" in drawn.description
    assert "40 % of models" in {label.text for label in drawn.labels}


def test_every_patient_has_a_point_of_their_own_coloured_by_value() -> None:
    rng = np.random.default_rng(0)
    moved = np.sort(rng.normal(size=200))
    rank = np.linspace(0, 1, 200)
    drawn = plot_beeswarm([FeatureValues("EGFR", rank, moved)], unit="log hazard", title="")
    points = [mark for mark in drawn.panels[0].marks if isinstance(mark, Points)]
    assert [mark.series for mark in points] == [
        "low value",
        "middle value",
        "high value",
    ]
    x, y = np.concatenate([p.x for p in points]), np.concatenate([p.y for p in points])
    np.testing.assert_array_equal(np.sort(x), moved)
    assert np.abs(y).max() <= 0.37
    assert len(np.unique(np.column_stack([x, y]), axis=0)) == 200
    assert points[0].x.max() < points[2].x.min()
    assert "at low values, +" in drawn.description


def test_bins_of_patients_are_lines_and_not_points_of_anybody() -> None:
    median = np.array([-0.3, 0.0, 0.4])
    bins = FeatureValues("age", np.array([0, 0.5, 1]), median, median - 0.1, median + 0.1)
    marks = plot_beeswarm([bins], unit="log hazard", title="").panels[0].marks
    lines = [mark for mark in marks if isinstance(mark, Intervals)]
    assert sorted(float(mark.lower[0]) for mark in lines) == pytest.approx([-0.4, -0.1, 0.3])


def test_dependence_runs_along_the_value_of_each_feature() -> None:
    value = np.array([30.0, 50.0, 70.0])
    curve = FeatureCurve(
        "age", "Clinical", "Value (years)", value, value / 100, value / 90, value / 80
    )
    drawn = plot_dependence([curve, curve], unit="log hazard", title="")
    assert [panel.x.title for panel in drawn.panels] == ["Value (years)"] * 2
    assert "+0.33 at the lowest values to +0.78" in drawn.description
    for draw in (drawn.static, drawn.interactive):
        assert draw()


@pytest.mark.parametrize("plot", [plot_feature_sizes, plot_beeswarm, plot_dependence])
def test_nothing_is_not_drawn(plot) -> None:
    with pytest.raises(SurvivalError, match="one feature or more"):
        plot([], unit="log hazard", title="")
