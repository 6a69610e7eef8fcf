"""A CDM from a folder, a zip, a DuckDB file; and what is none."""

import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from workbench.cohort.circe import cdm_from_frames, open_cdm
from workbench.errors import RecordsError

PEOPLE = pd.DataFrame({"PERSON_ID": [1, 2], "year_of_birth": [1950, 1960], "other": ["x", "y"]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cdm"
    folder.mkdir()
    PEOPLE.to_csv(folder / "PERSON.csv", index=False)
    death = pd.DataFrame({"person_id": ["2"], "death_date": ["2012-05-06"]})
    death.to_parquet(folder / "death.parquet")
    (folder / "notes.txt").write_text("not a table")
    return folder


def check(source: Path, **settings: str) -> None:
    with open_cdm(source, **settings) as model:
        assert repr(model) == "CommonDataModel(2 patients)"
        assert model.count("death") == 1
        assert model.count("measurement") == 0
        assert "measurement" in model.absent
        row = model.connection.execute("SELECT death_date, cause_concept_id FROM cdm.death")
        assert [str(value) for value in row.fetchone() or ()] == ["2012-05-06", "None"]


def test_from_a_folder_and_a_zip(folder: Path, tmp_path: Path) -> None:
    check(folder)
    path = tmp_path / "cdm.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"deep/{file.name}")
        archive.writestr("__MACOSX/._PERSON.csv", "junk")
    check(path)


def test_from_a_duckdb_file_which_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / "it's a cdm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.register("people", PEOPLE)
        connection.execute("CREATE SCHEMA omop")
        connection.execute("CREATE TABLE omop.person AS SELECT * FROM people")
        connection.execute(
            "CREATE VIEW omop.Death AS SELECT 2 AS person_id, '2012-05-06' AS death_date"
        )
    before = path.read_bytes()
    check(path, schema="omop")
    with pytest.raises(RecordsError, match="no patients"), open_cdm(path):
        pass
    assert path.read_bytes() == before


def test_what_is_no_cdm(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "text.duckdb").write_text("not a database")
    for source, message in [
        (tmp_path / "nowhere", "no such file or folder"),
        (tmp_path / "text.duckdb", "expected a DuckDB file, or a folder or zip"),
        (tmp_path, "the CDM has no patients"),
    ]:
        with pytest.raises(RecordsError, match=message), open_cdm(source):
            pass
    (folder / "Person.parquet").write_bytes(b"")
    with pytest.raises(RecordsError, match="person stands twice"), open_cdm(folder):
        pass


def test_values_that_do_not_fit_are_counted_not_shown() -> None:
    frames = {
        "person": PEOPLE,
        "death": pd.DataFrame(
            {"person_id": [1, 2, 2], "death_date": ["2012-01-01", "secret", "?"]}
        ),
    }
    with (
        pytest.raises(RecordsError, match=r"death\.death_date: 2 values are no DATE") as caught,
        cdm_from_frames(frames),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_the_connection_reaches_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    people = PEOPLE
    with cdm_from_frames({"person": people}) as model:
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path / 'x.csv'}')",
            f"ATTACH '{tmp_path / 'new.duckdb'}'",
            f"COPY cdm.person TO '{tmp_path / 'out.csv'}'",
            "SET enable_external_access = true",
            "SELECT * FROM people",
        ):
            with pytest.raises(duckdb.Error):
                model.connection.execute(sql)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]
