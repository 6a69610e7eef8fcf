"""Pseudonyms, shifted dates, grouped ages."""

import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.deidentify import (
    DateShift,
    deidentify,
    group_ages,
    interval,
    pseudonyms,
    shift_dates,
    shift_times,
)
from workbench.data.events import DAY, STATIC
from workbench.data.secret_key import SecretKey, make_key, read_key
from workbench.errors import RecordsError

KEY, OTHER = SecretKey(bytes(range(32))), SecretKey(bytes(range(1, 33)))
SHIFT = DateShift(KEY)


@pytest.fixture
def visits() -> pd.DataFrame:
    """Visits of 60 patients to the µs, leap days among them; two patients over 89."""
    rng = np.random.default_rng(0)
    n = 300
    patient = rng.integers(0, 60, n)
    birth = pd.Timestamp("1950-03-05") + pd.to_timedelta(rng.integers(0, 9000, 60), "D")
    birth = birth.to_series(index=range(60))
    birth[:2] = [pd.Timestamp("1920-02-29"), pd.Timestamp("1928-06-01")]
    seen = pd.Timestamp("2016-02-29") + pd.to_timedelta(rng.integers(0, 10**14, n), "us")
    frame = pd.DataFrame(
        {
            "patient_id": [f"MRN-{k:05d}" for k in patient],
            "seen": seen,
            "born": birth[patient].to_numpy(),
            "ward": rng.choice(["north", "south"], n),
            "age": rng.choice([41.5, 89.9, 90.0, 97.0], n),
            "crp": rng.random(n),
        }
    )
    frame.loc[:9, "seen"] = pd.Timestamp("2020-02-29 12:00:00.000001")
    frame.loc[10:14, "seen"] = pd.NaT
    return frame


def test_pseudonyms_agree_between_tables_and_say_nothing_without_the_key() -> None:
    ids = pd.Series(["12", "A", "12", "ü"])
    names = pseudonyms(ids, KEY)
    assert names[0] == names[2]
    assert len(set(names)) == 3
    assert pseudonyms(np.array([12]), KEY)[0] == names[0]
    assert pseudonyms(ids[::-1], KEY).tolist() == names[::-1].tolist()
    assert not set(pseudonyms(ids, OTHER)) & set(names)
    assert all(len(name) == 17 and name[0] == "P" for name in names)
    assert pseudonyms(pd.Categorical(["A", "12"]), KEY).tolist() == [names[1], names[0]]


def test_two_patients_never_share_a_pseudonym() -> None:
    ids = [f"{k}" for k in range(20_000)] + [" 1", "1 ", "É", "E\u0301", "\ud800", ""]
    assert len(set(pseudonyms(ids, KEY))) == len(ids)


def test_a_key_that_cannot_tell_patients_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecretKey, "digest", lambda *_: bytes(10))
    with pytest.raises(RecordsError, match="use another key"):
        pseudonyms(["a", "b"], KEY)


def test_intervals_within_a_patient_stay_to_the_microsecond(visits: pd.DataFrame) -> None:
    shifted = shift_dates(visits["seen"], visits["patient_id"], SHIFT)
    born = shift_dates(visits["born"], visits["patient_id"], SHIFT)
    moved = (shifted - visits["seen"]).groupby(visits["patient_id"])
    assert (moved.nunique() <= 1).all()
    first = visits.groupby("patient_id")["seen"].transform("min")
    assert (
        (shifted - shifted.groupby(visits["patient_id"]).transform("min")).dropna()
        == (visits["seen"] - first).dropna()
    ).all()
    assert ((interval(shifted, born)).dropna() == (visits["seen"] - visits["born"]).dropna()).all()
    assert (shifted.isna() == visits["seen"].isna()).all()


def test_shifts_differ_between_patients_and_keep_the_weekday(visits: pd.DataFrame) -> None:
    shifted = shift_dates(visits["seen"], visits["patient_id"], SHIFT)
    known = visits["seen"].notna()
    days = (shifted - visits["seen"])[known] / pd.Timedelta(days=1)
    assert (shifted.dt.dayofweek == visits["seen"].dt.dayofweek)[known].all()
    assert (shifted.dt.time == visits["seen"].dt.time)[known].all()
    per_patient = days.groupby(visits["patient_id"]).first()
    assert per_patient.nunique() > 30
    assert not (per_patient == 0).any()
    assert per_patient.abs().max() <= 52 * 7
    assert (per_patient > 0).any()
    assert (per_patient < 0).any()


