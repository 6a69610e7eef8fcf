"""Step functions over time with bands, censoring ticks and an aligned table of numbers at risk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import (
    Axis,
    Band,
    Dash,
    Drawing,
    Entry,
    Line,
    Mark,
    Panel,
    Points,
    RiskTable,
    Row,
)
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room, fit_text, table_left_room, table_room
from workbench.figures.style import DASHES, SERIES
from workbench.figures.ticks import plain
from workbench.figures.wording import withheld
from workbench.survival.kaplan_meier import KaplanMeier

WIDTH = 9.6
PLOT = 3.5
RIGHT = 0.35
LABEL_ROOM = 2.2
GAP = 0.6
TABLE_HEADING = "At risk just before"
MOST_STEPS = 1200
"""Steps of one curve that are drawn: more would lie closer than the pixels of a screen."""
STEPS_BETWEEN = 4
"""Points kept between two ticks where single patients must not show."""


@dataclass(frozen=True, eq=False)
class Steps:
    """One curve, ready to draw.

    Parameters
    ----------
    label
        The group or cause, as a person reads it.
    time, value, lower, upper, n_at_risk
        The curve from its start on, (point,).
    censored
        Times with a censoring, (time,).
    at_risk_at
        Number at risk just before given times.
    summary
        What the legend says after the label.
    """

    label: str
    time: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n_at_risk: np.ndarray
    censored: np.ndarray
    at_risk_at: Callable[[np.ndarray], np.ndarray]
    summary: str

    def cells(self, ticks: Sequence[float], minimum_cell: int | None) -> tuple[str, ...]:
        """Numbers at risk at the ticks, as the table shows them."""
        counts = np.asarray(self.at_risk_at(np.array(ticks, dtype=float)))
        return tuple(withheld(float(count), minimum_cell) for count in counts)

    def value_at(self, times: np.ndarray) -> np.ndarray:
        """Value of the curve at given times, (time,)."""
        return self.value[np.searchsorted(self.time, times, side="right") - 1]


def from_start(start: float, values: np.ndarray) -> np.ndarray:
    """A curve's values with that at time 0 before them."""
    return np.concatenate([[start], np.asarray(values, dtype=float)])


def coarsened(curve: Steps, ticks: Sequence[float], minimum_cell: int) -> Steps:
    """The curve without the moments at which single patients had an event or left.

    Values are kept at STEPS_BETWEEN even times between the ticks, censoring times go, and the
    curve ends at the last tick with ``minimum_cell`` patients at risk.
    """
    grid = coarse_times(curve, ticks, minimum_cell)
    kept = np.searchsorted(curve.time, grid, side="right") - 1
    return replace(
        curve,
        time=grid,
        value=curve.value[kept],
        lower=curve.lower[kept],
        upper=curve.upper[kept],
        n_at_risk=np.asarray(curve.at_risk_at(grid)),
        censored=np.empty(0),
    )


def coarse_times(
    curve: Steps | KaplanMeier, ticks: Sequence[float], minimum_cell: int
) -> np.ndarray:
    """Times at which a coarsened curve is kept."""
    enough = np.asarray(curve.at_risk_at(np.array(ticks, dtype=float))) >= minimum_cell
    n_ticks = int(np.append(enough[1:], False).argmin()) + 1
    between = [np.linspace(a, b, STEPS_BETWEEN + 1)[1:] for a, b in pairwise(ticks)]
    return np.concatenate([[0.0], *between[: n_ticks - 1]])


def thinned(curve: Steps, end: float) -> Steps:
    """At most MOST_STEPS points: the last in each of as many equal parts of the time axis."""
    if len(curve.time) <= MOST_STEPS:
        return curve
    part = np.floor(curve.time / end * (MOST_STEPS - 2))
    kept = np.append(part[1:] != part[:-1], True)
    kept[0] = True
    parts = {n: getattr(curve, n)[kept] for n in ("time", "value", "lower", "upper", "n_at_risk")}
    ticked = np.unique(np.floor(curve.censored / end * MOST_STEPS), return_index=True)[1]
    return replace(curve, **parts, censored=curve.censored[ticked])


