"""How far each modality moves the predicted risk."""

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
    text_room,
)

WIDTH = 9.6
ROW = 0.42


def plot_contributions(
    spreads: Sequence[Mapping[str, Any]],
    *,
    titles: Mapping[str, str],
    score: str = "log hazard",
) -> Figure:
    """Mean size of each modality's contribution, and its spread over patients.

    Parameters
    ----------
    spreads
        Fields of :class:`fusion.explanation.attribution.Spread`, one a modality.
    titles
        What a person reads for a modality, by name.
    score
        What is contributed to.

    Returns
    -------
    Figure
        Left, mean absolute contribution; right, median and 5 % to 95 % of contributions.
    """
    rows = sorted(spreads, key=lambda s: -s["mean_absolute"])
    labels = [shorten(titles.get(row["modality"], row["modality"]), 36) for row in rows]
    left = 0.25 + text_room(labels)
    body = ROW * max(len(rows), 1)
    wide = (WIDTH - left - 0.65) / 2
    with styled():
        figure = new_figure(WIDTH, body + 1.0)
        size = inset_axes(figure, left, 0.6, wide, body)
        spread = inset_axes(figure, left + wide + 0.4, 0.6, wide, body)
        for at, row in enumerate(rows):
            size.barh(at, row["mean_absolute"], 0.56, color=BLUE, linewidth=0)
            spread.plot(
                [row["lower"], row["upper"]],
                [at, at],
                color=GREY,
                linewidth=3,
                alpha=0.7,
            )
            spread.plot(row["median"], at, "|", color=INK, markersize=11, markeredgewidth=2)
        spread.axvline(0, color=INK, linewidth=1)
        size.set_yticks(range(len(rows)), labels)
        spread.set_yticks(range(len(rows)), [""] * len(rows))
        for axes in (size, spread):
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x", color=RULE, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.set_xlabel(f"{score[:1].upper()}{score[1:]}")
        size.set_title("Mean absolute contribution")
        spread.set_title("Median, and 5 % to 95 % of patients")
    return figure
