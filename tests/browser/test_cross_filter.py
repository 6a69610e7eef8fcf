"""CrossFilter on a page: brushed by mouse and by keyboard, and everything that follows."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from tests.workbench.widgets.conftest import simulated_selection
from workbench.cohort.crossfilter import Levels, Range
from workbench.widgets import CrossFilter, Selection, SurvivalExplorer

pytestmark = pytest.mark.browser

CLIPPED = """() => [...document.querySelectorAll('.wb-cell, .wb-cell *')].filter((node) => {
  const style = getComputedStyle(node);
  return node.clientWidth && style.overflowX !== 'auto' && !node.closest('svg, .wb-upset')
    && node.scrollWidth > node.clientWidth + 1;
}).map((node) => node.className + ': ' + node.textContent.slice(0, 60))
.concat([...document.querySelectorAll('.wb-plot text')].filter((text) => {
  const own = text.getBoundingClientRect(), cell = text.closest('.wb-cell').getBoundingClientRect();
  return own.left < cell.left - 1 || own.right > cell.right + 1;
}).map((text) => text.textContent))
.concat([...document.querySelectorAll('.wb-plot')].flatMap((plot) => {
  const texts = [...plot.querySelectorAll('text')];
  const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([, q]) =>
    Math.min(p.right, q.right) - Math.max(p.left, q.left) > 0.5
    && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 4).map(([b]) => a + ' covers ' + b));
}))"""


@pytest.fixture
def widget() -> CrossFilter:
    return CrossFilter(simulated_selection())


@pytest.fixture
def stage(chromium: Any, widget: CrossFilter) -> Iterator[Stage]:
    stage = Stage(chromium, [widget, SurvivalExplorer(widget.selection, {"group": "grade"})])
    yield stage
    stage.close()


def cell(stage: Stage, column: str) -> Any:
    return stage.page.locator(f'.wb-cell[data-column="{column}"]')


def drag(stage: Stage, column: str, start: float, *through: float) -> None:
    """Press at a share of the plot's width, and move; the hand is not lifted."""
    box = cell(stage, column).locator(".wb-brushable").bounding_box()
    places = [box["x"] + box["width"] * share for share in (start, *through)]
    stage.page.mouse.move(places[0], box["y"] + 40)
    stage.page.mouse.down()
    for place in places[1:]:
        stage.page.mouse.move(place, box["y"] + 40, steps=3)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1920)])
def test_it_is_legible_and_accessible(
    chromium: Any, widget: CrossFilter, theme: str, width: int
) -> None:
    widget.choose("grade", 1)
    widget.change(rules_shown=True)
    stage = Stage(chromium, [widget], theme=theme, width=width)
    assert stage.page.evaluate(CLIPPED) == []
    assert texts_apart(stage.page) == []
    assert contrast_and_roles(stage.page) == []
    stage.close()


def test_a_drag_moves_every_view_and_settles_when_let_go(stage: Stage, widget: CrossFilter) -> None:
    page, selection = stage.page, widget.selection
    sex = cell(stage, "sex").locator(".wb-n").first
    before, groups = sex.text_content(), page.locator(".wb-table tbody").first.text_content()
    drag(stage, "age", 0.3, 0.5, 0.7)
    page.wait_for_function(
        "([node, before]) => node.textContent !== before", arg=[sex.element_handle(), before]
    )
    assert selection.brushes.clauses == {}
    moving = page.locator(".wb-large").text_content()
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelector('.wb-chips, .wb-asked .wb-asks').textContent"
    )
    page.get_by_role("button", name="Age (years): ", exact=False).first.wait_for()
    clause = selection.brushes.clauses["age"]
    assert isinstance(clause, Range)
    assert page.locator(".wb-large").text_content() == moving == str(selection.n_selected)
    assert page.locator(".wb-table tbody").first.text_content() != groups
    page.keyboard.press("Control+z")
    page.wait_for_function("() => document.querySelector('.wb-large').textContent === '600'")
    assert selection.brushes.clauses == {}
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function("() => document.querySelector('.wb-large').textContent !== '600'")
    assert selection.brushes.clauses == {"age": clause}


