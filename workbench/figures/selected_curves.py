"""Survival of the selected patients against that of all others, as coarse as it may be shown."""

import numpy as np

from workbench.cohort.crossfilter.picture import ShownCurve
from workbench.figures.drawing import Drawing, Entry, Line, Panel
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room
from workbench.figures.style import BLUE, GREY, tally
from workbench.figures.ticks import number_axis, percent, plain, time_axis
from workbench.figures.wording import sentences

WIDTH = 6.2
PLOT = 2.9
FOOT = 0.62
RIGHT = 0.3
LOOKS = {"Selected": (BLUE, ()), "Not selected": (GREY, (5.0, 1.5))}


def plot_selected_survival(
    selected: ShownCurve | None,
    rest: ShownCurve | None,
    *,
    time_unit: str,
    title: str = "Survival",
    notes: tuple[str, ...] = (),
) -> Drawing:
    """Two curves at the round times at which they are shown.

    Parameters
    ----------
    selected, rest
        The curves; None is withheld, or there is nobody.
    time_unit
        Of the time axis.
    title, notes
        First line, and lines under it.
    """
    found = [(n, c) for n, c in zip(LOOKS, (selected, rest), strict=True) if c is not None]
    end = max((curve.time[-1] for _, curve in found), default=0.0) or 1.0
    x = time_axis(time_unit, end, title="Time from the index date", ticks=None)
    y = number_axis("Survival without the event", 0.0, 1.0, as_percent=True)
    entries = [Entry(n, f"{n}: n = {tally(c.n_at_risk[0])}", *LOOKS[n]) for n, c in found]
    head = heading(title, notes, entries, width=WIDTH)
    left = EDGE + axis_room(y)
    height = FOOT + PLOT + head.room
    marks = tuple(_line(name, curve, time_unit) for name, curve in found)
    panel = Panel(left, FOOT, WIDTH - left - RIGHT, PLOT, x, y, marks)
    return Drawing(
        head.title,
        WIDTH,
        height,
        (panel,),
        sentences(title, *notes, *(_words(name, curve, time_unit) for name, curve in found)),
        labels=head.labels(height),
        legend=head.legend_in(height),
    )


def _line(name: str, curve: ShownCurve, time_unit: str) -> Line:
    color, dash = LOOKS[name]
    said = tuple(
        f"{name}\n{plain(t)} {time_unit}: {percent(s, 1)}\n{tally(n)} at risk"
        for t, s, n in zip(curve.time, curve.survival, curve.n_at_risk, strict=True)
    )
    time, survival = np.array(curve.time), np.array(curve.survival)
    return Line(time, survival, color, dash, step=True, series=name, hover=said)


def _words(name: str, curve: ShownCurve, time_unit: str) -> str:
    end = f"{percent(curve.survival[-1], 1)} at {plain(curve.time[-1])} {time_unit}"
    return f"{name}: {tally(curve.n_at_risk[0])} patients, {end}"
