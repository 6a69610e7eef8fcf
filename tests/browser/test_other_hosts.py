"""Widgets in Jupyter Notebook 7. The app that voila serves is in ``test_study_notebooks.py``."""

import pytest

from tests.browser.conftest import Lab
from tests.browser.test_lab import SETUP

pytestmark = pytest.mark.browser


def test_notebook_seven_shows_and_answers(lab: Lab) -> None:
    notebook = lab.open([SETUP, "first"], app="notebooks")
    root = notebook.page.locator(".wb-root")
    root.get_by_role("button", name="G3", exact=True).click()
    root.locator("tr.wb-chosen").wait_for()
    assert not notebook.page.locator(".wb-static").first.is_visible()
    assert notebook.outside == []
    notebook.page.close()
