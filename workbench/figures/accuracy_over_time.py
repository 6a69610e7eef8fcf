"""Discrimination and accuracy of models along horizons."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Axis, Drawing, Entry, Intervals, Line, Mark, Points
from workbench.figures.grid import Cell, grid_figure
from workbench.figures.placing import text_width
from workbench.figures.step_figure import looks
from workbench.figures.style import INK
from workbench.figures.ticks import number_axis, plain
from workbench.figures.wording import fixed, percents

ACCURACIES: dict[str, tuple[str, float | None]] = {
    "auc": ("AUC at the horizon", 0.5),
    "brier": ("Brier score", None),
    "ipa": ("Index of prediction accuracy", 0.0),
}
"""What a person reads for a metric, and where a useless model lies."""
NARROW = 1.9
"""Inches that a panel has at least."""
SYMBOLS = ("circle", "square", "diamond")


class AtHorizons(Protocol):
    """What is read of a metric with its limits, all (horizon,)."""

    @property
    def horizons(self) -> np.ndarray: ...
    @property
    def estimate(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...


def plot_accuracy_over_time(
    metrics: Mapping[str, Mapping[str, AtHorizons]],
    *,
    time_unit: str,
    title: str,
    notes: Sequence[str] = (),
) -> Drawing:
    """One panel a metric: each model at each horizon with its interval.

    Parameters
    ----------
    metrics
        For "auc", "brier" or "ipa" the models' results by name: ``horizons, estimate, lower,
        upper``. Horizons may differ between models.
    time_unit
        Unit of the horizons.
    title, notes
        The patients and the outcome with n and events; lines under the title.

    Raises
    ------
    SurvivalError
        No or an unknown metric, no model, or more than six.
    """
    unknown = [name for name in metrics if name not in ACCURACIES]
    if unknown or not metrics:
        raise SurvivalError(f"metrics must be of {list(ACCURACIES)}, got {unknown or 'none'}")
    models = list(dict.fromkeys(model for found in metrics.values() for model in found))
    look = dict(zip(models, looks(len(models)), strict=True))
    horizons = np.unique(
        np.concatenate([f.horizons for found in metrics.values() for f in found.values()])
    ).astype(float)
    gap = float(np.diff(horizons).min()) if len(horizons) > 1 else max(1.0, float(horizons[0]))
    ends = (float(horizons[0] - gap / 2), float(horizons[-1] + gap / 2))
    ticks = _apart(horizons.tolist(), ends)
    x = Axis(f"Horizon ({time_unit})", ends, tuple(ticks), tuple(plain(t) for t in ticks))
    cells = []
    for metric, found in metrics.items():
        words, useless = ACCURACIES[metric]
        marks: list[Mark] = []
        if useless is not None:
            marks.append(Line(np.array(ends), np.full(2, useless), INK, (4, 2), 1.0))
        for model, values in found.items():
            place = models.index(model)
            moved = values.horizons + gap * 0.36 * (place - (len(models) - 1) / 2) / len(models)
            marks += _model_marks(model, place, moved, values, look[model], metric, time_unit)
        cells.append(
            Cell(words, _direction(metric), x, _axis(metric, found, useless), tuple(marks))
        )
    return grid_figure(
        cells,
        title=title,
        notes=[*notes, "Intervals: 95 % confidence"],
        entries=[Entry(m, m, *look[m], SYMBOLS[i % 3]) for i, m in enumerate(models)],
        description=f"{', '.join(ACCURACIES[m][0] for m in metrics)} over horizons. {title}.",
    )


def _apart(horizons: Sequence[float], ends: tuple[float, float]) -> list[float]:
    """Horizons whose labels do not touch, from the last one backwards."""
    room = (ends[1] - ends[0]) / NARROW
    kept = [horizons[-1]]
    for horizon in reversed(horizons[:-1]):
        needed = (text_width(plain(horizon)) + text_width(plain(kept[0]))) / 2 + 0.1
        if kept[0] - horizon >= needed * room:
            kept.insert(0, horizon)
    return kept


def _direction(metric: str) -> str:
    return "lower is better" if metric == "brier" else "higher is better"


def _axis(metric: str, found: Mapping[str, AtHorizons], useless: float | None) -> Axis:
    every = np.concatenate([np.r_[v.estimate, v.lower, v.upper] for v in found.values()])
    known = [*every[np.isfinite(every)].tolist(), *([] if useless is None else [useless])]
    low = 0.0 if metric == "brier" else min(known)
    return number_axis("", low, max(known), as_percent=metric == "ipa", n_ticks=5)


def _model_marks(
    model: str,
    place: int,
    moved: np.ndarray,
    values: AtHorizons,
    look: tuple[str, tuple[float, ...]],
    metric: str,
    time_unit: str,
) -> list[Mark]:
    write = percents(1) if metric == "ipa" else fixed(3)
    hover = tuple(
        f"{model}\n{plain(t)} {time_unit}: {write(v)} ({write(low)} to {write(high)})"
        for t, v, low, high in zip(
            values.horizons, values.estimate, values.lower, values.upper, strict=True
        )
    )
    symbol = SYMBOLS[place % 3]
    return [
        Line(moved, values.estimate, look[0], look[1], 1.0, series=model),
        Intervals(moved, values.lower, values.upper, look[0], upright=True, series=model),
        Points(moved, values.estimate, look[0], symbol, 6, series=model, hover=hover),
    ]
