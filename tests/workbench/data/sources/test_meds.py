"""MEDS datasets: read whole or refused by file, row and reason."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.data.events import BIRTH, DEATH, STATIC
from workbench.data.sources.meds import read_meds
from workbench.errors import RecordsError

SCHEMA = pa.schema(
    {
        "subject_id": pa.int64(),
        "time": pa.timestamp("us"),
        "code": pa.string(),
        "numeric_value": pa.float32(),
        "text_value": pa.large_string(),
    }
)
Row = tuple[Any, Any, Any, Any, Any]
DAY_1 = datetime(2020, 2, 29, 23, 30)
ROWS: list[Row] = [
    (7, None, "SEX//female", None, None),
    (7, datetime(1950, 5, 1), BIRTH, None, None),
    (7, DAY_1, "LAB//CRP", 1.5, "mg/L"),
    (12, None, "GENDER//M", None, None),
    (12, DAY_1, "LAB//CRP", 2.5, None),
    (12, DAY_1, DEATH, None, None),
]


def write_shard(file: Path, rows: list[Row], schema: pa.Schema = SCHEMA) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = list(zip(*rows, strict=True)) if rows else [[]] * len(schema)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    pq.write_table(pa.table(arrays, schema=schema), file)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two patients in two shards, with metadata."""
    folder = tmp_path / "meds"
    write_shard(folder / "data" / "train" / "0.parquet", ROWS[:3])
    write_shard(folder / "data" / "held_out" / "0.parquet", ROWS[3:])
    (folder / "metadata").mkdir()
    about = {"dataset_name": "Small", "dataset_version": "2.1", "meds_version": "0.4.0"}
    (folder / "metadata" / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def write_codes(folder: Path, rows: list[tuple[str | None, str | None, list[str] | None]]) -> None:
    code, description, parents = zip(*rows, strict=True)
    table = pa.table(
        {
            "code": pa.array(code, pa.string()),
            "description": pa.array(description, pa.string()),
            "parent_codes": pa.array(parents, pa.list_(pa.string())),
        }
    )
    pq.write_table(table, folder / "metadata" / "codes.parquet")


def test_patients_events_and_origin(dataset: Path) -> None:
    records = read_meds(dataset)
    assert list(records.patients.index) == ["12", "7"]
    assert records.patients["sex"].tolist() == ["male", "female"]
    assert records.patients["birth"].isna().tolist() == [True, False]
    assert records.patients.loc["7", "birth"] == pd.Timestamp(1950, 5, 1)
    assert records.clock == "calendar"
    assert records.observation is None
    assert any("under observation" in warning for warning in records.warnings)
    assert (records.source.name, records.source.version) == ("Small", "2.1")
    crp = records.events.rows(["LAB//CRP"])
    assert crp.patient.tolist() == [0, 1]
    assert crp.number.tolist() == [2.5, 1.5]
    assert pd.isna(crp.text).tolist() == [True, False]
    assert crp.text[1] == "mg/L"
    assert crp.day.tolist() == [(DAY_1 - datetime(1970, 1, 1)).days] * 2
    assert records.events.rows(["SEX//female", "GENDER//M"]).time.tolist() == [STATIC, STATIC]
    assert records.events.rows([BIRTH, DEATH]).patient.tolist() == [0, 1]


def test_the_hash_follows_what_is_read(dataset: Path) -> None:
    before = read_meds(dataset).source.sha256
    (dataset / "notes.txt").write_text("not read", encoding="utf-8")
    assert read_meds(dataset).source.sha256 == before
    write_shard(dataset / "data" / "train" / "1.parquet", [(9, DAY_1, "A", None, None)])
    assert read_meds(dataset).source.sha256 != before


def test_codes_have_names_and_parents(dataset: Path) -> None:
    write_codes(
        dataset,
        [
            ("LAB//CRP", "C-reactive protein", ["LAB", "LAB//CRP"]),
            ("LAB//CRP", "the same in another unit", ["inflammation"]),
            (BIRTH, None, None),
        ],
    )
    records = read_meds(dataset)
    assert records.vocabulary is not None
    assert records.vocabulary.names["LAB//CRP"] == "C-reactive protein"
    assert set(records.vocabulary.names) == set(records.events.code_counts().index)
    above = records.vocabulary.ancestors
    assert set(above.loc[above["descendant"] == "LAB//CRP", "ancestor"]) == {"LAB", "inflammation"}
    assert "3 codes are not among those of metadata/codes.parquet" in records.warnings


def test_published_parts_become_a_column(dataset: Path) -> None:
    table = pa.table({"subject_id": [12, 7, 99], "split": ["held_out", "train", "train"]})
    pq.write_table(table, dataset / "metadata" / "subject_splits.parquet")
    assert read_meds(dataset).patients["split"].tolist() == ["held_out", "train"]


def test_a_patient_with_two_sexes_or_births_has_none(dataset: Path) -> None:
    more = [(7, None, "SEX//male", None, None), (7, datetime(1951, 5, 1), BIRTH, None, None)]
    write_shard(dataset / "data" / "1.parquet", more)
    records = read_meds(dataset)
    assert records.patients.loc["7"].isna().all()
    for what in ("birth", "sex"):
        assert f"1 patients have several values of {what} that differ: left missing" in (
            records.warnings
        )
    assert "1 patients stand in several shards, which MEDS rules out: joined" in records.warnings


def test_ends_and_units_are_read_and_other_columns_named(tmp_path: Path) -> None:
    schema = SCHEMA.append(pa.field("end", pa.timestamp("us")))
    schema = schema.append(pa.field("unit", pa.string())).append(pa.field("ward", pa.string()))
    row = (1, DAY_1, "STAY", 3.0, None, DAY_1 + timedelta(days=2), "days", "A")
    write_shard(tmp_path / "0.parquet", [row], schema)
    records = read_meds(tmp_path)
    stay = records.events.rows(["STAY"])
    assert (stay.end - stay.time).tolist() == [2 * 86_400_000_000]
    assert stay.text.tolist() == ["days"]
    assert "columns that are not read: ward" in records.warnings


BAD_ROWS: list[tuple[Row, str]] = [
    ((None, DAY_1, "A", None, None), "no subject_id"),
    ((5, DAY_1, None, None, None), "no code"),
    ((5, DAY_1, "  ", None, None), "no code"),
    ((5, datetime(9999, 12, 31), "A", None, None), "a time outside the years 1800 to 2299"),
    ((5, datetime(1, 1, 1), "A", None, None), "a time outside the years 1800 to 2299"),
    ((5, DAY_1, "A", float("inf"), None), "numeric_value is infinite"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_named_and_left_out_only_with_consent(
    dataset: Path, row: Row, reason: str
) -> None:
    good = (5, DAY_1, "GOOD", None, None)
    write_shard(dataset / "data" / "more.parquet", [good, row, good])
    with pytest.raises(RecordsError, match=f"data/more.parquet, row 2: {reason}"):
        read_meds(dataset)
    records = read_meds(dataset, skip_bad=True)
    assert f"1 row was left out: {reason}" in records.warnings
    assert records.events.code_counts()["GOOD"] == 2
    assert int(records.events.code_counts().sum()) == len(ROWS) + 2


@pytest.mark.parametrize("column", ["code", "text_value"])
def test_text_in_another_encoding_is_a_bad_row(dataset: Path, column: str) -> None:
    rows = [(5, DAY_1, "GOOD", None, "x"), (5, DAY_1, "é", None, "é")]
    write_shard(dataset / "data" / "more.parquet", rows)
    file = dataset / "data" / "more.parquet"
    table = pq.read_table(file)
    latin = pa.array([v.encode("latin-1") for v in table[column].to_pylist()], pa.binary())
    spoilt = latin.view(pa.string()) if column == "code" else latin.cast(pa.large_binary())
    spoilt = spoilt if column == "code" else spoilt.view(pa.large_string())
    at = table.column_names.index(column)
    pq.write_table(table.set_column(at, SCHEMA.field(column), spoilt), file)
    with pytest.raises(RecordsError, match=f"data/more.parquet, row 2: {column}: not UTF-8"):
        read_meds(dataset)
    assert read_meds(dataset, skip_bad=True).events.code_counts()["GOOD"] == 1


def test_an_index_of_pandas_is_a_column_like_any_other(tmp_path: Path) -> None:
    write_shard(tmp_path / "0.parquet", ROWS)
    frame = pd.read_parquet(tmp_path / "0.parquet").set_index("subject_id")
    frame.to_parquet(tmp_path / "0.parquet")
    assert list(read_meds(tmp_path).patients.index) == ["12", "7"]


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1])] * 2, names=["code", "code"])
    pq.write_table(table, tmp_path / "0.parquet")
    with pytest.raises(RecordsError, match="1 columns stand more than once"):
        read_meds(tmp_path)


