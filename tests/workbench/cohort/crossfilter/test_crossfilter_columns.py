"""Which columns the index takes, and how it bins them."""

import datetime
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.cohort.crossfilter import (
    Brushes,
    Dimension,
    Display,
    LevelBins,
    OtherThan,
    PatternBins,
    Range,
    RangeBins,
    clause_of,
    crossfilter,
    select,
    take_up,
)
from workbench.cohort.crossfilter.counting import MANY, count_codes
from workbench.errors import CohortError, SurvivalError


def dimension_of(values: object, most_bins: int = 40) -> Dimension:
    index = crossfilter(pd.DataFrame({"x": values}), most_bins=most_bins)
    assert index.total["x"].sum() == len(index.dimensions["x"].codes)
    return index.dimensions["x"]


def range_bins(values: object, most_bins: int = 40) -> RangeBins:
    bins = dimension_of(values, most_bins).bins
    assert isinstance(bins, RangeBins)
    return bins


def test_ages_get_round_edges_and_open_ends() -> None:
    ages = np.random.default_rng(0).normal(60, 15, 5_000)
    bins = range_bins(ages, most_bins=10)
    assert bins.edges.tolist() == [30, 40, 50, 60, 70, 80, 90]
    assert bins.labels[0] == "< 30"
    assert bins.labels[1] == "30 to < 40"
    assert bins.labels[-1] == "≥ 90"


def test_a_heavy_tail_does_not_flatten_the_rest() -> None:
    values = np.append(np.random.default_rng(0).normal(5, 1, 10_000), [1e9, -1e9])
    dimension = dimension_of(values)
    assert len(np.unique(dimension.codes)) > 20
    assert np.abs(dimension.bins.edges).max() < 10  # pyright: ignore[reportAttributeAccessIssue]


def test_bins_are_no_finer_than_the_decimals_that_were_measured() -> None:
    potassium = np.round(np.random.default_rng(0).normal(4.2, 0.3, 3_000), 1)
    bins = range_bins(potassium, most_bins=100)
    assert np.diff(bins.edges).min() > 0.099
    assert bins.edges[:2].tolist() == [3.5, 3.6]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "float32", "float64", "Int32"])
def test_few_whole_numbers_have_a_bin_each(dtype: str) -> None:
    bins = range_bins(pd.Series([0, 1, 1, 4, 3] * 30).astype(dtype))
    assert bins.labels == ("0", "1", "2", "3", "4")
    sparse = range_bins(pd.Series([0, 50, 100] * 30).astype(dtype))
    assert sparse.labels == ("0", "50", "100")


def test_a_constant_and_an_empty_column_have_one_bin() -> None:
    assert dimension_of([2.5] * 9).bins.labels == ("2.5",)
    assert dimension_of([np.nan] * 9).codes.tolist() == [1] * 9
    assert dimension_of(pd.Series([None] * 3, dtype=object)).codes.tolist() == [0] * 3
    assert dimension_of(pd.Series([pd.NaT] * 3, dtype="datetime64[ns]")).codes.tolist() == [1] * 3


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.floats(allow_infinity=False, width=32)
        | st.sampled_from([0.0, 0.1, 0.2, 0.3, 5.0, 5e-324, 1e308, -1.7e308]),
        max_size=30,
    ),
    st.sampled_from([np.float32, np.float64]),
    st.integers(8, 255),
)
def test_any_finite_numbers_find_their_bin(values: list[float], kind: type, most: int) -> None:
    with np.errstate(over="ignore"):
        column = np.array(values, kind)
    column[np.isinf(column)] = 1.0
    dimension = dimension_of(column, most_bins=most)
    edges = dimension.bins.edges  # pyright: ignore[reportAttributeAccessIssue]
    assert dimension.bins.n_bins <= most
    assert (np.diff(edges) > 0).all()
    for value, code in zip(column, dimension.codes, strict=True):
        expected = len(edges) + 1 if np.isnan(value) else sum(bool(e <= value) for e in edges)
        assert code == expected


