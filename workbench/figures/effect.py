"""The hazard along a characteristic that is a number."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.coarse_histogram import MINIMUM_CELL, coarse_bins, histogram_bars
from workbench.figures.drawing import Axis, Band, Drawing, Line, Panel, Points
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room
from workbench.figures.style import BLUE, INK
from workbench.figures.ticks import number_axis, plain, ratio_axis
from workbench.figures.wording import ChiSquare, p_words

WIDTH = 6.2
PLOT = 3.3
STRIP = 0.5
FOOT = 0.6
RIGHT = 0.3


class EffectCurve(Protocol):
    """What is read of a curve of log hazard ratios along values, all (value,)."""

    @property
    def value(self) -> np.ndarray: ...
    @property
    def log_hazard_ratio(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...


def plot_effect(
    curve: EffectCurve,
    *,
    name: str,
    reference: float,
    title: str,
    values: np.ndarray | None = None,
    nonlinearity: ChiSquare | None = None,
    notes: Sequence[str] = (),
    minimum_cell: int = MINIMUM_CELL,
) -> Drawing:
    """Hazard ratio against a reference value, on a log axis, over how the values are spread.

    Parameters
    ----------
    curve
        Of ``effect_curve``: ``value, log_hazard_ratio, lower, upper``.
    name
        The characteristic with its unit, such as ``"Age (years)"``.
    reference
        Where the ratio is 1; drawn as a dot.
    title
        The patients, the outcome and what was adjusted for.
    values
        The characteristic of the patients, (patient,), for a histogram in bins of at least
        ``minimum_cell`` patients; a rug would show single ones. None leaves it out.
    nonlinearity
        Test that the curve bends, written under the title.
    notes
        More lines under the title.
    minimum_cell
        Fewest patients in a bin.

    Raises
    ------
    SurvivalError
        Fewer than two values along the curve, or values that are not finite.
    """
    if len(curve.value) < 2:
        raise SurvivalError(
            f"a curve needs two values or more, got {len(curve.value)}: pass a grid"
        )
    low, high = float(curve.value[0]), float(curve.value[-1])
    ratio, lower, upper = (np.exp(v) for v in (curve.log_hazard_ratio, curve.lower, curve.upper))
    y = ratio_axis("Hazard ratio (log scale)", np.concatenate([lower, upper]).tolist())
    words = [f"Hazard ratio 1 at {plain(reference)}"]
    if nonlinearity is not None:
        words.append(f"non-linearity {p_words(nonlinearity.p_value)}")
    head = heading(title, ["  ·  ".join(words), *notes], (), width=WIDTH)
    left, strip = axis_room(y) + EDGE, 0.0 if values is None else STRIP
    wide, height = WIDTH - left - RIGHT, FOOT + strip + PLOT + head.room
    x = number_axis(name, low, high, fit=True)
    hover = tuple(
        f"{name} {plain(round(v, 4))}\nhazard ratio {r:.2f} ({a:.2f} to {b:.2f})"
        for v, r, a, b in zip(
            *(each.tolist() for each in (curve.value, ratio, lower, upper)), strict=True
        )
    )
    marks = (
        Line(np.array([low, high]), np.ones(2), INK, (4, 2), 1.0),
        Band(curve.value, np.clip(lower, *y.limits), np.clip(upper, *y.limits), BLUE),
        Line(curve.value, ratio, BLUE, hover=hover),
        Points(np.array([reference]), np.ones(1), INK, size=6, hover=(words[0],)),
    )
    panels = [Panel(left, FOOT + strip, wide, PLOT, x if values is None else _bare(x), y, marks)]
    if values is not None:
        bars = histogram_bars(coarse_bins(values, low, high, minimum_cell=minimum_cell))
        share = Axis("", (0.0, 1.05), (), (), shown=False)
        panels.append(Panel(left, FOOT, wide, STRIP - 0.1, x, share, (bars,), grid=""))
    return Drawing(
        head.title,
        WIDTH,
        height,
        tuple(panels),
        f"Hazard ratio along {name}, 1 at {plain(reference)}. {title}.",
        labels=head.labels(height),
    )


def _bare(axis: Axis) -> Axis:
    return Axis("", axis.limits, axis.ticks, ("",) * len(axis.ticks), shown=False)
