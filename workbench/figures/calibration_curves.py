"""Calibration of one or more models at a horizon, with how it is summed up and where risks lie."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.cohort.privacy import suppress
from workbench.errors import SurvivalError
from workbench.figures.coarse_histogram import MINIMUM_CELL, coarse_bins, histogram_bars
from workbench.figures.drawing import (
    Axis,
    Band,
    Dash,
    Drawing,
    Intervals,
    Label,
    Line,
    Mark,
    Panel,
    Points,
    Stroke,
)
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, LINE, SWATCH, axis_room, fit_text
from workbench.figures.step_figure import looks
from workbench.figures.style import GREY, INK
from workbench.figures.ticks import number_axis
from workbench.figures.wording import count_words, fixed, percents, span_words, withheld
from workbench.survival import Calibration, CurvePoints, RiskBin

SIDE = 3.9
STRIP = 0.36
FOOT = 0.6
BESIDE = 3.1


def plot_calibration_curves(
    results: Mapping[str, Calibration],
    *,
    title: str,
    risks: Mapping[str, np.ndarray] | None = None,
    notes: Sequence[str] = (),
    minimum_cell: int = MINIMUM_CELL,
    at_horizon: bool = True,
) -> Drawing:
    """Observed against predicted risk of each model on a square, with the numbers beside it.

    Parameters
    ----------
    results
        Of ``calibration`` by the model's name: ``curve``, ``bins``, ``error`` (ICI, E50, E90),
        ``intervals`` (intercept, slope, O:E), ``n_patients, n_events``. The bins of a single model
        are drawn with their intervals.
    title
        The patients, the outcome and the horizon, in words.
    risks
        Predicted risks of the patients by model, (patient,) in [0, 1], for a histogram each.
    notes
        Lines under the title.
    minimum_cell
        Bins of fewer patients are not drawn, nor those whose observed risk would tell of fewer
        events, or of fewer patients without one.
    at_horizon
        Whether events are those by a horizon; else the outcome has no time.

    Raises
    ------
    SurvivalError
        No model, more than six, or risks of a model that has no result.
    """
    look = dict(zip(results, looks(len(results)), strict=True))
    risks = risks or {}
    unknown = [name for name in risks if name not in results]
    if unknown:
        raise SurvivalError(f"risks were passed of {unknown}, which have no calibration: pass both")
    first = next(iter(results.values()))
    bins = _shown_bins(first.bins, minimum_cell) if len(results) == 1 else []
    counts = count_words(withheld(first.n_patients, None), withheld(first.n_events, None))
    counts = f"{counts} by the horizon" if at_horizon else counts
    head = heading(title, [counts, *notes], (), width=_width())
    top = _highest(results, risks, bins)
    x = number_axis("Predicted risk", 0.0, top, as_percent=True)
    y = number_axis("Observed risk", 0.0, top, as_percent=True)
    left, strips = axis_room(y) + EDGE, STRIP * len(risks)
    height = FOOT + strips + SIDE + head.room + 0.1
    marks: list[Mark] = [Line(np.array(x.limits), np.array(y.limits), GREY, (4, 2), 1.0)]
    for name, result in results.items():
        marks += _curve_marks(name, result.curve, look[name])
    if bins:
        marks += _bin_marks(bins)
    bare = Axis("", x.limits, x.ticks, ("",) * len(x.ticks), shown=False)
    panels = [
        Panel(left, FOOT + strips, SIDE, SIDE, x if not risks else bare, y, tuple(marks), grid="xy")
    ]
    share = Axis("", (0.0, 1.05), (), (), shown=False)
    for at, (name, risk) in enumerate(risks.items(), 1):
        bars = histogram_bars(
            coarse_bins(risk, *x.limits, n_bins=40, minimum_cell=minimum_cell), look[name][0]
        )
        last = at == len(risks)
        place = FOOT + strips - at * STRIP
        axis = x if last else bare
        panels.append(Panel(left, place, SIDE, STRIP - 0.06, axis, share, (bars,), grid=""))
    labels, strokes = _numbers(results, look, left + SIDE + 0.4, FOOT + strips + SIDE - 0.1)
    return Drawing(
        head.title,
        _width(),
        height,
        tuple(panels),
        f"Calibration of {', '.join(results)}. {title}.",
        labels=(*head.labels(height), *labels),
        strokes=strokes,
    )


def withheld_events(bins: Sequence[RiskBin], minimum_cell: int) -> list[bool]:
    """Of which bins the events may not be told, nor the share of patients who had one.

    Few events, few patients without one, and what would give these away.
    """
    counts = np.array([[each.n_events, each.n_patients - each.n_events] for each in bins])
    return suppress(counts, minimum_cell, row_totals=True)[:, 0].tolist()


def _shown_bins(bins: Sequence[RiskBin], minimum_cell: int) -> list[RiskBin]:
    return [
        each
        for each, hide in zip(bins, withheld_events(bins, minimum_cell), strict=True)
        if not hide and each.n_patients >= minimum_cell and np.isfinite(each.observed)
    ]


def _width() -> float:
    return 1.0 + SIDE + 0.4 + BESIDE


def _highest(
    results: Mapping[str, Calibration], risks: Mapping[str, np.ndarray], bins: Sequence[RiskBin]
) -> float:
    """Highest risk shown: the square ends there, so that small risks can be read."""
    ends = [0.05]
    for result in results.values():
        ends += [float(np.nanmax(v)) for v in (result.curve.predicted, result.curve.upper)]
    ends += [v for b in bins for v in (b.predicted, b.upper) if np.isfinite(v)]
    ends += [float(np.max(risk)) for risk in risks.values() if len(risk)]
    return min(1.0, max(ends))


def _curve_marks(name: str, curve: CurvePoints, look: tuple[str, Dash]) -> list[Mark]:
    write = percents(1)
    hover = tuple(
        f"{name}\npredicted {write(p)}\nobserved {write(o)} ({write(low)} to {write(high)})"
        for p, o, low, high in zip(
            *(
                np.asarray(v).tolist()
                for v in (curve.predicted, curve.observed, curve.lower, curve.upper)
            ),
            strict=True,
        )
    )
    predicted, color, dash = np.asarray(curve.predicted, dtype=float), *look
    return [
        Band(predicted, np.asarray(curve.lower), np.asarray(curve.upper), color),
        Line(predicted, np.asarray(curve.observed, dtype=float), color, dash, hover=hover),
    ]


def _bin_marks(bins: Sequence[RiskBin]) -> list[Mark]:
    at, observed = np.array([b.predicted for b in bins]), np.array([b.observed for b in bins])
    lower, upper = np.array([b.lower for b in bins]), np.array([b.upper for b in bins])
    write = percents(1)
    hover = tuple(
        f"predicted {write(b.predicted)}\nobserved {write(b.observed)} "
        f"({write(b.lower)} to {write(b.upper)})\n"
        f"{count_words(str(b.n_patients), str(b.n_events))}"
        for b in bins
    )
    return [
        Intervals(at, lower, upper, INK, upright=True, width=1.1),
        Points(at, observed, INK, size=5, hover=hover),
    ]


def _numbers(
    results: Mapping[str, Calibration],
    look: Mapping[str, tuple[str, Dash]],
    x: float,
    top: float,
) -> tuple[list[Label], tuple[Stroke, ...]]:
    """Under each model's name the numbers that sum up its calibration."""
    labels, strokes, y = [], [], top
    for name, result in results.items():
        strokes.append(Stroke((x, y), (x + SWATCH, y), *look[name], 2.0))
        words = fit_text(name, BESIDE - SWATCH - 0.3, bold=True)
        labels.append(Label(x + SWATCH + 0.1, y, words, bold=True))
        for line, value in (
            ("Intercept", result.intervals.intercept),
            ("Slope", result.intervals.slope),
            ("Observed / expected", result.intervals.observed_expected),
            ("ICI", result.error.ici),
            ("E50", result.error.e50),
            ("E90", result.error.e90),
        ):
            y -= LINE * 0.82
            write = fixed(3) if line in ("ICI", "E50", "E90") else fixed(2)
            labels.append(Label(x, y, line, color=GREY))
            labels.append(Label(x + BESIDE - 0.25, y, span_words(value, write), "right"))
        y -= LINE * 1.3
    return labels, tuple(strokes)
