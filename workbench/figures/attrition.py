"""The flow of patients from the population to those evaluated, and who was lost where."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.figures.attrition_steps import (
    Count,
    Lost,
    event_words,
    left_out_words,
    lost_steps,
    missing_words,
    who_words,
)
from workbench.figures.drawing import Drawing, Label, Line, Mark
from workbench.figures.flow_chart import PAD, Box, Words, arrow, canvas
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, fit_text
from workbench.figures.style import BLUE, GREY, tally
from workbench.figures.wording import capitalised, sentences
from workbench.figures.wrapping import wrapped

WIDTH = 9.6
STAGE = 3.7
BETWEEN = 0.5
LOSS = WIDTH - 2 * EDGE - STAGE - BETWEEN
GAP = 0.14
FAN = 0.36
PARTS_ACROSS = 5


def plot_attrition(
    attrition: pd.DataFrame,
    *,
    title: str,
    parts: Mapping[str, tuple[Count, Count]] | None = None,
    end: str = "Evaluated",
    event: str = "with the event",
    notes: Sequence[str] = (),
) -> Drawing:
    """Flow chart as CONSORT asks: who is left down the middle, who was left out to the right.

    Parameters
    ----------
    attrition
        ``attrition`` of a cohort, or ``attrition_for_export`` where it may be seen by others: a
        count that is no number is said to be withheld. Of a cohort defined in ATLAS, which counts
        ``n_patients`` and ``n_records`` after each ``step``, too.
    title
        Which cohort.
    parts
        What the patients at the end are split into, such as groups or folds: name → patients, and
        those of them with the event.
    end
        What the patients at the end are.
    event
        What follows a count of patients with the outcome's event.
    notes
        Lines under the title.

    Returns
    -------
    Drawing
        As high as the steps need. Steps that lost nobody are named without a box of who is left.

    Raises
    ------
    CohortError
        No step, or columns of something else.

    References
    ----------
    Schulz KF, Altman DG, Moher D. "CONSORT 2010 Statement." BMJ, 2010.
    """
    first, steps = lost_steps(attrition)
    last = steps[-1].after if steps else first.after
    told = attrition.drop(columns=["step", "sentence"], errors="ignore").to_numpy().ravel()
    counts = [*told, *(count for pair in (parts or {}).values() for count in pair)]
    hidden = any(isinstance(count, str) for count in counts)
    withheld = "Numbers that could tell of single patients are withheld." if hidden else ""
    head = heading(title, [*notes, withheld], (), width=WIDTH)
    rows = _rows(first, steps, end, event)
    fans = _fans(parts or {}, event)
    body = sum(box.height + GAP for box in rows) - GAP
    height = head.room + body + EDGE + sum(FAN + fan[0].height for fan in fans[:1])
    height += sum(GAP + fan[0].height for fan in fans[1:])
    marks, labels, top = _draw_rows(rows, height - head.room)
    for number, fan in enumerate(fans):
        marks += [] if number else _branches(fan, top, rows[0].middle)
        top -= GAP if number else FAN
        marks += [box.frame(top) for box in fan]
        labels += [label for box in fan for label in box.labels(top)]
        top -= fan[0].height
    said = [f"Required: {s.sentence}: {left_out_words(s.removed)}" for s in steps]
    description = [
        title,
        f"{who_words(first.after)} at the start",
        *said,
        f"{end}: {who_words(last)}",
    ]
    return Drawing(
        head.title,
        WIDTH,
        height,
        (canvas(WIDTH, height, tuple(marks)),),
        sentences(*description),
        labels=(*head.labels(height), *labels),
    )


def _rows(first: Lost, steps: Sequence[Lost], end: str, event: str) -> list[Box]:
    """Boxes in the order from top to bottom: a stage, or a loss beside the trunk."""
    rows = [_stage(first.after, event, first.sentence)]
    for number, step in enumerate(steps, 1):
        rows.append(_loss(step, event))
        if number < len(steps) and not step.empty:
            rows.append(_stage(step.after, event, ""))
    if steps:
        rows.append(_stage(steps[-1].after, event, "", end))
    return rows


def _stage(who: tuple[Any, ...], event: str, sentence: str, end: str = "") -> Box:
    room = STAGE - 2 * PAD
    head = f"{end}: {who_words(who)}" if end else capitalised(who_words(who))
    lines = [Words(text, bold=True) for text in wrapped(head, room, bold=True)]
    lines += [Words(text) for text in wrapped(sentence, room)]
    if who[2] is not None:
        lines.append(Words(fit_text(f"{tally(who[2])} {event}", room), color=GREY))
    return Box(EDGE, STAGE, tuple(lines), BLUE if end else GREY, 2.0 if end else 0.9)


def _loss(step: Lost, event: str) -> Box:
    room = LOSS - 2 * PAD
    lines = [Words(capitalised(left_out_words(step.removed)), bold=not step.empty)]
    lines += [Words(text) for text in wrapped(f"Required: {step.sentence}", room)]
    beside = []
    if step.removed[2] not in (None, 0):
        beside.append(f"{tally(step.removed[2])} {event}")
    if step.unknown != 0:
        beside.append(missing_words(step.unknown))
    if beside:
        lines.append(Words(fit_text("  ·  ".join(beside), room), color=GREY))
    return Box(EDGE + STAGE + BETWEEN, LOSS, tuple(lines))


def _draw_rows(rows: Sequence[Box], top: float) -> tuple[list[Mark], list[Label], float]:
    """Frames, the trunk between stages with a branch to each loss, and where the last one ends."""
    marks: list[Mark] = []
    labels: list[Label] = []
    trunk = top
    for box in rows:
        middle = EDGE + STAGE / 2
        if box.left == EDGE and trunk != top:
            marks += arrow((middle, trunk), (middle, top))
        if box.left != EDGE:
            level = top - box.height / 2
            marks += arrow((middle, level), (box.left, level))
        marks.append(box.frame(top))
        labels += box.labels(top)
        if box.left == EDGE:
            trunk = top - box.height
        top -= box.height + GAP
    return marks, labels, top + GAP


def _fans(parts: Mapping[str, tuple[Count, Count]], event: str) -> list[list[Box]]:
    """Boxes of the parts, at most PARTS_ACROSS beside each other, each row of one height."""
    across = min(len(parts), PARTS_ACROSS)
    if not across:
        return []
    wide = (WIDTH - 2 * EDGE - (across - 1) * GAP) / across
    room, boxes = wide - 2 * PAD, []
    for at, (name, (n_patients, n_events)) in enumerate(parts.items()):
        lines = [Words(text, bold=True) for text in wrapped(name, room, bold=True, most=2)]
        lines += [
            Words(text) for text in wrapped(capitalised(who_words((n_patients, None, None))), room)
        ]
        lines += [Words(text, color=GREY) for text in wrapped(event_words(n_events, event), room)]
        boxes.append(Box(EDGE + at % across * (wide + GAP), wide, tuple(lines)))
    most = max(len(box.lines) for box in boxes)
    boxes = [replace(b, lines=(*b.lines, *[Words("")] * (most - len(b.lines)))) for b in boxes]
    return [boxes[at : at + across] for at in range(0, len(boxes), across)]


def _branches(fan: Sequence[Box], top: float, trunk: float) -> list[Mark]:
    """From the end of the trunk to each box of a row."""
    level = top - FAN / 2
    ends = [trunk, *(box.middle for box in fan)]
    across = np.array([min(ends), max(ends)])
    marks: list[Mark] = [
        Line(np.full(2, trunk), np.array([top, level]), GREY, width=0.9),
        Line(across, np.full(2, level), GREY, width=0.9),
    ]
    for box in fan:
        marks += arrow((box.middle, level), (box.middle, top - FAN))
    return marks
