"""A drawing as a file, and as what a notebook keeps."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.figures.drawing import Drawing
from workbench.figures.interactive import CONFIG
from workbench.figures.style import styled

SUFFIXES = (".svg", ".png", ".pdf", ".html")
PRINT_DPI = 300


def save_drawing(drawing: Drawing, path: Path) -> Path:
    """Write what the suffix says, see :meth:`Drawing.save`."""
    suffix = path.suffix.lower()
    if suffix == ".svg":
        path.write_text(drawing.svg(), encoding="utf-8")
    elif suffix == ".png":
        with styled():
            drawing.static().savefig(path, dpi=PRINT_DPI, metadata={"Software": None})
    elif suffix == ".pdf":
        with styled():
            metadata = {"Creator": None, "Producer": None, "CreationDate": None}
            drawing.static().savefig(path, metadata=metadata)
    elif suffix == ".html":
        page = drawing.interactive(theme="both").to_html(
            include_plotlyjs=True, config=CONFIG, div_id="figure"
        )
        path.write_text(page, encoding="utf-8")
    else:
        raise WorkbenchError(
            f"a figure is saved as one of {', '.join(SUFFIXES)}, got {suffix or 'no suffix'!r}"
        )
    return path


def notebook_bundle(drawing: Drawing) -> dict[str, Any]:
    """Interactive where plotly is installed, and always SVG: it stays when the kernel goes."""
    bundle: dict[str, Any] = {"text/plain": drawing.description, "image/svg+xml": drawing.svg()}
    if importlib.util.find_spec("plotly") is not None:
        figure = json.loads(drawing.interactive().to_json() or "{}")
        bundle["application/vnd.plotly.v1+json"] = figure | {"config": CONFIG}
    return bundle
