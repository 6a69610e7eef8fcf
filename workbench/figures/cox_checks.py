"""Whether a Cox regression holds: coefficients over time, and patients that move them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.coarse_histogram import coarse_bins, histogram_bars
from workbench.figures.drawing import Axis, Band, Drawing, Line, Mark, Points
from workbench.figures.grid import Cell, grid_figure
from workbench.figures.style import BLUE, GREY, INK, VERMILION
from workbench.figures.ticks import number_axis
from workbench.figures.wording import ChiSquare, chi_square_words, fixed, time_words, withheld

OUTER = (0.01, 0.99)
"""Share of the residuals between which the axis lies: one event may not press the curve flat."""
SCALES = {"km": "Kaplan–Meier scale", "rank": "rank scale", "log": "log scale"}


class SmoothCoefficient(Protocol):
    """A coefficient over transformed time with its limits, all (point,)."""

    @property
    def transformed(self) -> np.ndarray: ...
    @property
    def coefficient(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...


class HazardsTest(Protocol):
    """What is read of a test of proportional hazards."""

    names: tuple[str, ...]
    time: np.ndarray
    transformed: np.ndarray
    residuals: np.ndarray
    transform: str

    @property
    def tests(self) -> Sequence[ChiSquare]: ...
    @property
    def overall(self) -> ChiSquare: ...
    def smooth(self, name: str, /) -> SmoothCoefficient: ...


def plot_schoenfeld(
    test: HazardsTest,
    *,
    time_unit: str,
    title: str,
    notes: Sequence[str] = (),
    minimum_cell: int | None = None,
) -> Drawing:
    """Each coefficient over time: scaled Schoenfeld residuals, their smooth curve and its limits.

    A level curve is a proportional hazard; the dashed line is the fitted coefficient, the mean of
    the residuals. The time axis is transformed as that of the test, its ticks are times.

    Parameters
    ----------
    test
        As of ``proportional_hazards``: ``names, tests, overall, transform, time, transformed,
        residuals`` and ``smooth(name)``.
    time_unit, title, notes
        Unit of time; the patients and the outcome; lines under the title.
    minimum_cell
        None shows a point an event, which a saved notebook keeps. A number makes a figure that may
        leave, without the points.

    Raises
    ------
    SurvivalError
        No events, or too few for a smooth curve.
    """
    if not len(test.time):
        raise SurvivalError("residuals over time need events, got none: check the outcome")
    x = _transformed_axis(test, time_unit)
    cells, outside = [], []
    for at, name in enumerate(test.names):
        marks, y, n_beyond = _schoenfeld_marks(
            test, at, time_unit, show_points=minimum_cell is None
        )
        cells.append(Cell(name, chi_square_words("", test.tests[at]).strip(), x, y, marks))
        if n_beyond:
            outside.append(f"{name} {n_beyond}")
    beyond = f"Points outside the axes: {', '.join(outside)}" if outside else ""
    return grid_figure(
        cells,
        title=title,
        notes=[
            f"Proportional hazards, all together: {chi_square_words('', test.overall).strip()}",
            *notes,
            beyond,
        ],
        description=f"Scaled Schoenfeld residuals over time. {title}.",
    )


def plot_influence(
    dfbeta: np.ndarray,
    names: Sequence[str],
    *,
    standard_errors: np.ndarray,
    title: str,
    notes: Sequence[str] = (),
    minimum_cell: int | None = None,
) -> Drawing:
    """How far each patient moves each coefficient, in its standard errors.

    Dashed lines stand at 2 / sqrt(n) (Belsley, Kuh and Welsch 1980): a patient beyond them is worth
    a look, not a reason to leave the patient out.

    Parameters
    ----------
    dfbeta
        Change of each coefficient by each patient, (patient, coefficient).
    names
        Of the coefficients, (coefficient,).
    standard_errors
        Of the coefficients, positive, (coefficient,).
    title, notes
        The patients and the outcome; lines under the title.
    minimum_cell
        None shows a point a patient, by place in the data, which a saved notebook keeps. A number
        makes a figure that may leave: a histogram whose bins hold at least this many patients.

    Raises
    ------
    SurvivalError
        Shapes that do not match, or no patient.
    """
    dfbeta, errors = np.asarray(dfbeta, dtype=float), np.asarray(standard_errors, dtype=float)
    if dfbeta.ndim != 2 or not len(dfbeta) or {dfbeta.shape[1]} != {len(names), len(errors)}:
        raise SurvivalError(
            f"dfbeta must be (patient, coefficient) with a name and a standard error each, got "
            f"{dfbeta.shape}, {len(names)} names and {len(errors)} errors: pass one regression’s"
        )
    moved, bound = dfbeta / errors, 2 / np.sqrt(len(dfbeta))
    cells = [
        _influence_points(name, moved[:, at], bound)
        if minimum_cell is None
        else _influence_histogram(name, moved[:, at], bound, minimum_cell)
        for at, name in enumerate(names)
    ]
    return grid_figure(
        cells,
        title=title,
        notes=[f"Dashed: ±2/√n = ±{bound:.3f} standard errors, n = {len(dfbeta):,d}", *notes],
        description=f"Influence of patients on coefficients. {title}.",
    )


def _transformed_axis(test: HazardsTest, time_unit: str) -> Axis:
    """Ticks at the events’ own times, evenly along the transformed axis."""
    low, high = float(test.transformed.min()), float(test.transformed.max())
    pad = 0.03 * (high - low or 1.0)
    at = low + (high - low) * np.linspace(0.08, 0.92, 4)
    nearest = np.unique(np.abs(test.transformed[:, None] - at).argmin(axis=0))
    order = nearest[np.argsort(test.transformed[nearest])]
    ticks = tuple(test.transformed[order].tolist())
    labels = tuple(time_words(t) for t in test.time[order].tolist())
    scale = (
        "" if test.transform == "identity" else f", {SCALES.get(test.transform, test.transform)}"
    )
    return Axis(f"Time ({time_unit}{scale})", (low - pad, high + pad), ticks, labels)


def _schoenfeld_marks(
    test: HazardsTest, at: int, time_unit: str, *, show_points: bool
) -> tuple[tuple[Mark, ...], Axis, int]:
    """Marks of one characteristic, their axis, and how many points lie beyond it."""
    residuals, curve = test.residuals[:, at], test.smooth(test.names[at])
    known = np.isfinite(residuals)
    mean = float(residuals[known].mean())
    shown = [curve.lower, curve.upper, [mean]]
    if show_points:
        shown.append(np.quantile(residuals[known], OUTER))
    every = np.concatenate(shown)
    y = number_axis("Coefficient", float(every.min()), float(every.max()), n_ticks=5)
    ends = np.array([test.transformed.min(), test.transformed.max()])
    hover = tuple(
        f"{test.names[at]}: {fixed(2)(b)} ({fixed(2)(low)} to {fixed(2)(high)})"
        for b, low, high in zip(
            *(each.tolist() for each in (curve.coefficient, curve.lower, curve.upper)), strict=True
        )
    )
    marks: list[Mark] = [
        Line(ends, np.full(2, mean), INK, (4, 2), 1.0),
        Band(curve.transformed, curve.lower, curve.upper, BLUE),
        Line(curve.transformed, curve.coefficient, BLUE, hover=hover),
    ]
    if not show_points:
        return tuple(marks), y, 0
    inside = known & (residuals >= y.limits[0]) & (residuals <= y.limits[1])
    points = _residual_points(test, residuals, inside, time_unit)
    return (points, *marks), y, int(known.sum() - inside.sum())


def _residual_points(
    test: HazardsTest, residuals: np.ndarray, inside: np.ndarray, time_unit: str
) -> Points:
    hover = tuple(
        f"{time_words(t)} {time_unit}: {fixed(2)(r)}"
        for t, r in zip(test.time[inside].tolist(), residuals[inside].tolist(), strict=True)
    )
    return Points(
        test.transformed[inside], residuals[inside], GREY, size=3, opacity=0.55, hover=hover
    )


def _influence_points(name: str, moved: np.ndarray, bound: float) -> Cell:
    place = np.arange(1, len(moved) + 1, dtype=float)
    beyond = np.abs(moved) > bound
    high = max(1.1 * bound, float(np.abs(moved).max()))
    marks = [
        Points(
            place[chosen],
            moved[chosen],
            color,
            size=3.5,
            opacity=0.75,
            hover=tuple(
                f"Patient {i:.0f} of {len(moved):,d}: {fixed(3, sign=True)(v)} standard errors"
                for i, v in zip(place[chosen].tolist(), moved[chosen].tolist(), strict=True)
            ),
        )
        for chosen, color in ((~beyond, GREY), (beyond, VERMILION))
    ]
    ends = np.array([1.0, max(2.0, len(moved))])
    lines = [Line(ends, np.full(2, v), INK, (4, 2), 1.0) for v in (-bound, bound)]
    x = number_axis("Place in the data", 0.0, 1.02 * float(ends[1]), n_ticks=4, fit=True)
    y = number_axis("Change (standard errors)", -high, high, n_ticks=5)
    return Cell(name, f"{int(beyond.sum()):,d} of {len(moved):,d} beyond", x, y, (*lines, *marks))


def _influence_histogram(name: str, moved: np.ndarray, bound: float, minimum_cell: int) -> Cell:
    high = 2 * bound
    bins = coarse_bins(moved, -high, high, minimum_cell=minimum_cell)
    lines = [Line(np.full(2, v), np.array([0.0, 1.05]), INK, (4, 2), 1.0) for v in (-bound, bound)]
    x = number_axis("Change (standard errors)", -high, high, n_ticks=5)
    y = Axis("Patients", (0.0, 1.08), (), (), shown=False)
    marks = (histogram_bars(bins, BLUE, unit=" standard errors"), *lines)
    n_beyond = withheld(int((np.abs(moved) > bound).sum()), minimum_cell)
    return Cell(name, f"{n_beyond} of {len(moved):,d} beyond", x, y, marks, grid="x")
