"""Every widget in one notebook of a real JupyterLab, used by mouse and keyboard as a person would.

Each widget has a test of its own; the kernel, which they share, says what came of it. What is left
then is run again, opened again, saved, restarted and exported, in this order.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.checks import texts_apart
from tests.browser.conftest import PANEL, RAN, READY, Lab, Notebook

pytestmark = pytest.mark.browser

SETUP = """from pathlib import Path
from tests.browser.every_widget import EveryWidget
every = EveryWidget(Path("data"))"""
NAMES = (
    "setup", "builder", "cross_filter", "flow", "table_one", "survival", "evaluation", "monitor",
    "patient", "image", "slide", "explanation", "report",
)  # fmt: skip
N_CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
RUN = """async ([at, again]) => {
  const panel = window.jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = at;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
RESTART = """() => void
  window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"""


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    """The notebook, run to its end; nothing asked for anything beyond this machine."""
    opened = lab.open([SETUP, *(f"every.{name}" for name in NAMES)], run=False)
    page = opened.page
    page.wait_for_function(READY, timeout=90_000)
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(RAN, arg=len(NAMES) + 1, timeout=240_000)
    opened.idle()
    yield opened
    page.close()
    assert opened.outside == []
    assert opened.errors == []


def widget(notebook: Notebook, name: str) -> Any:
    """The place of a widget, scrolled into sight.

    JupyterLab takes cells far out of sight off the page, and a cell moves while what stands above
    it is still drawn: one scroll may miss it.
    """
    at = NAMES.index(name) + 1
    root = notebook.page.locator(f"{PANEL} .jp-Notebook-cell").nth(at).locator(".wb-root")
    for _ in range(60):
        notebook.page.evaluate(
            "(at) => window.jupyterapp.shell.currentWidget.content.scrollToItem(at)", at
        )
        notebook.page.wait_for_timeout(250)
        if root.is_visible():
            return root
        notebook.page.wait_for_timeout(1000)
    raise AssertionError(f"{name} is not drawn: {notebook.errors}")


def told(notebook: Notebook, expression: str) -> Any:
    """What the kernel says of ``expression``, once it has done what the page asked before."""
    said = notebook.ask(f"import json\nprint(json.dumps({expression}, default=str))")
    try:
        return json.loads(said)
    except ValueError:
        raise AssertionError(said) from None


def settles(notebook: Notebook, expression: str, wanted: Any) -> None:
    """The kernel comes to say ``wanted`` of ``expression``: what a page asks takes its time."""
    said = None
    for _ in range(80):
        try:
            said = told(notebook, expression)
        except AssertionError as error:
            said = str(error)
        if said == wanted:
            return
        notebook.page.wait_for_timeout(250)
    raise AssertionError(f"{expression}: wanted {wanted}, last was {said}")


def at_rest(page: Any, place: Any) -> dict[str, float]:
    """Where ``place`` is, once what stands above it has stopped to grow."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    for _ in range(40):
        page.wait_for_timeout(250)
        before, box = box, place.bounding_box()
        if box == before:
            return box
    raise AssertionError("the page does not come to rest")


def drag(page: Any, floor: Any, start: float, end: float) -> None:
    """Press at a share of the width of ``floor``, move, and let go."""
    box = at_rest(page, floor)
    down = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, down)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, down, steps=4)
    page.mouse.up()


def test_setup(notebook: Notebook) -> None:
    root, page = widget(notebook, "setup"), notebook.page
    root.get_by_label("own.csv").check()
    root.get_by_role("button", name="This is the patient").click()
    root.get_by_role("button", name="Time, unit, event and its values are right").press("Enter")
    root.get_by_role("button", name="Age", exact=True).press("Enter")
    root.get_by_label("Unit", exact=True).fill("years")
    page.keyboard.press("Tab")
    settles(notebook, "every.setup.state.units", {"age": "years"})
    state = told(notebook, "every.setup.state.model_dump()")
    assert state["patient_ids"] == {"own": "Patient ID"}
    assert state["event_values"] == ["1"]


def test_builder(notebook: Notebook) -> None:
    root, page = widget(notebook, "builder"), notebook.page
    root.get_by_role("button", name="Add", exact=True).click()
    root.get_by_label("Column").select_option("age")
    root.get_by_label("Comparison").select_option(">=")
    root.get_by_label("Number").fill("60")
    page.keyboard.press("Enter")
    root.get_by_role("button", name="age ≥ 60", exact=True).wait_for()
    n_old = told(notebook, "int((every.cohort.patients['age'] >= 60).sum())")
    root.get_by_text(f"{n_old} of 600 patients are in").wait_for()
    settles(notebook, "every.builder.cohort.n_patients", n_old)


def test_brushes_link_every_widget_of_the_selection(notebook: Notebook) -> None:
    root, page = widget(notebook, "cross_filter"), notebook.page
    drag(page, root.locator('.wb-cell[data-column="age"] .wb-brushable'), 0.3, 0.7)
    settles(notebook, "list(every.selection.brushes.clauses)", ["age"])
    n_selected = told(notebook, "every.selection.n_selected")
    assert 0 < n_selected < 600
    survival = widget(notebook, "survival")
    groups = survival.locator("tbody").first.locator("td:nth-child(2)")
    counted = """([root, wanted]) => {
      const cells = root.querySelector('tbody').querySelectorAll('td:nth-child(2)');
      return [...cells].reduce((sum, each) => sum + Number(each.textContent), 0) === wanted;
    }"""
    page.wait_for_function(counted, arg=[survival.element_handle(), n_selected])
    assert groups.count() == 3
    survival.get_by_role("button", name="G4", exact=True).click()
    survival.locator("tr.wb-chosen").wait_for()
    survival.get_by_label("Mean time lived within").click()
    page.keyboard.type("730")
    page.keyboard.press("Tab")
    settles(notebook, "every.selection.brushes.clauses['survival'].levels", ["G4"])
    settles(notebook, "every.survival.state.tau", 730)
    table = widget(notebook, "table_one")
    table.get_by_label("Compare by").select_option("sex")
    table.get_by_label("p values").press("Space")
    table.get_by_role("columnheader", name="p", exact=True).wait_for()
    settles(notebook, "[every.table_one.state.by, every.table_one.state.p_values]", ["sex", True])
    # With Ctrl the page's own keys are the widget's too.
    widget(notebook, "cross_filter").locator(".wb-brushable").first.focus()
    page.keyboard.press("Control+z")
    settles(notebook, "list(every.selection.brushes.clauses)", ["age"])


def test_flow(notebook: Notebook) -> None:
    root = widget(notebook, "flow")
    root.get_by_role("button", name="has rna").click()
    # A rule must be chosen before it can move, and a button that is off takes no key.
    root.get_by_role("button", name="Earlier", disabled=False).press("Enter")
    # Drawn anew with the new order: only then is the next thing clicked.
    root.locator("tbody tr:first-child th", has_text="has rna").wait_for()
    root.get_by_role("button", name="Leave out").click()
    root.get_by_role("button", name="has rna (left out)").wait_for()
    settles(notebook, "[every.flow.state.order, every.flow.state.left_out]", [[1, 0], [1]])


def test_evaluation(notebook: Notebook) -> None:
    root, page = widget(notebook, "evaluation"), notebook.page
    root.get_by_label("The decision").fill("acting on a risk of death")
    page.keyboard.press("Tab")
    root.get_by_label("Horizon", exact=True).select_option("365")
    root.get_by_text("Calibration at 365 days").first.wait_for()
    for label, value in (("Act from a risk of", "5"), ("to", "50")):
        root.get_by_label(label, exact=True).fill(value)
        page.keyboard.press("Enter")
    root.locator("figure[data-name=decision]").wait_for()
    settles(notebook, "[every.evaluation.state.lowest, every.evaluation.state.highest]", [5, 50])


def test_progress_is_drawn_while_a_thread_trains_and_can_be_cancelled(notebook: Notebook) -> None:
    root, page = widget(notebook, "monitor"), notebook.page
    root.get_by_role("button", name="Start").click()
    bar = root.locator("progress")
    bar.wait_for()
    drawn = "([bar, least]) => bar.value >= least"
    for least in (5, 15):
        page.wait_for_function(drawn, arg=[bar.element_handle(), least])
    # The kernel answers meanwhile.
    settles(notebook, "every.work.stage", "running")
    root.get_by_role("button", name="Cancel").press("Enter")
    root.get_by_text("Cancelled. What was finished is kept").wait_for()
    settles(notebook, "[every.work.stage, len(every.work.told) < 6000]", ["cancelled", True])
    assert root.locator("figure[data-name=losses]").is_visible()


def test_patient(notebook: Notebook) -> None:
    root, page = widget(notebook, "patient"), notebook.page
    root.get_by_role("button", name="Next").press("Enter")
    root.get_by_text("Patient 2 of 600: follow-up").wait_for()
    root.get_by_label("Simulated age at diagnosis").fill("60")
    page.keyboard.press("Enter")
    root.get_by_text("With the change").wait_for()
    settles(notebook, "every.patient.state.what_if", {"age": 60})
    settles(notebook, "every.patient.state.patient", 2)


def test_image(notebook: Notebook) -> None:
    root, page = widget(notebook, "image"), notebook.page
    canvas = root.locator(".wb-plane-canvas").first
    root.locator(".wb-plane[data-number]").nth(2).wait_for()
    canvas.click(position={"x": 60, "y": 70})
    root.locator('.wb-image[data-quiet="true"]').wait_for()
    before = told(notebook, "every.image.state.voxel")
    canvas.focus()
    page.keyboard.press("ArrowUp")
    number = before[2] + 2  # Counted from 1 on the page.
    root.locator(f'.wb-plane[data-number="{number - 1}"]').first.wait_for()
    root.locator('.wb-image[data-quiet="true"]').wait_for()
    settles(notebook, "every.image.state.voxel", [*before[:2], before[2] + 1])


def test_slide(notebook: Notebook) -> None:
    root, page = widget(notebook, "slide"), notebook.page
    canvas = root.locator(".wb-slide-canvas")
    canvas.hover()
    page.mouse.wheel(0, -200)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    root.locator('.wb-image[data-quiet="true"]').wait_for()
    settles(notebook, "[every.slide.state.scale > 0, every.slide.state.x > 0]", [True, True])


def test_explanation(notebook: Notebook) -> None:
    root = widget(notebook, "explanation")
    root.get_by_role("button", name="Gene expression").first.click()
    root.get_by_text("Within Gene expression").first.wait_for()
    root.get_by_role("button", name="CELL CYCLE").press("Enter")
    root.get_by_text("Contributions by feature of CELL CYCLE").first.wait_for()
    root.get_by_role("button", name="Next").click()
    root.locator(".wb-private figure[data-name=contributions]").wait_for()
    state = told(notebook, "every.explanation.state.model_dump()")
    assert (state["modality"], state["group"], state["patient"]) == ("rna", "CELL CYCLE", 1)


def test_report(notebook: Notebook) -> None:
    root, page = widget(notebook, "report"), notebook.page
    root.get_by_role("checkbox", name="Limits and warnings").uncheck()
    root.get_by_text("Every report owes its reader").wait_for()
    root.get_by_label("Folder of the report").fill("mine")
    page.keyboard.press("Tab")
    root.get_by_label("Section", exact=True).select_option("methods")
    root.get_by_role("heading", name="Methods and provenance").wait_for()
    settles(notebook, "[every.report.state.name, every.report.left_out]", ["mine", ["limits"]])


def test_nothing_is_covered_and_no_key_reached_the_notebook(notebook: Notebook) -> None:
    assert texts_apart(notebook.page) == []
    assert notebook.page.evaluate(N_CELLS) == len(NAMES) + 1


def test_a_cell_that_runs_again_closes_the_widget_that_it_showed(notebook: Notebook) -> None:
    at = NAMES.index("survival") + 1
    notebook.ask("old, again = every.survival, type(every.survival)(every.selection)")
    notebook.page.evaluate(RUN, [at])  # The same widget: it stays.
    settles(notebook, "[old.comm is None, len(every.selection._watchers)]", [False, 6])
    notebook.ask("every.survival = again")
    notebook.page.evaluate(RUN, [at])
    settles(notebook, "[old.comm is None, len(every.selection._watchers)]", [True, 5])
    widget(notebook, "survival").get_by_label("Compare by").select_option("sex")
    settles(notebook, "every.survival.state.group", "sex")


def test_the_page_is_opened_again_while_a_thread_trains(lab: Lab, notebook: Notebook) -> None:
    notebook.saved()
    widget(notebook, "monitor").get_by_role("button", name="Start").click()
    again = _opened_again(lab, notebook)
    root = widget(again, "monitor")
    root.get_by_role("button", name="Cancel").wait_for()
    bar = root.locator("progress")
    before = float(bar.get_attribute("value"))
    drawn = "([bar, before]) => bar.value > before"
    again.page.wait_for_function(drawn, arg=[bar.element_handle(), before])
    root.get_by_role("button", name="Cancel").click()
    root.get_by_text("Cancelled. What was finished is kept").wait_for()
    settles(again, "every.work.stage", "cancelled")
    # Nobody's picture stood in what was saved: the page asks for it again.
    widget(again, "patient").get_by_text("of 600: follow-up").wait_for()
    again.page.close()
    assert again.errors == []


def _opened_again(lab: Lab, notebook: Notebook) -> Notebook:
    """The notebook in another page, whose widgets live.

    ipywidgets waits two seconds for the models of a page: on a machine that is busy for longer the
    pictures stay, as without a kernel, and whoever wants the widgets loads the page again.
    """
    again = lab.show(notebook.name, run=False)
    for _ in range(12):
        again.page.locator(".wb-static, .wb-root").first.wait_for(state="attached")
        again.page.wait_for_timeout(4000)
        if not again.page.get_by_text("model not found").count():
            return again
        assert again.page.locator(".wb-static").first.text_content().strip()
        again.page.reload()
        again.page.wait_for_selector(".jp-Notebook-cell", timeout=90_000)
        again.idle()
    raise AssertionError("no page shows a widget that lives")


def test_saved_restarted_opened_again_and_exported(
    lab: Lab, notebook: Notebook, tmp_path: Path
) -> None:
    notebook.page.wait_for_timeout(1000)  # Pictures are renewed when all is quiet.
    secret = told(notebook, "every.identifiers")
    text = json.dumps(notebook.saved())
    assert len(text) < 10e6
    assert not [name for name in (*secret, "MRN-", "secret 1", "data:image/png") if name in text]
    assert text.count('class=\\"wb-static\\"') == len(NAMES)
    notebook.page.evaluate(RESTART)
    notebook.page.wait_for_timeout(1500)
    for name in NAMES:
        assert widget(notebook, name).text_content().strip()
    _opened_without_a_kernel(lab, notebook)
    _exported(lab, notebook, tmp_path)


def _opened_without_a_kernel(lab: Lab, notebook: Notebook) -> None:
    again = lab.show(notebook.name, run=False)
    pictures = again.page.locator(".wb-static")
    pictures.nth(len(NAMES) - 1).wait_for()
    assert pictures.count() == len(NAMES)
    assert all(picture.text_content().strip() for picture in pictures.all())
    assert "not found" not in again.page.locator(".jp-Notebook").inner_text()
    again.page.close()


def _exported(lab: Lab, notebook: Notebook, folder: Path) -> None:
    source = lab.server.folder / notebook.name
    subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", str(source),
         "--output-dir", str(folder), "--output", "page.html"],
        check=True, capture_output=True,
    )  # fmt: skip
    page: Any = lab.browser.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto((folder / "page.html").as_uri())
    pictures = page.locator(".wb-static")
    assert pictures.count() == len(NAMES)
    assert all(picture.is_visible() for picture in pictures.all())
    page.close()
