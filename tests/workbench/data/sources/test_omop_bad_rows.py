"""Every row that cannot be used is listed with its file and number; none is dropped silently."""

import shutil
import zipfile

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.workbench.data.sources.conftest import write_csv, write_duckdb, write_parquet, write_zip
from workbench.data.sources import archive
from workbench.data.sources.omop import bad_omop_rows, read_omop
from workbench.errors import RecordsError

WRONG = [
    ("person", 0, "person_id", "", "person_id is empty", 6),
    ("person", 1, "person_id", "P10", "person_id is not a whole number", 5),
    ("person", 1, "person_id", "10.5", "person_id is not a whole number", 5),
    ("person", 1, "person_id", "2", "person_id stands in a row before", 5),
    ("person", 2, "month_of_birth", "13", "a date of birth that does not exist", 3),
    ("person", 0, "birth_datetime", "9.3.1950", "birth_datetime is not a date", 6),
    ("person", 0, "year_of_birth", "fifty", "year_of_birth is not a whole number", 6),
    ("observation_period", 0, "person_id", "", "person_id is empty", 0),
    ("observation_period", 0, "person_id", "77", "person_id is not in PERSON", 0),
    ("observation_period", 1, "observation_period_end_date", "2010-06-30",
     "ends before it begins", 0),
    ("observation_period", 1, "observation_period_end_date", "2010-02-30",
     "observation_period_end_date is not a date", 0),
    ("condition_occurrence", 0, "person_id", "", "person_id is empty", 1),
    ("condition_occurrence", 0, "person_id", "77", "person_id is not in PERSON", 1),
    ("condition_occurrence", 2, "condition_concept_id", "", "condition_concept_id is empty", 1),
    ("condition_occurrence", 2, "condition_concept_id", "I10",
     "condition_concept_id is not a whole number", 1),
    ("condition_occurrence", 1, "condition_start_date", "", "condition_start_date is empty", 1),
    ("condition_occurrence", 1, "condition_start_date", "01/02/2005",
     "condition_start_date is not a date", 1),
    ("condition_occurrence", 1, "condition_start_date", "2005-02-30",
     "condition_start_date is not a date", 1),
    ("condition_occurrence", 1, "condition_start_date", "epoch",
     "condition_start_date is not a date", 1),
    ("condition_occurrence", 0, "condition_start_datetime", "2010-02-01 25:00:00",
     "condition_start_datetime is not a date", 1),
    ("condition_occurrence", 3, "condition_end_date", "2015-05-04", "ends before it begins", 1),
    ("condition_occurrence", 0, "condition_end_datetime", "2010-02-01 07:00:00",
     "ends before it begins", 1),
    ("condition_occurrence", 3, "condition_end_date", "soon",
     "condition_end_date is not a date", 1),
    ("measurement", 0, "value_as_number", "7,5 %", None, 1),
    ("measurement", 0, "value_as_number", "high", "value_as_number is not a number", 1),
    ("measurement", 0, "value_as_number", "inf", "value_as_number is not a number", 1),
    ("measurement", 0, "value_as_number", "1e999", "value_as_number is not a number", 1),
    ("measurement", 0, "unit_concept_id", "%", "unit_concept_id is not a whole number", 1),
]  # fmt: skip


@pytest.mark.parametrize(("table", "row", "column", "value", "reason", "n_lost"), WRONG)
def test_wrong_value_is_refused_by_row_and_left_out_with_consent(
    cdm, tmp_path, table, row, column, value, reason, n_lost
) -> None:
    """``n_lost`` counts events, those included that lost their person."""
    cdm[table][row][column] = value
    folder = write_csv(cdm, tmp_path / "cdm")
    said = f"{table}.csv: row {row + 2}: {reason or 'another number of values than the header'}"
    with pytest.raises(RecordsError) as refused:
        read_omop(folder)
    lines = str(refused.value).split("\n")
    assert any(line.startswith(said) for line in lines)
    assert "skip_bad=True" in lines[0]
    if value and len(value) > 2:
        assert value not in str(refused.value)
    records = read_omop(folder, skip_bad=True)
    assert f"left out: {said}" in records.warnings
    assert 14 - int(records.events.code_counts().sum()) == n_lost


