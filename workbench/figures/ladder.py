"""The model comparison as a forest: every model's concordance within every group."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

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
    wrap,
)

WIDTH = 9.6
ROW = 0.25
PANELS_A_ROW = 3
FOOT = 0.62
TOP = 0.62
TITLE_WIDTH = {1: 80, 2: 38, 3: 25}


def plot_ladder(
    ladder: Sequence[Mapping[str, Any]],
    *,
    titles: Mapping[str, str],
    clinical: str = "clinical",
    judged: str = "selected",
    concordance: str = "Harrell’s C",
) -> Figure:
    """Harrell's C of each model with its interval, one panel a group, on one shared axis.

    Parameters
    ----------
    ladder
        Rows of the evaluation: ``model, group, n, n_events, harrell_c`` and others. A model
        whose C is None everywhere (the null model ranks nobody) is left out.
    titles
        What a person reads for a model or a group, by name.
    clinical
        The rung whose estimate is the dashed reference line of each panel.
    judged
        The model that is drawn in colour.
    concordance
        What it is called; ``"AUC"`` where the outcome has no time.

    Returns
    -------
    Figure
        One panel a group, at most three beside each other.
    """
    rows = [row for row in ladder if row["harrell_c"] is not None]
    models = list(dict.fromkeys(row["model"] for row in rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    labels = [shorten(titles.get(model, model), 34) for model in models]
    limits = _limits(rows)
    across = _across(len(groups))
    down = math.ceil(len(groups) / across) or 1
    left = 0.25 + text_room(labels)
    body = ROW * len(models) + 0.1
    names = [wrap(titles.get(g, g), TITLE_WIDTH[across]) for g in groups]
    top = TOP + (0.17 if any("\n" in name for name in names) else 0)
    wide = (WIDTH - left - 0.15 - 0.3 * (across - 1)) / across
    height = down * (top + body + FOOT)
    with styled():
        figure = new_figure(WIDTH, height)
        for i, (group, name) in enumerate(zip(groups, names, strict=True)):
            row, column = divmod(i, across)
            axes = inset_axes(
                figure,
                left + column * (wide + 0.3),
                height - row * (top + body + FOOT) - top - body,
                wide,
                body,
            )
            cells = {r["model"]: r for r in rows if r["group"] == group}
            _panel(axes, cells, models, labels if column == 0 else None, clinical, judged)
            axes.set_xlim(*limits)
            first = next(iter(cells.values()))
            axes.set_title(name, pad=20)
            axes.annotate(
                f"n = {tally(first['n'])}, {tally(first['n_events'])} events",
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, 7),
                textcoords="offset points",
                color=GREY,
                fontsize=9,
            )
            axes.set_xlabel(f"{concordance} (95 % interval)")
    return figure


def _across(n_panels: int) -> int:
    """Panels beside each other: as many as fit; four stand two by two."""
    if n_panels == PANELS_A_ROW + 1:
        return 2
    return min(n_panels, PANELS_A_ROW) or 1


def _panel(
    axes: Axes,
    cells: Mapping[str, Mapping[str, Any]],
    models: Sequence[str],
    labels: Sequence[str] | None,
    clinical: str,
    judged: str,
) -> None:
    axes.set_ylim(len(models) - 0.5, -0.6)
    axes.set_yticks(range(len(models)), labels or [""] * len(models))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    if judged in models:
        at = models.index(judged)
        axes.axhspan(at - 0.5, at + 0.5, color=BLUE, alpha=0.08, linewidth=0)
        if labels:
            axes.get_yticklabels()[at].set_fontweight("bold")
    if clinical in cells:
        reference = cells[clinical]["harrell_c"]["estimate"]
        axes.axvline(reference, color=INK, linewidth=1, dashes=(4, 2), zorder=1)
    for at, model in enumerate(models):
        if model not in cells:
            continue
        value = cells[model]["harrell_c"]
        colour = BLUE if model == judged else INK if model == clinical else GREY
        axes.plot([value["lower"], value["upper"]], [at, at], color=colour, linewidth=1.6)
        marker = "D" if model == judged else "s" if model == clinical else "o"
        axes.plot(value["estimate"], at, marker, color=colour, markersize=5.5)


def _limits(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """From a little under the lowest bound, or .5, to a little over the highest."""
    lowest = min((r["harrell_c"]["lower"] for r in rows), default=0.5)
    highest = max((r["harrell_c"]["upper"] for r in rows), default=1.0)
    return max(0.0, min(0.5, lowest) - 0.02), min(1.0, highest + 0.02)
