"""The guided notebooks, run whole in a folder that knows nothing of the checkout.

The first is run in ``test_first_study.py``.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

pytestmark = [
    # The Jupyter stack's own clean-up of sockets and event loops.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|zmq|nbclient|traitlets).*"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_the_kernel_is_this_python() -> None:
    assert KernelSpecManager().get_kernel_spec("python3").argv[0] in (sys.executable, "python")


@pytest.fixture(scope="module")
def statistics(
    tmp_path_factory: pytest.TempPathFactory,
    execute: Callable[[str, Path], nbformat.NotebookNode],
) -> nbformat.NotebookNode:
    """The notebook of survival with its outputs."""
    return execute("03_survival.ipynb", tmp_path_factory.mktemp("statistics"))


@pytest.mark.slow
def test_every_cell_ran_without_a_complaint(
    statistics: nbformat.NotebookNode,
    complaints: Callable[[nbformat.NotebookNode], list[str]],
) -> None:
    assert complaints(statistics) == []


@pytest.mark.slow
def test_statistics_are_drawn_and_say_what_the_words_say(
    statistics: nbformat.NotebookNode, shown: Callable[[nbformat.NotebookNode, str], str]
) -> None:
    drawn = {
        cell.id
        for cell in statistics.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    }
    assert "wb-static" in shown(statistics, "explorer")
    assert drawn >= {"curves", "cox", "proportional", "effect", "competing", "over-time"}
    assert drawn >= {"calibration", "decision", "groups", "fairness"}
    # The simulated effect of age is straight, and expression carries risk.
    bend = float(re.search(r"non-linearity p = (\d\.\d+)", shown(statistics, "effect"))[1])
    assert bend > 0.05
    lower = float(re.search(r"Gain: \S+ \((\S+) to", shown(statistics, "c"))[1])
    assert lower > 0
    over = re.findall(r"(\d+\.\d) percentage points too high", shown(statistics, "competing"))
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
