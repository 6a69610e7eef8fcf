"""What leaves the kernel: an attacker with linear programming against the withheld counts."""

import json
from functools import reduce
from itertools import combinations
from operator import and_

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from workbench.cohort.crossfilter import (
    Brushes,
    CrossFilter,
    Display,
    Levels,
    Range,
    Selection,
    Shown,
    crossfilter,
    select,
    take_up,
)

MINIMUM = 5
N_BINS = 6


def cohort(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 160))
    shares = rng.dirichlet(np.full(N_BINS, 0.5), 2)
    frame = pd.DataFrame(
        {
            "stage": np.append(rng.choice(N_BINS, n, p=shares[0]), range(N_BINS)),
            "site": np.append(rng.choice(N_BINS, n, p=shares[1]), range(N_BINS)),
        }
    )
    frame["dead"] = rng.random(len(frame)) < 0.3
    return frame


def possible(shown: Shown, selection: Selection, name: str) -> list[tuple[int, float, float]]:
    """Every small count of a view that is withheld: its place, the least and most it could be.

    The attacker knows what is shown, what is brushed, that total = selected + rest, and the sums.
    """
    view, counts, n = shown.views[name], selection.counts, len(shown.views[name].labels)
    total = selection.index.total[name]
    true = np.concatenate([total, counts.selected[name], total - counts.selected[name]])
    known = [*view.total, *view.selected, *view.rest]
    rows, sums = [], []

    def equation(terms: dict[int, float], value: float) -> None:
        rows.append([terms.get(i, 0.0) for i in range(3 * n)])
        sums.append(value)

    for i in range(n):
        equation({i: 1, n + i: -1, 2 * n + i: -1}, 0)
    if shown.n_patients is not None:
        equation(dict.fromkeys(range(n), 1), shown.n_patients)
    within = counts.brushed.get(name)
    if shown.n_selected is not None and shown.n_rest is not None:
        inside = range(n) if within is None else np.flatnonzero(within).tolist()
        equation({n + i: 1 for i in inside}, shown.n_selected)
        if within is None:
            equation({2 * n + i: 1 for i in inside}, shown.n_rest)
    if selection.brushes.clauses.keys() <= {name}:
        for i in range(n):
            equation({2 * n + i: 1}, 0)
    bounds = [(0, None) if value is None else (value, value) for value in known]
    found = []
    small = (true > 0) & (true < MINIMUM)
    for at in [i for i, value in enumerate(known) if value is None and small[i]]:
        aim = np.eye(3 * n)[at]
        ends = [linprog(s * aim, A_eq=rows, b_eq=sums, bounds=bounds) for s in (1, -1)]
        most = np.inf if ends[1].status == 3 else -ends[1].fun
        found.append((at, ends[0].fun, most))
    return found


def brushes_of(data: st.DataObject) -> Brushes:
    brushes = Brushes()
    for name in ("stage", "site"):
        if data.draw(st.booleans()):
            low, high = sorted(data.draw(st.tuples(*[st.integers(0, N_BINS)] * 2)))
            brushes = brushes.with_clause(name, Range(name, low, high))
    if data.draw(st.booleans()):
        brushes = brushes.with_clause("dead", Levels("dead", (True,)))
    return brushes


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_no_small_count_follows_from_what_is_shown(seed: int, data: st.DataObject) -> None:
    index = crossfilter(cohort(seed))
    selection = select(index, brushes_of(data))
    shown = Display(index, MINIMUM).selection(selection)
    for name, view in shown.views.items():
        selected = selection.counts.selected[name]
        for total, part, rest, true in zip(
            view.total, view.selected, view.rest, selected, strict=True
        ):
            assert part in (None, true)
            for count in (total, part, rest):
                assert count is None or count == 0 or count >= MINIMUM
        for at, least, most in possible(shown, selection, name):
            beside_a_total = view.total[at % len(view.total)] is not None
            assert most - least >= (MINIMUM if beside_a_total else 1) - 1e-6


def test_suppression_of_small_cells_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    index = table(inside=[50, 4, 30, 80], outside=[90, 80, 60, 200])
    selection = select(index, INSIDE)
    shown = Display(index, MINIMUM).selection(selection)
    [found] = possible(shown, selection, "bin")
    assert found[2] - found[1] >= MINIMUM

    def primary_only(selected: np.ndarray, rest: np.ndarray, *_: object) -> np.ndarray:
        return ((selected > 0) & (selected < MINIMUM)) | ((rest > 0) & (rest < MINIMUM))

    monkeypatch.setattr("workbench.cohort.crossfilter.shown.hidden_parts", primary_only)
    shown = Display(index, MINIMUM).selection(selection)
    assert [each[1:] for each in possible(shown, selection, "bin")] == [(4, 4)]


def table(**columns: list[int]) -> CrossFilter:
    """Patients of "bin" 0, 1, ... by how many are "in" and how many are out."""
    ins = np.repeat(np.arange(len(columns["inside"])), columns["inside"])
    outs = np.repeat(np.arange(len(columns["outside"])), columns["outside"])
    return crossfilter(
        pd.DataFrame(
            {
                "bin": np.concatenate([ins, outs]),
                "in": np.repeat([True, False], [len(ins), len(outs)]),
            }
        )
    )


