"""How the patients of one view are spread: those who are selected, over everyone."""

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.cohort.crossfilter.bins import RangeBins
from workbench.cohort.crossfilter.picture import ShownView
from workbench.errors import CohortError
from workbench.figures.counted_bars import (
    Count,
    count_axis,
    count_entries,
    count_words,
    highest,
    level_bars,
    upright_bars,
)
from workbench.figures.drawing import Axis, Drawing, Label, Panel
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, LINE, axis_room, fit_text, widest
from workbench.figures.style import GREY, INK, tally
from workbench.figures.ticks import plain
from workbench.figures.wording import sentences

WIDTH = 6.2
PLOT = 2.3
FOOT = 0.62
RIGHT = 0.3
ROW = 0.28
GAP = 0.22
NAME_ROOM = 2.4
DATE_STEPS = {"month": (1, 3, 6, 12, 24, 60), "quarter": (1, 2, 4, 8, 20), "year": (1, 2, 5, 10)}
"""Every how many bins of a calendar a tick may stand."""
APART = 1.5
"""Bins between the last value and the bar of missing ones."""


def plot_histogram(
    view: ShownView,
    bins: RangeBins,
    *,
    name: str,
    title: str = "",
    chosen: bool = True,
    notes: Sequence[str] = (),
) -> Drawing:
    """Bars of a column of numbers or dates, missing values apart.

    Parameters
    ----------
    view
        Counts of each bin, missing values last.
    bins
        The bins of the column. Outer bins are open, so that all are drawn equally wide.
    name
        The column with its unit, such as ``"Age (years)"``.
    title
        The patients.
    chosen
        Whether the selected are told from everyone; False where nobody is selected yet.
    notes
        Lines under the title.

    Raises
    ------
    CohortError
        The view has another number of bins.
    """
    if len(view.labels) != bins.n_bins + 1:
        raise CohortError(
            f"the view must have {bins.n_bins + 1} bars, one a bin and one for missing values, "
            f"got {len(view.labels)}: pass the view and the bins of one column"
        )
    some_missing = view.total[-1] != 0
    n = len(view.labels) if some_missing else bins.n_bins
    labels, total = view.labels[:n], view.total[:n]
    selected = view.selected[:n] if chosen else None
    left_ends = np.arange(n, dtype=float)
    if some_missing:
        left_ends[-1] += APART
    y = count_axis("Patients", highest(total))
    left = EDGE + axis_room(y)
    head = heading(title, notes, count_entries(total, selected), width=WIDTH)
    height, wide = FOOT + PLOT + head.room, WIDTH - left - RIGHT
    limits = (-0.2, float(left_ends[-1]) + 1.2)
    inch = wide / (limits[1] - limits[0])
    x = Axis(name, limits, *_ticks(bins, some_missing, left_ends, inch))
    bars = upright_bars(left_ends, left_ends + 1, labels, total, selected)
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, wide, PLOT, x, y, bars),),
        _description(name, title, labels, total, selected),
        labels=head.labels(height),
        legend=head.legend_in(height),
    )


