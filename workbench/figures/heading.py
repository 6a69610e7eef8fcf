"""What stands above the panels: title, notes and legend."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from workbench.figures.drawing import Entry, Label, Legend
from workbench.figures.placing import (
    BODY,
    EDGE,
    LINE,
    TITLE,
    fit_text,
    legend_height,
    legend_of,
    widest,
)
from workbench.figures.style import GREY


class Heading(NamedTuple):
    """Title, notes under it and entries of the legend, cut to the width of the drawing."""

    title: str
    notes: tuple[str, ...]
    legend: Legend | None
    room: float

    def labels(self, height: float) -> tuple[Label, ...]:
        """The notes, in a drawing of ``height``."""
        top = height - (0.48 if self.title else 0.22)
        return tuple(
            Label(EDGE, top - at * LINE, note, color=GREY) for at, note in enumerate(self.notes)
        )

    def legend_in(self, height: float) -> Legend | None:
        """The legend, in a drawing of ``height``."""
        if self.legend is None:
            return None
        foot = height - self.room + 0.12
        return replace(self.legend, top=foot + legend_height(self.legend))


def heading(
    title: str, notes: Sequence[str], entries: Sequence[Entry], *, width: float, left: float = EDGE
) -> Heading:
    """Lay out the head of a drawing; ``left`` is where its legend begins, if it fits."""
    inside = width - 2 * EDGE
    notes = [note for note in notes if note]
    if widest([entry.text for entry in entries]) + 0.75 > width - left - EDGE:
        left = EDGE
    legend = legend_of(entries, left, 0.0, width - left - EDGE) if entries else None
    room = (0.38 if title else 0.1) + LINE * len(notes) + 0.14
    return Heading(
        fit_text(title, inside, TITLE, bold=True),
        tuple(fit_text(note, inside, BODY) for note in notes),
        legend,
        room + (legend_height(legend) + 0.06 if legend else 0.0),
    )
