"""Cumulative incidence of competing causes, and cumulative hazards, by group."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Drawing
from workbench.figures.step_figure import Steps, coarsened, from_start, step_figure
from workbench.figures.ticks import number_axis, time_axis
from workbench.figures.wording import (
    ChiSquare,
    count_words,
    fixed,
    p_words,
    percents,
    withheld,
)

MOST_CAUSES = 3
"""Panels beside each other that a journal page holds."""
ROOM = {1: 8, 2: 5, 3: 4}
"""Ticks of time that so many panels have room for."""
FEW = 5
"""With fewer at risk a limit may leave the figure: it would press the curves together."""


class IncidenceCurves(Protocol):
    """What is read of a :class:`workbench.survival.competing.AalenJohansen`."""

    @property
    def time(self) -> np.ndarray: ...
    @property
    def n_at_risk(self) -> np.ndarray: ...
    @property
    def n_events(self) -> np.ndarray: ...
    @property
    def n_censored(self) -> np.ndarray: ...
    @property
    def incidence(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...

    def at_risk_at(self, times: np.ndarray, /) -> np.ndarray: ...


class HazardCurve(Protocol):
    """What is read of a :class:`workbench.survival.NelsonAalen`."""

    @property
    def time(self) -> np.ndarray: ...
    @property
    def n_at_risk(self) -> np.ndarray: ...
    @property
    def n_events(self) -> np.ndarray: ...
    @property
    def n_censored(self) -> np.ndarray: ...
    @property
    def cumulative_hazard(self) -> np.ndarray: ...
    @property
    def lower(self) -> np.ndarray: ...
    @property
    def upper(self) -> np.ndarray: ...


def plot_cumulative_incidence(
    curves: Mapping[object, IncidenceCurves],
    causes: Sequence[str],
    *,
    time_unit: str,
    title: str,
    ticks: Sequence[float] | None = None,
    gray: Mapping[str, ChiSquare] | None = None,
    notes: Sequence[str] = (),
    origin: str = "Time from the index date",
    minimum_cell: int | None = None,
) -> Drawing:
    """Probability that each cause has come first, with limits and a table of the numbers at risk.

    Parameters
    ----------
    curves
        Curves of each group by its label. One group: all causes in one panel. Several: a panel a
        cause.
    causes
        Names of causes 1, 2, … in order; at most three where there are several groups.
    time_unit, title, ticks, notes, origin, minimum_cell
        As of :func:`plot_survival_curves`.
    gray
        Gray's test of a cause by its name, written above its panel.

    Raises
    ------
    SurvivalError
        Names that do not match the causes of the curves, more panels or curves than a page holds,
        no follow-up, or ticks that do not ascend from 0.
    """
    _check_causes(curves, causes)
    end = max(float(c.time[-1]) for c in curves.values())
    room = 8 if len(curves) == 1 else ROOM[len(causes)]
    x = time_axis(time_unit, end, title=origin, ticks=ticks, n_ticks=room)
    shown = {
        cause: [
            _incidence(str(label), at, curve, causes, minimum_cell)
            for label, curve in curves.items()
        ]
        for at, cause in enumerate(causes)
    }
    if minimum_cell is not None:
        shown = {
            c: [coarsened(s, x.ticks, minimum_cell) for s in steps] for c, steps in shown.items()
        }
    tests = {c: f"  ·  Gray’s test {p_words(t.p_value)}" for c, t in (gray or {}).items()}
    panels = [(f"{cause}{tests.get(cause, '')}", steps) for cause, steps in shown.items()]
    if len(curves) == 1:
        only = next(iter(curves.values()))
        panels = [("", _by_cause(shown, only, minimum_cell))]
        notes = [*notes, f"n = {withheld(_n_patients(only), minimum_cell)}"]
    highest = _highest([s for steps in shown.values() for s in steps], x.limits[1])
    return step_figure(
        panels,
        x=x,
        y=number_axis("Cumulative incidence", 0.0, highest, as_percent=True),
        title=title,
        notes=notes,
        time_unit=time_unit,
        write=percents(1),
        description=f"Cumulative incidence of {', '.join(causes)}. {title}.",
        minimum_cell=minimum_cell,
        one_row="Patients" if len(curves) == 1 else "",
    )


def plot_cumulative_hazard(
    curves: Mapping[object, HazardCurve],
    *,
    time_unit: str,
    title: str,
    ticks: Sequence[float] | None = None,
    notes: Sequence[str] = (),
    origin: str = "Time from the index date",
    minimum_cell: int | None = None,
) -> Drawing:
    """Nelson-Aalen estimate of each group: events expected of a patient who stays at risk.

    Parameters
    ----------
    curves
        One curve a group, by its label.
    time_unit, title, ticks, notes, origin, minimum_cell
        As of :func:`plot_survival_curves`.

    Raises
    ------
    SurvivalError
        As of :func:`plot_survival_curves`.
    """
    end = max((float(c.time[-1]) for c in curves.values()), default=0.0)
    x = time_axis(time_unit, end, title=origin, ticks=ticks)
    shown = [_hazard(str(label), curve, minimum_cell) for label, curve in curves.items()]
    if minimum_cell is not None:
        shown = [coarsened(each, x.ticks, minimum_cell) for each in shown]
    highest = _highest(shown, x.limits[1])
    return step_figure(
        [("", shown)],
        x=x,
        y=number_axis("Cumulative hazard (expected events a patient)", 0.0, highest),
        title=title,
        notes=notes,
        time_unit=time_unit,
        write=fixed(3),
        description=f"Cumulative hazard over time. {title}.",
        minimum_cell=minimum_cell,
    )


def _check_causes(curves: Mapping[object, IncidenceCurves], causes: Sequence[str]) -> None:
    if not curves:
        raise SurvivalError("a figure holds 1 to 6 curves, got 0: pass one curve a group")
    found = sorted({c.incidence.shape[1] for c in curves.values()})
    if found != [len(causes)]:
        raise SurvivalError(
            f"causes must name each cause of the curves, got {len(causes)} names for {found} "
            "causes: name causes 1, 2, … in order"
        )
    if len(curves) > 1 and len(causes) > MOST_CAUSES:
        raise SurvivalError(
            f"groups are drawn for at most {MOST_CAUSES} causes, got {len(causes)}: merge causes"
        )


def _n_patients(curve: IncidenceCurves) -> float:
    return float(curve.n_events.sum() + curve.n_censored.sum())


def _incidence(
    label: str, at: int, curve: IncidenceCurves, causes: Sequence[str], minimum_cell: int | None
) -> Steps:
    totals = zip(causes, curve.n_events.sum(axis=0).tolist(), strict=True)
    events = ", ".join(f"{cause} {withheld(n, minimum_cell)}" for cause, n in totals)
    return Steps(
        label,
        from_start(0.0, curve.time),
        *(from_start(0.0, v[:, at]) for v in (curve.incidence, curve.lower, curve.upper)),
        n_at_risk=np.asarray(curve.at_risk_at(from_start(0.0, curve.time))),
        censored=np.empty(0),
        at_risk_at=curve.at_risk_at,
        summary=f": n = {withheld(_n_patients(curve), minimum_cell)} (events: {events})",
    )


def _by_cause(
    shown: Mapping[str, Sequence[Steps]], curve: IncidenceCurves, minimum_cell: int | None
) -> list[Steps]:
    """The curves of the only group, each under its cause's name."""
    totals = curve.n_events.sum(axis=0).tolist()
    return [
        replace(steps[0], label=cause, summary=f": {withheld(n, minimum_cell)} events")
        for (cause, steps), n in zip(shown.items(), totals, strict=True)
    ]


def _hazard(label: str, curve: HazardCurve, minimum_cell: int | None) -> Steps:
    n_events = float(curve.n_events.sum())
    n_patients = n_events + float(curve.n_censored.sum())

    def at_risk_at(times: np.ndarray) -> np.ndarray:
        return np.append(curve.n_at_risk, 0)[np.searchsorted(curve.time, times, side="left")]

    counts = count_words(withheld(n_patients, minimum_cell), withheld(n_events, minimum_cell))
    return Steps(
        label,
        from_start(0.0, curve.time),
        *(from_start(0.0, v) for v in (curve.cumulative_hazard, curve.lower, curve.upper)),
        n_at_risk=at_risk_at(from_start(0.0, curve.time)),
        censored=curve.time[curve.n_censored > 0],
        at_risk_at=at_risk_at,
        summary=f": {counts}",
    )


def _highest(curves: Sequence[Steps], end: float) -> float:
    """Highest value, or limit where enough are at risk; at least .1, so that flat looks flat."""
    tops = [0.1]
    for curve in curves:
        shown = curve.time <= end
        known = shown & np.isfinite(curve.upper) & (curve.n_at_risk >= FEW)
        tops += [*curve.value[shown].tolist(), *curve.upper[known].tolist()]
    return max(tops)
