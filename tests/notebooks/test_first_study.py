"""The first study: README's Python runs it and finds the truth, the first notebook opens it again.

One file, since a run takes minutes and every test here reads the one there is. That two runs give
the same bytes is shown on a smaller study, where one of them is interrupted too.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import CohortError
from workbench.finished_run import open_finished
from workbench.run_folder import RunFolder
from workbench.study_steps import code_version

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN = "runs/first_study"

pytestmark = [
    pytest.mark.slow,
    # The Jupyter stack's own clean-up of sockets and event loops.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|zmq|nbclient|traitlets).*"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Shown = Callable[[nbformat.NotebookNode, str], str]


class Snippets(NamedTuple):
    """README's Python once it ran: its run folder, its report's numbers, and what it printed."""

    folder: Path
    report: Mapping[str, Any]
    printed: str


class Notebook(NamedTuple):
    """The notebook with its outputs, its run folder, and its report's numbers."""

    cells: nbformat.NotebookNode
    folder: Path
    report: Mapping[str, Any]


def _report(folder: Path) -> Mapping[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def _stand_for(out: Path) -> None:
    """README's first command trains the study of its Python: where this code has run it, with this
    cache, the folder is that one, and the run is opened."""
    demo = ROOT / "runs" / "demo"
    try:
        identity = json.loads((demo / "run.json").read_text(encoding="utf-8"))["identity"]
    except FileNotFoundError:
        return
    same = identity["code_version"] == code_version()
    if same and open_finished(RunFolder(demo), identity) is not None:
        out.parent.mkdir()
        out.symlink_to(demo, target_is_directory=True)


@pytest.fixture(scope="module")
def readme(tmp_path_factory: pytest.TempPathFactory) -> Snippets:
    folder = tmp_path_factory.mktemp("readme")
    _stand_for(folder / RUN)
    snippets = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert len(snippets) == 5
    # In its own process, as a reader runs it: one snippet after the other.
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(snippets)],
        cwd=folder,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Snippets(folder / RUN, _report(folder / RUN), done.stdout)


@pytest.fixture(scope="module")
def notebook(
    readme: Snippets, execute: Callable[[str, Path], nbformat.NotebookNode]
) -> Notebook:
    """In the folder where README's Python ran: the same study is there, and finished."""
    cells = execute("01_first_study.ipynb", readme.folder.parents[1])
    return Notebook(cells, readme.folder, _report(readme.folder))


def judged(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The judged model among all patients, as a row of the model comparison."""
    (row,) = (r for r in report["ladder"] if (r["model"], r["group"]) == ("selected", "all"))
    return row


def test_the_python_of_the_readme_runs(readme: Snippets) -> None:
    assert {row["model"] for row in readme.report["ladder"]} >= {"null", "clinical", "selected"}
    overall = next(claim for claim in readme.report["claims"] if claim["group"] == "all")
    assert overall["verdict"] == "better"
    assert overall["sentence"] in readme.printed
    assert "report.html" in readme.printed
    assert "survival_1095" in readme.printed


def test_the_judged_model_comes_close_to_the_truth(readme: Snippets) -> None:
    folder = wb.open_card("simulated_glioma").folder
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    row = judged(readme.report)
    assert row["harrell_c"]["estimate"] > truth["oracle_c"]["os"] - 0.035
    assert row["harrell_c"]["estimate"] < truth["oracle_c"]["os"]
    assert row["delta_harrell_c"]["lower"] > 0
    assert row["delta_ipa"]["lower"] > 0


def test_what_carries_risk_by_construction_is_found(readme: Snippets) -> None:
    value = {entry["modality"]: entry for entry in readme.report["modality_value"]}
    assert value["imaging"]["delta_harrell_c"]["lower"] > 0
    assert value["rna"]["delta_harrell_c"]["lower"] > 0


def test_survival_of_the_judged_model_is_calibrated(readme: Snippets) -> None:
    found = [
        at
        for at in readme.report["at_horizons"]
        if at["model"] == "selected" and at["group"] == "all"
    ]
    assert [at["horizon"] for at in found] == [365, 1095]
    for at in found:
        assert at["calibration_slope"]["lower"] < 1 < at["calibration_slope"]["upper"]
        assert 0.8 < at["observed_expected"]["estimate"] < 1.25


def test_what_a_run_leaves(readme: Snippets) -> None:
    left = {path.name for path in readme.folder.iterdir()}
    assert left == {
        *("report.html", "report.json", "predictions.parquet", "model", "run.json"),
        *("croissant.json", "model_card.json", "image_maps"),
    }
    page = (readme.folder / "report.html").read_text(encoding="utf-8")
    assert "Simulated data" in page
    assert "Research use only" in page
    table = pd.read_parquet(readme.folder / "predictions.parquet")
    assert not table.duplicated(["patient_id", "model"]).any()
    assert {"fold", "risk_score", "survival_365", "survival_1095"} < set(table.columns)
    assert readme.report["simulated"] is True


def test_the_notebook_opens_what_was_found(
    readme: Snippets, notebook: Notebook, shown: Shown
) -> None:
    assert "opening the finished run" in shown(notebook.cells, "run")
    assert "training" not in shown(notebook.cells, "run")
    assert notebook.report == readme.report


def test_a_column_known_only_later_is_refused() -> None:
    card = wb.open_card("simulated_glioma")
    later = [name for name, column in card.spec.columns.items() if column.role == "post_outcome"]
    assert later
    for name in later:
        with pytest.raises(CohortError, match="known only after the outcome"):
            card.cohort("os").select(wb.col(name) == 1)


def test_every_cell_ran_without_a_complaint(
    notebook: Notebook, complaints: Callable[[nbformat.NotebookNode], list[str]]
) -> None:
    assert complaints(notebook.cells) == []


def test_it_shows_the_judged_model_and_its_claims(notebook: Notebook, shown: Shown) -> None:
    report = notebook.report
    table = shown(notebook.cells, "table")
    assert "selected" in table
    assert f"{judged(report)['harrell_c']['estimate']:.3f}" in table
    claims = shown(notebook.cells, "claims")
    # The report gives modalities their titles; sentences that name none are the same.
    same = [c for c in report["claims"] if not c["group"].startswith("patients with ")]
    assert {claim["group"] for claim in same} == {"all", "G2", "G3", "G4"}
    assert all(claim["sentence"] in claims for claim in same)
    assert len(claims.strip().splitlines()) == len(report["claims"])
    value = shown(notebook.cells, "value").strip().splitlines()
    for line, added in zip(value, report["modality_value"], strict=True):
        assert f": {added['verdict']}. " in line
    assert shown(notebook.cells, "same").strip() == "True"


def test_what_its_words_conclude_is_so(notebook: Notebook, shown: Shown) -> None:
    overall = next(c for c in notebook.report["claims"] if c["group"] == "all")
    assert overall["verdict"] == "better"
    true_c, judged_c = map(float, re.findall(r"C (\d\.\d+)", shown(notebook.cells, "truth")))
    assert true_c - 0.05 <= judged_c <= true_c + 0.01
    new_c = float(re.search(r"C (\d\.\d+)", shown(notebook.cells, "new-check"))[1])
    assert 0.65 < new_c < true_c + 0.05
    assert "known only after the outcome" in shown(notebook.cells, "refuse")


def test_its_figures_are_drawn(notebook: Notebook, shown: Shown) -> None:
    for cell_id in ("curves", "contributions"):
        assert "<svg" in shown(notebook.cells, cell_id)
