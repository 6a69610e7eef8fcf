"""What happened to one patient, around the index date."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workbench.errors import CohortError
from workbench.figures.drawing import Axis, Drawing, Entry, Label, Line, Mark, Panel, Points
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, LINE, fit_text, text_width, widest
from workbench.figures.style import BLUE, GREY, INK, RULE, VERMILION
from workbench.figures.ticks import number_axis, plain
from workbench.figures.wording import capitalised, sentences

WIDTH = 9.6
ROW = 0.3
FOOT = 0.62
GAP = 0.22
RIGHT = 0.35
NAME_ROOM = 2.4
MOST_LANES = 12
FOLLOW_UP = "Follow-up"
BEFORE, AFTER = "Up to the index date", "After it, unseen by a model"
WHEN = {BEFORE: BLUE, AFTER: GREY}


class FollowUp(NamedTuple):
    """Days from the index date to the end, whether that was the event, and what the event is."""

    day: float
    event: bool
    outcome: str

    def words(self) -> str:
        """Such as ``"Death on day 420"``."""
        what = self.outcome if self.event else f"censored without {self.outcome}"
        return f"{what} on day {plain(self.day)}"


def plot_timeline(
    day: np.ndarray,
    lane: Sequence[str],
    label: Sequence[str],
    *,
    value: np.ndarray | None = None,
    follow_up: FollowUp | None = None,
    window: tuple[float, float] | None = None,
    title: str,
    notes: Sequence[str] = (),
    most_lanes: int = MOST_LANES,
) -> Drawing:
    """Events of one patient in lanes, in days from the index date.

    Parameters
    ----------
    day
        Days from the index date, negative before it, (event,).
    lane
        What kind of event each is, (event,), such as ``"Diagnosis"``; lanes stand in the order of
        their first event.
    label
        What each event is, (event,): read where the pointer is.
    value
        Its number, (event,), NaN without one.
    follow_up
        How the patient's time ended; None leaves it out.
    window
        First and last day shown; None shows all. Events beyond it are counted in a note.
    title
        Which patient: an ordinal, such as ``"Patient 17 of 210"``.
    notes
        Lines under the title.
    most_lanes
        Lanes at most: the rarest share the last one.

    Raises
    ------
    CohortError
        Parts of different lengths, days that are not finite, or nothing to show.
    """
    day = np.asarray(day, dtype=float)
    value = np.full(len(day), np.nan) if value is None else np.asarray(value, dtype=float)
    _check(day, lane, label, value, follow_up)
    low, high = window or _range(day, follow_up)
    inside = (day >= low) & (day <= high)
    lanes, rows = _lanes(lane, most_lanes)
    names = [*lanes, *([FOLLOW_UP] if follow_up else [])]
    short = [fit_text(name, NAME_ROOM) for name in names]
    beyond = [
        f"{np.count_nonzero(some)} events {words} the days shown"
        for some, words in ((day < low, "before"), (day > high, "after"))
        if some.any()
    ]
    ended = [capitalised(follow_up.words())] if follow_up else []
    colours = WHEN if len(day) else {}
    entries = [Entry(name, name, color, symbol="circle") for name, color in colours.items()]
    head = heading(title, [*notes, "  ·  ".join([*ended, *beyond])], entries, width=WIDTH)
    left, body = EDGE + widest(short) + GAP, ROW * len(names)
    height, wide = FOOT + body + LINE + head.room, WIDTH - left - RIGHT
    x = number_axis("Days from the index date", low, high, n_ticks=9, fit=window is not None)
    y = Axis("", (len(names) - 0.5, -0.5), (), (), shown=False)
    marks = [_rails(len(names), x.limits)]
    marks += _index_date(len(names), x.limits)
    marks += _events(day, rows, inside, _hovers(day, lane, label, value))
    if follow_up:
        marks += _follow_up(follow_up, len(names) - 1.0, x.limits)
    up = [FOOT + body - ROW * (at + 0.5) for at in range(len(names))]
    placed = [*head.labels(height)]
    placed += [Label(EDGE, at, text) for at, text in zip(up, short, strict=True)]
    if x.limits[0] <= 0 <= x.limits[1]:
        placed.append(_over("Index date", left + wide * x.share(0.0), FOOT + body + LINE / 2))
    counts = Counter(lanes[row] for row in rows)
    said = ", ".join(f"{name}: {n}" for name, n in counts.items())
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, wide, body, x, y, tuple(marks), grid="x"),),
        sentences(
            title,
            f"Events from day {plain(low)} to day {plain(high)} by kind: {said or 'none'}",
            *ended,
        ),
        labels=tuple(placed),
        legend=head.legend_in(height),
    )


def _check(
    day: np.ndarray,
    lane: Sequence[str],
    label: Sequence[str],
    value: np.ndarray,
    follow_up: FollowUp | None,
) -> None:
    lengths = [len(day), len(lane), len(label), len(value)]
    if len(set(lengths)) > 1 or not np.isfinite(day).all():
        raise CohortError(
            f"a timeline needs a finite day, a lane, a label and a value for each event, got "
            f"{lengths} of them and {np.count_nonzero(~np.isfinite(day))} days that are not "
            "finite: leave out what has no time"
        )
    if not len(day) and follow_up is None:
        raise CohortError(
            "a timeline needs events or a follow-up, got none: choose another patient"
        )


def _range(day: np.ndarray, follow_up: FollowUp | None) -> tuple[float, float]:
    ends = [0.0, *day.tolist(), *([follow_up.day] if follow_up else [])]
    return min(ends), max(max(ends), min(ends) + 1.0)


def _lanes(lane: Sequence[str], most: int) -> tuple[list[str], list[int]]:
    """Names of the lanes, and that of each event; the rarest share the last."""
    counts = Counter(lane)
    kept = [*counts]
    if len(counts) > most:
        frequent = {name for name, _ in counts.most_common(most - 1)}
        kept = [name for name in counts if name in frequent]
    row = {name: at for at, name in enumerate(kept)}
    n_more = len(counts) - len(kept)
    names = [*kept, *([f"+ {n_more} more kinds"] if n_more else [])]
    return names, [row.get(name, len(kept)) for name in lane]


def _hovers(
    day: np.ndarray, lane: Sequence[str], label: Sequence[str], value: np.ndarray
) -> list[str]:
    return [
        f"{kind}, day {plain(round(at, 2))}\n{what}" + ("" if np.isnan(v) else f": {plain(v)}")
        for at, kind, what, v in zip(day.tolist(), lane, label, value.tolist(), strict=True)
    ]


def _rails(n: int, limits: tuple[float, float]) -> Line:
    """A faint line along each lane."""
    x = np.tile([*limits, np.nan], n)
    return Line(x, np.repeat(np.arange(n, dtype=float), 3), RULE, width=0.6)


def _index_date(n: int, limits: tuple[float, float]) -> list[Mark]:
    if not limits[0] <= 0 <= limits[1]:
        return []
    return [Line(np.zeros(2), np.array([-0.5, n - 0.5]), INK, (4, 2), 1.0)]


def _events(
    day: np.ndarray, rows: Sequence[int], inside: np.ndarray, hovers: Sequence[str]
) -> list[Mark]:
    """Dots up to the index date, and after it, which no model may see."""
    marks: list[Mark] = []
    for name, some in ((BEFORE, inside & (day <= 0)), (AFTER, inside & (day > 0))):
        if (at := np.flatnonzero(some)).size:
            row = np.array(rows, dtype=float)[at]
            said = tuple(hovers[i] for i in at.tolist())
            marks.append(Points(day[at], row, WHEN[name], opacity=0.75, series=name, hover=said))
    return marks


def _follow_up(end: FollowUp, row: float, limits: tuple[float, float]) -> list[Mark]:
    """From the index date to the end: a diamond is the event, a tick that it was not seen."""
    low, high = limits
    start, stop = np.clip([0.0, end.day], low, high).tolist()
    color = VERMILION if end.event else INK
    marks: list[Mark] = [Line(np.array([start, stop]), np.full(2, row), color, width=2.5)]
    if low <= end.day <= high:
        symbol, size = ("diamond", 8) if end.event else ("tick", 12)
        at, words = np.array([end.day]), end.words()
        marks.append(Points(at, np.array([row]), color, symbol, size, hover=(words,)))
    return marks


def _over(text: str, middle: float, up: float) -> Label:
    """A text over the panel, within the drawing."""
    half = text_width(text, bold=True) / 2
    middle = min(max(middle, EDGE + half), WIDTH - EDGE - half)
    return Label(middle, up, text, "center", bold=True)
