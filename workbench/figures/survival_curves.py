"""Survival by group: Kaplan-Meier, adjusted and landmark curves in one form."""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from workbench.figures.drawing import Drawing, Line, Mark
from workbench.figures.step_figure import (
    Steps,
    coarse_times,
    coarsened,
    from_start,
    step_figure,
)
from workbench.figures.style import GREY
from workbench.figures.ticks import number_axis, time_axis
from workbench.figures.wording import (
    ChiSquare,
    Limits,
    chi_square_words,
    count_words,
    p_words,
    percents,
    span_words,
    time_words,
    withheld,
)


class SurvivalCurve(Protocol):
    """What is read of a :class:`workbench.survival.KaplanMeier`."""

    @property
    def time(self) -> np.ndarray: ...
    @property
    def n_at_risk(self) -> np.ndarray: ...
    @property
    def n_events(self) -> np.ndarray: ...
    @property
    def n_censored(self) -> np.ndarray: ...
    @property
    def survival(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...

    @property
    def median(self) -> Limits: ...
    def at_risk_at(self, times: np.ndarray, /) -> np.ndarray: ...


class MeanDifference(Protocol):
    """What is read of a comparison of restricted means: the second group less the first."""

    @property
    def groups(self) -> Sequence[object] | np.ndarray: ...
    @property
    def means(self) -> Sequence["RestrictedMean"]: ...
    @property
    def difference(self) -> Limits: ...
    @property
    def difference_p(self) -> float: ...


class RestrictedMean(Protocol):
    """What is read of one group's restricted mean."""

    @property
    def tau(self) -> float: ...


class Standardised(Protocol):
    """What is read of curves by G-computation."""

    @property
    def groups(self) -> Sequence[object]: ...
    @property
    def horizons(self) -> np.ndarray: ...
    @property
    def survival(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...


def plot_survival_curves(
    curves: Mapping[object, SurvivalCurve],
    *,
    time_unit: str,
    title: str,
    ticks: Sequence[float] | None = None,
    log_rank: ChiSquare | None = None,
    restricted_mean: MeanDifference | None = None,
    notes: Sequence[str] = (),
    measure: str = "Survival without the event",
    origin: str = "Time from the index date",
    minimum_cell: int | None = None,
) -> Drawing:
    """Survival of each group with its limits, and who is at risk just before each tick.

    Parameters
    ----------
    curves
        One curve a group, by the label that a person reads; at most six. Adjusted curves and those
        from a landmark are drawn the same; sums of weights are called so.
    time_unit
        Unit of all times, such as ``"days"``.
    title
        The patients and the outcome, in words.
    ticks
        Times of the axis and of the table, ascending from 0. None: round times; whole years where
        follow-up is long.
    log_rank, restricted_mean
        Results that stand under the title; None leaves them out.
    notes
        More lines under the title, such as how the curves were adjusted.
    measure, origin
        Titles of the axes, without the unit.
    minimum_cell
        None shows every step and censoring. A number makes a figure that may leave: steps are
        coarsened, ticks of censoring go, medians move to the next kept time, counts below it are
        withheld, and each curve ends at the last tick with this many at risk.

    Raises
    ------
    SurvivalError
        No curve or more than six, no follow-up, or ticks that do not ascend from 0.
    """
    end = max((float(c.time[-1]) for c in curves.values()), default=0.0)
    x = time_axis(time_unit, end, title=origin, ticks=ticks)
    y = number_axis(measure, 0.0, 1.0, as_percent=True)
    drawn = [_steps(str(label), c, x.ticks, time_unit, minimum_cell) for label, c in curves.items()]
    medians = [_median(c, x.ticks, minimum_cell)[0] for c in curves.values()]
    lines = [
        *notes,
        "  ·  ".join(
            filter(
                None,
                [
                    chi_square_words("Log-rank", log_rank),
                    _mean_words(restricted_mean, time_unit),
                ],
            )
        ),
    ]
    return step_figure(
        [("", drawn)],
        x=x,
        y=y,
        title=title,
        notes=lines,
        time_unit=time_unit,
        write=percents(1),
        description=f"{measure} over time. {title}. "
        + "; ".join(f"{c.label}{c.summary}" for c in drawn),
        minimum_cell=minimum_cell,
        under=_median_lines(medians),
    )


def plot_standardised_curves(
    curves: Standardised,
    *,
    time_unit: str,
    title: str,
    ticks: Sequence[float] | None = None,
    notes: Sequence[str] = (),
    measure: str = "Standardised survival",
    origin: str = "Time from the index date",
) -> Drawing:
    """Survival of all patients, predicted as if each were in every group (G-computation).

    Nobody is at risk under a predicted curve, so there is no table.

    Parameters
    ----------
    curves
        Of ``g_computation``: ``groups``, ``horizons`` (horizon,) and ``survival, lower, upper``,
        (group, horizon); limits that are NaN leave the band out.
    time_unit, title, ticks, notes, measure, origin
        As of :func:`plot_survival_curves`.

    Raises
    ------
    SurvivalError
        As of :func:`plot_survival_curves`.
    """
    x = time_axis(time_unit, float(curves.horizons[-1]), title=origin, ticks=ticks)
    unknown = np.full(len(curves.horizons) + 1, np.nan)
    drawn = [
        Steps(
            str(group),
            from_start(0.0, curves.horizons),
            from_start(1.0, curves.survival[at]),
            from_start(1.0, curves.lower[at]),
            from_start(1.0, curves.upper[at]),
            n_at_risk=unknown,
            censored=np.empty(0),
            at_risk_at=lambda times: np.full(len(times), np.nan),
            summary="",
        )
        for at, group in enumerate(curves.groups)
    ]
    return step_figure(
        [("", drawn)],
        x=x,
        y=number_axis(measure, 0.0, 1.0, as_percent=True),
        title=title,
        notes=notes,
        time_unit=time_unit,
        write=percents(1),
        description=f"{measure} over time. {title}.",
        minimum_cell=None,
        tabled=False,
    )


def _steps(
    label: str,
    curve: SurvivalCurve,
    ticks: Sequence[float],
    time_unit: str,
    minimum_cell: int | None,
) -> Steps:
    n_events = float(curve.n_events.sum())
    n_patients = n_events + float(curve.n_censored.sum())
    estimate, lower, upper = (time_words(t) for t in _median(curve, ticks, minimum_cell))
    words = (
        estimate if estimate == "not reached" else f"{estimate} {time_unit} ({lower} to {upper})"
    )
    weighted = "weighted " if curve.n_at_risk.dtype.kind == "f" else ""
    counts = count_words(withheld(n_patients, minimum_cell), withheld(n_events, minimum_cell))
    steps = _plain_steps(label, curve, f": {weighted}{counts}, median {words}")
    return steps if minimum_cell is None else coarsened(steps, ticks, minimum_cell)


def _plain_steps(label: str, curve: SurvivalCurve, summary: str) -> Steps:
    return Steps(
        label,
        from_start(0.0, curve.time),
        *(from_start(1.0, each) for each in (curve.survival, curve.lower, curve.upper)),
        n_at_risk=np.asarray(curve.at_risk_at(from_start(0.0, curve.time))),
        censored=curve.time[curve.n_censored > 0],
        at_risk_at=curve.at_risk_at,
        summary=summary,
    )


def _median(
    curve: SurvivalCurve, ticks: Sequence[float], minimum_cell: int | None
) -> tuple[float, float, float]:
    """Median and limits; of a coarsened curve the next time that is kept, infinite beyond."""
    found = (curve.median.estimate, curve.median.lower, curve.median.upper)
    if minimum_cell is None:
        return found
    grid = np.append(coarse_times(_plain_steps("", curve, ""), ticks, minimum_cell), np.inf)
    estimate, lower, upper = (float(grid[np.searchsorted(grid, t)]) for t in found)
    return estimate, lower, upper


def _median_lines(medians: Sequence[float]) -> list[Mark]:
    """From one half on the left to each median, and down from there to the time axis."""
    reached = [m for m in medians if math.isfinite(m)]
    if not reached:
        return []
    x = [0.0, max(reached)] + [v for m in reached for v in (math.nan, m, m)]
    y = [0.5, 0.5] + [v for _ in reached for v in (math.nan, 0.5, 0.0)]
    return [Line(np.array(x), np.array(y), GREY, (4, 2), 0.9)]


def _mean_words(found: MeanDifference | None, time_unit: str) -> str:
    if found is None:
        return ""
    first, second = found.groups
    until = f"Restricted mean to {time_words(found.means[0].tau)} {time_unit}"
    difference = f"{span_words(found.difference, time_words)} {time_unit}"
    return f"{until}, {second} less {first}: {difference}, {p_words(found.difference_p)}"
