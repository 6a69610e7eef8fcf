"""Masks, histograms and curves beside a slow reference: patient by patient, in plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cohort.criteria import Population
from workbench.cohort.crossfilter import (
    Brushes,
    Clause,
    Counts,
    CrossFilter,
    Levels,
    Modalities,
    OtherModalities,
    OtherThan,
    PatternBins,
    Presence,
    Range,
    RangeBins,
    Selection,
    clause_of,
    cover,
    crossfilter,
    rules,
    select,
    take_up,
)
from workbench.errors import CohortError
from workbench.survival import kaplan_meier

SLOW = [HealthCheck.too_slow]  # on a busy machine a random cohort takes a moment
MODALITIES = ("mri", "rna")
NAMES = ["α", "β", "Ω ∕ 漢", "naïve", "", "e\u0301"]
DAY = np.datetime64("2015-12-28", "ns")


@dataclass(frozen=True)
class Cohort:
    """A random cohort, as data and as plain rows (None where missing)."""

    frame: pd.DataFrame
    time: np.ndarray
    event: np.ndarray
    present: dict[str, np.ndarray]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        columns = {name: [plain(value) for value in self.frame[name]] for name in self.frame}
        columns["modalities"] = [
            tuple(name for name, mask in self.present.items() if mask[i])
            for i in range(len(self.frame))
        ]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value
    return value.item() if isinstance(value, np.generic) else value


def cohort_of(n: int, seed: int, scale: float) -> Cohort:
    rng = np.random.default_rng(seed)
    holes = rng.random(n) < 0.2
    numbers = np.round(rng.normal(0, scale, n), int(rng.integers(0, 3)))
    few = rng.integers(0, 6, n)
    frame = pd.DataFrame(
        {
            "float": np.where(holes, np.nan, numbers),
            "single": np.where(holes, np.nan, numbers).astype(np.float32),
            "smooth": rng.lognormal(0, scale**0.3, n),
            "few": few,
            "byte": rng.integers(-128, 128, n).astype(np.int8),
            "many": pd.array(rng.integers(-300, 300, n), dtype="Int64"),
            "half": pd.array(np.where(holes, 1.5, few / 2), dtype="Float64"),
            "constant": 3.25,
            "nothing": np.nan,
            "truth": few > 2,
            "maybe": pd.array(few > 2, dtype="boolean"),
            "text": pd.Series(rng.choice(np.array(NAMES, object), n), dtype=object),
            "site": pd.Categorical.from_codes(
                rng.integers(-1, 9, n), [f"site {i}" for i in range(9)]
            ),
            "mixed": pd.Categorical.from_codes(rng.integers(-1, 3, n), [1, 2, "1"]),
            "date": DAY + rng.integers(0, 10 * int(scale), n).astype("timedelta64[D]"),
            "moment": (DAY + rng.integers(-(10**17), 10**17, n)).astype("datetime64[s]"),
        }
    )
    frame.loc[holes, ["many", "maybe"]] = pd.NA
    frame.loc[holes, "text"] = None
    frame.loc[holes, ["date", "moment"]] = pd.NaT
    time = rng.exponential(10, n) if seed % 2 else rng.integers(0, 9, n).astype(float)
    present = {name: rng.random(n) < 0.6 for name in MODALITIES}
    return Cohort(frame, time, rng.random(n) < 0.5, present)


def index_of(cohort: Cohort) -> CrossFilter:
    return crossfilter(
        cohort.frame,
        cohort.time,
        cohort.event,
        present=cohort.present,
        most_bins=8,
        most_levels=4,
    )


cohorts = st.builds(
    cohort_of, st.integers(1, 30), st.integers(0, 2**32), st.sampled_from([1.0, 30.0, 400.0])
)


def a_clause(data: st.DataObject, index: CrossFilter, rows: list[dict[str, Any]]) -> Clause:
    name = data.draw(st.sampled_from(sorted(index.dimensions)), "column")
    dimension = index.dimensions[name]
    missing: Literal["in", "out"] = "in" if data.draw(st.booleans()) else "out"
    if isinstance(dimension.bins, PatternBins):
        kind = data.draw(st.sampled_from([Modalities, OtherModalities]))
        patterns = [(), ("mri",), ("rna",), MODALITIES]
        return kind(tuple(data.draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=3))))
    # Where nobody's value is known there are no levels, and only presence can be asked for.
    nothing_to_name = not isinstance(dimension.bins, RangeBins) and not dimension.levels
    if data.draw(st.integers(0, 5)) == 0 or nothing_to_name:
        return Presence(name, data.draw(st.sampled_from(["only", "out"])))
    if not isinstance(dimension.bins, RangeBins):
        kind = data.draw(st.sampled_from([Levels, OtherThan]))
        chosen = data.draw(st.lists(st.sampled_from(dimension.levels), min_size=1, max_size=4))
        return kind(name, tuple(chosen), missing)
    dates = dimension.values.dtype.kind == "M"
    seen = [row[name] for row in rows if row[name] is not None]
    ends = [None, *(value.isoformat() if dates else value for value in seen)]
    ends += [str(e) if dates else e.item() for e in dimension.bins.edges]
    ends += ["0001-01-01", "2016-02-29T12:00:00.000001"] if dates else [-1, 0.1, 7, 1e300]
    low, high = data.draw(st.sampled_from(ends)), data.draw(st.sampled_from(ends))
    if low is not None and high is not None and compare(low) > compare(high):
        low, high = high, low
    return Range(name, low, high, data.draw(st.sampled_from(["left", "both"])), missing)


def compare(limit: Any) -> Any:
    return np.datetime64(limit, "us") if isinstance(limit, str) else limit


def holds(clause: Clause, row: Mapping[str, Any], dtype: Any) -> bool:
    """The reference: does a clause hold for one patient?"""
    if isinstance(clause, Modalities | OtherModalities):
        return (row["modalities"] in clause.patterns) == isinstance(clause, Modalities)
    value = row[clause.column]
    if isinstance(clause, Presence):
        return (value is None) == (clause.missing == "only")
    if value is None:
        return clause.missing == "in"
    if isinstance(clause, Levels | OtherThan):
        named = any(value == v and type(value) is type(v) for v in clause.levels)
        return named == isinstance(clause, Levels)
    low, high = clause.low, clause.high
    if isinstance(value, pd.Timestamp):
        value = np.datetime64(value.to_datetime64(), "us")
        low, high = (None if end is None else compare(end) for end in (low, high))
    elif dtype == np.float32:
        with np.errstate(over="ignore"):
            low, high = (None if end is None else np.float32(end) for end in (low, high))
    above = low is None or low <= value
    below = high is None or (value < high if clause.closed == "left" else value <= high)
    return bool(above and below)


def bin_of(index: CrossFilter, name: str, row: Mapping[str, Any]) -> int:
    """The reference: in which bin is one patient?"""
    bins, value = index.dimensions[name].bins, row[name]
    if value is None:
        return bins.n_bins
    if isinstance(bins, RangeBins):
        if isinstance(value, pd.Timestamp):
            value = np.datetime64(value.to_datetime64(), "us")
        return sum(bool(edge <= value) for edge in bins.edges)
    shown = bins.patterns if isinstance(bins, PatternBins) else bins.levels
    at = [i for i, v in enumerate(shown) if v == value and type(v) is type(value)]
    return at[0] if at else len(shown)


def histogram(
    index: CrossFilter, name: str, rows: list[dict[str, Any]], mask: np.ndarray
) -> list[int]:
    places = [bin_of(index, name, row) for row, inside in zip(rows, mask, strict=True) if inside]
    return [places.count(i) for i in range(index.dimensions[name].n_codes)]


def wrong_views(
    cohort: Cohort, index: CrossFilter, counts: Counts, masks: Mapping[str, np.ndarray]
) -> list[str]:
    """Views whose bars are not those of the patients for whom all other clauses hold."""
    rows, everyone = cohort.rows, np.ones(len(cohort.frame), bool)
    wrong = []
    for name in index.dimensions:
        others = reduce(and_, (mask for view, mask in masks.items() if view != name), everyone)
        if counts.selected[name].tolist() != histogram(index, name, rows, others):
            wrong.append(name)
    return wrong


def reference_masks(cohort: Cohort, brushes: Brushes) -> dict[str, np.ndarray]:
    rows = cohort.rows

    def mask(clause: Clause) -> np.ndarray:
        dtype = None
        if not isinstance(clause, Modalities | OtherModalities):
            dtype = cohort.frame[clause.column].dtype
        return np.array([holds(clause, row, dtype) for row in rows], bool)

    return {view: mask(clause) for view, clause in brushes.clauses.items()}


def view_of(clause: Clause) -> str:
    return getattr(clause, "column", "modalities")


def brushed_by(data: st.DataObject, index: CrossFilter, cohort: Cohort, most: int = 3) -> Brushes:
    brushes = Brushes()
    for _ in range(data.draw(st.integers(0, most), "clauses")):
        clause = a_clause(data, index, cohort.rows)
        brushes = brushes.with_clause(view_of(clause), clause)
    return brushes


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(cohorts, st.data())
def test_every_view_shows_whom_the_other_views_select(cohort: Cohort, data: st.DataObject) -> None:
    index = index_of(cohort)
    brushes = brushed_by(data, index, cohort)
    elsewhere = a_clause(data, index, cohort.rows)
    brushes = brushes.with_clause("another view", elsewhere)
    selection, masks = select(index, brushes), reference_masks(cohort, brushes)
    for view, mask in masks.items():
        assert (selection.masks[view] == mask).all()
    assert wrong_views(cohort, index, selection.counts, masks) == []
    mask = reduce(and_, masks.values())
    assert (selection.mask == mask).all()
    assert selection.counts.n_selected == mask.sum()
    for name, bars in selection.counts.selected.items():
        if name not in masks:
            assert bars.sum() == mask.sum()
        assert index.total[name].sum() == len(cohort.frame)


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(cohorts, st.data())
def test_a_brush_in_motion_counts_what_a_release_counts(
    cohort: Cohort, data: st.DataObject
) -> None:
    index = index_of(cohort)
    before = select(index, brushed_by(data, index, cohort))
    clause = a_clause(data, index, cohort.rows)
    view = view_of(clause)
    drag = take_up(before, view)
    moved = drag.move(clause)
    released = drag.release(clause)
    anew = select(index, before.brushes.with_clause(view, clause))
    assert released.brushes == anew.brushes
    assert (released.mask == anew.mask).all()
    assert released.counts.exact
    assert released.counts.n_selected == anew.counts.n_selected
    if moved.exact:
        assert moved.n_selected == anew.counts.n_selected
    for name, bars in anew.counts.selected.items():
        assert released.counts.selected[name].tolist() == bars.tolist()
        assert bars.tolist() == moved.selected[name].tolist() or not moved.exact
    # What is shown meanwhile are the patients of the chosen bins.
    chosen, exact = cover(index.dimensions[view], clause)
    assert exact == moved.exact
    nearest = chosen[index.dimensions[view].codes]
    masks = {**reference_masks(cohort, before.brushes), view: nearest}
    assert wrong_views(cohort, index, moved, masks) == []
    for one, other in (
        (released.counts.survival, anew.counts.survival),
        (released.counts.survival_rest, anew.counts.survival_rest),
    ):
        assert one is not None
        assert other is not None
        assert one.n_events.tolist() == other.n_events.tolist()
        assert one.n_censored.tolist() == other.n_censored.tolist()


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(cohorts, st.data())
def test_no_brush_shows_what_was_there_before(cohort: Cohort, data: st.DataObject) -> None:
    index = index_of(cohort)
    brushes = brushed_by(data, index, cohort)
    view = data.draw(st.sampled_from(sorted(index.dimensions)))
    drag = take_up(select(index, brushes), view)
    without = select(index, brushes.without(view))
    for counts in (drag.move(None), drag.release(None).counts):
        assert counts.exact
        assert counts.n_selected == without.counts.n_selected
        assert counts.brushed.keys() == without.counts.brushed.keys()
        for name, bars in without.counts.selected.items():
            assert counts.selected[name].tolist() == bars.tolist()
    assert (drag.release(None).mask == without.mask).all()


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(cohorts, st.data())
def test_a_rule_holds_for_the_patients_of_its_clause(cohort: Cohort, data: st.DataObject) -> None:
    # Criteria know the types of a card: text is categorical there, and there are no dates.
    frame = cohort.frame.drop(columns=["date", "moment", "mixed"])
    frame["text"] = frame["text"].astype("category")
    cohort = Cohort(frame, cohort.time, cohort.event, cohort.present)
    index = index_of(cohort)
    brushes = brushed_by(data, index, cohort)
    found = np.ones(len(frame), bool)
    for criterion in rules(brushes, MODALITIES):
        found &= criterion.mask(Population(frame, cohort.present))
    assert (found == select(index, brushes).mask).all()


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(cohorts, st.data())
def test_bins_stand_for_a_clause_that_covers_them(cohort: Cohort, data: st.DataObject) -> None:
    index = index_of(cohort)
    dimension = index.dimensions[data.draw(st.sampled_from(sorted(index.dimensions)))]
    n_bins = dimension.bins.n_bins
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=n_bins + 1, max_size=n_bins + 1)))
    if isinstance(dimension.bins, RangeBins):
        first, end = sorted(data.draw(st.tuples(st.integers(0, n_bins), st.integers(0, n_bins))))
        chosen[:-1] = (np.arange(n_bins) >= first) & (np.arange(n_bins) < end)
    if isinstance(dimension.bins, PatternBins):
        chosen[-1] = False
    if not chosen.any():
        with pytest.raises(CohortError, match="at least one bin"):
            clause_of(dimension, chosen)
        return
    clause = clause_of(dimension, chosen)
    if clause is None:
        assert chosen[: n_bins + (not isinstance(dimension.bins, PatternBins))].all()
        return
    assert cover(dimension, clause).exact
    assert (cover(dimension, clause).chosen == chosen).all()
    selection = select(index, Brushes().with_clause("v", clause))
    assert (selection.mask == chosen[dimension.codes]).all()


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(cohorts, st.data())
def test_the_released_curve_is_kaplan_meiers(cohort: Cohort, data: st.DataObject) -> None:
    index = index_of(cohort)
    selection = select(index, brushed_by(data, index, cohort))
    assert index.outcome is not None
    for mask, exact, binned in (
        (selection.mask, selection.survival, selection.counts.survival),
        (~selection.mask, selection.survival_rest, selection.counts.survival_rest),
    ):
        assert binned is not None
        assert binned.n_at_risk[0] == mask.sum()
        if not mask.any():
            assert exact is None
            continue
        expected = kaplan_meier(cohort.time[mask], cohort.event[mask])
        assert exact is not None
        for name in ("time", "n_at_risk", "n_events", "n_censored"):
            assert getattr(exact, name).tolist() == getattr(expected, name).tolist()
        np.testing.assert_allclose(exact.survival, expected.survival, rtol=1e-12)
        np.testing.assert_allclose(exact.standard_error, expected.standard_error, rtol=1e-12)
        at_ends = np.append(1.0, expected.survival)[
            np.searchsorted(expected.time, binned.time, side="right")
        ]
        assert (binned.lowest <= at_ends + 1e-12).all()
        assert (binned.highest >= at_ends - 1e-12).all()
        assert (binned.lowest <= binned.survival).all()
        assert (binned.survival <= binned.highest).all()
        if index.outcome.exact:
            np.testing.assert_allclose(binned.survival, at_ends, rtol=1e-12)


def test_a_view_that_respects_its_own_clause_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = cohort_of(60, 3, 30.0)
    index = index_of(cohort)
    brushes = (
        Brushes()
        .with_clause("few", Range("few", 2, 4))
        .with_clause("truth", Levels("truth", (True,)))
    )
    masks = reference_masks(cohort, brushes)
    assert wrong_views(cohort, index, select(index, brushes).counts, masks) == []
    passing = Selection.passing

    def faulty(selection: Selection, rows: Any, *views: str) -> np.ndarray:
        return passing(selection, rows)

    monkeypatch.setattr(Selection, "passing", faulty)
    assert wrong_views(cohort, index, select(index, brushes).counts, masks) == ["few", "truth"]


def test_clauses_that_did_not_change_are_not_judged_again() -> None:
    index = index_of(cohort_of(50, 4, 30.0))
    brushes = Brushes().with_clause("few", Range("few", 2, 4))
    first = select(index, brushes)
    second = select(index, brushes.with_clause("truth", Levels("truth", (True,))), first)
    assert second.masks["few"] is first.masks["few"]
    with pytest.raises(CohortError, match="another index"):
        select(index_of(cohort_of(50, 4, 30.0)), brushes, first)


def test_a_long_follow_up_keeps_its_curve_close() -> None:
    rng = np.random.default_rng(5)
    time, event = rng.exponential(1000, 20_000), rng.random(20_000) < 0.4
    index = crossfilter(pd.DataFrame({"age": rng.integers(20, 90, 20_000)}), time, event)
    assert index.outcome is not None
    assert not index.outcome.exact
    counts = take_up(select(index, Brushes()), "age").move(Range("age", 40, 60))
    assert counts.survival is not None
    early = counts.survival.n_at_risk > 500
    assert (counts.survival.highest - counts.survival.lowest)[early].max() < 0.004


def test_whole_days_are_exact_while_a_brush_moves() -> None:
    rng = np.random.default_rng(6)
    time = np.ceil(rng.exponential(700, 20_000)).clip(max=4000)
    index = crossfilter(pd.DataFrame({"age": time}), time, time > 0)
    assert index.outcome is not None
    assert index.outcome.exact
    assert len(index.outcome.ends) == len(np.unique(time))