def test_codes_in_a_dictionary_are_text(tmp_path: Path) -> None:
    schema = SCHEMA.set(2, pa.field("code", pa.dictionary(pa.int32(), pa.string())))
    write_shard(tmp_path / "0.parquet", ROWS, schema)
    assert read_meds(tmp_path).events.code_counts()["LAB//CRP"] == 2


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_byte_never_ends_in_another_error(dataset: Path, place: float, flip: int) -> None:
    whole = dataset / "whole"
    write_shard(whole, ROWS)
    content = bytearray(whole.read_bytes())
    content[int(place * len(content))] ^= flip
    (dataset / "data" / "train" / "0.parquet").write_bytes(content)
    try:
        records = read_meds(dataset, skip_bad=True)
    except RecordsError:
        return
    assert "12" in records.patients.index


def test_a_shard_that_is_cut_short(dataset: Path) -> None:
    file = dataset / "data" / "train" / "0.parquet"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(RecordsError, match=r"data/train/0.parquet, the whole file: not a Parquet"):
        read_meds(dataset)
    records = read_meds(dataset, skip_bad=True)
    assert list(records.patients.index) == ["12"]
    assert "1 row was left out: not a Parquet file, or damaged or cut short" in records.warnings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": pa.timestamp("us", "UTC")}, "expected time to be timestamps without a time zone"),
        ({"time": pa.date32()}, "expected time to be timestamps without a time zone"),
        ({"subject_id": pa.string()}, "expected subject_id to be integers"),
        ({"numeric_value": pa.string()}, "expected numeric_value to be numbers"),
    ],
)
def test_another_type_is_refused(
    tmp_path: Path, change: dict[str, pa.DataType], message: str
) -> None:
    schema = pa.schema([(f.name, change.get(f.name, f.type)) for f in SCHEMA])
    write_shard(tmp_path / "0.parquet", [], schema)
    with pytest.raises(RecordsError, match=message):
        read_meds(tmp_path, skip_bad=True)