def test_a_person_without_a_usable_row_takes_the_events_along(cdm, tmp_path) -> None:
    cdm["person"][2]["month_of_birth"] = "13"
    folder = write_csv(cdm, tmp_path / "cdm")
    listed = bad_omop_rows(folder)
    assert listed.to_numpy().tolist() == [
        ["condition_occurrence.csv", 5, "person_id is not in PERSON"],
        ["observation.csv", 2, "person_id is not in PERSON"],
        ["observation_period.csv", 7, "person_id is not in PERSON"],
        ["person.csv", 4, "a date of birth that does not exist"],
    ]
    with pytest.raises(RecordsError) as refused:
        read_omop(folder)
    assert str(refused.value).split("\n")[:2] == [
        "4 rows cannot be used: mend them, or pass skip_bad=True to leave them out and say so",
        "condition_occurrence.csv: row 5: person_id is not in PERSON",
    ]


def test_a_second_death_is_a_bad_row(cdm, tmp_path) -> None:
    cdm["death"] += [cdm["death"][0] | {"death_date": "2013-01-01"}]
    folder = write_csv(cdm, tmp_path / "cdm")
    with pytest.raises(
        RecordsError, match=r"^death.csv: row 3: the person has died in a row before;"
    ):
        read_omop(folder)


def test_datetime_on_another_day_is_told(cdm, tmp_path) -> None:
    cdm["condition_occurrence"][0]["condition_start_datetime"] = "2010-02-02 08:00:00"
    warnings = read_omop(write_csv(cdm, tmp_path / "cdm")).warnings
    assert (
        "condition_occurrence.csv: 1 rows have a datetime on another day than their date; the "
        "datetime counts"
    ) in warnings


def test_birth_in_another_year_is_told(cdm, tmp_path) -> None:
    cdm["person"][0]["year_of_birth"] = "1951"
    assert any(
        w.startswith("1 persons have a date of birth in another year")
        for w in read_omop(write_csv(cdm, tmp_path / "cdm")).warnings
    )


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (b"4,2,Kaff\xe9e", "not UTF-8"),
        (b"4,2,a\0b", "holds a NUL byte"),
        (b"4,2", "another number of values than the header"),
        (b"4,2,3,4,5,6,7,8,9,10,11", "another number of values than the header"),
        (b'4,2,"open,2010-01-01,,,,E11', "a quotation mark that is not closed"),
    ],
)
def test_broken_lines_among_good_ones(cdm, tmp_path, spoilt, reason) -> None:
    folder = write_csv(cdm, tmp_path / "cdm")
    file = folder / "condition_occurrence.csv"
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([*lines[:3], spoilt, *lines[3:]]) + b"\n")
    with pytest.raises(RecordsError, match=f"^condition_occurrence.csv: row 4: {reason};"):
        read_omop(folder)
    records = read_omop(folder, skip_bad=True)
    assert int(records.events.code_counts().sum()) == 14
    assert f"left out: condition_occurrence.csv: row 4: {reason}" in records.warnings


