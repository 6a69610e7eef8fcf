"""Blocks as HTML without a script, and as plain words.

Figures are pictures in ``<img>``, which a notebook shows also where it does not trust its author.
"""

import base64
from functools import singledispatch
from html import escape
from typing import Any

from workbench.errors import printable
from workbench.figures.drawing import Drawing
from workbench.figures.in_pixels import scene_of
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Code,
    Control,
    Controls,
    Figure,
    Notice,
    Number,
    Part,
    Picture,
    Private,
    Progress,
    Row,
    Section,
    Several,
    Slider,
    Switch,
    Table,
    TextEntry,
    Words,
)

MOST_ROWS = 60
"""Rows of a table that a saved picture keeps: a notebook stays small."""


def static_html(title: str, blocks: tuple[Block, ...]) -> str:
    """One ``<div>``, everything in it escaped, nothing from elsewhere."""
    head = f"<h3>{_safe(title)}</h3>" if title else ""
    return f'<div class="wb-static">{head}{_all(blocks)}</div>'


def static_text(title: str, blocks: tuple[Block, ...]) -> str:
    """Words and numbers only."""
    parts = [title, *(_words(block) for block in blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _safe(text: str) -> str:
    return escape(printable(str(text)), quote=True)


def _all(blocks: tuple[Block, ...]) -> str:
    return "".join(_html(block) for block in blocks)


def picture(drawing: Drawing) -> str:
    """A drawing as ``<img>``, in colours that read on light and on dark ground."""
    scene = scene_of(drawing)
    data = base64.b64encode(scene.svg().encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{_safe(scene.description)}" '
        f'width="{scene.width:g}" height="{scene.height:g}" style="max-width:100%;height:auto">'
    )


@singledispatch
def _html(block: Any) -> str:
    raise TypeError(f"no way to write {type(block).__name__}")


@_html.register
def _(block: Controls) -> str:
    said = [text for text in map(_setting, block.controls) if text]
    return f"<p><small>{_safe(' · '.join(said))}</small></p>" if said else ""


@_html.register
def _(block: Figure) -> str:
    return f"<p>{picture(block.drawing)}</p>"


@_html.register
def _(block: Picture) -> str:
    data = base64.b64encode(block.svg.encode()).decode()
    caption = f"<br><small>{_safe(block.caption)}</small>" if block.caption else ""
    return (
        f'<p><img src="data:image/svg+xml;base64,{data}" alt="{_safe(block.description)}" '
        f'style="max-width:100%;background:#fff">{caption}</p>'
    )


@_html.register
def _(block: Part) -> str:
    drawn = f"<p>{picture(block.drawing)}</p>" if block.drawing is not None else ""
    return drawn + (_html(block.table) if block.table is not None else "")


@_html.register
def _(block: Table) -> str:
    head = "".join(f"<th>{_safe(text)}</th>" for text in block.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in row) + "</tr>"
        for row in block.rows[:MOST_ROWS]
    )
    more = len(block.rows) - MOST_ROWS
    left = f"<p><small>and {more} more rows</small></p>" if more > 0 else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{left}"
    caption = _safe(block.caption)
    if block.folded:
        return f"<details><summary>{caption}</summary>{table}</details>"
    return (f"<p><b>{caption}</b></p>" if caption else "") + table


@_html.register
def _(block: Words) -> str:
    tag = f"h{block.heading + 3}" if block.heading else "p"
    return f"<{tag}>{_safe(block.text)}</{tag}>"


@_html.register
def _(block: Code) -> str:
    return f"<pre>{_safe(block.text)}</pre>"


@_html.register
def _(block: Notice) -> str:
    return f"<p><b>{block.level.capitalize()}:</b> {_safe(block.text)}</p>"


@_html.register
def _(block: Progress) -> str:
    return f"<p>{_safe(_words(block))}</p>"


@_html.register
def _(block: Row) -> str:
    return _all(block.blocks)


@_html.register
def _(block: Section) -> str:
    return f"<h4>{_safe(block.title)}</h4>{_all(block.blocks)}"


@_html.register
def _(block: Private) -> str:
    return f"<p>{_safe(block.instead)}</p>"


@singledispatch
def _words(block: Any) -> str:
    raise TypeError(f"no way to say {type(block).__name__}")


@_words.register
def _(block: Controls) -> str:
    return "\n".join(text for text in map(_setting, block.controls) if text)


@_words.register
def _(block: Figure) -> str:
    return block.drawing.description


@_words.register
def _(block: Picture) -> str:
    return "\n".join(filter(None, (block.description, block.caption)))


@_words.register
def _(block: Part) -> str:
    drawn = block.drawing.description if block.drawing is not None else ""
    told = _words(block.table) if block.table is not None else ""
    return "\n\n".join(part for part in (drawn, told) if part)


@_words.register
def _(block: Table) -> str:
    lines = [block.caption, "\t".join(block.head), *("\t".join(row) for row in block.rows)]
    return "\n".join(line for line in lines if line)


@_words.register
def _(block: Words) -> str:
    return block.text


@_words.register
def _(block: Code) -> str:
    return block.text


@_words.register
def _(block: Notice) -> str:
    return f"{block.level.capitalize()}: {block.text}"


@_words.register
def _(block: Progress) -> str:
    detail = f" ({block.detail})" if block.detail else ""
    return f"{block.label}: {block.done:,} of {block.total:,}{detail}"


@_words.register
def _(block: Row) -> str:
    return "\n\n".join(filter(None, map(_words, block.blocks)))


@_words.register
def _(block: Section) -> str:
    return "\n\n".join((block.title, *filter(None, map(_words, block.blocks))))


@_words.register
def _(block: Private) -> str:
    return block.instead


def _setting(control: Control) -> str:
    """What a control is set to; a button says nothing."""
    match control:
        case Choice():
            return f"{control.label}: {control.options.get(control.value, control.value)}"
        case Several():
            chosen = [control.options.get(value, value) for value in control.values]
            return f"{control.label}: {', '.join(chosen) or 'none'}"
        case Switch():
            return f"{control.label}: {'yes' if control.value else 'no'}"
        case Slider() | Number():
            value = "not set" if control.value is None else f"{control.value:g} {control.unit}"
            return f"{control.label}: {value.strip()}"
        case TextEntry():
            return f"{control.label}: {control.value or 'empty'}"
        case Button():
            return ""
