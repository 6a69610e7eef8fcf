"""The notebooks of linked widgets and of images, run whole: pictures that stay, nobody in them."""

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


@pytest.fixture(scope="module")
def images(
    folder: Path, execute: Callable[[str, Path], nbformat.NotebookNode]
) -> nbformat.NotebookNode:
    return execute("06_images.ipynb", folder)


def test_images_and_slides_are_looked_at_and_kept_only_as_the_card_allows(
    images: nbformat.NotebookNode,
    folder: Path,
    complaints: Callable[[nbformat.NotebookNode], list[str]],
    shown: Callable[[nbformat.NotebookNode, str], str],
) -> None:
    assert complaints(images) == []
    assert "patient 40 of 497, post-contrast" in shown(images, "state")
    assert (folder / "lesion.png").read_bytes().startswith(b"\x89PNG")
    assert "1.54 × 1.15 mm, 0.5 µm a pixel" in shown(images, "slide-size")
    for cell in ("viewer", "slide"):
        assert "data:image/png" in shown(images, cell)
    text = json.dumps(images)
    assert len(text) < 3_000_000
    assert "SIM-" not in text
