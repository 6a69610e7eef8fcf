"""Widgets in a real JupyterLab: used, linked, restarted, saved, opened again, exported."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Lab, Notebook

pytestmark = pytest.mark.browser

SETUP = """from tests.workbench.widgets.conftest import simulated_selection
from workbench.widgets import SurvivalExplorer
selection = simulated_selection()
first = SurvivalExplorer(selection, {"group": "grade"})
second = SurvivalExplorer(selection, {"group": "sex"}, view="second")"""


N_CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"


def test_from_the_first_click_to_the_exported_page(lab: Lab, tmp_path: Path) -> None:
    notebook = lab.open([SETUP, "first", "second"])
    page = notebook.page
    roots = page.locator(".wb-root")
    roots.nth(1).wait_for()

    # The picture that would stand without a kernel is not seen beside the widget.
    assert not page.locator(".wb-static").first.is_visible()

    # A group chosen with the mouse in one is selected in the other.
    roots.nth(0).get_by_role("button", name="G4", exact=True).click()
    roots.nth(1).locator("tbody td").first.wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('.wb-root')[0].querySelector('tr.wb-chosen')"
    )
    assert notebook.ask("print(selection.brushes.clauses)") == (
        "{'survival': Levels(column='grade', levels=('G4',), missing='out')}\n"
    )
    n_selected = int(notebook.ask("print(selection.n_selected)"))
    counted = [int(t) for t in roots.nth(1).locator("tbody td:nth-child(2)").all_inner_texts()]
    assert sum(counted) == n_selected

    # The keyboard writes into the widget, not into the notebook's shortcuts.
    roots.nth(0).get_by_label("Mean time lived within").click()
    page.keyboard.type("730")
    page.keyboard.press("Tab")
    page.keyboard.press("x")
    notebook.idle()
    assert page.evaluate(N_CELLS) == 3
    page.wait_for_timeout(1500)
    assert notebook.ask("print(first.state.tau)") == "730.0\n"

    # What is saved holds the picture as it was left, and nobody's identifier.
    saved = notebook.saved()
    text = json.dumps(saved)
    assert "SECRET" not in text
    assert len(text) < 2_000_000
    pictures = [o for c in saved["cells"] for o in c["outputs"] if "text/html" in o.get("data", {})]
    assert len(pictures) == 2
    assert "Mean time lived within: 730 days" in "".join(pictures[0]["data"]["text/html"])
    assert notebook.outside == []
    assert notebook.errors == []

    # A restarted kernel leaves the picture on the page.
    page.evaluate(
        "() => void window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    page.wait_for_timeout(2500)
    assert roots.nth(0).locator("svg.wb-scene").first.is_visible()
    page.close()

    _opened_again(lab, notebook)
    _exported(lab, notebook, tmp_path)


def _opened_again(lab: Lab, notebook: Notebook) -> None:
    """Without a kernel that knows the widgets their pictures stand, and no empty frame."""
    again = lab.show(notebook.name, run=False)
    pictures = again.page.locator(".wb-static img")
    pictures.nth(1).wait_for()
    assert pictures.first.is_visible()
    assert "not found" not in again.page.locator(".jp-Notebook").inner_text()
    again.page.close()


def _exported(lab: Lab, notebook: Notebook, folder: Path) -> None:
    """HTML by nbconvert shows the pictures, and asks nothing of the network for them."""
    source = lab.server.folder / notebook.name
    subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", str(source),
         "--output-dir", str(folder), "--output", "page.html"],
        check=True, capture_output=True,
    )  # fmt: skip
    page: Any = lab.browser.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto((folder / "page.html").as_uri())
    assert page.locator(".wb-static img").first.is_visible()
    assert page.locator(".wb-static td").first.is_visible()
    page.close()
