"""The notebooks that share a study, run whole in one folder, and the app that voila serves there.

One file, since the study is trained by the first of them and opened again by all others.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.checks import texts_apart
from tests.browser.conftest import environment, free_port, wait_for
from tests.notebooks.executing import NOTEBOOKS, complaints, execute, shown

RUN = "runs/small_study"

pytestmark = [
    pytest.mark.slow,
    # The Jupyter stack's own clean-up of sockets and event loops.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|zmq|nbclient|traitlets).*"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small_study")


@pytest.fixture(scope="module")
def trained(folder: Path) -> nbformat.NotebookNode:
    return execute("04_train_fusion.ipynb", folder)


@pytest.fixture(scope="module")
def explained(folder: Path, trained: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return execute("05_explain.ipynb", folder)


@pytest.fixture(scope="module")
def written(folder: Path, trained: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return execute("07_report.ipynb", folder)


def test_a_study_in_words_is_trained_watched_and_judged(
    folder: Path, trained: nbformat.NotebookNode
) -> None:
    assert complaints(trained) == []
    report = json.loads((folder / RUN / "report.json").read_text(encoding="utf-8"))
    overall = next(claim for claim in report["claims"] if claim["group"] == "all")
    assert overall["verdict"] == "better"
    assert overall["sentence"] in shown(trained, "claims")
    value = shown(trained, "value")
    assert "without rna: better" in value
    assert "without mutations: inconclusive" in value
    assert "600 patients" in shown(trained, "result")
    # The monitor drew while the notebook waited, and its picture was renewed at the end.
    told = [json.loads(line) for line in (folder / RUN / "progress.jsonl").open(encoding="utf-8")]
    assert [t["done"] for t in told if t["step"].startswith("training")] == [0, 1, 2, 3, 4, 5]
    assert "5 of 5" in shown(trained, "train")
    judged = shown(trained, "judge")
    assert "closer follow-up of patients at high risk" in judged
    assert "Decision curves are hidden" not in judged


def test_the_explanation_is_sound_and_what_if_says_what_the_model_does(
    folder: Path, explained: nbformat.NotebookNode
) -> None:
    assert complaints(explained) == []
    checks = shown(explained, "checks").strip().splitlines()
    assert len(checks) >= 7
    assert all(line.startswith("passed: ") for line in checks)
    assert len(re.findall(r"moves the log hazard by 0\.\d+", shown(explained, "path"))) >= 3
    agreed = re.findall(
        r"among the first twenty in (\d+)% of the models", shown(explained, "agree")
    )
    assert max(map(int, agreed)) >= 60
    assert "Clinical variables" in shown(explained, "view")
    rows = re.findall(
        r"([\d.]+) % as the patient is, ([\d.]+) % at 75", shown(explained, "what-if")
    )
    assert len(rows) >= 4
    # Age carries risk by construction: the same patient, 25 years older, lives shorter.
    assert all(float(older) < float(as_is) for as_is, older in rows)
    assert "This is not a treatment effect" in shown(explained, "patient")
    assert "SIM-" not in json.dumps(explained)


def test_a_finished_study_is_opened_and_not_trained_again(
    folder: Path, explained: nbformat.NotebookNode, written: nbformat.NotebookNode
) -> None:
    record = json.loads((folder / RUN / "run.json").read_text(encoding="utf-8"))
    told = [json.loads(line) for line in (folder / RUN / "progress.jsonl").open(encoding="utf-8")]
    assert record["state"] == "complete"
    assert len([t for t in told if t["step"].startswith("training")]) == 6


def test_the_report_holds_the_numbers_of_the_study(
    folder: Path, written: nbformat.NotebookNode
) -> None:
    assert complaints(written) == []
    assert "Whole sites held out" in shown(written, "checklist")
    (report,) = (folder / "reports").iterdir()
    numbers = json.loads((report / "report.json").read_text(encoding="utf-8"))
    run = json.loads((folder / RUN / "report.json").read_text(encoding="utf-8"))
    assert numbers == run
    assert "Simulated data" in (report / "report.html").read_text(encoding="utf-8")
    assert f"reports/{report.name}/report.html" in shown(written, "write")


@pytest.fixture
def app(folder: Path, trained: nbformat.NotebookNode) -> Iterator[str]:
    """The app, served by voila from the folder in which the study was trained."""
    shutil.copy(NOTEBOOKS / "app.ipynb", folder)
    port = free_port()
    with (folder / "voila.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "voila", "app.ipynb", "--no-browser", f"--port={port}"],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=environment(folder),
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/voila/static/voila.js")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.browser
def test_the_app_is_one_screen_without_code_and_its_pages_are_linked(
    app: str, chromium: Any
) -> None:
    page, outside = chromium.new_page(viewport={"width": 1280, "height": 1000}), []

    def only_here(route: Any) -> None:
        if route.request.url.startswith((app, "blob:", "data:")):
            return route.continue_()
        outside.append(route.request.url)
        return route.abort()

    page.route("**/*", only_here)
    page.goto(app, timeout=400_000)
    tabs = page.get_by_role("tab")
    tabs.first.wait_for(timeout=400_000)
    assert tabs.all_inner_texts() == [
        "Who is in", "Select", "Survival", "Models", "Why", "One patient", "Images", "Report",
        "Your own data",
    ]  # fmt: skip
    assert page.locator(".jp-CodeCell .jp-InputArea:visible").count() == 0

    # A group that is chosen on one page is selected on the others.
    tabs.nth(2).click()
    survival = page.locator('.wb-root[aria-label="Survival"]')
    survival.get_by_role("button", name="G4", exact=True).click()
    survival.locator("tr.wb-chosen").wait_for()
    tabs.nth(1).click()
    chosen = page.locator('.wb-root[aria-label="Select patients"]')
    chosen.get_by_text("227", exact=True).first.wait_for()
    assert texts_apart(page) == []
    tabs.nth(3).click()
    page.get_by_text("Is acting on it better than acting on all or none?").wait_for()
    tabs.nth(5).click()
    one = page.locator('.wb-root[aria-label="One patient"]')
    one.get_by_role("button", name="Next", disabled=False).press("Enter")
    one.get_by_text("Patient 2 of 600", exact=True).first.wait_for()

    # Voila's own page asks a CDN for two style sheets of icons; the widgets do without.
    assert [url for url in outside if not url.endswith(".css")] == []
    page.close()
