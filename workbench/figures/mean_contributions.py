"""How far parts of the input move a model's output, over many patients and over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import (
    Axis,
    Drawing,
    Entry,
    Intervals,
    Label,
    Line,
    Mark,
    Panel,
    Points,
    Polygon,
)
from workbench.figures.grid import Cell, grid_figure
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, fit_text, widest
from workbench.figures.step_figure import looks
from workbench.figures.style import BLUE, GREY, INK
from workbench.figures.ticks import number_axis, plain
from workbench.figures.wording import fixed, sentences

WIDTH = 9.6
ROW = 0.3
FOOT = 0.62
GAP = 0.24
HEAD = 0.26
NAME_ROOM = 3.2


@dataclass(frozen=True)
class MeanContribution:
    """How far one part moves the output.

    Parameters
    ----------
    name
        What a person reads.
    mean_absolute
        Mean size over the patients who have it.
    lower, median, upper
        5 %, 50 % and 95 % of the contributions.
    """

    name: str
    mean_absolute: float
    lower: float
    median: float
    upper: float


def plot_mean_contributions(
    parts: Sequence[MeanContribution],
    *,
    unit: str,
    title: str,
    notes: Sequence[str] = (),
) -> Drawing:
    """Mean size of each contribution as a bar, and beside it how patients differ.

    Parameters
    ----------
    parts
        In the order in which they are drawn; a bar belongs to the series of its name.
    unit
        Of the contributions, such as ``"log hazard"``.
    title
        What was explained, in whom.
    notes
        Lines under the title.

    Raises
    ------
    SurvivalError
        No part, or a number that is not finite.
    """
    numbers = np.array([[p.mean_absolute, p.lower, p.median, p.upper] for p in parts])
    if not numbers.size or not np.isfinite(numbers).all():
        raise SurvivalError(
            f"contributions need one part or more and finite numbers, got {len(parts)} parts and "
            f"{int((~np.isfinite(numbers)).sum())} numbers that are not finite"
        )
    shown = [fit_text(part.name, NAME_ROOM) for part in parts]
    texts = [fixed(3)(part.mean_absolute) for part in parts]
    head = heading(title, notes, (), width=WIDTH)
    left = EDGE + widest(shown) + GAP
    beside = widest(texts) + GAP
    wide = (WIDTH - left - beside - GAP - EDGE) / 2
    body = ROW * len(parts)
    height = FOOT + body + HEAD + head.room
    y = Axis("", (len(parts) - 0.5, -0.5), (), (), shown=False)
    size = number_axis(f"Mean size ({unit})", 0.0, float(numbers[:, 0].max()) or 1.0, n_ticks=4)
    low, high = float(min(0.0, numbers[:, 1].min())), float(max(0.0, numbers[:, 3].max()))
    spread = number_axis(f"Contribution ({unit})", low, high if high > low else 1.0, n_ticks=5)
    second = left + wide + beside
    up = [FOOT + body - ROW * (at + 0.5) for at in range(len(parts))]
    labels = [
        *head.labels(height),
        Label(left, FOOT + body + HEAD / 2, "Mean absolute contribution", size=9, bold=True),
        Label(second, FOOT + body + HEAD / 2, "Median, and 5 to 95 % of patients", bold=True),
    ]
    for name, text, at in zip(shown, texts, up, strict=True):
        labels += [Label(EDGE, at, name), Label(left + wide + beside - GAP / 2, at, text, "right")]
    said = "; ".join(f"{part.name}: {text}" for part, text in zip(parts, texts, strict=True))
    return Drawing(
        head.title,
        WIDTH,
        height,
        (
            Panel(left, FOOT, wide, body, size, y, _bars(parts), grid="x"),
            Panel(second, FOOT, wide, body, spread, y, _spreads(parts, numbers), grid="x"),
        ),
        sentences(title, f"Mean absolute contribution in {unit}: {said}"),
        labels=tuple(labels),
    )


def plot_contributions_over_time(
    times: np.ndarray,
    sizes: Mapping[str, np.ndarray],
    *,
    unit: str,
    time_unit: str,
    title: str,
    notes: Sequence[str] = (),
) -> Drawing:
    """Mean size of the largest contributions at each horizon.

    Parameters
    ----------
    times
        Horizons, ascending, (horizon,), two or more.
    sizes
        Name → mean absolute contribution, (horizon,); at most six.
    unit, time_unit
        Of contributions and horizons.
    title, notes
        As of :func:`plot_mean_contributions`.

    Raises
    ------
    SurvivalError
        Fewer than two horizons, or sizes of another length.
    """
    if len(times) < 2 or any(len(values) != len(times) for values in sizes.values()):
        raise SurvivalError(
            f"contributions over time need two horizons and a size at each, got {len(times)}"
        )
    look = dict(zip(sizes, looks(len(sizes)), strict=True))
    x = number_axis(f"Horizon ({time_unit})", 0.0, float(times[-1]))
    high = max((float(np.max(values)) for values in sizes.values()), default=1.0)
    y = number_axis(f"Mean size ({unit})", 0.0, high or 1.0, n_ticks=5)
    marks: list[Mark] = []
    for name, values in sizes.items():
        hover = tuple(
            f"{name}\n{plain(t)} {time_unit}: {fixed(3)(v)}"
            for t, v in zip(times.tolist(), np.asarray(values).tolist(), strict=True)
        )
        marks.append(Line(times, np.asarray(values), *look[name], series=name, hover=hover))
        marks.append(Points(times, np.asarray(values), look[name][0], series=name))
    return grid_figure(
        [Cell("", "", x, y, tuple(marks))],
        title=title,
        notes=notes,
        entries=[Entry(name, name, *look[name]) for name in sizes],
        description=f"Mean absolute contributions over time. {title}.",
        across=1,
        panel_height=2.6,
    )


def _bars(parts: Sequence[MeanContribution]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for at, part in enumerate(parts):
        end, half = part.mean_absolute, 0.3
        corners = at + half * np.array([-1.0, -1.0, 1.0, 1.0, -1.0])
        hover = f"{part.name}\nmean absolute contribution {fixed(3)(end)}"
        x = np.array([0.0, end, end, 0.0, 0.0])
        marks.append(Polygon(x, corners, BLUE, hover, part.name))
    return tuple(marks)


def _spreads(parts: Sequence[MeanContribution], numbers: np.ndarray) -> tuple[Mark, ...]:
    at = np.arange(len(parts), dtype=float)
    write = fixed(3, sign=True)
    hover = tuple(
        f"{p.name}\nmedian {write(p.median)}\n5 to 95 %: {write(p.lower)} to {write(p.upper)}"
        for p in parts
    )
    return (
        Line(np.zeros(2), np.array([-0.5, len(parts) - 0.5]), INK, width=1.0),
        Intervals(at, numbers[:, 1], numbers[:, 3], GREY, width=3.0),
        Points(numbers[:, 2], at, INK, "tick", 10, hover=hover),
    )
