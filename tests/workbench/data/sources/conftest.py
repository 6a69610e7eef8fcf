"""A small CDM that tests spoil one thing at a time, in every form that it may lie in."""

import zipfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Tables = dict[str, list[dict[str, str]]]
"""Rows of each table, as text; "" is missing."""


def _rows(columns: str, *rows: str) -> list[dict[str, str]]:
    names = columns.split(",")
    return [dict(zip(names, row.split(","), strict=True)) for row in rows]


@pytest.fixture
def cdm() -> Tables:
    """Three persons with an event of most kinds."""
    return {
        "person": _rows(
            "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,"
            "birth_datetime,race_concept_id,ethnicity_concept_id,location_id,care_site_id",
            "2,8507,1950,3,9,1950-03-09 04:30:00,8527,0,7,",
            "10,8532,1960,,,,8515,0,,",
            "1,0,1970,2,,,0,0,8,",
        ),
        "observation_period": _rows(
            "observation_period_id,person_id,observation_period_start_date,"
            "observation_period_end_date,period_type_concept_id",
            "1,2,2010-01-01,2010-06-30,0",
            "2,2,2010-07-01,2011-01-01,0",
            "3,2,2012-01-01,2012-12-31,0",
            "4,10,2000-01-01,2020-01-01,0",
            "5,10,2001-01-01,2002-01-01,0",
            "6,1,2015-05-05,2015-05-05,0",
        ),
        "condition_occurrence": _rows(
            "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,"
            "condition_start_datetime,condition_end_date,condition_end_datetime,"
            "condition_source_value",
            "1,2,201826,2010-02-01,2010-02-01 08:00:00,2010-02-03,2010-02-03 09:00:00,E11",
            "2,10,201826,2005-02-01,,,,E11",
            "3,10,316866,2005-02-01,2005-02-01 10:00:00,2005-02-01,,I10",
            "4,1,0,2015-05-05,,2015-05-09,,?",
        ),
        "drug_exposure": _rows(
            "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,"
            "drug_exposure_end_date,days_supply",
            "1,2,1503297,2010-03-01,2010-03-30,30",
            "2,2,1503297,2010-04-01,,14",
        ),
        "measurement": _rows(
            "measurement_id,person_id,measurement_concept_id,measurement_date,"
            "measurement_datetime,value_as_number,value_as_concept_id,unit_concept_id",
            "1,2,3004410,2010-02-01,2010-02-01 07:45:00,7.5,,8554",
            "2,10,3004410,2005-03-01,,,45884084,0",
            "3,10,3004410,2005-04-01,,-1e-2,45884084,8554",
        ),
        "observation": _rows(
            "observation_id,person_id,observation_concept_id,observation_date,value_as_number,"
            "value_as_string,value_as_concept_id,unit_concept_id",
            "1,1,4275495,2015-05-05,,lives alone,0,",
        ),
        "death": _rows(
            "person_id,death_date,death_datetime,cause_concept_id",
            "2,2012-11-30,,4329847",
        ),
        "concept": _rows(
            "concept_id,concept_name,domain_id",
            "201826,Type 2 diabetes mellitus,Condition",
            "201820,Diabetes mellitus,Condition",
            "316866,Hypertensive disorder,Condition",
            "1503297,metformin,Drug",
            "8527,White,Race",
            "999,Not in use,Condition",
        ),
        "concept_ancestor": _rows(
            "ancestor_concept_id,descendant_concept_id",
            "201820,201826", "201826,201826", "999,999",
        ),
        "cdm_source": _rows(
            "cdm_source_name,cdm_version,cdm_release_date,vocabulary_version",
            "Toy,5.4,2024-01-01,v5.0 30-AUG-24",
        ),
    }  # fmt: skip


def write_csv(tables: Tables, folder: Path, *, suffix: str = ".csv", upper: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    comma = "\t" if suffix == ".tsv" else ","
    for name, rows in tables.items():
        lines = [comma.join(rows[0]), *(comma.join(row.values()) for row in rows)]
        text = "\n".join(lines) + "\n"
        file = (name.upper() if upper else name) + suffix
        (folder / file).write_text(text.upper() if upper and name == "person" else text, "utf-8")
    return folder


def typed(tables: Tables) -> dict[str, pa.Table]:
    """The same with the types that a database gives."""

    def column(name: str, values: list[str]) -> pa.Array:
        array = pa.array([value or None for value in values], pa.string())
        if name.endswith("_datetime"):
            return array.cast(pa.timestamp("us"))
        if name.endswith("_date"):
            return array.cast(pa.date32())
        if name.endswith("_id") or name in ("year_of_birth", "month_of_birth", "day_of_birth"):
            return array.cast(pa.int64()) if name != "domain_id" else array
        return array.cast(pa.float64()) if name in ("value_as_number", "days_supply") else array

    return {
        name: pa.table({c: column(c, [row[c] for row in rows]) for c in rows[0]})
        for name, rows in tables.items()
    }


def write_parquet(tables: Tables, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in typed(tables).items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def write_parts(tables: Tables, folder: Path) -> Path:
    """A folder a table, as Spark writes it."""
    for name, table in typed(tables).items():
        (folder / name).mkdir(parents=True)
        (folder / name / "_SUCCESS.csv").write_text("")
        for i in range(2):
            pq.write_table(
                table.slice(i * 2, 2 if i == 0 else None), folder / name / f"{i}.parquet"
            )
    return folder


def write_zip(tables: Tables, path: Path) -> Path:
    folder = write_csv(tables, path.parent / "to_zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"inside/{file.name}")
            archive.writestr(f"__MACOSX/._{file.name}", b"\0\1")
        archive.writestr("readme.txt", "not a table")
    return path


def write_duckdb(tables: Tables, path: Path, schema: str = "main") -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, table in typed(tables).items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {schema}.{name.upper()} AS SELECT * FROM given")
    return path