def test_values_on_and_beside_an_edge() -> None:
    bins = range_bins(np.random.default_rng(0).uniform(0, 1, 1_000))
    edges = bins.edges
    values = np.concatenate([edges, np.nextafter(edges, -1), np.nextafter(edges, 2)])
    frame = pd.DataFrame({"x": np.append(np.random.default_rng(0).uniform(0, 1, 1_000), values)})
    dimension = crossfilter(frame).dimensions["x"]
    assert dimension.bins.edges.tolist() == edges.tolist()  # pyright: ignore[reportAttributeAccessIssue]
    expected = np.searchsorted(edges, values, side="right")
    assert dimension.codes[1_000:].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("days", "unit"),
    [(20, "day"), (200, "week"), (900, "month"), (3_000, "quarter"), (9_000, "year")],
)
def test_dates_are_binned_by_the_finest_unit_that_fits(days: int, unit: str) -> None:
    dates = pd.Timestamp("2001-11-28") + pd.to_timedelta(np.arange(days), unit="D")
    dimension = dimension_of(dates)
    bins = dimension.bins
    assert isinstance(bins, RangeBins)
    assert bins.unit == unit
    starts = pd.DatetimeIndex(bins.edges.astype("datetime64[ns]"))
    if unit == "week":
        assert set(starts.dayofweek) == {0}
    if unit in ("month", "quarter", "year"):
        assert set(starts.day) == {1}
    if unit == "quarter":
        assert set(starts.month) == {1, 4, 7, 10}
    assert dimension.codes.tolist() == np.searchsorted(starts, dates, side="right").tolist()


def test_dates_long_ago_and_of_every_clock() -> None:
    dates = np.array(["0980-05-05", "1969-12-31T23:59:59", "1970-01-01", "2300-01-01", "NaT"])
    for unit in ("s", "ms", "us"):
        dimension = dimension_of(pd.Series(dates.astype(f"datetime64[{unit}]")))
        bins = dimension.bins
        assert isinstance(bins, RangeBins)
        known = dates[:4].astype("datetime64[D]")
        expected = np.searchsorted(bins.edges, known, side="right").tolist()
        assert dimension.codes.tolist() == [*expected, bins.n_bins]
        assert "years" in bins.unit


def test_rare_levels_share_a_bin_that_says_which_they_are_not() -> None:
    names = np.repeat([f"Ärzte {i}" for i in range(300)], np.arange(1, 301))
    index = crossfilter(pd.DataFrame({"x": names}), most_levels=3)
    bins = index.dimensions["x"].bins
    assert bins == LevelBins(("Ärzte 299", "Ärzte 298", "Ärzte 297"), 297)
    clause = clause_of(index.dimensions["x"], np.array([False, True, True, True, False]))
    assert clause == OtherThan("x", ("Ärzte 299",))
    mask = select(index, Brushes().with_clause("x", OtherThan("x", ("Ärzte 299",)))).mask
    assert (mask == (names != "Ärzte 299")).all()


def test_declared_levels_keep_their_order() -> None:
    column = pd.Categorical(["high", "low", None], ["low", "mid", "high"], ordered=True)
    dimension = dimension_of(column)
    assert dimension.labels == ("low", "mid", "high", "missing")
    assert dimension.codes.tolist() == [2, 0, 3]
    assert dimension_of([True, False, None]).labels == ("no", "yes", "missing")
    assert dimension_of(pd.array([True, pd.NA], "boolean")).codes.tolist() == [1, 2]
    assert dimension_of(pd.array(["b", pd.NA, "b"], "string")).codes.tolist() == [0, 1, 0]


def test_combinations_of_modalities_are_levels() -> None:
    present = {
        "mri": np.array([True, True, False, False, True]),
        "rna": np.array([True, True, True, False, False]),
    }
    index = crossfilter(pd.DataFrame(index=range(5)), present=present, most_levels=2)
    dimension = index.dimensions["modalities"]
    assert dimension.bins == PatternBins(("mri", "rna"), (("mri", "rna"), ()), 2)
    assert dimension.labels == ("mri + rna", "none", "other (2)", "missing")
    assert index.total["modalities"].tolist() == [2, 1, 2, 0]


@pytest.mark.parametrize("n_patients", [0, 1])
def test_no_patient_and_one_patient(n_patients: int) -> None:
    frame = pd.DataFrame(
        {
            "age": np.full(n_patients, 40.0),
            "sex": pd.Series(["f"] * n_patients, dtype=object),
            "seen": pd.Series([pd.Timestamp("2020-01-01")] * n_patients, dtype="datetime64[ns]"),
        }
    )
    index = crossfilter(frame, present={"mri": np.ones(n_patients, bool)})
    drag = take_up(select(index, Brushes()), "age")
    released = drag.release(Range("age", 0, 100))
    assert released.counts.n_selected == n_patients
    assert released.mask.sum() == n_patients
    shown = Display(index).selection(released)
    assert shown.n_selected == (None if n_patients else 0)
    assert shown.survival is None


