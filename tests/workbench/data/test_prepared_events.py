"""Prepared events say what events in memory say, whatever order and parts they came in."""

from datetime import datetime

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.data import prepared_events
from workbench.data.event_order import patient_time_order
from workbench.data.events import DAY, STATIC, MemoryEvents
from workbench.data.parquet_events import parquet_events
from workbench.data.prepared import prepared_folder
from workbench.data.prepared_events import PreparedEvents
from workbench.errors import RecordsError

PATIENTS = pd.Index(["1", "10", "2", "33"], dtype=object)


def same(got, expected) -> bool:
    """Equal rows, where events of one patient and time may stand in any order."""

    def table(rows):
        return pd.DataFrame(
            {
                "patient": rows.patient, "time": rows.time, "end": rows.end,
                "code": rows.code.astype(object), "number": rows.number,
                "text": rows.text.astype(object),
            }
        ).fillna({"text": ""})  # fmt: skip

    a, b = table(got), table(expected)
    assert a[["patient", "time"]].equals(
        b[["patient", "time"]].astype(a[["patient", "time"]].dtypes)
    )
    by = list(a.columns)
    return a.sort_values(by, ignore_index=True).equals(b.sort_values(by, ignore_index=True))


def drawn(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time = rng.integers(0, 50, n) * DAY + rng.integers(0, 3, n)
    time[rng.random(n) < 0.1] = STATIC
    number = rng.choice([1.5, -2.0, np.nan], n)
    return pd.DataFrame(
        {
            "patient_id": rng.choice(PATIENTS, n),
            "time": time,
            "end": np.where(time == STATIC, STATIC, time + rng.integers(0, 2, n) * DAY),
            "code": rng.choice(["a//1", "b//2", "b//10", "Ö"], n),
            "numeric_value": number,
            "text_value": pd.Series(rng.choice(["high", "low", ""], n), dtype=object).replace(
                "", None
            ),
        }
    )


def write(frame: pd.DataFrame, path, *, whole: bool = False) -> None:
    columns = {}
    for name, values in frame.items():
        if name in ("time", "end"):
            missing = (values == STATIC).to_numpy()
            columns[name] = pa.array(values.to_numpy(), pa.int64(), mask=missing).cast(
                pa.timestamp("us")
            )
        elif name == "patient_id" and whole:
            columns[name] = pa.array(values.astype(int))
        else:
            columns[name] = pa.array(values, from_pandas=True)
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize("part", [1, 7, 4_000_000])
@pytest.mark.parametrize("whole", [True, False])
def test_rows_equal_those_in_memory(tmp_path, monkeypatch, part, whole) -> None:
    monkeypatch.setattr(prepared_events, "_PART", part)
    frame = drawn(part, 300)
    for i, (low, high) in enumerate([(0, 100), (100, 100), (100, 101), (101, 300)]):
        write(frame[low:high], tmp_path / f"{i}.parquet", whole=whole)
    events = parquet_events(sorted(tmp_path.glob("*.parquet")), PATIENTS)
    expected = MemoryEvents.from_frame(frame, PATIENTS)
    pd.testing.assert_series_equal(events.code_counts(), expected.code_counts())
    assert len(events) == 300
    assert (events.last_times(9) == expected.last_times(9)).all()
    for codes in (["a//1"], ["b//2", "Ö"], ["a//1", "b//2", "b//10", "Ö", "none"], ["none"], []):
        assert same(events.rows(codes), expected.rows(codes))


def test_order_of_files_changes_nothing(tmp_path) -> None:
    frame = drawn(1, 200)
    write(frame[:100], tmp_path / "a.parquet")
    write(frame[100:], tmp_path / "b.parquet")
    codes = list(frame["code"].unique())
    one, other = (
        parquet_events([tmp_path / f"{name}.parquet" for name in names], PATIENTS).rows(codes)
        for names in ("ab", "ba")
    )
    assert same(one, other)


def test_absent_columns_say_nothing(tmp_path) -> None:
    frame = drawn(2, 50)[["patient_id", "time", "code"]]
    write(frame, tmp_path / "a.parquet")
    events = parquet_events([tmp_path / "a.parquet"], PATIENTS)
    assert set(events.columns) == {"patient", "time"}
    assert same(
        events.rows(["a//1", "Ö"]), MemoryEvents.from_frame(frame, PATIENTS).rows(["a//1", "Ö"])
    )


def test_no_events_at_all(tmp_path) -> None:
    write(drawn(0, 0).assign(code=pd.Series([], dtype="string")), tmp_path / "a.parquet")
    events = parquet_events([tmp_path / "a.parquet"], PATIENTS)
    assert len(events) == len(events.rows(["a//1"])) == len(events.code_counts()) == 0


def test_shows_counts_only(tmp_path) -> None:
    write(drawn(3, 20), tmp_path / "a.parquet")
    assert (
        repr(parquet_events([tmp_path / "a.parquet"], PATIENTS))
        == "PreparedEvents(20 events, 4 codes)"
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.assign(patient_id=["1", "99", "99", None]),
         "3 rows belong to a patient who .* row 2"),
        (lambda f: f.assign(code=["a", None, "b", "c"]), "1 rows have no code, the first in row 2"),
        (lambda f: f.assign(end=f["time"] - DAY), "4 rows end before they begin, .* row 1"),
        (lambda f: f.drop(columns="code"), "no column 'code'; there are patient_id, time"),
        (lambda f: f.assign(time=["x"] * 4), "times are string: give timestamps"),
        (lambda f: f.assign(time=[1.5] * 4), "times are double: give timestamps"),
        (lambda f: f.assign(time=pd.Series([datetime(2020, 1, 1)] * 4).dt.tz_localize("UTC")),
         "times carry a time zone"),
    ],
)  # fmt: skip
def test_bad_rows_are_refused_with_file_and_row(tmp_path, spoil, message) -> None:
    frame = pd.DataFrame(
        {"patient_id": ["1", "2", "1", "33"], "time": [DAY] * 4, "code": list("abca")}
    )
    pq.write_table(pa.Table.from_pandas(spoil(frame), preserve_index=False), tmp_path / "e.parquet")
    with pytest.raises(RecordsError, match=f"^e.parquet: {message}"):
        parquet_events([tmp_path / "e.parquet"], PATIENTS)
    assert not list(tmp_path.glob("cache/events/*"))


