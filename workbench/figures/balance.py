"""How far groups differ in what table one describes, before and after weighting."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from workbench.cohort.table_one.record import Difference, TableOne, Variable
from workbench.errors import CohortError
from workbench.figures.drawing import Axis, Drawing, Entry, Label, Line, Mark, Panel, Points, Symbol
from workbench.figures.heading import heading
from workbench.figures.placing import EDGE, LINE, fit_text, widest
from workbench.figures.style import BLUE, GREY, INK, VERMILION
from workbench.figures.ticks import number_axis
from workbench.figures.wording import fixed, sentences

WIDTH = 9.6
ROW = 0.27
FOOT = 0.62
GAP = 0.22
NAME_ROOM = 3.2
PAIR_ROOM = 2.4
THRESHOLD = 0.1
SERIES = "As observed", "Weighted"
LOOKS: tuple[tuple[str, Symbol], ...] = ((BLUE, "circle"), (VERMILION, "diamond"))
Pair = tuple[str, str]


def plot_balance(
    table: TableOne,
    weighted: TableOne | None = None,
    *,
    pair: Pair | None = None,
    order: Literal["largest first", "table"] = "largest first",
    title: str = "",
    notes: Sequence[str] = (),
) -> Drawing:
    """Love plot: the standardised mean difference of groups in each variable of table one [1].

    Parameters
    ----------
    table
        By the groups that are compared.
    weighted
        The same table of weighted patients, drawn beside it; None leaves it out.
    pair
        Titles of two groups; None shows the pair that differs most in each variable and names it
        where there is more than one.
    order
        Of the variables: by their difference in ``table``, or as in it.
    title
        The patients; None is that of the table.
    notes
        Lines under the title.

    Raises
    ------
    CohortError
        There are no differences to show, or ``weighted`` describes other variables.

    References
    ----------
    [1] Austin PC. "Balance diagnostics for comparing the distribution of baseline covariates
        between treatment groups in propensity-score matched samples." Stat Med, 2009.
    """
    tables = [table] if weighted is None else [table, weighted]
    if weighted is not None and [v.name for v in weighted.variables] != [
        v.name for v in table.variables
    ]:
        raise CohortError(
            "weighted must describe the same variables in the same order: describe the same columns"
        )
    found = [[_difference(v, pair) for v in each.variables] for each in tables]
    if not any(isinstance(d, Difference) for each in found for d in each):
        raise CohortError(
            f"table one has no differences of {'two groups' if pair is None else list(pair)}: "
            "describe the patients by a group"
        )
    rows = list(range(len(table.variables)))
    if order == "largest first":
        rows.sort(key=lambda at: -_size(found[0][at]))
    pairs = {(d.first, d.second) for each in found for d in each if isinstance(d, Difference)}
    return _love_plot(
        [table.variables[at].title for at in rows],
        [[each[at] for at in rows] for each in found],
        pairs,
        title=title or table.title,
        notes=notes,
    )


def _difference(variable: Variable, pair: Pair | None) -> Difference | str:
    """The difference to show, or why there is none."""
    if variable.differences is None:
        return "withheld"
    if pair is None:
        return variable.largest_difference or "not defined"
    asked = [d for d in variable.differences if {d.first, d.second} == set(pair)]
    return asked[0] if asked else "not defined"


def _size(difference: Difference | str) -> float:
    return -1.0 if isinstance(difference, str) else difference.smd


def _love_plot(
    names: Sequence[str],
    series: Sequence[Sequence[Difference | str]],
    pairs: set[Pair],
    *,
    title: str,
    notes: Sequence[str],
) -> Drawing:
    n_rows, body = len(names), ROW * len(names)
    two = len(series) > 1
    limit = f"Dashed: {THRESHOLD}, below which groups are usually called balanced."
    compared = [" against ".join(next(iter(pairs)))] if len(pairs) == 1 else []
    entries = [
        Entry(name, name, color, symbol=symbol)
        for name, (color, symbol) in zip(SERIES, LOOKS, strict=True)
    ]
    head = heading(title, [*compared, *notes, limit], entries if two else (), width=WIDTH)
    height = FOOT + body + LINE + head.room
    names = [fit_text(name, NAME_ROOM) for name in names]
    numbers = [[_words(d) for d in each] for each in series]
    headers = [SERIES[0], SERIES[1]] if two else ["SMD"]
    columns = [
        (header, each, widest([header], bold=True), widest(each))
        for header, each in zip(headers, numbers, strict=False)
    ]
    beside = [_pair_words(d) for d in series[0]] if len(pairs) > 1 else [""] * n_rows
    left = EDGE + max(widest(names), widest(["Characteristic"], bold=True)) + GAP
    right = EDGE + sum(max(h, w) + GAP for _, _, h, w in columns)
    right += (
        (max(widest(beside), widest(["Most different"], bold=True)) + GAP) if any(beside) else 0
    )
    up = [FOOT + body - ROW * (at + 0.5) for at in range(n_rows)]
    top = FOOT + body + LINE / 2
    labels = [*head.labels(height), Label(EDGE, top, "Characteristic", bold=True)]
    labels += [Label(EDGE, y, name) for name, y in zip(names, up, strict=True)]
    x = WIDTH - right
    for header, each, *rooms in columns:
        x += max(rooms) + GAP
        labels.append(Label(x, top, header, "right", bold=True))
        labels += [Label(x, y, text, "right", _ink(text)) for text, y in zip(each, up, strict=True)]
    if any(beside):
        labels.append(Label(x + GAP, top, "Most different", bold=True))
        labels += [Label(x + GAP, y, t, color=GREY) for t, y in zip(beside, up, strict=True) if t]
    axis = _axis(series)
    y = Axis("", (n_rows - 0.5, -0.5), (), (), shown=False)
    marks = (_rules(n_rows), *_points(names, series, two))
    panel = Panel(left, FOOT, WIDTH - left - right, body, axis, y, marks, grid="x")
    return Drawing(
        head.title,
        WIDTH,
        height,
        (panel,),
        _description(title, names, series),
        labels=tuple(labels),
        legend=head.legend_in(height),
    )


def _axis(series: Sequence[Sequence[Difference | str]]) -> Axis:
    largest = max(_size(d) for each in series for d in each)
    title = "Absolute standardised mean difference"
    return number_axis(title, 0.0, max(1.05 * largest, 0.25), fit=True)


def _rules(n_rows: int) -> Line:
    """The usual limit of what is called balanced."""
    ends = np.array([-0.5, n_rows - 0.5])
    return Line(np.full(2, THRESHOLD), ends, INK, (4, 2), 1.0)


def _points(
    names: Sequence[str], series: Sequence[Sequence[Difference | str]], two: bool
) -> list[Mark]:
    marks: list[Mark] = []
    for name, (color, symbol), each in zip(SERIES, LOOKS, series, strict=False):
        known = [(at, d) for at, d in enumerate(each) if isinstance(d, Difference)]
        hover = tuple(
            f"{names[at]}\n{name}: {d.smd:.3f}\n{d.first} and {d.second}" for at, d in known
        )
        x, y = np.array([d.smd for _, d in known]), np.array([float(at) for at, _ in known])
        marks.append(Points(x, y, color, symbol, 6, series=name if two else "", hover=hover))
    return marks


def _words(difference: Difference | str) -> str:
    return difference if isinstance(difference, str) else fixed(2)(difference.smd)


def _pair_words(difference: Difference | str) -> str:
    if isinstance(difference, str):
        return ""
    return fit_text(f"{difference.first}, {difference.second}", PAIR_ROOM)


def _ink(text: str) -> str:
    return INK if text[:1].isdigit() else GREY


def _description(
    title: str, names: Sequence[str], series: Sequence[Sequence[Difference | str]]
) -> str:
    said = [
        f"{name}: {' as observed, '.join(map(_words, each))}{' weighted' if len(each) > 1 else ''}"
        for name, each in zip(names, zip(*series, strict=True), strict=True)
    ]
    return sentences("Absolute standardised mean differences", title, "; ".join(said))
