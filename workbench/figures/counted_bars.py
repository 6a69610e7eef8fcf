"""Bars of counts, the chosen over all; a count that is withheld is hatched and never zero."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.figures.drawing import Axis, Bars, Entry, Polygon
from workbench.figures.style import BLUE, GREY, PALE, tally
from workbench.figures.ticks import number_axis, plain

Count = int | None
"""None: withheld, which is not zero."""
STUB = 0.05
"""How much of the axis a bar of withheld height takes."""
CHOSEN, EVERYONE, WITHHELD = "Selected", "All", "Withheld"


def highest(total: Sequence[Count]) -> int:
    """The largest count that is shown, at least 1."""
    return max((n for n in total if n is not None), default=1) or 1


def count_axis(title: str, high: int) -> Axis:
    """From 0 to ``high`` or above it, without ticks between whole patients."""
    axis = number_axis(title, 0.0, float(high), n_ticks=5)
    whole = tuple(at for at in axis.ticks if float(at).is_integer())
    return replace(axis, ticks=whole, labels=tuple(plain(at) for at in whole))


def count_entries(total: Sequence[Count], selected: Sequence[Count] | None) -> list[Entry]:
    """What the legend says of bars of these counts."""
    found = []
    if selected is not None:
        found.append(Entry(CHOSEN, CHOSEN, BLUE, symbol="square"))
        found.append(Entry(EVERYONE, EVERYONE, PALE, symbol="square"))
    if None in total or (selected is not None and None in selected):
        found.append(Entry(WITHHELD, f"Hatched: {WITHHELD.lower()}", GREY, symbol="square"))
    return found


def count_words(label: str, total: Count, selected: Count, *, chosen: bool) -> str:
    """Such as ``"Men: 12 of 40 selected"``."""
    of = "number withheld" if total is None else tally(total)
    if not chosen:
        return f"{label}: {of}"
    return f"{label}: {'number withheld' if selected is None else tally(selected)} of {of} selected"


def upright_bars(
    left: np.ndarray,
    right: np.ndarray,
    labels: Sequence[str],
    total: Sequence[Count],
    selected: Sequence[Count] | None,
) -> tuple[Bars, ...]:
    """Bars between ``left`` and ``right``, (bar,), of the counts; lowest first."""
    stub = STUB * highest(total)
    chosen = selected is not None
    words = [
        count_words(label, n, s, chosen=chosen)
        for label, n, s in zip(labels, total, selected or total, strict=True)
    ]
    layers = _layers(total, selected, stub)
    return tuple(
        Bars(
            left[at],
            right[at],
            np.array(heights, dtype=float),
            color,
            hover=tuple(words[i] for i in at),
            series=_series(color, hatched),
            hatched=hatched,
        )
        for color, hatched, at, heights in layers
    )


def level_bars(
    rows: Sequence[float],
    labels: Sequence[str],
    total: Sequence[Count],
    selected: Sequence[Count] | None,
    *,
    thick: float = 0.68,
) -> tuple[Polygon, ...]:
    """Level bars from 0 at the given ``rows`` of a panel."""
    stub = STUB * highest(total)
    found = []
    for color, hatched, at, heights in _layers(total, selected, stub):
        for i, length in zip(at, heights, strict=True):
            low, high = rows[i] - thick / 2, rows[i] + thick / 2
            x = np.array([0.0, length, length, 0.0, 0.0])
            y = np.array([low, low, high, high, low])
            said = count_words(
                labels[i], total[i], selected[i] if selected else None, chosen=selected is not None
            )
            series = _series(color, hatched)
            found.append(Polygon(x, y, color, said, series, hatched=hatched))
    return tuple(found)


def _layers(
    total: Sequence[Count], selected: Sequence[Count] | None, stub: float
) -> list[tuple[str, bool, list[int], list[float]]]:
    """Colour, hatching, positions and lengths of what lies over each other, lowest first."""
    shown = {i: float(n) for i, n in enumerate(total) if n}
    unknown = {i: stub for i, n in enumerate(total) if n is None}
    layers = [(PALE if selected else BLUE, False, shown), (GREY, True, unknown)]
    if selected is not None:
        part = {i: float(n) for i, n in enumerate(selected) if n}
        hidden = {i: n for i, n in shown.items() if selected[i] is None}
        layers += [(BLUE, False, part), (BLUE, True, hidden)]
    return [(c, h, [*each], [*each.values()]) for c, h, each in layers if each]


def _series(color: str, hatched: bool) -> str:
    return WITHHELD if hatched else EVERYONE if color == PALE else CHOSEN
