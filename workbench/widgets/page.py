"""Blocks as JSON: what the page of a widget is told, aggregates and words only."""

from dataclasses import fields
from functools import singledispatch
from typing import Any

from workbench.errors import printable
from workbench.figures.in_pixels import scene_of
from workbench.widgets.blocks import Block, Controls, Figure, Part, Private, Row, Section, Table


def page_json(blocks: tuple[Block, ...]) -> list[dict[str, Any]]:
    """One JSON object a block; ``kind`` says which.

    Examples
    --------
    >>> from workbench.widgets.blocks import Notice
    >>> page_json((Notice("Few events.", "warning"),))
    [{'kind': 'notice', 'text': 'Few events.', 'level': 'warning', 'name': ''}]
    """
    return [_written(block) for block in blocks]


@singledispatch
def _written(block: Any) -> dict[str, Any]:
    return {"kind": type(block).__name__.lower()} | {
        each.name: _plain(getattr(block, each.name)) for each in fields(block)
    }


@_written.register
def _(block: Figure) -> dict[str, Any]:
    scene = scene_of(block.drawing)
    return {
        "kind": "figure",
        "name": block.name,
        "title": printable(block.drawing.title),
        "scene": scene.to_json(),
        "picks": _plain(block.picks),
        "brush": block.brush,
        "brushed": list(block.brushed) if block.brushed else None,
    }


@_written.register
def _(block: Controls) -> dict[str, Any]:
    return {
        "kind": "controls",
        "name": block.name,
        "controls": [_written(control) for control in block.controls],
    }


@_written.register
def _(block: Part) -> dict[str, Any]:
    table = _written(block.table) if isinstance(block.table, Table) else None
    return {
        "kind": "part",
        "name": block.name,
        "drawn_by": block.kind,
        "data": dict(block.data),
        "table": table,
    }


@_written.register
def _(block: Row) -> dict[str, Any]:
    return {
        "kind": "row",
        "name": block.name,
        "blocks": page_json(block.blocks),
        "shares": list(block.shares),
    }


@_written.register
def _(block: Section) -> dict[str, Any]:
    return {
        "kind": "section",
        "name": block.name,
        "title": block.title,
        "blocks": page_json(block.blocks),
        "open": block.open,
    }


@_written.register
def _(block: Private) -> dict[str, Any]:
    return {"kind": "private", "name": block.name, "version": block.version}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "items"):
        # Objects of JSON lose their order where a key looks like a number.
        return [[key, printable(str(words))] for key, words in value.items()]
    return value
