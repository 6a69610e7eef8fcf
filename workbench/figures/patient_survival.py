"""The survival that is predicted for one patient, beside that of the cohort."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Band, Drawing, Entry, Line, Mark, Panel, Polygon
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, axis_room
from workbench.figures.style import BLUE, GREY, PALE
from workbench.figures.ticks import number_axis, percent, plain, time_axis
from workbench.figures.wording import sentences

WIDTH = 6.2
PLOT = 3.0
FOOT = 0.62
RIGHT = 0.3
PATIENT = "This patient"
Curve = tuple[np.ndarray, np.ndarray]


def plot_patient_survival(
    time: np.ndarray,
    survival: np.ndarray,
    *,
    lower: np.ndarray | None = None,
    upper: np.ndarray | None = None,
    limit: float,
    reference: Curve | None = None,
    reference_name: str = "All patients",
    interval: str = "95 % interval",
    time_unit: str,
    start: str = "Time from the index date",
    title: str,
    notes: Sequence[str] = (),
) -> Drawing:
    """One patient's predicted survival, as far as the training data reach.

    Parameters
    ----------
    time
        Ascending, (point,).
    survival
        Probability of no event up to then, (point,), as a step from each time to the next.
    lower, upper
        Its limits, (point,), NaN where there are none.
    limit
        Last time of the training data. Beyond it nothing is drawn, and the figure says so.
    reference
        Times and survival of a cohort, drawn in grey; None leaves it out.
    reference_name
        What the cohort is.
    interval
        What the limits are.
    time_unit
        Such as ``"days"``.
    start
        What time is counted from.
    title
        Which patient and model: an ordinal, such as ``"Patient 17 of 210"``.
    notes
        Lines under the title.

    Raises
    ------
    SurvivalError
        Parts of different lengths, times that do not ascend from 0 or later, survival beyond 0 to
        1, or a limit at 0.
    """
    time, survival = np.asarray(time, dtype=float), np.asarray(survival, dtype=float)
    none = np.full(time.shape, np.nan)
    low, high = (none if v is None else np.asarray(v, dtype=float) for v in (lower, upper))
    _check(time, survival, low, high, limit)
    end = float(time[-1])
    x = time_axis(time_unit, end, title=start, ticks=None, n_ticks=6)
    y = number_axis("Survival", 0.0, 1.0, as_percent=True, n_ticks=6)
    banded = bool((np.isfinite(low) & np.isfinite(high)).any())
    said = f"{PATIENT}, with {interval}" if banded else PATIENT
    entries = [Entry(PATIENT, said, BLUE)]
    if reference is not None:
        entries.append(Entry(reference_name, reference_name, GREY, (5, 1.5)))
    known = min(limit, end)
    beyond = f"Hatched: not predicted after {plain(limit)} {time_unit}, where the training data end"
    head = heading(title, [*notes, beyond if limit < end else ""], entries, width=WIDTH)
    left = EDGE + axis_room(y)
    wide, height = WIDTH - left - RIGHT, FOOT + PLOT + head.room
    marks: list[Mark] = []
    if limit < end:
        marks.append(_unknown(limit, x.limits[1], beyond))
    if reference is not None:
        times, values = _until(known, *(np.asarray(v, dtype=float) for v in reference))
        marks.append(_line(reference_name, times, values, time_unit))
    times, survival, low, high = _until(known, time, survival, low, high)
    marks.append(Band(times, low, high, BLUE, step=True, series=PATIENT))
    marks.append(_line(PATIENT, times, survival, time_unit))
    last = f"{percent(survival[-1])} at {plain(known)} {time_unit}"
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, wide, PLOT, x, y, tuple(marks)),),
        sentences("Predicted survival", title, last, beyond if limit < end else ""),
        labels=head.labels(height),
        legend=head.legend_in(height),
    )


def _check(
    time: np.ndarray, survival: np.ndarray, lower: np.ndarray, upper: np.ndarray, limit: float
) -> None:
    lengths = [len(time), len(survival), len(lower), len(upper)]
    if len(set(lengths)) > 1 or not len(time):
        raise SurvivalError(
            f"a curve needs one survival a time, and limits of that length, got {lengths}"
        )
    if time[0] < 0 or (np.diff(time) <= 0).any() or not ((survival >= 0) & (survival <= 1)).all():
        raise SurvivalError(
            "times must ascend from 0 or later, and survival lie within 0 and 1: pass "
            "probabilities of no event, not of one"
        )
    if not limit > 0:
        raise SurvivalError(f"limit must lie after 0, got {limit:g}: pass the last training time")


def _until(end: float, time: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """A curve from 1 at time 0 to ``end``, which keeps its last value up to there."""
    kept = time <= end
    before = [0.0] if not len(time) or time[0] > 0 else []
    after = [] if kept.any() and time[kept][-1] == end else [end]
    times = np.concatenate([before, time[kept], after])
    found = [np.concatenate([np.ones(len(before)), each[kept]]) for each in values]
    return times, *(np.append(each, each[-1]) if after else each for each in found)


def _unknown(start: float, end: float, words: str) -> Polygon:
    x, y = np.array([start, end, end, start, start]), np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    return Polygon(x, y, PALE, words, hatched=True)


def _line(name: str, time: np.ndarray, survival: np.ndarray, time_unit: str) -> Line:
    color, dash = (BLUE, ()) if name == PATIENT else (GREY, (5, 1.5))
    hover = tuple(
        f"{name}\n{plain(round(at, 2))} {time_unit}: {percent(value)}"
        for at, value in zip(time.tolist(), survival.tolist(), strict=True)
    )
    return Line(time, survival, color, dash, step=True, series=name, hover=hover)
