"""Whether acting on a model does more good than acting on everybody or nobody."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Axis, Band, Dash, Drawing, Entry, Line, Mark
from workbench.figures.grid import Cell, grid_figure
from workbench.figures.step_figure import looks
from workbench.figures.style import GREY, INK
from workbench.figures.ticks import number_axis
from workbench.figures.wording import count_words, fixed, percents, withheld

Write = Callable[[float], str]
ALL = "Treat all"
NONE = "Treat none"
ALL_DASH = (2.0, 1.5)
BELOW = 0.15
"""How far the axis of net benefit goes under zero, of its height: treating all falls for ever."""


class Along(Protocol):
    """Numbers along thresholds with their limits, all (threshold,)."""

    @property
    def estimate(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...


class Decision(Protocol):
    """What is read of a :class:`workbench.survival.DecisionCurve`."""

    @property
    def thresholds(self) -> np.ndarray: ...
    @property
    def n_patients(self) -> int: ...
    @property
    def n_events(self) -> int: ...
    @property
    def net_benefit(self) -> Along: ...
    @property
    def treat_all(self) -> Along: ...
    @property
    def interventions_avoided(self) -> Along: ...


def plot_decision_curves(
    curves: Mapping[str, Decision],
    *,
    title: str,
    notes: Sequence[str] = (),
    at_horizon: bool = True,
) -> Drawing:
    """Net benefit along thresholds of each model, of treating all and none; interventions avoided.

    Parameters
    ----------
    curves
        Of ``decision_curve`` by the model's name: ``thresholds, n_patients, n_events`` and, each as
        ``estimate, lower, upper``, ``net_benefit, treat_all, interventions_avoided``. Limits that
        are NaN leave the band out.
    title
        The patients, the outcome and the horizon, in words.
    notes
        Lines under the title.
    at_horizon
        Whether events are those by a horizon; else the outcome has no time.

    Raises
    ------
    SurvivalError
        No model, more than six, or models that were not judged in the same patients.
    """
    look = dict(zip(curves, looks(len(curves)), strict=True))
    first = next(iter(curves.values()))
    if {(c.n_patients, c.n_events) for c in curves.values()} != {
        (first.n_patients, first.n_events)
    }:
        raise SurvivalError(
            "decision curves of one figure are of the same patients and horizon, got others: make "
            "them from one outcome"
        )
    ends = [float(v) for c in curves.values() for v in (c.thresholds[0], c.thresholds[-1])]
    x = number_axis("Threshold risk", min(ends), max(ends), as_percent=True, fit=True)
    counts = count_words(withheld(first.n_patients, None), withheld(first.n_events, None))
    return grid_figure(
        [_benefit(curves, look, x), _avoided(curves, look, x)],
        title=title,
        notes=[f"{counts} by the horizon" if at_horizon else counts, *notes],
        entries=[
            *(Entry(name, name, *look[name]) for name in curves),
            Entry(ALL, ALL, GREY, ALL_DASH),
            Entry(NONE, NONE, INK),
        ],
        description=f"Decision curves of {', '.join(curves)}. {title}.",
        across=2,
        panel_height=3.3,
    )


def _benefit(curves: Mapping[str, Decision], look: Mapping[str, tuple[str, Dash]], x: Axis) -> Cell:
    first = next(iter(curves.values()))
    tops = [first.treat_all.estimate, *(c.net_benefit.estimate for c in curves.values())]
    tops += [c.net_benefit.upper for c in curves.values()]
    high = max(0.01, *(float(np.nanmax(t)) for t in tops if np.isfinite(t).any()))
    y = number_axis("Net benefit (true positives a patient)", -BELOW * high, high, n_ticks=6)
    y = Axis(y.title, (max(y.limits[0], -BELOW * high), y.limits[1]), *_within(y, -BELOW * high))
    all_of_them, write = first.treat_all.estimate, fixed(3)
    marks: list[Mark] = [
        Line(np.array(x.limits), np.zeros(2), INK, (), 1.2, series=NONE),
        Line(
            first.thresholds,
            np.where(all_of_them >= y.limits[0], all_of_them, np.nan),
            GREY,
            ALL_DASH,
            1.6,
            series=ALL,
            hover=_hover(ALL, first.thresholds, first.treat_all, write),
        ),
    ]
    for name, curve in curves.items():
        marks += _marks(name, curve.thresholds, curve.net_benefit, look[name], write, y)
    return Cell("Net benefit", "higher is better", x, y, tuple(marks))


def _avoided(curves: Mapping[str, Decision], look: Mapping[str, tuple[str, Dash]], x: Axis) -> Cell:
    hundred = {name: _times(c.interventions_avoided, 100.0) for name, c in curves.items()}
    every = np.concatenate([b.estimate for b in hundred.values()])
    known = every[np.isfinite(every)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    y = number_axis("Avoided per 100 patients", min(0.0, low), max(high, 1.0), n_ticks=6)
    marks: list[Mark] = [Line(np.array(x.limits), np.zeros(2), GREY, ALL_DASH, 1.6, series=ALL)]
    for name, curve in curves.items():
        marks += _marks(name, curve.thresholds, hundred[name], look[name], fixed(1), y)
    return Cell("Net interventions avoided", "against treating all", x, y, tuple(marks))


class _Scaled(NamedTuple):
    """A band times a number."""

    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def _times(band: Along, factor: float) -> _Scaled:
    return _Scaled(*(np.asarray(v) * factor for v in (band.estimate, band.lower, band.upper)))


def _within(axis: Axis, low: float) -> tuple[tuple[float, ...], tuple[str, ...]]:
    kept = [(t, w) for t, w in zip(axis.ticks, axis.labels, strict=True) if t >= low - 1e-9]
    return tuple(t for t, _ in kept), tuple(w for _, w in kept)


def _marks(
    name: str, thresholds: np.ndarray, band: Along, look: tuple[str, Dash], write: Write, y: Axis
) -> list[Mark]:
    lower, upper = (np.clip(v, *y.limits) for v in (band.lower, band.upper))
    shown = np.where(np.asarray(band.estimate) >= y.limits[0], band.estimate, np.nan)
    hover = _hover(name, thresholds, band, write)
    return [
        Band(thresholds, lower, upper, look[0], series=name),
        Line(thresholds, shown, look[0], look[1], series=name, hover=hover),
    ]


def _hover(name: str, thresholds: np.ndarray, band: Along, write: Write) -> tuple[str, ...]:
    found = []
    for at, value, low, high in zip(thresholds, band.estimate, band.lower, band.upper, strict=True):
        limits = f" ({write(low)} to {write(high)})" if np.isfinite([low, high]).all() else ""
        found.append(f"{name}\nthreshold {percents(1)(float(at))}: {write(value)}{limits}")
    return tuple(found)