def test_clicks_choose_levels_and_patterns(stage: Stage, widget: CrossFilter) -> None:
    page, selection = stage.page, widget.selection
    rows = cell(stage, "grade").get_by_role("checkbox")
    rows.nth(1).click()
    page.wait_for_selector('.wb-cell[data-column="grade"] [aria-checked="true"]')
    rows.nth(2).click(modifiers=["Control"])
    page.wait_for_function(
        "() => document.querySelectorAll('[data-column=grade] [aria-checked=true]').length === 2"
    )
    assert selection.brushes.clauses["grade"] == Levels("grade", ("G3", "G4"))
    cell(stage, "modalities").get_by_role("checkbox").first.click()
    page.wait_for_selector('.wb-cell[data-column="modalities"] [aria-checked="true"]')
    assert set(selection.brushes.clauses) == {"grade", "modalities"}
    cell(stage, "grade").get_by_role("button", name="Let go of Grade").click()
    page.wait_for_selector('[data-column=grade] [aria-checked="true"]', state="detached")
    assert set(selection.brushes.clauses) == {"modalities"}
    cell(stage, "age").get_by_role("checkbox").click(force=True)
    page.wait_for_selector('[data-column=age] [aria-checked="true"]')
    assert selection.brushes.clauses["age"].missing == "only"


def test_the_keyboard_does_all_of_it(stage: Stage, widget: CrossFilter) -> None:
    page, selection = stage.page, widget.selection
    plot = cell(stage, "age").get_by_role("button", name="select a range")
    plot.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".wb-cell.wb-held .wb-x")
    stage.until(lambda: "age" in selection.brushes.clauses)
    before = selection.brushes.clauses["age"]
    cell(stage, "age").get_by_role("slider", name="upper end").focus()
    page.keyboard.press("ArrowRight")
    stage.until(lambda: selection.brushes.clauses["age"] != before)
    after = selection.brushes.clauses["age"]
    assert (after.low, after.high > before.high) == (before.low, True)
    assert page.evaluate("document.activeElement.dataset.key") == "end age 1"
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('.wb-large').textContent === '600'")
    assert selection.brushes.clauses == {}
    cell(stage, "grade").get_by_role("checkbox").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_selector('[data-column=grade] [aria-checked="true"]')
    assert selection.brushes.clauses == {"grade": Levels("grade", ("G3",))}


@pytest.mark.parametrize("width", [420, 1280])
def test_numbers_at_risk_of_a_million_stand_apart_under_their_times(
    chromium: Any, width: int
) -> None:
    rng, n = np.random.default_rng(0), 1_000_000
    patients = pd.DataFrame({"old": rng.random(n) < 0.5})
    selection = Selection(patients, rng.uniform(0, 2000, n), rng.random(n) < 0.5, time_unit="days")
    selection.set("old", Levels("old", (True,)))
    stage = Stage(chromium, [CrossFilter(selection)], width=width)
    stage.page.locator(".wb-risk [role=cell]").nth(1).wait_for()
    # In one step: between two, the table may be drawn anew.
    extents = """() => [...document.querySelectorAll('.wb-risk [role=row]')].map(row =>
      [...row.querySelectorAll('span')].map(span => {
        const { left, right } = span.getBoundingClientRect();
        return { left, right };
      }))"""
    rows = stage.page.evaluate(extents)
    assert rows
    for boxes in rows:
        gaps = [b["left"] - a["right"] for a, b in itertools.pairwise(boxes)]
        assert len(boxes) > 2
        assert min(gaps) >= 4, gaps
        assert boxes[-1]["right"] <= width
    stage.close()


def test_nothing_is_wider_than_a_page_that_has_just_become_narrow(stage: Stage) -> None:
    stage.page.locator(".wb-risk [role=cell]").nth(1).wait_for()
    # In one step: what is drawn anew at another size is not drawn yet.
    over = """() => {
      const root = document.querySelector('.wb-root');
      root.style.width = '300px';
      return root.scrollWidth - root.clientWidth;
    }"""
    assert stage.page.evaluate(over) <= 1


def test_withheld_bars_are_hatched_and_say_so(chromium: Any) -> None:
    widget = CrossFilter(simulated_selection(70))
    stage = Stage(chromium, [widget])
    view = next(v for v in _bars(widget)["views"] if v["column"] == "age")
    at = view["total"].index(None)
    box = cell(stage, "age").locator(".wb-brushable").bounding_box()
    n_bins = len(view["labels"]) - 1
    stage.page.mouse.move(box["x"] + box["width"] * (at + 0.5) / n_bins, box["y"] + 60)
    assert "withheld" in (stage.page.locator(".wb-said").text_content() or "")
    assert cell(stage, "age").locator("path.wb-hidden").get_attribute("d")
    stage.close()


def _bars(widget: CrossFilter) -> dict[str, Any]:
    blocks = [b for b in widget.view["blocks"] if b["kind"] == "row"]
    inner = [each for block in blocks for each in block["blocks"]]
    return next(each["data"] for each in inner if each.get("drawn_by") == "bars")
