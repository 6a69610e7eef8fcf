"""How one patient's prediction builds up from the reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.figures.drawing import Axis, Drawing, Intervals, Label, Line, Mark, Panel, Polygon
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, fit_text, widest
from workbench.figures.style import BLUE, GREY, INK, VERMILION
from workbench.figures.ticks import number_axis
from workbench.figures.wording import fixed, sentences

WIDTH = 9.6
ROW = 0.27
FOOT = 0.62
GAP = 0.22
INDENT = 0.16
NAME_ROOM = 3.4
MOST = 12
Limits = tuple[float, float]


@dataclass(frozen=True)
class _Step:
    """One row: where its bar starts, how far it goes, and limits of how far."""

    name: str
    start: float
    size: float
    limits: Limits | None = None
    kind: str = "part"


def plot_patient_contributions(
    names: Sequence[str],
    values: np.ndarray,
    *,
    groups: Sequence[str] | None = None,
    lower: np.ndarray | None = None,
    upper: np.ndarray | None = None,
    reference: str,
    output: str = "Log hazard",
    title: str,
    notes: Sequence[str] = (),
    most: int = MOST,
) -> Drawing:
    """Waterfall from the reference to the patient's prediction: each part starts where one ends.

    Parameters
    ----------
    names
        What contributed, (part,): features, or modalities.
    values
        Contributions, (part,), which add up; in the unit of ``output``.
    groups
        The modality of each part, (part,); its parts stand under it, and it shows their sum.
    lower, upper
        Limits of each contribution, (part,), NaN where there are none.
    reference
        What contributions start from, in words, such as ``"the mean training patient"``.
    output
        What is explained.
    title
        Which patient and model.
    notes
        Lines under the title.
    most
        Parts of a group that have a row; the smallest share one more.

    Raises
    ------
    SurvivalError
        No part, parts of different lengths, or contributions that are not finite.
    """
    values = np.asarray(values, dtype=float)
    none = np.full(len(values), np.nan)
    low, high = (none if v is None else np.asarray(v, dtype=float) for v in (lower, upper))
    _check(names, values, groups, low, high)
    steps = _steps(names, values, groups, low, high, most)
    indented = groups is not None
    shown = [fit_text(step.name, NAME_ROOM, bold=step.kind != "part") for step in steps]
    texts = [_words(step) for step in steps]
    head = heading(title, [f"From {reference} (0)", *notes], (), width=WIDTH)
    left = EDGE + widest(shown, bold=True) + INDENT + GAP
    wide = WIDTH - left - widest(texts, bold=True) - GAP - EDGE
    body = ROW * len(steps)
    height = FOOT + body + head.room
    x = _axis(steps, output)
    y = Axis("", (len(steps) - 0.5, -0.5), (), (), shown=False)
    up = [FOOT + body - ROW * (at + 0.5) for at in range(len(steps))]
    placed = [*head.labels(height)]
    for step, name, text, at in zip(steps, shown, texts, up, strict=True):
        bold = step.kind != "part"
        move = INDENT if indented and not bold else 0.0
        placed.append(Label(EDGE + move, at, name, bold=bold))
        placed.append(Label(WIDTH - EDGE, at, text, "right", bold=bold))
    said = "; ".join(f"{step.name}: {text}" for step, text in zip(steps, texts, strict=True))
    return Drawing(
        head.title,
        WIDTH,
        height,
        (Panel(left, FOOT, wide, body, x, y, _marks(steps), grid="x"),),
        sentences(f"Contributions to the {output[:1].lower()}{output[1:]}", title, said),
        labels=tuple(placed),
    )


def _check(
    names: Sequence[str],
    values: np.ndarray,
    groups: Sequence[str] | None,
    lower: np.ndarray,
    upper: np.ndarray,
) -> None:
    lengths = {len(names), len(values), len(lower), len(upper), len(groups or names)}
    if len(lengths) > 1 or not len(values) or not np.isfinite(values).all():
        raise SurvivalError(
            f"contributions need one finite number a name, and limits and groups of that length, "
            f"got lengths {sorted(lengths)} and {np.count_nonzero(~np.isfinite(values))} numbers "
            "that are not finite"
        )


def _steps(
    names: Sequence[str],
    values: np.ndarray,
    groups: Sequence[str] | None,
    lower: np.ndarray,
    upper: np.ndarray,
    most: int,
) -> list[_Step]:
    """Rows from top to bottom, each group's parts from the largest to the smallest."""
    owner = groups or [""] * len(names)
    steps: list[_Step] = []
    at = 0.0
    for group in dict.fromkeys(owner):
        mine = [i for i, of in enumerate(owner) if of == group]
        mine.sort(key=lambda i: -abs(values[i]))
        shown = mine if len(mine) <= most + 1 else mine[:most]
        if group:
            steps.append(_Step(group, at, float(values[mine].sum()), kind="group"))
        for i in shown:
            known = bool(np.isfinite(lower[i]) and np.isfinite(upper[i]))
            limits = (float(lower[i]), float(upper[i])) if known else None
            steps.append(_Step(names[i], at, float(values[i]), limits))
            at += float(values[i])
        if rest := mine[len(shown) :]:
            size = float(values[rest].sum())
            steps.append(_Step(f"{len(rest)} smaller ones", at, size))
            at += size
    return [*steps, _Step("Together", 0.0, at, kind="total")]


def _axis(steps: Sequence[_Step], output: str) -> Axis:
    ends = [0.0]
    for step in steps:
        low, high = step.limits or (step.size, step.size)
        ends += [step.start, step.start + step.size, step.start + low, step.start + high]
    title = f"{output}, from the reference  ·  right: higher"
    return number_axis(title, min(ends), max(ends), n_ticks=7)


def _marks(steps: Sequence[_Step]) -> tuple[Mark, ...]:
    """Bars, each joined to the one below it; a group is a line over the room of its parts."""
    ends = np.array([-0.5, len(steps) - 0.5])
    marks: list[Mark] = [Line(np.zeros(2), ends, INK, width=1.0)]
    before: tuple[int, float] | None = None
    for row, step in enumerate(steps):
        end = step.start + step.size
        if step.kind == "group":
            marks.append(_bar(row, step, 0.1, INK))
            continue
        if before is not None:
            x = step.start if step.kind == "part" else end
            marks.append(Line(np.full(2, x), np.array([before[0], row]), GREY, width=0.8))
        before = (row, end)
        color = INK if step.kind == "total" else VERMILION if step.size > 0 else BLUE
        marks.append(_bar(row, step, 0.3, color))
        if step.limits is not None:
            low, high = (np.array([step.start + limit]) for limit in step.limits)
            marks.append(Intervals(np.array([float(row)]), low, high, INK, width=1.2))
    return tuple(marks)


def _bar(row: int, step: _Step, half: float, color: str) -> Polygon:
    a, b = step.start, step.start + step.size
    x, y = np.array([a, b, b, a, a]), row + half * np.array([-1.0, -1.0, 1.0, 1.0, -1.0])
    return Polygon(x, y, color, f"{step.name}\n{_words(step)}")


def _words(step: _Step) -> str:
    write = fixed(2, sign=True)
    if step.limits is None:
        return write(step.size)
    return f"{write(step.size)} ({' to '.join(write(limit) for limit in step.limits)})"
