"""Notebooks executed as a person would, for the tests of what they show."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.notebooks import executing


@pytest.fixture(scope="session")
def execute() -> Callable[[str, Path], nbformat.NotebookNode]:
    """Run a notebook whole, in a folder that knows nothing of the checkout."""
    return executing.execute


@pytest.fixture(scope="session")
def shown() -> Callable[[nbformat.NotebookNode, str], str]:
    """What a cell printed and showed, as text and HTML."""
    return executing.shown


@pytest.fixture(scope="session")
def complaints() -> Callable[[nbformat.NotebookNode], list[str]]:
    """What the cells wrote to standard error, once each of them has run in its turn."""
    return executing.complaints
