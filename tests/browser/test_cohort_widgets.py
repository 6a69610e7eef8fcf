"""The cohort widgets on a page, used as a person would: by mouse and by keyboard."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import workbench as wb
from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from tests.workbench.widgets.cohort_sources import everyone, register
from workbench.widgets import AttritionFlow, CohortBuilder, TableOne
from workbench.widgets.widget import NotebookWidget

pytestmark = pytest.mark.browser

RULES = [
    {"kind": "column", "column": "age", "op": ">=", "number": 50, "name": "Adults"},
    {
        "kind": "group",
        "parts": [
            {"kind": "has", "modality": "rna"},
            {"kind": "column", "column": "grade", "op": "in", "levels": ["G4"]},
        ],
    },
]
RECORDS = {
    "entry": {"events": [{"find": "type 2", "codes": ["condition//2"]}]},
    "outcome": {"codes": ["condition//9"]},
}


@pytest.fixture
def show(chromium: Any) -> Iterator[Callable[..., Stage]]:
    """Stages that are closed, and checked, at the end."""
    stages = []

    def made(widget: NotebookWidget, **look: Any) -> Stage:
        stages.append(Stage(chromium, [widget], **look))
        return stages[-1]

    yield made
    for stage in stages:
        stage.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_they_are_legible_and_accessible(show: Callable[..., Stage], theme: str) -> None:
    cohort = everyone().select(wb.col("age") >= 50, wb.has("rna"))
    widgets = [
        CohortBuilder(everyone().card, {"rules": RULES, "chosen": 1}),
        CohortBuilder(register(), {"records": RECORDS, "view": "json"}),
        AttritionFlow(cohort, {"chosen": 0}),
        TableOne(cohort, {"by": "grade"}),
    ]
    for widget in widgets:
        page = show(widget, theme=theme).page
        page.evaluate("() => document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert texts_apart(page) == []
        assert contrast_and_roles(page) == []


def test_a_rule_is_written_with_mouse_and_keyboard(show: Callable[..., Stage]) -> None:
    builder = CohortBuilder(everyone().card)
    page = show(builder).page
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Column").select_option("age")
    page.get_by_label("Comparison").select_option(">=")
    page.get_by_label("Number").fill("60")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="age ≥ 60", exact=True).wait_for()
    n_old = int((everyone().patients["age"] >= 60).sum())
    page.get_by_text(f"{n_old} of 600 patients are in").wait_for()
    assert builder.cohort.n_patients == n_old
    page.get_by_label("Counts").press("Space")
    page.get_by_text("600 of 600 patients are in").wait_for()
    assert builder.criteria == ()
    page.get_by_role("button", name="Delete").press("Enter")
    page.get_by_text("No rule yet").wait_for()
    assert builder.state.rules == ()


def test_events_are_searched_and_chosen(show: Callable[..., Stage]) -> None:
    builder = CohortBuilder(register())
    page = show(builder).page
    page.get_by_label("Search").fill("type 2")
    page.keyboard.press("Enter")
    page.get_by_label("Type 2 diabetes (condition").check()
    page.get_by_text("30 of 30 patients are in").wait_for()
    page.get_by_label("Poor control").press("Space")
    page.get_by_text("20 of 20 patients are in").wait_for()
    assert builder.cohort.n_patients == 20


def test_rules_move_in_the_flow(show: Callable[..., Stage]) -> None:
    flow = AttritionFlow(everyone().select(wb.col("age") >= 50, wb.has("rna")))
    page = show(flow).page
    page.get_by_role("button", name="has rna").click()
    page.get_by_role("button", name="Earlier", disabled=False).press("Enter")
    page.wait_for_function("() => document.querySelector('tbody th').textContent === 'has rna'")
    assert flow.state.order == (1, 0)
    page.get_by_role("button", name="Leave out").click()
    page.get_by_role("button", name="has rna (left out)").wait_for()
    assert flow.state.left_out == (1,)


def test_table_one_compares_by_what_is_chosen(show: Callable[..., Stage]) -> None:
    table = TableOne(everyone())
    page = show(table).page
    page.get_by_label("Compare by").select_option("sex")
    page.get_by_label("p values").check()
    page.get_by_role("columnheader", name="p", exact=True).wait_for()
    page.get_by_text("Columns (").click()
    page.get_by_role("checkbox", name="crp", exact=True).uncheck()
    page.get_by_role("rowheader", name="crp").wait_for(state="detached")
    assert "crp" not in (table.state.columns or ())
