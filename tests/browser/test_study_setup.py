"""StudySetup on a page: a spreadsheet described by mouse and by keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.checks import contrast_and_roles, texts_apart
from tests.browser.stage import Stage
from tests.workbench.data.test_guided_draft import WHOLE, N, spreadsheet
from workbench.widgets import StudySetup

pytestmark = pytest.mark.browser


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudySetup:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "study"
    folder.mkdir()
    return StudySetup(spreadsheet(folder))


@pytest.fixture
def stage(chromium: Any, setup: StudySetup) -> Iterator[Stage]:
    stage = Stage(chromium, [setup])
    yield stage
    stage.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_and_accessible(chromium: Any, setup: StudySetup, theme: str) -> None:
    setup.change(files=["own.csv"], column="age")
    stage = Stage(chromium, [setup], theme=theme)
    stage.page.get_by_text("Example rows, masked").click()
    assert texts_apart(stage.page) == []
    assert contrast_and_roles(stage.page) == []
    stage.close()


def test_mouse_and_keyboard_describe_a_spreadsheet(stage: Stage, setup: StudySetup) -> None:
    page = stage.page
    page.get_by_label("own.csv").check()
    page.get_by_role("button", name="This is the patient").click()
    page.get_by_role("button", name="Time, unit, event and its values are right").press("Enter")
    page.get_by_role("button", name="Age", exact=True).press("Enter")
    page.get_by_label("It was known").select_option("at")
    page.get_by_label("Unit", exact=True).fill("years")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="guesses of use are right").click()
    page.get_by_role("button", name="guesses of use are right").wait_for(state="detached")
    page.get_by_label("Time starts at").fill("date of diagnosis")
    page.keyboard.press("Tab")
    stage.until(lambda: setup.state.index_date == "date of diagnosis")
    state = setup.state
    assert state.patient_ids == {"own": "Patient ID"}
    assert state.event_values == ("1",)
    assert (state.known, state.units) == ({"age": "at"}, {"age": "years"})
    assert state.roles["response"] == "later"
    assert state.index_date == "date of diagnosis"
    assert "MRN" not in page.content()
    assert page.get_by_role("button", name="Write the description").is_disabled()


def test_it_is_written_from_the_page(stage: Stage, setup: StudySetup) -> None:
    setup.state = WHOLE.model_dump(mode="json")
    stage.push()
    stage.page.get_by_role("button", name="Write the description").click()
    stage.page.get_by_text("own.md is written beside the files").wait_for()
    assert setup.card is not None
    assert setup.card.cohort("os").n_patients == N
