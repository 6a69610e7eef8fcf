"""A notebook executed as a person would, and what its cells show."""

import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TIME_LIMIT_S = 900


def execute(name: str, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook whole, in a folder that knows nothing of the checkout."""
    for study in NOTEBOOKS.glob("*.yaml"):
        shutil.copy(study, folder)
    client = NotebookClient(
        nbformat.read(NOTEBOOKS / name, as_version=4),
        timeout=TIME_LIMIT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def shown(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """What a cell printed and showed, as text, Markdown and HTML."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    parts = []
    for output in cell.outputs:
        data = output.get("data", {})
        parts.append(output.get("text", ""))
        parts += [str(data.get(f"text/{kind}", "")) for kind in ("plain", "markdown", "html")]
        parts.append(str(data.get("image/svg+xml", "")))
    return "\n".join(parts)


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells wrote to standard error, once each of them has run in its turn."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    return [
        output.text
        for cell in code
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
