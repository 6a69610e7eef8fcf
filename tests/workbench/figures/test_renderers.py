"""Both renderers show one drawing: the same numbers at the same places, and nothing is cut off."""

import json
import re
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from workbench.errors import WorkbenchError
from workbench.figures import Drawing
from workbench.figures.drawing import Axis, Line, Panel, Points
from workbench.figures.interactive import INKS
from workbench.figures.placing import placed_texts
from workbench.figures.shapes import stepped
from workbench.figures.style import GREY, INK, SERIES

pytest.importorskip("plotly", reason="plotly is in the extra 'lab'")

Make = Callable[[], Drawing]


def test_svg_is_the_same_each_time_and_asks_for_nothing(drawn: SimpleNamespace) -> None:
    svg = drawn.make().svg()
    assert svg == drawn.svg
    assert "<style" not in svg
    assert set(re.findall(r'href="(.{8})', svg)) <= {"#figure-"}


def test_plotly_is_the_same_each_time(drawn: SimpleNamespace) -> None:
    assert drawn.make().interactive().to_json() == drawn.interactive.to_json()


def test_no_text_leaves_the_figure_or_covers_another(make_drawing: Make) -> None:
    figure = make_drawing().static()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    unseen = {id(label) for axes in figure.axes for label in _beyond_the_axes(axes)}
    boxes = [
        (text.get_text(), text.get_window_extent(canvas.get_renderer()))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in unseen
    ]
    for words, box in boxes:
        assert min(box.x0, box.y0) >= -1, f"{words!r} at {box}"
        assert box.x1 <= width + 1, f"{words!r} at {box}"
        assert box.y1 <= height + 1, f"{words!r} at {box}"
    for (one, a), (other, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1 or up <= 2, f"{one!r} covers {other!r}"


def _beyond_the_axes(axes: Axes) -> list[Text]:
    found = []
    for axis, at in ((axes.xaxis, 0), (axes.yaxis, 1)):
        low, high = sorted(axis.get_view_interval())
        labels = axis.get_ticklabels()
        drawn = axis.get_tick_params()["labelleft" if at else "labelbottom"]
        found += [t for t in labels if not drawn or not low <= t.get_position()[at] <= high]
    return found


def test_axes_stand_at_the_same_place_with_the_same_ticks(drawn: SimpleNamespace) -> None:
    drawing = drawn.drawing
    static, layout = drawn.static, drawn.interactive.layout
    for number, (axes, panel) in enumerate(zip(static.axes, drawing.panels, strict=True), 1):
        box = axes.get_position()
        for side, axis, ends, (low, high) in (
            ("x", panel.x, (box.x0, box.x1), axes.get_xlim()),
            ("y", panel.y, (box.y0, box.y1), axes.get_ylim()),
        ):
            shown = layout[f"{side}axis{number}"]
            assert np.allclose(shown.domain, ends)
            assert shown.tickvals == axis.ticks
            drawn = axes.get_xticks() if side == "x" else axes.get_yticks()
            assert drawn.tolist() == list(axis.ticks)
            limits = np.log10([low, high]) if axis.log else [low, high]
            assert np.allclose(shown.range, limits)


def test_texts_are_the_same_at_the_same_places(drawn: SimpleNamespace) -> None:
    drawing = drawn.drawing
    expected = placed_texts(drawing)
    interactive = drawn.interactive
    annotations = interactive.layout.annotations
    entries = drawing.legend.entries if drawing.legend else ()
    assert len([t for t in interactive.data if t.showlegend]) == len(entries)
    written = {(t.get_text(), *np.round(t.get_position(), 6)) for t in drawn.static.texts}
    for label, annotation in zip(expected, annotations, strict=True):
        assert (label.text, round(label.x, 6), round(label.y, 6)) in written
        assert annotation.x * drawing.width == pytest.approx(label.x)
        assert annotation.y * drawing.height == pytest.approx(label.y)
        plain = re.sub("</?b>", "", annotation.text).replace("&lt;", "<").replace("&gt;", ">")
        assert plain.replace("&amp;", "&") == label.text


def _in_order(axes: Axes) -> list[np.ndarray]:
    """Where lines and points are, (point, 2), as first drawn to last; circles and ticks are paths
    in inches, two ends a point."""
    inches = axes.figure.dpi_scale_trans - axes.transData
    paths = [p for p in axes.patches if type(p) is PathPatch and not p.get_fill()]
    at = {line.get_zorder(): line.get_xydata() for line in axes.lines} | {
        path.get_zorder(): inches.transform(path.get_path().vertices.reshape(-1, 2, 2).mean(axis=1))
        for path in paths
    }
    return [at[order] for order in sorted(at)]


def test_lines_and_points_have_the_same_numbers(drawn: SimpleNamespace) -> None:
    drawing = drawn.drawing
    traces = list(drawn.interactive.data)
    for number, (axes, panel) in enumerate(zip(drawn.static.axes, drawing.panels, strict=True), 1):
        marks = [m for m in panel.marks if isinstance(m, Line | Points)]
        drawn_marks = _in_order(axes)
        assert len(drawn_marks) == len(marks)
        for found_at, mark in zip(drawn_marks, marks, strict=True):
            x, y = (
                stepped(mark.x, mark.y)
                if isinstance(mark, Line) and mark.step
                else (mark.x, mark.y)
            )
            assert found_at == pytest.approx(np.column_stack([x, y]), nan_ok=True)
            found = [
                t
                for t in traces
                if t.xaxis == f"x{number if number > 1 else ''}"
                and len(t.x) == len(mark.x)
                and np.array_equal(np.array(t.x, float), mark.x, equal_nan=True)
                and np.array_equal(np.array(t.y, float), mark.y, equal_nan=True)
            ]
            assert found
            assert any(len(t.hovertext or ()) == len(mark.hover) for t in found)


def test_risk_tables_stand_under_their_ticks(drawn: SimpleNamespace) -> None:
    drawing = drawn.drawing
    for panel, axes in zip(drawing.panels, drawn.static.axes, strict=True):
        for row in panel.table.rows if panel.table else ():
            assert len(row.cells) == len(axes.get_xticks())
            below = [t for t in placed_texts(drawing) if t.align == "center" and t.y < panel.bottom]
            pixels = axes.transData.transform([(tick, 0) for tick in panel.x.ticks])[:, 0]
            for cell, pixel in zip(row.cells, pixels, strict=True):
                assert any(t.text == cell and abs(t.x * 96 - pixel) < 0.01 for t in below)


def test_names_from_the_data_stay_text(drawn: SimpleNamespace) -> None:
    figure = drawn.interactive.to_plotly_json()
    assert "<b>odd</b>" not in json.dumps(figure, default=str)


def test_screen_is_transparent_and_reads_on_both_themes(drawn: SimpleNamespace) -> None:
    figure = drawn.interactive
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    colors = {a.font.color for a in figure.layout.annotations}
    assert colors == {INKS["both"][INK]}
    for ground in ("#ffffff", "#111111"):
        assert _contrast(INKS["both"][INK], ground) > 4.2
        for color in SERIES:
            assert _contrast(INKS["both"].get(color, color), ground) > 3


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#111111")])
def test_a_theme_has_more_contrast_on_its_ground(theme: str, ground: str) -> None:
    for ink in (INK, GREY):
        assert _contrast(INKS[theme][ink], ground) > _contrast(INKS["both"][ink], ground)


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""

    def luminance(color: str) -> float:
        parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_notebook_keeps_a_picture_beside_the_interactive_figure(drawn: SimpleNamespace) -> None:
    bundle = drawn.drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawn.svg
    interactive = bundle["application/vnd.plotly.v1+json"]
    assert interactive["config"]["displayModeBar"] is False
    assert "http" not in json.dumps(interactive, allow_nan=False).replace("http://www.w3.org", "")


def test_without_plotly_the_picture_remains(
    monkeypatch: pytest.MonkeyPatch, results: SimpleNamespace
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.graph_objects", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    drawing = results.effect()
    assert set(drawing._repr_mimebundle_()) == {"text/plain", "image/svg+xml"}
    with pytest.raises(WorkbenchError, match=r"pip install 'workbench\[lab\]'"):
        drawing.interactive()


def test_an_unknown_theme_is_refused(results: SimpleNamespace) -> None:
    with pytest.raises(WorkbenchError, match="theme must be one of"):
        results.effect().interactive(theme="sepia")


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("svg", b"<svg "), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("html", b"<!doctype html>")],
)
def test_files_are_whole_and_the_same_each_time(
    suffix: str, start: bytes, tmp_path: Path, results: SimpleNamespace
) -> None:
    once, again = (results.effect().save(tmp_path / f"{i}.{suffix}") for i in (1, 2))
    assert once.read_bytes().lstrip().startswith(start)
    assert once.read_bytes() == again.read_bytes()