@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.99])
def test_truncated_file_is_refused(tmp_path, keep) -> None:
    path = tmp_path / "e.parquet"
    write(drawn(4, 2000), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(
        RecordsError, match="^e.parquet: not a Parquet file, or damaged or cut short"
    ):
        parquet_events([path], PATIENTS)


def test_prepared_once_until_a_file_changes(tmp_path) -> None:
    path = tmp_path / "e.parquet"
    write(drawn(5, 20), path)
    parquet_events([path], PATIENTS)
    (made,) = (tmp_path / "cache" / "events").iterdir()
    before = (made / "time.npy").stat().st_mtime_ns
    parquet_events([path], PATIENTS)
    assert (made / "time.npy").stat().st_mtime_ns == before
    write(drawn(6, 30), path)
    assert len(parquet_events([path], PATIENTS)) == 30


def test_damaged_prepared_events_name_their_folder(tmp_path) -> None:
    path = tmp_path / "e.parquet"
    write(drawn(7, 20), path)
    parquet_events([path], PATIENTS)
    (made,) = (tmp_path / "cache" / "events").iterdir()
    np.save(made / "time.npy", np.zeros(3, np.int64))
    with pytest.raises(RecordsError, match="damaged: remove .*events"):
        parquet_events([path], PATIENTS)
    (made / "codes.json").unlink()
    with pytest.raises(RecordsError, match="damaged: remove .*events"):
        PreparedEvents.open(made)


def test_a_failed_build_leaves_nothing(tmp_path) -> None:
    def build(folder) -> None:
        (folder / "half").write_text("x")
        raise RecordsError("no")

    with pytest.raises(RecordsError, match="no"):
        prepared_folder("events", "key", build)
    assert list((tmp_path / "cache" / "events").iterdir()) == []


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), step=st.sampled_from([1, 60_000_000, DAY]))
def test_order_is_that_of_patient_and_time(data, step) -> None:
    n = data.draw(st.integers(0, 40))
    patient = data.draw(hnp.arrays(np.int32, n, elements=st.integers(0, 2**31 - 1)))
    days = data.draw(hnp.arrays(np.int64, n, elements=st.integers(-90_000_000_000, 90_000_000_000)))
    time = np.where(days % 7 == 0, STATIC, days * (step if step < DAY else 1_000_000))
    assert (patient_time_order(patient, time) == np.lexsort((time, patient))).all()