def test_an_older_name_of_the_patient_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"patient_id": [1], "code": ["A"]}), tmp_path / "0.parquet")
    with pytest.raises(RecordsError, match="patient_id as before MEDS 0.3"):
        read_meds(tmp_path)


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_times_of_any_unit_become_microseconds(tmp_path: Path, unit: str) -> None:
    schema = SCHEMA.set(1, pa.field("time", pa.timestamp(unit)))
    write_shard(tmp_path / "0.parquet", [(1, DAY_1, "A", None, None)], schema)
    time = read_meds(tmp_path).events.rows(["A"]).time
    assert time.tolist() == [(DAY_1 - datetime(1970, 1, 1)) // timedelta(microseconds=1)]


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="no Parquet file"):
        read_meds(tmp_path)
    with pytest.raises(RecordsError, match="no such folder"):
        read_meds(tmp_path / "absent")
    (tmp_path / "0.parquet").write_bytes(b"PAR1")
    with pytest.raises(RecordsError, match="expected a folder, got a file"):
        read_meds(tmp_path / "0.parquet")
    with pytest.raises(RecordsError, match="nothing is left"):
        read_meds(tmp_path, skip_bad=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n"dataset_name": }', "line 2: not JSON"),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (b"[]", "expected an object"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_metadata_that_are_no_metadata(dataset: Path, content: bytes, message: str) -> None:
    (dataset / "metadata" / "dataset.json").write_bytes(content)
    with pytest.raises(RecordsError, match=message):
        read_meds(dataset)


times = st.none() | st.datetimes(datetime(1850, 1, 1), datetime(2250, 1, 1))
rows = st.lists(
    st.tuples(
        st.integers(-(2**62), 2**62),
        times,
        st.text("AB/é ", min_size=1).filter(str.strip),
        st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
        st.none() | st.text("xyµ"),
    ),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows, n_shards=st.integers(1, 3))
def test_what_is_written_is_read(tmp_path: Path, rows: list[Row], n_shards: int) -> None:
    for i in range(3):
        (tmp_path / f"{i}.parquet").unlink(missing_ok=True)
    for i in range(n_shards):
        write_shard(tmp_path / f"{i}.parquet", rows[i::n_shards])
    records = read_meds(tmp_path)
    found = records.events.rows(records.events.code_counts().index)

    def micro(time: datetime | None) -> int:
        return (
            STATIC if time is None else (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)
        )

    wanted = sorted((str(s), micro(t), c, repr(n), repr(x)) for s, t, c, n, x in rows)
    got = sorted(
        (records.patients.index[p], int(t), c, repr(None if np.isnan(n) else float(n)), repr(x))
        for p, t, c, n, x in zip(
            found.patient,
            found.time,
            found.code,
            found.number,
            [None if pd.isna(x) else x for x in found.text],
            strict=True,
        )
    )
    assert got == wanted


@pytest.mark.shared_data
def test_the_published_sample(shared_data: Path) -> None:
    records = read_meds(shared_data / "meds_sample" / "sample_data" / "meds_sample")
    assert len(records.patients) == 100
    assert int(records.events.code_counts().sum()) == 77_542
    assert records.patients["sex"].notna().all()
    assert records.vocabulary is None
