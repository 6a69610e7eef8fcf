"""What a widget shows, as a file."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError, printable
from workbench.figures.in_pixels import scene_of
from workbench.figures.style import GREY, INK, RULE
from workbench.report.bundle import guarded

if TYPE_CHECKING:
    from workbench.widgets.widget import NotebookWidget

SUFFIXES = (".html", ".svg", ".png", ".pdf", ".csv", ".json")
PAPER = {INK: INK, GREY: GREY, RULE: RULE}
SHEET = (
    "body{font:15px/1.5 'Helvetica Neue',Arial,'Liberation Sans',sans-serif;color:#1c2733;"
    "background:#fff;max-width:1180px;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2em .9em .2em 0;"
    "border-bottom:1px solid #d5dbe1;vertical-align:top;font-variant-numeric:tabular-nums}"
)


def save_widget(widget: "NotebookWidget", path: Path, name: str) -> Path:
    """Write what the suffix says, see :meth:`NotebookWidget.save`; whole or not at all."""
    suffix = path.suffix.lower()
    if suffix == ".html":
        return _write(path, _page(widget))
    if suffix == ".svg":
        return _write(path, scene_of(_one(widget.figures, name, "figure")).svg(PAPER))
    if suffix in (".png", ".pdf"):
        return _one(widget.figures, name, "figure").save(path)
    if suffix == ".csv":
        return _write_csv(path, _one(widget.tables, name, "table"))
    if suffix == ".json":
        return _write(path, json.dumps(_numbers(widget), indent=1, ensure_ascii=False) + "\n")
    raise WorkbenchError(
        f"a widget is saved as one of {', '.join(SUFFIXES)}, got {suffix or 'no suffix'!r}"
    )


def _one(found: dict[str, Any], name: str, what: str) -> Any:
    if name in found:
        return found[name]
    if not name and len(found) == 1:
        return next(iter(found.values()))
    there = f"there are {', '.join(found)}" if found else "there is none"
    raise WorkbenchError(f"name the {what} to save: {there}")


def _page(widget: "NotebookWidget") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{printable(widget.title)}</title><style>{SHEET}</style></head>"
        f"<body>{widget.static_html()}</body></html>\n"
    )


def _numbers(widget: "NotebookWidget") -> dict[str, Any]:
    return {
        "widget": type(widget).__name__,
        "state": widget.state.model_dump(mode="json"),
        "figures": {name: each.description for name, each in widget.figures.items()},
        "tables": {
            name: {"caption": each.caption, "head": list(each.head), "rows": list(each.rows)}
            for name, each in widget.tables.items()
        },
    }


def _write(path: Path, text: str) -> Path:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path


def _write_csv(path: Path, table: Any) -> Path:
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([guarded(cell) for cell in row] for row in (table.head, *table.rows))
    part.replace(path)
    return path
