"""What the judged model adds: one line a group, against nothing added."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from workbench.figures.style import (
    BLUE,
    GREY,
    INK,
    RULE,
    inset_axes,
    new_figure,
    shorten,
    styled,
    tally,
    text_room,
)

WIDTH = 9.6
ROW = 0.34


def plot_claims(claims: Sequence[Mapping[str, Any]], *, titles: Mapping[str, str]) -> Figure:
    """Difference in Harrell's C of the judged model over another, with its interval.

    Parameters
    ----------
    claims
        Rows of the evaluation: ``group, over, n, n_events, delta_harrell_c, verdict``.
    titles
        What a person reads for a model or a group, by name.

    Returns
    -------
    Figure
        One line a claim; the interval is blue where it lies clear of zero, else grey.
    """
    rows = [row for row in claims if row["delta_harrell_c"] is not None]
    labels = [
        f"{shorten(titles.get(row['group'], row['group']), 34)}, over "
        f"{shorten(titles.get(row['over'], row['over']), 34)}"
        for row in rows
    ]
    counts = [f"{tally(row['n'])} patients, {tally(row['n_events'])} events" for row in rows]
    left, right = 0.25 + text_room(labels) * 0.94, 0.2 + text_room(counts) * 0.94
    body = ROW * max(len(rows), 1)
    with styled():
        figure = new_figure(WIDTH, body + 0.75)
        axes = inset_axes(figure, left, 0.6, WIDTH - left - right, body)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.axvline(0, color=INK, linewidth=1)
        for at, (row, count) in enumerate(zip(rows, counts, strict=True)):
            value = row["delta_harrell_c"]
            clear = value["lower"] > 0 or value["upper"] < 0
            colour = BLUE if clear else GREY
            axes.plot([value["lower"], value["upper"]], [at, at], color=colour, linewidth=2)
            axes.plot(value["estimate"], at, "D", color=colour, markersize=6)
            axes.annotate(
                count,
                (1, at),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=GREY,
                fontsize=9,
            )
        axes.set_xlabel("Change in Harrell’s C (95 % interval)  ·  right of the line: better")
    return figure
