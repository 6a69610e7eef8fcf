"""The count under every curve, against counting by hand; the fast sort against the plain one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from workbench.errors import SurvivalError
from workbench.survival.counting import (
    count_events,
    distinct_labels,
    order_patients,
    rows_by_code,
)

FINITE = st.floats(0, 1e300, allow_subnormal=True)
GRID = st.integers(0, 8).map(float)
SEED = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(st.lists(st.one_of(FINITE, GRID, st.sampled_from([-0.0, 5e-324, 1e-3, 1e3]))), SEED, SEED)
def test_the_order_is_that_of_a_plain_sort(times, seed, n_codes):
    time, n_codes = np.array([*times, 1.0]), 1 + n_codes % 300
    code = np.random.default_rng(seed).integers(0, n_codes, len(time))
    ordered, ordered_code = order_patients(time, code, n_codes)
    assert_array_equal(ordered, np.sort(time))
    assert not np.signbit(ordered).any()
    pairs = sorted(zip(time + 0.0, code, strict=True))
    assert sorted(zip(ordered, ordered_code, strict=True)) == pairs


@pytest.mark.parametrize("spread", [1, 600])
def test_times_of_any_spread_are_counted_alike(spread):
    """Times over 600 powers of ten leave no bits for the code: the slow sort takes over."""
    rng = np.random.default_rng(3)
    time = 10.0 ** rng.integers(-spread // 2, spread // 2 + 1, 500)
    code = rng.integers(0, 20, 500)
    ordered, ordered_code = order_patients(time, code, 20)
    for each in range(20):
        assert_array_equal(ordered[ordered_code == each], np.sort(time[code == each]))


@settings(deadline=None)
@given(st.lists(GRID, min_size=1, max_size=30), SEED, st.booleans(), st.booleans())
def test_counts_are_those_by_hand(times, seed, late, weighted):
    rng = np.random.default_rng(seed)
    time = np.array(times)
    event = rng.random(len(time)) < 0.6
    entry = rng.choice([-1.0, 0, 0, 0.5, 2, 5], len(time))
    entry = np.where(entry < time, entry, -1) if late else None
    weights = rng.choice([0, 0.3, 1, 2.5], len(time)) if weighted else None
    counts = count_events(time, event, entry=entry, weights=weights)
    case = np.ones(len(time)) if weights is None else weights
    from_origin = np.ones(len(time), dtype=bool) if entry is None else entry <= 0
    assert (np.diff(counts.time) > 0).all()
    assert set(time) <= set(counts.time)
    for t, at_risk, n_events, n_censored in zip(*counts, strict=True):
        here = time == t
        present = (time >= t) & (from_origin | (False if entry is None else entry < t))
        assert_allclose(at_risk, case[present].sum(), atol=1e-12)
        assert_allclose(n_events, case[here & event].sum(), atol=1e-12)
        assert_allclose(n_censored, case[here & ~event].sum(), atol=1e-12)
    assert (counts.n_at_risk.dtype.kind == "f") == weighted


def test_sums_of_weights_that_should_cancel_do():
    """(0.3 + 0.2) + 0.1 is not 0.1 + 0.2 + 0.3: the lone event at 3 still leaves nobody at risk."""
    counts = count_events(
        np.array([3.0, 5, 6, 7]),
        np.array([True, False, False, False]),
        entry=np.array([0.0, 4, 4, 4]),
        weights=np.array([0.2, 0.1, 0.2, 0.3]),
    )
    assert counts.n_at_risk[0] == counts.n_events[0]


@pytest.mark.parametrize(
    "labels",
    [
        [3, 1, 3, -4],
        [True, False, True, True],
        ["b", "a", "b", "c"],
        [0.5, 0.1, 0.5, 2],
        [1, 10**12, 1, 5],
        np.array([250, 3, 250, 255], dtype=np.uint8),
        np.array([-128, 127, 0, 127], dtype=np.int8),
        np.array(["x", "y", "x", "x"], dtype=object),
        np.array(["long", "", "é", "long"]),
        np.array([0, 9, 3, 9]),
        np.array([2, 1.5, True, 2], dtype=object),
    ],
)
def test_labels_are_those_of_a_sort(labels):
    values, code = distinct_labels("group", labels, 4)
    expected, position = np.unique(labels, return_inverse=True)
    assert_array_equal(values, expected)
    assert values.dtype == expected.dtype
    assert_array_equal(code, position)
    for each, rows in enumerate(rows_by_code(code, len(values))):
        assert_array_equal(rows, np.flatnonzero(position == each))


def test_rows_of_many_codes_are_those_of_each():
    code = np.random.default_rng(1).integers(0, 30, 200)
    for each, rows in enumerate(rows_by_code(code, 31)):
        assert_array_equal(rows, np.flatnonzero(code == each))


def test_labels_of_other_patients_are_refused():
    with pytest.raises(SurvivalError, match=r"group must have shape \(4,\), got \(3,\)"):
        distinct_labels("group", np.array([0, 1, 1]), 4)
