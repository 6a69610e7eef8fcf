"""The notebook of linked widgets, run whole: pictures that stay, and nobody in them."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

pytestmark = [
    # The Jupyter stack's own clean-up of sockets and event loops.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|zmq|nbclient|traitlets).*"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("screen")


@pytest.fixture(scope="module")
def screen(
    folder: Path, execute: Callable[[str, Path], nbformat.NotebookNode]
) -> nbformat.NotebookNode:
    """The second notebook with its outputs."""
    return execute("02_cohort.ipynb", folder)


def test_every_widget_leaves_a_picture_and_no_complaint(
    screen: nbformat.NotebookNode,
    complaints: Callable[[nbformat.NotebookNode], list[str]],
    shown: Callable[[nbformat.NotebookNode, str], str],
) -> None:
    assert complaints(screen) == []
    for cell in ("rules", "flow", "filter", "survival", "table"):
        assert "wb-static" in shown(screen, cell)
    assert "206 patients: age ≥ 60" in shown(screen, "python")


def test_what_is_saved_is_small_and_holds_nobody(
    screen: nbformat.NotebookNode, folder: Path
) -> None:
    text = json.dumps(screen)
    assert len(text) < 3_000_000
    assert "SIM-" not in text
    assert "<script" not in (folder / "survival.html").read_text(encoding="utf-8")
