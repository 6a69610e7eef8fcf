"""The notebooks that choose patients, run whole in a folder that knows nothing of the checkout."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

Execute = Callable[[str, Path], nbformat.NotebookNode]
Shown = Callable[[nbformat.NotebookNode, str], str]

pytestmark = [
    pytest.mark.slow,
    # The Jupyter stack's own clean-up of sockets and event loops.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter|zmq|nbclient|traitlets).*"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def from_records(
    tmp_path_factory: pytest.TempPathFactory, execute: Execute
) -> nbformat.NotebookNode:
    return execute("08_cohort_from_records.ipynb", tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def radiogenomic(
    tmp_path_factory: pytest.TempPathFactory, execute: Execute
) -> nbformat.NotebookNode:
    return execute("09_radiogenomic_cohort.ipynb", tmp_path_factory.mktemp("radiogenomic"))


def test_every_cell_ran_without_a_complaint(
    from_records: nbformat.NotebookNode,
    radiogenomic: nbformat.NotebookNode,
    complaints: Callable[[nbformat.NotebookNode], list[str]],
) -> None:
    assert complaints(from_records) == []
    assert complaints(radiogenomic) == []


def test_the_washout_takes_out_who_only_seemed_to_be_new(
    from_records: nbformat.NotebookNode, shown: Shown
) -> None:
    lost = int(re.search(r"'lost': (\d+)", shown(from_records, "members"))[1])
    assert lost > 10
    assert "'gained': 0" in shown(from_records, "members")
    assert "no such event in the 7300 days before" in shown(from_records, "washout")
    same = re.findall(r"(?:as defined|another order) +(\d+)", shown(from_records, "order"))
    assert len(set(same)) == 1


def test_what_raises_the_hazard_by_construction_is_found(
    from_records: nbformat.NotebookNode, shown: Shown
) -> None:
    table = shown(from_records, "model").split("<table")[0]
    clinical = next(line for line in table.splitlines() if "clinical" in line).split()
    estimate, lower = float(clinical[4]), float(clinical[5])
    assert estimate > 0.68
    assert lower > 0.6
    assert "image/svg+xml" in json.dumps(next(c for c in from_records.cells if c.id == "curve"))
    assert "after the index date" in shown(from_records, "features")


def test_the_definition_that_is_shown_is_one(
    from_records: nbformat.NotebookNode, shown: Shown
) -> None:
    assert re.search(r"'[0-9a-f]{64}'", shown(from_records, "json"))
    assert shown(from_records, "sql").startswith("WITH ")


def test_a_radiogenomic_cohort_says_whom_it_lost(
    radiogenomic: nbformat.NotebookNode, shown: Shown
) -> None:
    table = shown(radiogenomic, "select")
    assert "Imaging before treatment: has imaging in the 90 days before" in table
    assert "Refused: " in shown(radiogenomic, "refused")
    assert "chosen" in shown(radiogenomic, "shift")
    assert "age ≥ 40 and age &lt; 65" in shown(radiogenomic, "rule").replace("<", "&lt;")
    assert "without age" in shown(radiogenomic, "k")