def plot_bars(
    view: ShownView,
    *,
    name: str,
    title: str = "",
    chosen: bool = True,
    notes: Sequence[str] = (),
) -> Drawing:
    """Bars of a column of levels, one a row, missing values last.

    Parameters
    ----------
    view
        Counts of each level, missing values last.
    name
        The column, such as ``"Grade"``.
    title, chosen, notes
        As of :func:`plot_histogram`.

    Raises
    ------
    CohortError
        The view has no bar.
    """
    if not view.labels:
        raise CohortError("a view needs one bar or more, got none: pass a column with values")
    n = len(view.labels) - (view.total[-1] == 0 and len(view.labels) > 1)
    labels, total = view.labels[:n], view.total[:n]
    selected = view.selected[:n] if chosen else None
    head = heading(title, notes, count_entries(total, selected), width=WIDTH)
    columns = [("Selected", selected)] if selected is not None else []
    columns.append(("All", total))
    texts = [(header, [_number(c) for c in counts]) for header, counts in columns]
    rooms = [max(widest([h], bold=True), widest(each)) + GAP for h, each in texts]
    names = [fit_text(label, NAME_ROOM) for label in labels]
    called = fit_text(name, NAME_ROOM, bold=True)
    left = EDGE + max(widest(names), widest([called], bold=True)) + GAP
    wide, body = WIDTH - left - sum(rooms) - EDGE, ROW * n
    foot = EDGE
    height = foot + body + LINE + head.room
    up = [foot + body - ROW * (at + 0.5) for at in range(n)]
    top = foot + body + LINE / 2
    placed = [*head.labels(height), Label(EDGE, top, called, bold=True)]
    placed += [
        Label(EDGE, at, text, color=GREY if label == "missing" else INK)
        for at, text, label in zip(up, names, labels, strict=True)
    ]
    across = left + wide
    for (header, each), room in zip(texts, rooms, strict=True):
        across += room
        placed.append(Label(across, top, header, "right", bold=True))
        placed += [Label(across, at, t, "right") for at, t in zip(up, each, strict=True)]
    x = Axis("", (0.0, float(highest(total))), (), (), shown=False)
    y = Axis("", (n - 0.5, -0.5), (), ())
    bars = level_bars(range(n), labels, total, selected)
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, foot, wide, body, x, y, bars, grid=""),),
        _description(name, title, labels, total, selected),
        labels=tuple(placed),
        legend=head.legend_in(height),
    )


def _ticks(
    bins: RangeBins, some_missing: bool, left_ends: np.ndarray, inch: float
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Round edges, or the middle of bins that hold one value, as many as have room."""
    places, texts = _written(bins)
    step, start = next(
        (step, start)
        for step, start in _round_steps(bins, len(texts))
        if not _crowded(places[start::step], texts[start::step], inch)
    )
    places, texts = places[start::step], texts[start::step]
    if some_missing:
        places, texts = [*places, float(left_ends[-1]) + 0.5], [*texts, "missing"]
        while len(places) > 1 and _crowded(places[-2:], texts[-2:], inch):
            del places[-2], texts[-2]
    return tuple(places), tuple(texts)


def _written(bins: RangeBins) -> tuple[list[float], list[str]]:
    if bins.single is not None:
        return [at + 0.5 for at in range(bins.n_bins)], list(bins.labels)
    if not len(bins.edges):
        return [0.5], list(bins.labels)
    if bins.edges.dtype.kind == "M":
        texts = [str(edge) for edge in bins.edges.astype("datetime64[D]")]
        for ending in ("-01", "-01"):  # whole months, then whole years
            if all(text.endswith(ending) for text in texts):
                texts = [text.removesuffix(ending) for text in texts]
    else:
        texts = [plain(float(edge)) for edge in bins.edges]
    return [at + 1.0 for at in range(len(texts))], texts


def _crowded(places: Sequence[float], texts: Sequence[str], inch: float) -> bool:
    if len(places) < 2:
        return False
    return widest(texts) + 0.14 > inch * min(np.diff(places))


def _round_steps(bins: RangeBins, n: int) -> Iterator[tuple[int, int]]:
    """Every how many bins a tick may stand, and from which on, so that ticks are round."""
    edges = bins.edges
    if bins.single is not None or len(edges) < 2:
        yield from ((step, 0) for step in range(1, n))
    elif edges.dtype.kind == "M":
        months = edges.astype("datetime64[M]").astype(int)
        for step in (*DATE_STEPS.get(bins.unit, ()), *range(2, n)):
            yield step, int(np.argmin(months[:step] % 12))
    else:
        width = float(edges[1] - edges[0])
        for step in range(1, n):
            if f"{step * width:.3e}"[:4] in ("1.00", "2.00", "5.00"):
                away = edges[:step] / (step * width)
                yield step, int(np.argmin(np.abs(away - np.round(away))))
    yield max(n, 1), 0


def _number(count: Count) -> str:
    return "withheld" if count is None else tally(count)


def _description(
    name: str,
    title: str,
    labels: Sequence[str],
    total: Sequence[Count],
    selected: Sequence[Count] | None,
) -> str:
    words = [
        count_words(label, n, s, chosen=selected is not None)
        for label, n, s in zip(labels, total, selected or total, strict=True)
    ]
    return sentences(f"Patients by {name}", title, "; ".join(words))