@settings(max_examples=30)
@given(st.integers(2, 400), st.sampled_from(["weeks", "days"]))
def test_every_shift_is_within_what_was_asked_and_none_is_zero(most: int, unit: str) -> None:
    days = DateShift(KEY, unit, most).days([str(k) for k in range(50)])  # pyright: ignore[reportArgumentType]
    units = days // (7 if unit == "weeks" else 1)
    assert (np.abs(units) <= most).all()
    assert (units != 0).all()


def test_shifts_are_even_over_their_range() -> None:
    units = DateShift(KEY, "weeks", 2).days([str(k) for k in range(4000)]) // 7
    counts = pd.Series(units).value_counts()
    assert set(counts.index) == {-2, -1, 1, 2}
    assert counts.min() > 900


def test_times_in_microseconds_move_as_dates_do(visits: pd.DataFrame) -> None:
    times = visits["seen"].to_numpy("datetime64[us]").astype(np.int64)
    times = np.where(visits["seen"].isna(), STATIC, times)
    moved = shift_times(times, visits["patient_id"], SHIFT)
    expected = shift_dates(visits["seen"], visits["patient_id"], SHIFT)
    known = visits["seen"].notna().to_numpy()
    assert (moved[known] == expected[known].to_numpy("datetime64[us]").astype(np.int64)).all()
    assert (moved[~known] == STATIC).all()
    assert ((moved - times) % DAY == 0).all()


@pytest.mark.parametrize(
    "dtype", ["datetime64[s]", "datetime64[us]", "datetime64[ns, Europe/Berlin]"]
)
def test_the_type_of_dates_stays(dtype: str) -> None:
    dates = pd.Series(pd.to_datetime(["2020-02-29", None])).dt.tz_localize(
        "Europe/Berlin" if "Berlin" in dtype else None
    )
    dates = dates.astype(dtype)
    assert shift_dates(dates, ["a", "b"], SHIFT).dtype == dtype


def test_a_date_that_its_type_cannot_hold_is_refused() -> None:
    late = pd.Series([pd.Timestamp.max] * 20)
    with pytest.raises(RecordsError, match=r"convert to datetime64\[us\]"):
        shift_dates(late, [str(k) for k in range(20)], SHIFT)


def test_shifted_dates_are_not_compared_with_others(visits: pd.DataFrame) -> None:
    shifted = shift_dates(visits["seen"], visits["patient_id"], SHIFT)
    other = shift_dates(visits["born"], visits["patient_id"], DateShift(OTHER))
    with pytest.raises(RecordsError, match="not shifted alike"):
        interval(shifted, visits["born"])
    with pytest.raises(RecordsError, match="not shifted alike"):
        interval(shifted, other)
    with pytest.raises(RecordsError, match="shifted already"):
        shift_dates(shifted, visits["patient_id"], SHIFT)
    clean = deidentify(visits, SHIFT, dates=["seen"], births=["born"], at="seen", ages=["age"])
    with pytest.raises(RecordsError, match="not shifted alike"):
        interval(clean["seen"], visits["born"])
    assert interval(clean["seen"], clean["born"]).notna().any()


def test_nothing_of_the_original_is_left(visits: pd.DataFrame) -> None:
    clean = deidentify(visits, SHIFT, dates=["seen"], births=["born"], at="seen", ages=["age"])
    assert clean.columns.tolist() == visits.columns.tolist()
    assert len(clean) == len(visits)
    text = clean.to_csv()
    assert not any(patient in text for patient in visits["patient_id"])
    merged = clean.merge(
        visits.assign(patient_id=pseudonyms(visits["patient_id"], KEY)),
        on=["patient_id", "crp"],
        suffixes=("", "_before"),
    )
    assert len(merged) == len(visits)
    for name in ("seen", "born"):
        assert not (merged[name] == merged[f"{name}_before"]).any()
    assert clean["patient_id"].is_monotonic_increasing
    assert clean["age"].max() == 90


def test_births_of_the_oldest_are_missing_and_others_keep_their_age(visits: pd.DataFrame) -> None:
    clean = deidentify(visits, SHIFT, dates=["seen"], births=["born"], at="seen")
    names = pseudonyms(visits["patient_id"], KEY)
    oldest = names[(visits["born"] < "1925").to_numpy()]
    assert clean.loc[clean["patient_id"].isin(oldest), "born"].isna().all()
    young = names[(visits["born"] > "1949").to_numpy()]
    assert clean.loc[clean["patient_id"].isin(young), "born"].notna().all()


