"""Calibration at a horizon: what was predicted against what came."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from workbench.figures.style import (
    BLUE,
    GREY,
    INK,
    RULE,
    inset_axes,
    new_figure,
    styled,
    wrap,
)

SIDE = 3.35


def plot_calibration(curve: Mapping[str, Any], *, title: str, subtitle: str = "") -> Figure:
    """Observed against predicted risk, smoothed with a band, and in bins with intervals.

    Parameters
    ----------
    curve
        Of the evaluation: ``predicted, observed, lower, upper`` (lists, probabilities of an event
        by the horizon) and ``bins`` (dicts with the same names, ``n`` and ``n_events``).
    title, subtitle
        The group, and the horizon with its counts.

    Returns
    -------
    Figure
        A square panel with the diagonal; marks under it show where the bins' predictions lie.
    """
    with styled():
        figure = new_figure(SIDE + 0.95, SIDE + 1.1)
        axes = inset_axes(figure, 0.72, 0.52, SIDE, SIDE)
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, dashes=(4, 2))
        axes.fill_between(
            curve["predicted"],
            curve["lower"],
            curve["upper"],
            color=BLUE,
            alpha=0.16,
            linewidth=0,
        )
        axes.plot(curve["predicted"], curve["observed"], color=BLUE, linewidth=2)
        _bins(axes, curve["bins"])
        axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="Observed risk")
        axes.set_xlabel("Predicted risk")
        axes.grid(color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_title(wrap(title, 40, lines=1), pad=22 if subtitle else 9)
        axes.annotate(
            wrap(subtitle, 56, lines=1),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 8),
            textcoords="offset points",
            color=GREY,
            fontsize=9,
        )
    return figure


def _bins(axes: Axes, bins: Sequence[Mapping[str, Any]]) -> None:
    """Observed risk of each bin with its interval, and a mark on the axis where it stands."""
    for part in bins:
        at = part["predicted"]
        axes.plot(at, 0, "|", color=GREY, markersize=11, markeredgewidth=1.4, clip_on=False)
        if part["observed"] is None:
            continue
        if part["lower"] is not None and part["upper"] is not None:
            axes.plot([at, at], [part["lower"], part["upper"]], color=INK, linewidth=1.1)
        axes.plot(at, part["observed"], "o", color=INK, markersize=4.5, clip_on=False)
