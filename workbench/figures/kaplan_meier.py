"""Kaplan–Meier curves over a table of the numbers at risk, aligned to the time axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from workbench.figures.style import (
    DASHES,
    GREY,
    INK,
    ORDERED,
    RULE,
    SERIES,
    inset_axes,
    new_figure,
    shorten,
    styled,
    tally,
    text_room,
    wrap,
)

WIDTH = 9.6
PLOT = 3.5
TOP = 1.02
CENSORED = 5 / 72 / PLOT * TOP
"""Height of a tick, five points, in survival."""
LINE = 0.24
UNDER_AXIS = 0.62
HEADING = "At risk just before"


def plot_kaplan_meier(stratum: Mapping[str, Any], *, title: str, time_unit: str) -> Figure:
    """Survival of each risk group with its 95 % band, and who is still at risk.

    Parameters
    ----------
    stratum
        One entry of ``Evaluation.risk_groups["strata"]``, or what :func:`exportable` made of it:
        ``at_risk_times`` and ``curves`` with ``label, n, n_events, time, survival, lower, upper,
        censored, n_at_risk``. Counts may be text, such as ``"<10"``.
    title
        The patients, in words.
    time_unit
        Unit of the time axis, such as ``"days"``.

    Returns
    -------
    Figure
        Curves above; below, at every tick, the patients at risk just before it.
    """
    curves = stratum["curves"]
    ticks = _ticks(stratum)
    labels = [shorten(curve["label"], 26) for curve in curves]
    colours = ORDERED.get(len(curves), SERIES)
    left = 0.4 + text_room([*labels, HEADING])
    bottom = UNDER_AXIS + LINE * len(curves) + 0.2
    with styled():
        figure = new_figure(WIDTH, bottom + PLOT + 0.85)
        axes = inset_axes(figure, left, bottom, WIDTH - left - 0.35, PLOT)
        for curve, label, colour, dashes in zip(curves, labels, colours, DASHES, strict=False):
            _draw(axes, curve, label, colour, dashes)
        axes.set(ylim=(0, TOP), xlabel=f"Time from the index date ({time_unit})")
        axes.set_ylabel("Survival without the event")
        axes.set_xlim(0, _end(curves, ticks))
        axes.set_xticks(ticks, [f"{t:,g}" for t in ticks])
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_title(wrap(title, 90, lines=1), pad=30)
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=3 if max(map(len, labels)) < 14 else 2,
            handlelength=2.4,
            borderaxespad=0.4,
            borderpad=0,
        )
        _risk_table(axes, curves, labels, colours, ticks)
    return figure


def exportable(
    stratum: Mapping[str, Any], *, minimum_cell: int, steps_between: int = 4
) -> dict[str, Any]:
    """The same stratum without the moments at which single patients had an event or left.

    Survival is kept at ``steps_between`` even times between the at-risk times only, censoring
    times go, and a curve ends at the last at-risk time with ``minimum_cell`` patients at risk.

    Parameters
    ----------
    stratum
        One entry of ``Evaluation.risk_groups["strata"]``.
    minimum_cell
        Fewest patients at risk for which a curve is still shown.
    steps_between
        How many times are kept between two at-risk times.
    """
    ticks = stratum["at_risk_times"]
    curves = [_coarse(c, ticks, minimum_cell, steps_between) for c in stratum["curves"]]
    return {**stratum, "curves": curves}


def _coarse(
    curve: Mapping[str, Any],
    ticks: Sequence[float],
    minimum_cell: int,
    steps_between: int,
) -> dict[str, Any]:
    grid = [0.0]
    for before, after, at_risk in zip(ticks, ticks[1:], curve["n_at_risk"][1:], strict=False):
        if at_risk < minimum_cell:
            break
        width = (after - before) / steps_between
        grid += [before + width * (i + 1) for i in range(steps_between)]
    kept = [max(i for i, t in enumerate(curve["time"]) if t <= at) for at in grid]
    return {
        **curve,
        **{name: [curve[name][i] for i in kept] for name in ("survival", "lower", "upper")},
        "time": grid,
        "censored": [],
        "median": {name: _up_to(value, grid) for name, value in curve["median"].items()},
    }


def _up_to(value: float | None, grid: Sequence[float]) -> float | None:
    """The next time of the grid, so that a median names no single patient's moment."""
    return next((at for at in grid if value is not None and at >= value), None)


def _draw(
    axes: Axes,
    curve: Mapping[str, Any],
    label: str,
    colour: str,
    dashes: tuple[float, ...],
) -> None:
    counts = f"{label}: n = {tally(curve['n'])}, {tally(curve['n_events'])} events"
    style: dict[str, Any] = {"dashes": dashes} if dashes else {}
    time, survival = curve["time"], curve["survival"]
    axes.step(time, survival, where="post", color=colour, linewidth=2, label=counts, **style)
    band: dict[str, Any] = {"color": colour, "alpha": 0.13, "linewidth": 0}
    lower, upper = (np.array(curve[name], dtype=float) for name in ("lower", "upper"))
    axes.fill_between(time, lower, upper, step="post", **band)
    # All as one path, which a PDF lays out as fast as one tick.
    at = np.repeat(np.array(curve["censored"], dtype=float), 3)
    reached = np.array(survival, dtype=float)[np.searchsorted(time, at, side="right") - 1]
    half = np.tile([-CENSORED / 2, CENSORED / 2, np.nan], len(at) // 3)
    axes.plot(at, reached + half, color=colour, linewidth=0.8, solid_capstyle="butt")


def _risk_table(
    axes: Axes,
    curves: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    colours: Sequence[str],
    ticks: Sequence[float],
) -> None:
    """Counts at the x of their ticks: the table hangs on the axis, so it cannot shift."""
    first = -UNDER_AXIS * 72
    at_label: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "va": "center",
    }
    axes.annotate(
        HEADING,
        (0, 0),
        xytext=(-16, first),
        ha="right",
        color=GREY,
        fontsize=9,
        annotation_clip=False,
        **at_label,
    )
    for row, (curve, label, colour) in enumerate(zip(curves, labels, colours, strict=False)):
        down = first - (row + 1) * LINE * 72
        axes.annotate(
            label,
            (0, 0),
            xytext=(-16, down),
            ha="right",
            color=colour,
            fontsize=9,
            **at_label,
        )
        for tick, count in zip(ticks, curve["n_at_risk"], strict=False):
            axes.annotate(
                tally(count),
                (tick, 0),
                xycoords=("data", "axes fraction"),
                xytext=(0, down),
                textcoords="offset points",
                ha="center",
                va="center",
                color=INK,
                fontsize=9,
                annotation_clip=False,
            )


def _ticks(stratum: Mapping[str, Any]) -> list[float]:
    """The at-risk times until nobody is left, the first of these included."""
    left = [
        any(counts) for counts in zip(*(c["n_at_risk"] for c in stratum["curves"]), strict=True)
    ]
    return stratum["at_risk_times"][: left.index(False) + 1 if False in left else None]


def _end(curves: Sequence[Mapping[str, Any]], ticks: Sequence[float]) -> float:
    """A little beyond the last tick: after it too few are at risk for a curve to mean much."""
    return 1.02 * (ticks[-1] or max(curve["time"][-1] for curve in curves))