def curve_marks(
    curve: Steps,
    look: tuple[str, Dash],
    time_unit: str,
    write: Callable[[float], str],
    minimum_cell: int | None,
) -> tuple[Mark, ...]:
    """Band, line with hover texts, and censoring ticks, in the look of the curve."""
    color, dash = look
    marks: list[Mark] = [
        Band(curve.time, curve.lower, curve.upper, color, step=True, series=curve.label),
        Line(
            curve.time,
            curve.value,
            color,
            dash,
            step=True,
            series=curve.label,
            hover=tuple(
                f"{curve.label}\n{plain(t)} {time_unit}: {write(v)}{_limits(low, high, write)}"
                f"{_at_risk(n, minimum_cell)}"
                for t, v, low, high, n in zip(
                    *(
                        each.tolist()
                        for each in (
                            curve.time,
                            curve.value,
                            curve.lower,
                            curve.upper,
                            curve.n_at_risk,
                        )
                    ),
                    strict=True,
                )
            ),
        ),
    ]
    if len(curve.censored):
        marks.append(
            Points(
                curve.censored, curve.value_at(curve.censored), color, "tick", 5, series=curve.label
            )
        )
    return tuple(marks)


def looks(n: int) -> list[tuple[str, Dash]]:
    """Colour and dash of each of ``n`` curves, told apart without colour too.

    Raises
    ------
    SurvivalError
        More curves than a reader can tell apart.
    """
    if not 0 < n <= len(SERIES):
        raise SurvivalError(
            f"a figure holds 1 to {len(SERIES)} curves, got {n}: choose or merge groups"
        )
    return [(color, tuple(dash)) for color, dash in zip(SERIES, DASHES, strict=False)][:n]


def step_figure(
    panels: Sequence[tuple[str, Sequence[Steps]]],
    *,
    x: Axis,
    y: Axis,
    title: str,
    notes: Sequence[str],
    time_unit: str,
    write: Callable[[float], str],
    description: str,
    minimum_cell: int | None,
    under: Sequence[Mark] = (),
    one_row: str = "",
    tabled: bool = True,
) -> Drawing:
    """One panel a heading, each with its curves and their table; a legend of all curves above.

    Curves of one label look the same in each panel. ``under`` are marks that lie under them;
    ``one_row`` names the one row of the table where all curves are of the same patients; without
    ``tabled`` nobody is at risk, as under curves that were predicted.
    """
    panels = [(name, [thinned(c, x.limits[1]) for c in group]) for name, group in panels]
    series = {c.label: c for _, group in panels for c in group}
    look = dict(zip(series, looks(len(series)), strict=True))
    short = {label: fit_text(label, LABEL_ROOM) for label in series}
    entries = [
        Entry(label, f"{short[label]}{c.summary}", *look[label]) for label, c in series.items()
    ]
    names = [one_row] if one_row else [*short.values()]
    left = axis_room(y) + EDGE
    if tabled:
        left = max(left, table_left_room(names, TABLE_HEADING))
    head = heading(title, notes, entries, width=WIDTH, left=left if len(panels) == 1 else EDGE)
    n_rows = int(tabled) * (1 if one_row else max(len(group) for _, group in panels))
    foot = table_room(n_rows) + 0.05
    height = foot + PLOT + head.room + (0.28 if len(panels) > 1 else 0.0)
    wide = (WIDTH - left - RIGHT - (len(panels) - 1) * GAP) / len(panels)

    def table(group: Sequence[Steps], first: bool) -> RiskTable:
        if one_row:
            rows = [Row(one_row, "", (), group[0].cells(x.ticks, minimum_cell))]
        else:
            rows = [
                Row(short[c.label] if first else "", *look[c.label], c.cells(x.ticks, minimum_cell))
                for c in group
            ]
        return RiskTable(TABLE_HEADING if first else "", tuple(rows))

    def marks(group: Sequence[Steps]) -> tuple[Mark, ...]:
        return tuple(
            mark
            for c in group
            for mark in curve_marks(c, look[c.label], time_unit, write, minimum_cell)
        )

    drawn = tuple(
        Panel(
            left + number * (wide + GAP),
            foot,
            wide,
            PLOT,
            x,
            replace(y, title="" if number else y.title),
            (*under, *marks(group)),
            title=name,
            table=table(group, number == 0) if tabled else None,
        )
        for number, (name, group) in enumerate(panels)
    )
    return Drawing(
        head.title,
        WIDTH,
        height,
        drawn,
        description,
        labels=head.labels(height),
        legend=head.legend_in(height),
    )


def _limits(lower: float, upper: float, write: Callable[[float], str]) -> str:
    return f" ({write(lower)} to {write(upper)})" if np.isfinite([lower, upper]).all() else ""


def _at_risk(n_at_risk: float, minimum_cell: int | None) -> str:
    if np.isnan(n_at_risk):
        return ""
    return f"\n{withheld(n_at_risk, minimum_cell)} at risk just before"
