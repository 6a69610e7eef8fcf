"""A notebook executed as a person would, and what its cells show."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TIME_LIMIT_S = 900


@pytest.fixture(scope="session")
def execute() -> Callable[[str, Path], nbformat.NotebookNode]:
    """Run a notebook whole, in a folder that knows nothing of the checkout."""

    def run(name: str, folder: Path) -> nbformat.NotebookNode:
        client = NotebookClient(
            nbformat.read(NOTEBOOKS / name, as_version=4),
            timeout=TIME_LIMIT_S,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        )
        return client.execute()

    return run


@pytest.fixture(scope="session")
def shown() -> Callable[[nbformat.NotebookNode, str], str]:
    """What a cell printed and showed, as text and HTML."""

    def text(notebook: nbformat.NotebookNode, cell_id: str) -> str:
        cell = next(cell for cell in notebook.cells if cell.id == cell_id)
        parts = []
        for output in cell.outputs:
            data = output.get("data", {})
            parts.append(output.get("text", ""))
            parts += [str(data.get(kind, "")) for kind in ("text/plain", "text/html")]
            parts.append(str(data.get("image/svg+xml", "")))
        return "\n".join(parts)

    return text


@pytest.fixture(scope="session")
def complaints() -> Callable[[nbformat.NotebookNode], list[str]]:
    """What the cells wrote to standard error, once each of them has run in its turn."""

    def written(notebook: nbformat.NotebookNode) -> list[str]:
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        return [
            output.text
            for cell in code
            for output in cell.outputs
            if output.output_type == "stream" and output.name == "stderr"
        ]

    return written
