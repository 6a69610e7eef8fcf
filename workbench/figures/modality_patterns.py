"""Which combinations of modalities patients have."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.errors import CohortError
from workbench.figures.counted_bars import (
    Count,
    count_axis,
    count_entries,
    count_words,
    highest,
    level_bars,
    upright_bars,
)
from workbench.figures.drawing import Axis, Drawing, Label, Line, Mark, Panel, Points
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room, fit_text, text_width, widest
from workbench.figures.style import GREY, INK, PALE, tally
from workbench.figures.wording import sentences

WIDTH = 9.6
ROW = 0.28
BARS = 2.0
SIZES = 1.5
GAP = 0.14
NAME_ROOM = 2.4
COLUMN = 0.6
"""Inches that a combination takes at most."""
RIGHT = 0.3


def plot_modalities(
    modalities: Sequence[str],
    patterns: Sequence[Sequence[str]],
    counts: Sequence[Count],
    *,
    n_other: int = 0,
    sizes: Sequence[Count] | None = None,
    selected: Sequence[Count] | None = None,
    title: str,
    notes: Sequence[str] = (),
) -> Drawing:
    """UpSet plot: patients with each combination of modalities, over a matrix of dots [1].

    Parameters
    ----------
    modalities
        Their names, from top to bottom.
    patterns
        Which modalities a patient has, and no other: one a column, in the order of the bars.
    counts
        Patients with each pattern, (pattern,); None is withheld. With ``n_other`` one more at the
        end: those with any other combination.
    n_other
        Combinations that share the last bar.
    sizes
        Patients with each modality, (modality,), drawn to the left; None leaves them out.
    selected
        Of ``counts``, those who are selected.
    title
        The patients.
    notes
        Lines under the title.

    Raises
    ------
    CohortError
        Counts that do not fit the patterns or the modalities, or an unknown modality.

    References
    ----------
    [1] Lex A, Gehlenborg N, Strobelt H, Vuillemot R, Pfister H. "UpSet: visualization of
        intersecting sets." IEEE Trans Vis Comput Graph, 2014.
    """
    _check(modalities, patterns, counts, n_other, sizes, selected)
    names = [fit_text(name, NAME_ROOM) for name in modalities]
    labels = [" + ".join(pattern) or "none" for pattern in patterns]
    labels += [f"{n_other} other combinations"] if n_other else []
    y = count_axis("Patients", highest(counts))
    top = 1.12 * highest(counts)
    kept = tuple(at for at in y.ticks if at <= top)
    y = replace(y, limits=(0.0, top), ticks=kept, labels=y.labels[: len(kept)])
    room = 0.0 if sizes is None else SIZES + GAP + 0.5
    left = max(EDGE + room + widest(names) + GAP, EDGE + axis_room(y))
    wide = min(WIDTH - left - RIGHT, COLUMN * len(counts))
    every = [*counts, *(sizes or ())]
    head = heading(title, notes, count_entries(every, selected), width=WIDTH)
    foot = EDGE + (0.26 if sizes is not None or n_other else 0.0)
    body = ROW * len(modalities)
    bottom = foot + body + GAP
    height = bottom + BARS + head.room
    places = np.arange(len(counts), dtype=float)
    x = Axis("", (-0.5, len(counts) - 0.5), (), (), shown=False)
    bars = upright_bars(places - 0.32, places + 0.32, labels, counts, selected)
    rows = Axis("", (len(modalities) - 0.5, -0.5), (), (), shown=False)
    panels = [
        Panel(left, bottom, wide, BARS, x, y, bars),
        Panel(left, foot, wide, body, x, rows, _dots(modalities, patterns), grid=""),
    ]
    levels = [foot + body - ROW * (at + 0.5) for at in range(len(names))]
    placed = [*head.labels(height)]
    placed += [Label(left - GAP, up, name, "right") for name, up in zip(names, levels, strict=True)]
    placed += _over_bars(counts, left, wide, bottom, y.limits[1])
    if n_other:
        said = f"{n_other} others"
        placed.append(_under(said, left + wide * (len(counts) - 0.5) / len(counts), foot - 0.14))
    if sizes is not None:
        panels.append(_sizes(modalities, sizes, foot, body, rows))
        placed += [
            Label(EDGE + 0.5 + SIZES * _back(n, sizes) - 0.06, up, _number(n), "right", GREY)
            for n, up in zip(sizes, levels, strict=True)
        ]
    said = [
        count_words(label, n, s, chosen=selected is not None)
        for label, n, s in zip(labels, counts, selected or counts, strict=True)
    ]
    return Drawing(
        head.title,
        WIDTH,
        height,
        tuple(panels),
        sentences("Patients by the modalities they have", title, "; ".join(said)),
        labels=tuple(placed),
        legend=head.legend_in(height),
    )


def _check(
    modalities: Sequence[str],
    patterns: Sequence[Sequence[str]],
    counts: Sequence[Count],
    n_other: int,
    sizes: Sequence[Count] | None,
    selected: Sequence[Count] | None,
) -> None:
    expected = len(patterns) + (n_other > 0)
    for name, given, n in (
        ("counts", counts, expected),
        ("selected", selected, expected),
        ("sizes", sizes, len(modalities)),
    ):
        if given is not None and (len(given) != n or not n):
            raise CohortError(
                f"{name}: expected {n} numbers, one or more, got {len(given)}: pass one a "
                f"{'modality' if name == 'sizes' else 'pattern, and one for all others'}"
            )
    unknown = {name for pattern in patterns for name in pattern} - set(modalities)
    if unknown:
        raise CohortError(f"patterns name {sorted(unknown)}, which are none of the modalities")


def _dots(modalities: Sequence[str], patterns: Sequence[Sequence[str]]) -> tuple[Mark, ...]:
    """A dot for every modality of every pattern, dark where patients have it."""
    rows = {name: at for at, name in enumerate(modalities)}
    has = [sorted(rows[name] for name in pattern) for pattern in patterns]
    marks: list[Mark] = []
    empty = [(c, r) for c, of in enumerate(has) for r in rows.values() if r not in of]
    dark = [(c, r) for c, of in enumerate(has) for r in of]
    for c, of in enumerate(has):
        if len(of) > 1:
            marks.append(Line(np.full(2, float(c)), np.array([of[0], of[-1]], float), INK))
    for color, at in ((PALE, empty), (INK, dark)):
        if at:
            x, y = np.array(at, dtype=float).T
            marks.append(Points(x, y, color, size=8))
    return tuple(marks)


def _over_bars(
    counts: Sequence[Count], left: float, wide: float, bottom: float, top: float
) -> list[Label]:
    """Each count above its bar, where all have room."""
    step = wide / len(counts)
    if max(text_width(tally(n or 0), 8.5) for n in counts) > step - 0.04:
        return []
    return [
        Label(left + step * (at + 0.5), bottom + BARS * n / top + 0.1, tally(n), "center", size=8.5)
        for at, n in enumerate(counts)
        if n is not None
    ]


def _under(text: str, middle: float, up: float) -> Label:
    if middle + text_width(text) / 2 > WIDTH - EDGE:
        return Label(WIDTH - EDGE, up, text, "right", GREY)
    return Label(middle, up, text, "center", GREY)


def _sizes(
    modalities: Sequence[str], sizes: Sequence[Count], foot: float, body: float, rows: Axis
) -> Panel:
    """Level bars that grow to the left."""
    x = Axis("Patients with it", (float(highest(sizes)), 0.0), (), (), shown=False)
    bars = level_bars(range(len(sizes)), modalities, sizes, None, thick=0.55)
    return Panel(EDGE + 0.5, foot, SIZES, body, x, rows, bars, grid="")


def _back(n: Count, sizes: Sequence[Count]) -> float:
    """Where a bar that grows to the left ends, as a share of its panel."""
    return 1.0 - (0.05 if n is None else n / highest(sizes))


def _number(n: Count) -> str:
    return "withheld" if n is None else tally(n)
