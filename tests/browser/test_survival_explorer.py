"""SurvivalExplorer on a page, used as a person would: by mouse and by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from tests.workbench.widgets.conftest import simulated_selection
from workbench.widgets import SurvivalExplorer
from workbench.widgets.blocks import Table
from workbench.widgets.widget import NotebookWidget

pytestmark = pytest.mark.browser


@pytest.fixture
def explorer() -> SurvivalExplorer:
    state = {"group": "grade", "adjust_for": ["age", "sex"]}
    return SurvivalExplorer(simulated_selection(), state)


@pytest.fixture
def stage(chromium: Any, explorer: SurvivalExplorer) -> Iterator[Stage]:
    stage = Stage(chromium, [explorer])
    yield stage
    stage.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_and_accessible(
    chromium: Any, explorer: SurvivalExplorer, theme: str
) -> None:
    stage = Stage(chromium, [explorer], theme=theme)
    assert texts_apart(stage.page) == []
    assert contrast_and_roles(stage.page) == []
    stage.close()


def test_mouse_and_keyboard_choose_a_group(stage: Stage, explorer: SurvivalExplorer) -> None:
    page = stage.page
    page.get_by_role("button", name="G3", exact=True).click()
    page.wait_for_selector("tr.wb-chosen")
    assert explorer.selection.n_selected == (explorer.selection.patients["grade"] == "G3").sum()
    page.get_by_role("button", name="Let the group go").press("Enter")
    page.wait_for_selector("tr.wb-chosen", state="detached")
    page.get_by_role("button", name="Select patients of G4").press("Enter")
    page.wait_for_selector("tr.wb-chosen")
    assert explorer.selection.n_selected == (explorer.selection.patients["grade"] == "G4").sum()


def test_controls_set_the_state_and_keep_the_focus(
    stage: Stage, explorer: SurvivalExplorer
) -> None:
    page = stage.page
    start = page.get_by_label("Start at")
    start.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('output').textContent !== '0 days'")
    stage.until(lambda: explorer.state.landmark > 0)
    assert page.evaluate("() => document.activeElement.type") == "range"
    page.get_by_label("Compare by").select_option("age")
    page.get_by_label("Cut at").select_option("value")
    page.get_by_label("Value").fill("61")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Age (years) ≥ 61", exact=True).wait_for()
    assert explorer.state.cut_at == 61


def test_a_refused_value_is_said_and_mended(stage: Stage, explorer: SurvivalExplorer) -> None:
    page = stage.page
    stage.page.evaluate(
        "() => window.toKernel(0, {kind: 'change', field: 'group', value: 'nobody'}).then(take)"
    )
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "not one of those offered" in alert.inner_text()
    assert explorer.state.group == "grade"
    page.get_by_label("Compare by").select_option("sex")
    alert.wait_for(state="detached")


def test_numbers_are_said_where_the_pointer_is(stage: Stage) -> None:
    frame = stage.page.locator("svg.wb-scene").first
    box = frame.bounding_box()
    assert box is not None
    stage.page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.5)
    stage.page.wait_for_function(
        "() => document.querySelector('.wb-said').textContent.includes('days')"
    )


def test_numbers_stand_under_each_other_and_sentences_do_not(chromium: Any) -> None:
    rows = (
        ("a", "1.34 (0.92)", "+0.002", "408 to not reached", "1 time is zero, look at it"),
        ("b", "<10", "−0.1", "12 to 20", "nothing"),
    )
    stage = Stage(chromium, [_OneTable(Table("t", "T", ("", "A", "B", "C", "D"), rows))])
    cells = stage.page.locator("tbody tr").first.locator("td")
    aligned = [cell.evaluate("(e) => getComputedStyle(e).textAlign") for cell in cells.all()]
    assert aligned == ["right", "right", "right", "left"]
    stage.close()


class _OneTable(NotebookWidget):
    """A table and nothing else."""

    def __init__(self, table: Table) -> None:
        self._table = table
        super().__init__()

    def blocks(self) -> tuple[Table, ...]:
        return (self._table,)
