"""ReportBuilder on a page: sections chosen, looked at and written by mouse and by keyboard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from workbench.report.read import HELD
from workbench.widgets import ReportBuilder
from workbench.widgets.blocks import Block
from workbench.widgets.report_preview import preview_blocks

pytestmark = pytest.mark.browser

SECTION = """<h3>Who</h3><p>Ten patients.</p><ul>
<li><span class="verdict">better</span> C rose.</li></ul>
<svg role="img" aria-label="A square" width="90pt" height="60pt" viewBox="0 0 90 60">
<rect width="40" height="40" fill="#0072b2"/></svg><table><caption>Numbers</caption>
<tr><th>Model</th><th>C</th></tr><tr><th>Clinical</th><td>0.71 (0.65 to 0.77)</td></tr></table>
<pre>{"seed": 0}</pre>"""
KEPT = {
    "schema": 1, "dataset": {"title": "Made up"}, "risk_groups": {}, "other_splits": [],
    "definition_sentences": ["one"], "attrition": [1], "table_one": {"rows": [1]},
    "follow_up": {"median_follow_up": {"estimate": None}}, "claims": [1],
    "ladder": [{"group": "all"}], "calibration_curves": [], "contributions": {"checks": []},
    "limits": ["small"], "evaluation_settings": {"time_unit": "days"},
}  # fmt: skip


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportBuilder:
    """A builder whose sections all read alike, so that nothing has to be trained or drawn."""
    document = {name: [] for name in HELD} | KEPT
    (tmp_path / "report.json").write_text(json.dumps(document), encoding="utf-8")
    found: tuple[Block, ...] = preview_blocks(SECTION)
    monkeypatch.setattr(ReportBuilder, "_preview", lambda self, anchor: found)
    return ReportBuilder(tmp_path)


@pytest.fixture
def stage(chromium: Any, builder: ReportBuilder) -> Iterator[Stage]:
    stage = Stage(chromium, [builder])
    yield stage
    stage.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_and_accessible(chromium: Any, builder: ReportBuilder, theme: str) -> None:
    builder.change(sections=["summary", "methods"])
    stage = Stage(chromium, [builder], theme=theme)
    picture = stage.page.get_by_role("img", name="A square")
    assert picture.evaluate("(node) => node.complete && node.naturalWidth > 0")
    assert texts_apart(stage.page) == []
    assert contrast_and_roles(stage.page) == []
    stage.close()


def test_mouse_and_keyboard_choose_sections(stage: Stage, builder: ReportBuilder) -> None:
    page = stage.page
    page.get_by_role("checkbox", name="Limits and warnings").uncheck()
    page.get_by_text("Every report owes its reader Limits and warnings").wait_for()
    page.get_by_role("checkbox", name="Patients").press("Space")
    page.get_by_role("button", name="Who was left out, and why").press("Enter")
    page.get_by_role("heading", name="Cohort flow").wait_for()
    page.get_by_label("Section", exact=True).select_option("methods")
    page.get_by_role("heading", name="Methods and provenance").wait_for()
    assert builder.state.preview == "methods"
    assert builder.left_out == ("table-one", "limits")


def test_a_wide_table_of_the_preview_takes_the_room_there_is(
    chromium: Any, builder: ReportBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = "".join(f"<td>0.7{n} (0.65 to 0.77)</td>" for n in range(7))
    heads = "".join(f"<th>Column {n}</th>" for n in range(7))
    wide = f"<table><tr><th>Model</th>{heads}</tr><tr><th>Clinical</th>{cells}</tr></table>"
    found: tuple[Block, ...] = preview_blocks(wide)
    monkeypatch.setattr(ReportBuilder, "_preview", lambda self, anchor: found)
    builder.change(preview="methods")
    stage = Stage(chromium, [builder], width=1900)
    table = stage.page.get_by_role("columnheader", name="Column 6").locator(
        "xpath=ancestor::div[1]"
    )
    assert table.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    stage.close()


def test_a_name_that_is_taken_is_said(stage: Stage, builder: ReportBuilder) -> None:
    (builder.out / "final").mkdir(parents=True)
    page = stage.page
    page.get_by_label("Folder of the report").fill("final")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Write the report").press("Enter")
    page.get_by_role("alert").wait_for()
    assert "final is there already" in page.get_by_role("alert").inner_text()
    assert list((builder.out / "final").iterdir()) == []
