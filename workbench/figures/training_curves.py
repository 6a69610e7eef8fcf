"""How the loss fell while a network was trained."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Dash, Drawing, Entry, Line, Mark, Panel, Points
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room
from workbench.figures.style import BLUE, INK, VERMILION
from workbench.figures.ticks import number_axis, plain
from workbench.figures.wording import sentences

WIDTH = 6.2
PLOT = 2.8
FOOT = 0.62
RIGHT = 0.3
TRAINING, HELD_OUT = "Training patients", "Held-out patients"
LOOKS: dict[str, tuple[str, Dash]] = {TRAINING: (BLUE, (5, 1.5)), HELD_OUT: (VERMILION, ())}


def plot_training(
    step: np.ndarray,
    training: np.ndarray,
    held_out: np.ndarray,
    *,
    chosen: float | None = None,
    unit: str = "Epoch",
    loss: str = "Loss",
    title: str,
    notes: Sequence[str] = (),
) -> Drawing:
    """Loss of training and of held-out patients, and the step that was chosen.

    Parameters
    ----------
    step
        Ascending, (step,), as far as the training went.
    training, held_out
        Loss after each, (step,); NaN where nobody looked.
    chosen
        The step whose weights are kept; None while that is open.
    unit
        What a step is.
    loss
        What the loss is, such as ``"Negative log partial likelihood an event"``.
    title
        The model, and the fold.
    notes
        Lines under the title.

    Raises
    ------
    SurvivalError
        No step, steps that do not ascend, or losses of another length.
    """
    step, training, held_out = (np.asarray(v, dtype=float) for v in (step, training, held_out))
    if (
        not len(step)
        or (np.diff(step) <= 0).any()
        or not (step.shape == training.shape == held_out.shape)
    ):
        raise SurvivalError(
            f"a training needs ascending steps, each with two losses, got {len(step)} steps, "
            f"{len(training)} and {len(held_out)} losses"
        )
    curves = {TRAINING: training, HELD_OUT: held_out}
    entries = [Entry(name, name, *LOOKS[name]) for name in curves]
    kept = "" if chosen is None else f"{unit} {plain(chosen)} was chosen"
    head = heading(title, [*notes, kept], entries, width=WIDTH)
    known = np.concatenate([training, held_out])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    y = number_axis(loss, low, high, n_ticks=5)
    left = EDGE + axis_room(y)
    x = number_axis(unit, float(min(step[0], 0.0)), float(max(step[-1], 5.0)), n_ticks=7)
    marks: list[Mark] = []
    if chosen is not None:
        marks.append(Line(np.full(2, chosen), np.array(y.limits), INK, (4, 2), 1.0))
    for name, values in curves.items():
        marks += _curve(name, step, values, unit)
    if chosen is not None and np.isfinite(kept_loss := held_out[step == chosen]).any():
        said = f"{kept}: {_short(kept_loss[0])}"
        marks.append(Points(np.array([chosen]), kept_loss, INK, "diamond", 7, hover=(said,)))
    height = FOOT + PLOT + head.room
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, WIDTH - left - RIGHT, PLOT, x, y, tuple(marks)),),
        sentences(f"{loss} along the training", title, *_last(curves), kept),
        labels=head.labels(height),
        legend=head.legend_in(height),
    )


def _curve(name: str, step: np.ndarray, values: np.ndarray, unit: str) -> list[Mark]:
    """A line through what is known; dots where that is little."""
    known = np.isfinite(values)
    x, y = step[known], values[known]
    color, dash = LOOKS[name]
    hover = tuple(
        f"{name}\n{unit.lower()} {plain(at)}: {_short(value)}"
        for at, value in zip(x.tolist(), y.tolist(), strict=True)
    )
    if len(x) < 2:
        return [Points(x, y, color, series=name, hover=hover)]
    return [Line(x, y, color, dash, series=name, hover=hover)]


def _last(curves: dict[str, np.ndarray]) -> list[str]:
    found = []
    for name, values in curves.items():
        known = values[np.isfinite(values)]
        if len(known):
            found.append(f"{name}: from {_short(known[0])} to {_short(known[-1])}")
    return found


def _short(value: float) -> str:
    return plain(float(f"{value:.4g}"))