INSIDE = Brushes().with_clause("in", Levels("in", (True,)))


def test_a_small_part_hides_in_another_bin_and_its_total_stays() -> None:
    index = table(inside=[50, 4, 30, 80], outside=[90, 80, 60, 200])
    view = Display(index).selection(select(index, INSIDE)).views["bin"]
    assert view.total == (140, 84, 90, 280, 0)
    assert view.selected == (50, None, None, 80, 0)
    assert view.rest == (90, None, None, 200, 0)


def test_a_small_total_hides_all_three() -> None:
    index = table(inside=[50, 2, 30, 80], outside=[90, 2, 60, 200])
    view = Display(index).selection(select(index, INSIDE)).views["bin"]
    assert view.total == (140, None, None, 280, 0)
    assert view.selected == (50, None, None, 80, 0)


def test_few_selected_are_not_shown_apart_and_none_is_no_secret() -> None:
    index = table(inside=[3, 2], outside=[90, 80])
    shown = Display(index).selection(select(index, INSIDE))
    assert (shown.n_patients, shown.n_selected, shown.n_rest) == (175, None, None)
    assert shown.views["bin"].selected == (None, None, None)
    assert shown.views["bin"].total == (93, 82, 0)
    nobody = INSIDE.with_clause("bin", Range("bin", 5, 5))
    shown = Display(index).selection(select(index, nobody))
    assert (shown.n_selected, shown.n_rest) == (0, 175)
    everyone = Display(index, 0).selection(select(index, INSIDE))
    assert everyone.views["bin"].selected == (3, 2, 0)


def test_a_brush_of_one_bin_does_not_give_its_rest_away() -> None:
    index = table(inside=[28, 0, 60], outside=[3, 40, 50])
    one = INSIDE.with_clause("bin", Range("bin", 0, 1))
    # 31 in the bin, of whom 28 selected: the number of selected is withheld as well.
    shown = Display(index).selection(select(index, one))
    assert (shown.views["bin"].total[0], shown.n_selected) == (31, None)


def test_a_brush_around_one_withheld_total_does_not_give_it_away() -> None:
    index = table(inside=[50, 7, 40, 8], outside=[0, 0, 0, 0])
    around = Brushes().with_clause("bin", Range("bin", 0, 2))
    shown = Display(index).selection(select(index, around))
    # 57 - 50 would be the 7 patients of bin 1.
    assert shown.views["bin"].total == (50, None, 40, None, 0)
    assert shown.n_selected is None
    assert set(shown.views["in"].selected) == {None}


def followed(n: int, *, whole: bool) -> CrossFilter:
    rng = np.random.default_rng(1)
    time = rng.exponential(500, n)
    frame = pd.DataFrame({"age": rng.integers(20, 90, n)})
    return crossfilter(frame, np.ceil(time) if whole else time, rng.random(n) < 0.5)


@pytest.mark.parametrize("whole", [True, False])
def test_curves_are_coarse_and_end_while_enough_are_at_risk(whole: bool) -> None:
    index = followed(3_000, whole=whole)
    drag = take_up(select(index, Brushes()), "age")
    display, clause = Display(index), Range("age", 40, 60)
    moving, released = display.counts(drag.move(clause)), display.selection(drag.release(clause))
    for shown in (moving, released):
        for curve in (shown.survival, shown.survival_rest):
            assert curve is not None
            assert len(curve.time) <= 41
            assert (np.diff(curve.time) > 0).all()
            assert min(curve.n_at_risk) >= 10
            lost = -np.diff(curve.n_at_risk)
            assert ((lost == 0) | (lost >= 10)).all()
            assert curve.survival[0] == 1
    assert moving.survival is not None
    assert released.survival is not None
    assert moving.survival.exact == whole
    assert released.survival.exact
    exact = dict(zip(released.survival.time, released.survival.survival, strict=True))
    off = [
        abs(exact[t] - s)
        for t, s in zip(moving.survival.time, moving.survival.survival, strict=True)
        if t in exact
    ]
    assert len(off) > 10
    assert max(off) <= moving.survival.off_by + 0.01
    assert moving.survival.off_by < 0.05
    few = display.selection(select(index, Brushes().with_clause("age", Range("age", 40, 41))))
    assert few.survival is not None
    json.dumps(moving.to_json(), allow_nan=False)


def test_a_picture_holds_no_row_and_no_value() -> None:
    index = followed(500, whole=True)
    selection = select(index, Brushes().with_clause("age", Range("age", 40, 60)))
    written = Display(index).selection(selection).to_json()
    assert written.keys() == {
        "views",
        "n_patients",
        "n_selected",
        "n_rest",
        "survival",
        "survival_rest",
        "exact",
        "rounded_to",
    }
    assert len(json.dumps(written)) < 10_000
    assert reduce(and_, [len(view["total"]) < 60 for view in written["views"].values()])