class Strange:
    """Of no type that a column may have."""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.inf, -np.inf], r"x must be finite, got 2 infinite values \(first in row 1\)"),
        (pd.array([1.0, np.inf], "Float64"), "x must be finite"),
        (pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Berlin"), "time zone .Europe/Berlin"),
        (pd.to_timedelta([1], unit="D"), "x must hold numbers.* got timedelta64"),
        ([1 + 2j], "got complex128"),
        (["a", 1], "x mixes types"),
        ([datetime.date(2020, 1, 1)], r"objects \(date32"),
        ([Strange()], "x mixes types"),
        ([2**60, 1], "identifiers"),
        (pd.Categorical([(1, 2)]), "levels must be text"),
        (pd.interval_range(0, 2), "x must hold numbers"),
    ],
)
def test_what_cannot_be_shown_is_refused(values: object, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        dimension_of(values)


FRAME = pd.DataFrame({"x": [1.0, 2.0]})
YES = np.array([True, True])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: crossfilter(FRAME, most_bins=256), "most_bins must lie between 8 and 255"),
        (lambda: crossfilter(FRAME, most_levels=255), "most_levels must lie"),
        (lambda: crossfilter(FRAME, n_threads=0), "n_threads must lie"),
        (lambda: crossfilter(FRAME, np.ones(2)), "both, or neither"),
        (lambda: crossfilter(FRAME, np.ones(3), np.array([True] * 3)), "expected 2, got 3"),
        (lambda: crossfilter(FRAME, np.ones(2), np.ones(2)), "event must be boolean"),
        (lambda: crossfilter(FRAME, present={"mri": np.ones(2)}), "presence of mri must be bool"),
        (lambda: crossfilter(FRAME, present={"mri": YES[:1]}), "presence of mri must be bool"),
        (lambda: crossfilter(FRAME, present={str(i): YES for i in range(17)}), "at most 16"),
        (lambda: crossfilter(FRAME.set_axis([""], axis=1)), "must have names"),
        (lambda: crossfilter(pd.concat([FRAME, FRAME], axis=1)), "each once"),
        (
            lambda: crossfilter(FRAME.rename(columns={"x": "modalities"}), present={"mri": YES}),
            "rename the column",
        ),
    ],
)
def test_wrong_settings_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises((CohortError, SurvivalError), match=message):
        build()


def test_edges_come_from_a_sample_and_counts_from_everyone() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    rare = np.full(n, np.nan)
    rare[:50] = rng.normal(size=50)
    frame = pd.DataFrame(
        {
            "rare": rare,
            "almost whole": np.append(rng.integers(0, 5, n - 1).astype(float), 2.5),
            "date": np.datetime64("2020-01-01", "ns")
            + rng.integers(0, 800, n).astype("timedelta64[D]"),
        }
    )
    index = crossfilter(frame)
    for name in frame:
        assert index.total[name].sum() == n
    assert index.total["rare"][:-1].sum() == 50
    bins = index.dimensions["almost whole"].bins
    assert isinstance(bins, RangeBins)
    assert bins.single is None
    one = crossfilter(frame, n_threads=1)
    for name in frame:
        assert (one.dimensions[name].codes == index.dimensions[name].codes).all()


def test_many_patients_are_counted_two_at_a_time() -> None:
    rng = np.random.default_rng(0)
    for n in (MANY - 1, MANY, MANY + 1):
        codes = rng.integers(0, 256, n).astype(np.uint8)
        assert (count_codes(codes, 256) == np.bincount(codes, minlength=256)).all()
        rows = np.flatnonzero(codes < 250)
        assert (count_codes(codes, 256, rows) == np.bincount(codes[rows], minlength=256)).all()


def test_numbers_below_zero_are_written_with_a_minus():
    days = pd.DataFrame({"few": [-2.0, -1, 0, 1] * 20, "many": np.linspace(-50.5, 49.5, 80)})
    bins = {name: each.bins for name, each in crossfilter(days).dimensions.items()}
    assert bins["few"].labels[:2] == ("−2", "−1")
    assert any("−" in label for label in bins["many"].labels)
    assert not any("-" in label for each in bins.values() for label in each.labels)