def test_who_gets_old_between_two_visits_has_no_birth_date_in_either() -> None:
    seen = pd.to_datetime(["2010-06-01", "2015-06-01", "2011-01-01"])
    born = pd.to_datetime(["1921-03-01", "1921-03-01", "1970-01-01"])
    table = pd.DataFrame({"patient_id": ["a", "a", "b"], "seen": seen, "born": born})
    left = deidentify(table, SHIFT, dates=["seen"], births=["born"], at="seen")
    assert (
        left["born"].notna().tolist() == (left["patient_id"] == pseudonyms(["b"], KEY)[0]).tolist()
    )


@pytest.mark.parametrize(
    ("ids", "numbers", "refused"),
    [
        ([10455, 10455, 20991], [10455, 10455, 20991], True),
        ([10455, 10455, 20991], [10455.0, np.nan, 7.0], True),
        (["10455", "20991", "30001"], [20991, 30001, 10455], True),
        ([1, 2, 3], [1, 2, 7], True),
        ([1, 2, 3], [3, 2, 1], False),
        ([10455, 20991, 30001], [10455.5, 1.0, 20991.0], False),
        ([1, 2, 3], [True, False, True], False),
        ([1, 2, 3], [np.nan, np.nan, np.nan], False),
    ],
)
def test_numbers_that_are_identifiers_are_refused(ids: list, numbers: list, refused: bool) -> None:
    table = pd.DataFrame({"patient_id": ids, "number": numbers})
    if refused:
        with pytest.raises(RecordsError, match="number: its numbers are identifiers"):
            deidentify(table, SHIFT)
    else:
        assert deidentify(table, SHIFT)["number"].count() == np.isfinite(numbers).sum()


def test_ages_over_89_are_one_group() -> None:
    ages = group_ages(pd.Series([89.0, 89.9, 90.0, 104.0, np.nan]))
    assert ages.tolist()[:4] == [89.0, 89.9, 90.0, 90.0]
    assert np.isnan(ages[4])
    assert group_ages(pd.Series([88, 101])).tolist() == [88, 90]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Timestamp("2020-01-01"), "other holds dates"),
        ("see MRN-00007, ward 2", "1 different texts hold an identifier"),
        ("seen on 2020-03-01", "1 look like a date"),
        ("2020-03-01T10:00", "1 look like a date"),
        ("visit_01.03.2020", "1 look like a date"),
        ("seen in March 2020", "1 look like a date"),
    ],
)
def test_what_was_forgotten_is_refused(visits: pd.DataFrame, column: object, said: str) -> None:
    visits.loc[0, "patient_id"] = "MRN-00007"
    with pytest.raises(RecordsError, match=said) as refused:
        deidentify(visits.assign(other=column), SHIFT, dates=["seen"], births=["born"], at="seen")
    assert "MRN-" not in str(refused.value)


def test_identifiers_must_be_known_and_whole() -> None:
    with pytest.raises(RecordsError, match="1 of 2 rows have no patient identifier"):
        pseudonyms(pd.Series(["a", None]), KEY)
    with pytest.raises(RecordsError, match="read the column as text"):
        pseudonyms(pd.Series([1.0, 2.0]), KEY)


def test_a_key_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "study.key"
    key = make_key(path, outside=[tmp_path / "data"])
    assert read_key(path) == key
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert key.secret.hex() not in repr(key)
    assert key.fingerprint != OTHER.fingerprint
    with pytest.raises(RecordsError, match="is there already"):
        make_key(path, outside=[])
    path.chmod(0o644)
    with pytest.raises(RecordsError, match="others can read the key"):
        read_key(path)


def test_a_key_does_not_lie_beside_the_data_and_is_long(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="keep it elsewhere"):
        make_key(tmp_path / "data" / "sub" / "study.key", outside=[tmp_path / "data"])
    assert not (tmp_path / "data").exists()
    with pytest.raises(RecordsError, match="there is no key"):
        read_key(tmp_path / "none.key")
    with pytest.raises(RecordsError, match="got 5"):
        SecretKey(b"short")
    path = tmp_path / "broken.key"
    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(RecordsError, match="is not a key"):
        read_key(path)
