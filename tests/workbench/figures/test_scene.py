"""A scene shows what its drawing says: the same texts, and values that can be read back."""

import json
import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest

from workbench.figures import Drawing
from workbench.figures.drawing import Axis, Bars, Entry, Legend, Line, Panel
from workbench.figures.in_pixels import scene_of
from workbench.figures.placing import placed_texts
from workbench.figures.style import BLUE, printable

Make = Callable[[], Drawing]


def test_every_text_of_the_drawing_is_in_the_scene(make_drawing: Make) -> None:
    drawing = make_drawing()
    written = [text.text for text in scene_of(drawing).texts]
    for label in placed_texts(drawing):
        assert "\n".join(printable(line) for line in label.text.split("\n")) in written
    for panel in drawing.panels:
        for axis in (panel.x, panel.y):
            if axis.shown:
                assert set(map(printable, axis.labels)) <= set(written)
    for entry in drawing.legend.entries if drawing.legend else ():
        assert printable(entry.text) in written


def test_it_is_json_and_svg_and_the_same_each_time(make_drawing: Make) -> None:
    scene = scene_of(make_drawing())
    text = json.dumps(scene.to_json(), allow_nan=False)
    assert text == json.dumps(scene_of(make_drawing()).to_json())
    root = ElementTree.fromstring(scene.svg())
    assert root.attrib["aria-label"] == scene.description
    assert "http" not in scene.svg().replace("http://www.w3.org/2000/svg", "")


def test_a_line_keeps_its_values() -> None:
    x, y = np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.5, 1.0])
    axes = Axis("x", (0, 4), (0, 4), ("0", "4")), Axis("y", (0, 1), (0, 1), ("0", "1"))
    panel = Panel(1, 1, 4, 2, *axes, (Line(x, y, BLUE, series="s"),), grid="")
    scene = scene_of(Drawing("t", 6, 4, (panel,), "d"))
    (line,) = (shape for shape in scene.shapes if shape.series == "s")
    at = np.array(re.findall(r"[\d.]+", line.d), float).reshape(-1, 2)
    (frame,) = scene.frames
    assert (at[:, 0] - frame.left) / frame.width * 4 == pytest.approx(x, abs=0.01)
    assert 1 - (at[:, 1] - frame.top) / frame.height == pytest.approx(y, abs=0.01)


def test_a_gap_breaks_a_line_and_a_million_points_fit() -> None:
    x = np.linspace(0, 1, 1_000_000)
    y = np.where((x > 0.4) & (x < 0.5), np.nan, x)
    axes = Axis("x", (0, 1), (), ()), Axis("y", (0, 1), (), ())
    panel = Panel(1, 1, 4, 2, *axes, (Line(x, y, BLUE, series="s"),), grid="")
    (line,) = (s for s in scene_of(Drawing("t", 6, 4, (panel,), "d")).shapes if s.series == "s")
    assert line.d.count("M") == 2
    assert len(line.d) < 100_000


def test_what_is_withheld_is_hatched_and_texts_are_escaped() -> None:
    axes = Axis("<x>", (0, 1), (), ()), Axis("y", (0, 1), (), ())
    one, two = np.array([0.2]), np.array([0.4])
    bars = Bars(one, two, two, BLUE, ("<10 patients",), "withheld", hatched=True)
    legend = Legend(1, 3.5, 1, 2, (Entry("withheld", "<b>withheld</b>", BLUE, symbol="square"),))
    drawing = Drawing('"t"', 6, 4, (Panel(1, 1, 4, 2, *axes, (bars,)),), "d & e", legend=legend)
    svg = scene_of(drawing).svg()
    texts = [node.text for node in ElementTree.fromstring(svg).iter() if node.text]
    assert "<b>withheld</b>" in texts
    assert "<b>" not in svg
    assert "<pattern" in svg
    shown = scene_of(drawing).to_json()["shapes"]
    assert [each.get("hatched") for each in shown if each.get("hover")] == [True]