def follow_ups(seed: int) -> CrossFilter:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 600))
    frame = pd.DataFrame({"age": rng.integers(20, 90, n), "site": rng.choice(N_BINS, n)})
    return crossfilter(frame, np.ceil(rng.exponential(50, n)), rng.random(n) < 0.5)


def could_be(shown: int | None, total: int, rounded_to: int) -> range:
    """What a count may be that is shown as this beside its total, by the rule that is published."""
    if shown is None:
        return range(total + 1)
    found = [
        x
        for x in range(total + 1)
        if all(n == 0 or n >= MINIMUM for n in (x, total - x))
        for nearest in [(x + rounded_to // 2) // rounded_to * rounded_to]
        if shown == x
        if x in (0, total)
        or shown == nearest - (rounded_to if total - nearest < rounded_to else 0)
        or rounded_to == 1
    ]
    return range(found[0], found[-1] + 1)


def told_of_few(one: Shown, other: Shown, whole: Shown) -> list[tuple[int, int]]:
    """Counts of the larger of two selections that exceed the smaller's by 1 to 4 for certain."""
    pairs = [(one.n_selected, other.n_selected, whole.n_selected)]
    for name, view in whole.views.items():
        selected = (one.views[name].selected, other.views[name].selected, view.total)
        pairs += zip(*selected, strict=True)
    curves = [shown.survival for shown in (one, other, whole)]
    at = [dict(zip(c.time, c.n_at_risk, strict=True)) if c else {} for c in curves]
    pairs += [(at[0][t], at[1][t], at[2][t]) for t in at[0].keys() & at[1].keys() & at[2].keys()]
    found = []
    for many, few, total in pairs:
        if total is not None:
            more = could_be(many, total, one.rounded_to)
            less = could_be(few, total, one.rounded_to)
            least, most = max(more[0] - less[-1], 0), more[-1] - less[0]
            if least >= 1 and most < MINIMUM:
                found.append((least, most))
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(21, 90), min_size=2, max_size=4, unique=True))
def test_no_two_pictures_of_a_restricted_dataset_tell_of_few(seed: int, ends: list[int]) -> None:
    index = follow_ups(seed)
    display = Display(index, MINIMUM, rounded_to=MINIMUM)
    drag, whole = (
        take_up(select(index, Brushes()), "age"),
        display.selection(select(index, Brushes())),
    )
    clauses = [Range("age", 20, end) for end in sorted(ends, reverse=True)]
    for pictures in (
        [display.counts(drag.move(clause)) for clause in clauses],
        [display.selection(drag.release(clause)) for clause in clauses],
    ):
        for one, other in combinations(pictures, 2):
            assert told_of_few(one, other, whole) == []
        for shown in pictures:
            for view in shown.views.values():
                counts = [n for n in (*view.selected, *view.rest) if n is not None]
                assert not [n for n in counts if 0 < n < MINIMUM]


def test_exact_pictures_tell_of_few() -> None:
    index = follow_ups(1)
    whole = Display(index, MINIMUM).selection(select(index, Brushes()))
    one, other = (
        Display(index, MINIMUM).selection(select(index, Brushes().with_clause("age", clause)))
        for clause in (Range("age", 20, 60), Range("age", 20, 58))
    )
    found = told_of_few(one, other, whole)
    assert [least == most for least, most in found].count(True) >= 3


def test_rounded_counts_are_near_and_leave_no_small_rest() -> None:
    index = table(inside=[27, 14, 95, 40, 30], outside=[0, 40, 10, 0, 33])
    shown = Display(index, 10, rounded_to=10).selection(select(index, INSIDE))
    view = shown.views["bin"]
    assert view.total == (27, 54, 105, 40, 63, 0)
    assert view.selected == (27, 10, 90, 40, 30, 0)
    assert view.rest == (0, 44, 15, 0, 33, 0)
    assert (shown.n_patients, shown.n_selected, shown.n_rest) == (289, 210, 79)


def test_curves_of_a_restricted_selection_move_in_steps_of_the_minimum() -> None:
    index = followed(3_000, whole=True)
    selection = select(index, Brushes().with_clause("age", Range("age", 40, 60)))
    shown = Display(index, 10, rounded_to=10).selection(selection)
    plain = Display(index, 10).selection(selection)
    for curve, exact in (
        (shown.survival, plain.survival),
        (shown.survival_rest, plain.survival_rest),
    ):
        assert curve is not None
        assert exact is not None
        step = 10 / curve.n_at_risk[0]
        steps = np.array(curve.survival) / step
        assert np.allclose(steps[1:], np.round(steps[1:]))
        at = np.isin(exact.time, curve.time)
        assert at.sum() == len(curve.time) > 5
        off = np.array(curve.survival) - np.array(exact.survival)[at]
        assert 0 < np.abs(off).max() <= curve.off_by + 1e-9
        assert np.abs(np.array(curve.n_at_risk) - np.array(exact.n_at_risk)[at]).max() < 10
    everyone = select(index, Brushes())
    restricted = Display(index, 10, rounded_to=10).selection(everyone)
    assert restricted.survival == Display(index, 10).selection(everyone).survival