def test_many_bad_rows_are_counted_by_reason_and_the_first_shown(cdm, tmp_path) -> None:
    """One row in a hundred of 20,000 is broken, in five ways."""
    good = "{i},2,3004410,2010-02-01,,7.5,,8554"
    broken = ["{i},2,3004410,2010-02-01", "{i},,3004410,2010-02-01,,7.5,,8554",
              "{i},2,3004410,2010-13-01,,7.5,,8554", "{i},2,3004410,2010-02-01,,x,,8554",
              '{i},2,3004410,2010-02-01,,"7.5,,8554']  # fmt: skip
    folder = write_csv(cdm, tmp_path / "cdm")
    header = (folder / "measurement.csv").read_text().split("\n")[0]
    lines = [(broken[i // 100 % 5] if i % 100 == 0 else good).format(i=i) for i in range(20_000)]
    (folder / "measurement.csv").write_text("\n".join([header, *lines]) + "\n")
    with pytest.raises(RecordsError) as refused:
        read_omop(folder)
    first, *rest = str(refused.value).split("\n")
    assert first.startswith("200 rows cannot be used")
    shown = ", ".join(str(2 + 100 * k) for k in range(1, 100, 5))
    assert rest[3] == (
        f"measurement.csv: 40 of 20,000 rows: person_id is empty: rows {shown} and 20 more"
    )
    assert len(rest) == 5
    records = read_omop(folder, skip_bad=True)
    assert records.events.code_counts()["measurement//3004410"] == 19_800
    assert (
        sum(w.startswith("left out: measurement.csv: 40 of 20,000") for w in records.warnings) == 5
    )
    assert sorted(bad_omop_rows(folder)["row"]) == list(range(2, 20_002, 100))


@pytest.mark.parametrize("table", ["person", "observation_period"])
def test_missing_table_is_named(cdm, tmp_path, table) -> None:
    del cdm[table]
    with pytest.raises(RecordsError, match=f"^cdm: no table {table}; of the CDM there are"):
        read_omop(write_csv(cdm, tmp_path / "cdm"))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("person", "gender_concept_id"),
        ("condition_occurrence", "condition_start_date"),
        ("observation_period", "person_id"),
        ("concept", "concept_name"),
    ],
)
@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_missing_column_is_named(cdm, tmp_path, table, column, write) -> None:
    for row in cdm[table]:
        del row[column]
    with pytest.raises(RecordsError, match=rf"^{table}.\w+: no column {column} "):
        read_omop(write(cdm, tmp_path / "cdm"))


@pytest.mark.parametrize("keep", [0, 10, 0.4, 0.9])
def test_truncated_parquet_is_refused(cdm, tmp_path, keep) -> None:
    folder = write_parquet(cdm, tmp_path / "cdm")
    content = (folder / "measurement.parquet").read_bytes()
    kept = int(keep * len(content)) if isinstance(keep, float) else keep
    (folder / "measurement.parquet").write_bytes(content[:kept])
    with pytest.raises(RecordsError, match=r"^measurement.parquet: not a Parquet file, or damaged"):
        read_omop(folder, skip_bad=True)


def test_parquet_with_a_damaged_page_is_refused(cdm, tmp_path) -> None:
    folder = write_parquet(cdm, tmp_path / "cdm")
    path = folder / "measurement.parquet"
    pq.write_table(pq.read_table(path), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[8 : len(content) // 2] = b"\xff" * (len(content) // 2 - 8)
    path.write_bytes(content)
    with pytest.raises(RecordsError, match=r"^measurement.parquet: .*damaged"):
        read_omop(folder, skip_bad=True)


@pytest.mark.parametrize("form", ["parquet", "duckdb"])
def test_bad_rows_of_typed_tables(cdm, tmp_path, form) -> None:
    cdm["condition_occurrence"][0]["person_id"] = ""
    cdm["condition_occurrence"][3]["condition_end_date"] = "2015-05-01"
    cdm["measurement"][1]["value_as_number"] = "inf"
    if form == "parquet":
        path, file = write_parquet(cdm, tmp_path / "cdm"), "{}.parquet"
    else:
        path, file = write_duckdb(cdm, tmp_path / "cdm.duckdb"), "cdm.duckdb, table {}"
    assert bad_omop_rows(path).to_numpy().tolist() == [
        [file.format("condition_occurrence"), 1, "person_id is empty"],
        [file.format("condition_occurrence"), 4, "ends before it begins"],
        [file.format("measurement"), 2, "value_as_number is not a number"],
    ]


def test_time_zones_are_refused(cdm, tmp_path) -> None:
    folder = write_parquet(cdm, tmp_path / "cdm")
    path = folder / "condition_occurrence.parquet"
    frame = pd.read_parquet(path)
    frame["condition_start_datetime"] = frame["condition_start_datetime"].dt.tz_localize("UTC")
    frame.to_parquet(path)
    with pytest.raises(RecordsError, match=r"condition_start_datetime carries a time zone"):
        read_omop(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfep\0e\0r\0", "not UTF-8"),
        (b'person_id,"gender\n1,2\n', "unbalanced quotes in the header"),
        (b"person_id,PERSON_ID,gender_concept_id,year_of_birth\n", "a column stands twice"),
    ],
)
def test_a_file_without_a_header_is_refused(cdm, tmp_path, content, message) -> None:
    folder = write_csv(cdm, tmp_path / "cdm")
    (folder / "person.csv").write_bytes(content)
    with pytest.raises(RecordsError, match=f"^person.csv: .*{message}"):
        read_omop(folder, skip_bad=True)


def test_a_failed_read_is_not_kept(cdm, tmp_path) -> None:
    folder = write_parquet(cdm, tmp_path / "cdm")
    whole = (folder / "measurement.parquet").read_bytes()
    (folder / "measurement.parquet").write_bytes(whole[:-10])
    with pytest.raises(RecordsError, match="cut short"):
        read_omop(folder)
    (folder / "measurement.parquet").write_bytes(whole)
    assert int(read_omop(folder).events.code_counts().sum()) == 14


def test_what_is_no_source_is_refused(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.xlsx").write_bytes(b"x")
    for path, message in (
        (tmp_path / "none", "no such file or folder"),
        (tmp_path / "a.xlsx", "give a folder, a .zip, or a DuckDB file"),
        (tmp_path / "empty", "no table person; of the CDM there are none of its tables"),
    ):
        with pytest.raises(RecordsError, match=message):
            read_omop(path)


@pytest.mark.parametrize(
    "name",
    ["../person.csv", "a/../../person.csv", "/person.csv", "..\\person.csv", "C:/person.csv"],
)
def test_zip_whose_names_lead_out_is_refused(cdm, tmp_path, name) -> None:
    path = write_zip(cdm, tmp_path / "cdm.zip")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(name, "x")
    with pytest.raises(RecordsError, match=r"^cdm.zip: a member's name leads out of the archive"):
        read_omop(path)


def test_zip_bomb_is_refused_and_leaves_nothing(cdm, tmp_path, monkeypatch) -> None:
    path = write_zip(cdm, tmp_path / "cdm.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("specimen.csv", b"0" * 10_000_000)
    monkeypatch.setattr(archive, "_ALWAYS_SMALL", 1 << 20)
    with pytest.raises(RecordsError, match=r"^cdm.zip: unpacks to far more than its size"):
        read_omop(path)
    monkeypatch.setattr(archive, "_ALWAYS_SMALL", 1 << 26)
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    with pytest.raises(RecordsError, match=r"^cdm.zip: unpacks to far more than its size"):
        read_omop(path)
    assert not list(tmp_path.glob("cache/unpacked/*"))


def test_zip_that_lies_about_a_size_is_refused(cdm, tmp_path) -> None:
    """The directory of the zip says that a member is smaller than it is."""
    path = write_zip(cdm, tmp_path / "cdm.zip")
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\1\2", 0, content.rfind(b"inside/person.csv"))
    content[at + 24 : at + 28] = (5).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(RecordsError, match=r"^cdm.zip: the zip is damaged"):
        read_omop(path)
    assert not list(tmp_path.glob("cache/unpacked/*"))


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_truncated_zip_is_refused(cdm, tmp_path, keep) -> None:
    path = write_zip(cdm, tmp_path / "cdm.zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(RecordsError, match=r"^cdm.zip: the zip is damaged"):
        read_omop(path)


def test_zip_with_a_table_twice_is_refused(cdm, tmp_path) -> None:
    path = write_zip(cdm, tmp_path / "cdm.zip")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("again/PERSON.CSV", "x")
    with pytest.raises(RecordsError, match=r"^cdm.zip: two members are called PERSON.CSV"):
        read_omop(path)


def test_only_tables_of_the_cdm_are_unpacked(cdm, tmp_path) -> None:
    read_omop(write_zip(cdm, tmp_path / "cdm.zip"))
    (folder,) = (tmp_path / "cache" / "unpacked").iterdir()
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.csv" for name in cdm)
    shutil.rmtree(folder)
