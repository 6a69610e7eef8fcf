"""Axes with round ticks, chosen once for every renderer."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Axis

PERIODS = {"day": 365.0, "week": 52.0, "month": 12.0, "year": 1.0}
"""How many of a unit make a year: long follow-up is read in years, whatever its unit."""
YEARS = (1 / 12, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
RATIOS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))


def percent(value: float, decimals: int = 0) -> str:
    """A share as percent, such as ``"62 %"``."""
    return f"{round(100 * value, decimals) + 0.0:.{decimals}f} %".replace("-", "−")


def plain(value: float) -> str:
    """A number as short as it can be written, thousands apart, with a true minus."""
    return f"{value:,.6g}".replace("-", "−")


def number_axis(
    title: str,
    low: float,
    high: float,
    *,
    as_percent: bool = False,
    n_ticks: int = 6,
    fit: bool = False,
) -> Axis:
    """A linear axis over ``low`` to ``high``, widened to round numbers unless ``fit``."""
    ticks = round_ticks(low, high, n_ticks)
    limits = (low, high) if fit else (ticks[0], ticks[-1])
    ticks = [t for t in ticks if limits[0] - 1e-9 <= t <= limits[1] + 1e-9]
    decimals = max(0, _decimals(ticks) - 2)
    write = (lambda t: percent(t, decimals)) if as_percent else plain
    return Axis(title, limits, tuple(ticks), tuple(write(t) for t in ticks))


def time_axis(
    time_unit: str,
    end: float,
    *,
    title: str,
    ticks: Sequence[float] | None,
    n_ticks: int = 8,
) -> Axis:
    """An axis of time from 0 to a little past the end, or past the last tick where these are given.

    Parameters
    ----------
    time_unit
        Such as ``"days"``; part of the title. Follow-up of four years or more has ticks at
        whole years.
    end
        Where the curves end.
    title
        What time is counted from.
    ticks
        Ascending from 0; None: round ones.
    n_ticks
        About how many of them have room.

    Raises
    ------
    SurvivalError
        Ticks that do not ascend from 0, or an end at 0.
    """
    if ticks is None:
        if not end > 0:
            raise SurvivalError("a time axis needs follow-up beyond 0, got none: check the times")
        ticks = _time_ticks(time_unit, end, n_ticks)
    elif len(ticks) < 2 or ticks[0] != 0 or (np.diff(ticks) <= 0).any():
        raise SurvivalError(
            f"ticks must ascend from 0 and be two or more, got {len(ticks)}: pass [0, 365, 730]"
        )
    else:
        end = float(ticks[-1])
    chosen = tuple(float(t) for t in ticks)
    limits = (0.0, 1.02 * end)
    return Axis(f"{title} ({time_unit})", limits, chosen, tuple(plain(t) for t in chosen))


def ratio_axis(title: str, values: Iterable[float], *, widest: float = 100.0) -> Axis:
    """A log axis around 1 over the finite ``values``, at most to ``widest`` and its inverse."""
    known = [v for v in values if math.isfinite(v) and v > 0]
    low = max(min([*known, 0.8]) / 1.08, 1 / widest)
    high = min(max([*known, 1.25]) * 1.08, widest)
    return Axis(title, (low, high), *_ratio_ticks(low, high), log=True)


def round_ticks(low: float, high: float, n_ticks: int = 6) -> list[float]:
    """At most about ``n_ticks`` round numbers that cover ``low`` to ``high``."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    raw = (high - low) / max(n_ticks - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s for s in STEPS if s * power >= raw * (1 - 1e-9)) * power
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _decimals(ticks: Sequence[float]) -> int:
    return max((len(f"{t:.6f}".rstrip("0").split(".")[1]) for t in ticks), default=0)


def _time_ticks(time_unit: str, end: float, n_ticks: int) -> list[float]:
    """Round times within the follow-up."""
    year = PERIODS.get(time_unit.strip().lower().rstrip("s"), 0.0)
    if year and (year == 12 or end >= 4 * year):
        steps = [s * year for s in YEARS if s >= 1 or (year == 12 and (s * year) % 1 == 0)]
        step = next(s for s in [*steps, end] if end / s <= n_ticks + 0.2)
        return [round(i * step, 9) for i in range(int(end / step * (1 + 1e-9)) + 1)]
    return [t for t in round_ticks(0.0, end, n_ticks - 1) if t <= end * (1 + 1e-9)]


def _ratio_ticks(low: float, high: float) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The densest ladder of ratios with at most eight rungs between the limits."""
    best: list[float] = [1.0]
    for ladder in RATIOS:
        rungs = [d * 10.0**p for p in range(-6, 7) for d in ladder]
        inside = [r for r in rungs if low <= r <= high]
        if len(inside) <= 8:
            best = inside
    if len(best) < 3 and high / low < 4:
        best = [r / 10 for r in range(3, 40) if low <= r / 10 <= high][
            :: 2 if high - low > 1 else 1
        ]
    return tuple(best), tuple(plain(round(r, 6)) for r in best)
