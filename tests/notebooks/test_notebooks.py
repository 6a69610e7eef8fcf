"""Every guided notebook, run whole, in a folder that knows nothing of the checkout."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TIME_LIMIT_S = 900

pytestmark = [
    # The Jupyter stack's own clean-up of sockets and event loops.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|zmq|nbclient|traitlets).*"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="session")
def first_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[nbformat.NotebookNode, Path]:
    """The first notebook with its outputs, and the folder in which it ran."""
    return _executed("01_first_study.ipynb", tmp_path_factory.mktemp("first_study"))


def _executed(name: str, folder: Path) -> tuple[nbformat.NotebookNode, Path]:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIME_LIMIT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute(), folder


def _shown(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """What a cell printed and showed, as text and HTML."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    parts = []
    for output in cell.outputs:
        parts.append(output.get("text", ""))
        parts += [str(output.get("data", {}).get(kind, "")) for kind in ("text/plain", "text/html")]
        parts.append(str(output.get("data", {}).get("image/svg+xml", "")))
    return "\n".join(parts)


def _report(folder: Path) -> dict:
    return json.loads((folder / "runs/first_study/report.json").read_text(encoding="utf-8"))


def test_the_kernel_is_this_python() -> None:
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] in (sys.executable, "python")


@pytest.fixture(scope="session")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The second notebook with its outputs."""
    folder = tmp_path_factory.mktemp("statistics")
    return _executed("02_survival_statistics.ipynb", folder)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first_study", "statistics"])
def test_every_cell_ran_without_a_complaint(name: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(name)
    notebook = found[0] if isinstance(found, tuple) else found
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    complaints = [
        output.text
        for cell in code
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert complaints == []


@pytest.mark.slow
def test_the_study_lies_where_the_notebook_says(first_study) -> None:
    _, folder = first_study
    run = folder / "runs/first_study"
    assert {p.name for p in run.iterdir()} == {
        "model",
        "predictions.parquet",
        "report.html",
        "report.json",
        "run.json",
    }
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Simulated data" in page
    assert "Research use only" in page


@pytest.mark.slow
def test_it_shows_the_judged_model_and_its_claims(first_study) -> None:
    notebook, folder = first_study
    report = _report(folder)
    row = next(r for r in report["ladder"] if r["model"] == "selected" and r["group"] == "all")
    table = _shown(notebook, "table")
    assert "selected" in table
    assert f"{row['harrell_c']['estimate']:.3f}" in table
    claims = _shown(notebook, "claims")
    # The report gives modalities their titles; sentences that name none are the same.
    same = [c for c in report["claims"] if not c["group"].startswith("patients with ")]
    assert {claim["group"] for claim in same} == {"all", "G2", "G3", "G4"}
    assert all(claim["sentence"] in claims for claim in same)
    assert len(claims.strip().splitlines()) == len(report["claims"])
    value = _shown(notebook, "value").strip().splitlines()
    for line, added in zip(value, report["modality_value"], strict=True):
        assert f": {added['verdict']}. " in line
    assert _shown(notebook, "same").strip() == "True"


@pytest.mark.slow
def test_what_its_words_conclude_is_so(first_study) -> None:
    notebook, folder = first_study
    overall = next(c for c in _report(folder)["claims"] if c["group"] == "all")
    assert overall["verdict"] == "better"
    true_c, judged_c = map(float, re.findall(r"C (\d\.\d+)", _shown(notebook, "truth")))
    assert true_c - 0.05 <= judged_c <= true_c + 0.01
    new_c = float(re.search(r"C (\d\.\d+)", _shown(notebook, "new-check"))[1])
    assert 0.65 < new_c < true_c + 0.05
    assert "known only after the outcome" in _shown(notebook, "refuse")


@pytest.mark.slow
def test_its_figures_are_drawn(first_study) -> None:
    notebook, _ = first_study
    for cell_id in ("curves", "contributions"):
        assert "<svg" in _shown(notebook, cell_id)


@pytest.mark.slow
def test_statistics_are_drawn_and_say_what_the_words_say(statistics) -> None:
    drawn = {
        cell.id
        for cell in statistics.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    }
    assert drawn >= {"curves", "cox", "proportional", "effect", "competing", "over-time"}
    assert drawn >= {"calibration", "decision", "groups", "fairness"}
    # The simulated effect of age is straight, and expression carries risk.
    bend = float(re.search(r"non-linearity p = (\d\.\d+)", _shown(statistics, "effect"))[1])
    assert bend > 0.05
    lower = float(re.search(r"Gain: \S+ \((\S+) to", _shown(statistics, "c"))[1])
    assert lower > 0
    over = re.findall(r"(\d+\.\d) percentage points too high", _shown(statistics, "competing"))
    assert len(over) == 2
    assert all(float(points) > 0 for points in over)


def test_notebooks_are_plain_and_define_no_logic() -> None:
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata.kernelspec.name == "python3"
        assert notebook.metadata.kernelspec.display_name == "Python 3"
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert cell.outputs == []
                assert cell.execution_count is None
                assert not re.search(r"^\s*(def|class|async)\s", cell.source, re.MULTILINE)
