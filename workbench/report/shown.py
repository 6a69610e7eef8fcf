"""Drawings and tables of a section, found in what its template was given."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from workbench.figures.style import styled
from workbench.report.drawing import Drawing
from workbench.report.page import Shown
from workbench.report.table import Table

Kind = TypeVar("Kind", Drawing, Table)

DOTS_PER_INCH = 200


def drawings(shown: Shown) -> tuple[Drawing, ...]:
    """In the order of the section's context."""
    return tuple(_all_of(Drawing, shown.context))


def tables(shown: Shown) -> tuple[Table, ...]:
    """In the order of the section's context."""
    return tuple(_all_of(Table, shown.context))


def as_png(drawing: Drawing) -> bytes:
    """The drawing as pixels; no date and no name in it."""
    buffer = io.BytesIO()
    with styled():
        drawing.figure.savefig(
            buffer, format="png", dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None}
        )
    return buffer.getvalue()


def _all_of(kind: type[Kind], value: Any) -> Iterator[Kind]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _all_of(kind, inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _all_of(kind, inner)
