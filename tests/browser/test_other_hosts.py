"""Widgets in Jupyter Notebook 7, and as an app without code by voila."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Lab, document, environment, free_port, wait_for
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


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """An app of one notebook, served by voila."""
    (tmp_path / "app.ipynb").write_text(json.dumps(document([SETUP, "first"])))
    port = free_port()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "voila", "app.ipynb", "--no-browser", f"--port={port}"],
            cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT, env=environment(tmp_path),
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/voila/static/voila.js")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_voila_shows_an_app_that_answers(app: str, chromium: Any) -> None:
    page, outside = chromium.new_page(), []

    def only_here(route: Any) -> None:
        if route.request.url.startswith((app, "blob:", "data:")):
            return route.continue_()
        outside.append(route.request.url)
        return route.abort()

    page.route("**/*", only_here)
    page.goto(app, timeout=90_000)
    root = page.locator(".wb-root")
    root.get_by_role("button", name="G3", exact=True).click(timeout=90_000)
    root.locator("tr.wb-chosen").wait_for()
    assert page.locator(".jp-CodeCell .jp-InputArea:visible").count() == 0
    # Voila's own page asks a CDN for two style sheets of icons; the widgets do without.
    assert [url for url in outside if not url.endswith(".css")] == []
    page.close()
