"""What a model or a modality adds: one line a claim, against nothing added."""

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
LONGEST = 64


def plot_claims(
    claims: Sequence[Mapping[str, Any]], *, labels: Sequence[str], concordance: str = "Harrell’s C"
) -> Figure:
    """Difference in Harrell's C of one model over another, with its interval.

    Parameters
    ----------
    claims
        Rows of the evaluation: ``n, n_events, delta_harrell_c``; none of the latter is None.
    labels
        What a person reads for each, in the same order.
    concordance
        What it is called; ``"AUC"`` where the outcome has no time.

    Returns
    -------
    Figure
        One line a claim; the interval is blue where it lies clear of zero, else grey.
    """
    labels = [shorten(label, LONGEST) for label in labels]
    counts = [f"{tally(row['n'])} patients, {tally(row['n_events'])} events" for row in claims]
    left, right = 0.25 + text_room(labels) * 0.94, 0.2 + text_room(counts) * 0.94
    body = ROW * max(len(claims), 1)
    with styled():
        figure = new_figure(WIDTH, body + 0.75)
        axes = inset_axes(figure, left, 0.6, WIDTH - left - right, body)
        axes.set_ylim(len(claims) - 0.5, -0.5)
        axes.set_yticks(range(len(claims)), labels)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.axvline(0, color=INK, linewidth=1)
        for at, (row, count) in enumerate(zip(claims, counts, strict=True)):
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
        axes.set_xlabel(f"Change in {concordance} (95 % interval)  ·  right of the line: better")
    return figure