def test_a_saved_page_loads_nothing_from_elsewhere(
    tmp_path: Path, results: SimpleNamespace
) -> None:
    page = results.effect().save(tmp_path / "figure.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page) == []


def test_an_unknown_suffix_is_refused(tmp_path: Path, results: SimpleNamespace) -> None:
    with pytest.raises(WorkbenchError, match=r"\.svg, \.png, \.pdf, \.html, got '\.gif'"):
        results.effect().save(tmp_path / "figure.gif")


def test_series_can_be_hidden_with_all_that_belongs_to_them(results: SimpleNamespace) -> None:
    drawing = results.survival()
    assert drawing.legend is not None
    traces = drawing.interactive().data
    heads = [t for t in traces if t.showlegend]
    assert len(heads) == len(drawing.legend.entries) == 3
    for head in heads:
        members = [t for t in traces if t.legendgroup == head.legendgroup]
        assert len(members) == 4  # band, line, censoring ticks and the entry itself
    for before, after in pairwise(entry.color for entry in drawing.legend.entries):
        assert before != after


@pytest.mark.parametrize("symbol", ["circle", "tick"])
@pytest.mark.parametrize("dpi", [72, 96, 150, 200])
def test_every_point_is_in_the_picture(symbol: Any, dpi: int) -> None:
    """Wherever between pixels it lies: what rounds a stroke to nothing would leave it out."""
    x, y = np.meshgrid(np.linspace(0.05, 0.95, 23), np.linspace(0.1, 0.9, 11))
    axis = Axis("", (0.0, 1.0), (), (), shown=False)
    points = Points(x.ravel(), y.ravel(), "#000000", symbol=symbol, size=6.0)
    panel = Panel(0.0, 0.0, 6.0, 3.0, axis, axis, (points,), grid="")
    figure = Drawing("", 6.0, 3.0, (panel,), "points").static()
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    dark = 255.0 - np.asarray(canvas.buffer_rgba())[..., 0]
    reach = int(5 / 72 * dpi)  # Points lie 17 pt apart, and more.
    drawn_there = []
    for across, up in zip(x.ravel(), y.ravel(), strict=True):
        column, row = round(across * 6 * dpi), round((1 - up) * 3 * dpi)
        around = dark[row - reach : row + reach + 1, column - reach : column + reach + 1]
        drawn_there.append(around.sum() / 255 * (72 / dpi) ** 2)
    expected = np.pi * 3.0**2 if symbol == "circle" else 6.0 * 0.9
    assert drawn_there == pytest.approx([expected] * x.size, rel=0.15)
