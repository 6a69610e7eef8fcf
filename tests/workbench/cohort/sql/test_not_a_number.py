"""NaN is no value: SQL puts it above every number, and a criterion must not find it there."""

from typing import Any

import duckdb
import pytest

import workbench as wb
from workbench.cohort.criteria import Criterion
from workbench.cohort.record_definition import define
from workbench.cohort.sql import (
    Database,
    DuckMemory,
    MedsDatabase,
    OmopDatabase,
    Postgres,
    run_in_database,
)

MEDS = (
    "CREATE TABLE {0}.patients (patient_id text, bmi double precision)",
    "INSERT INTO {0}.patients VALUES ('1', 'NaN'), ('2', 30), ('3', NULL)",
    "CREATE TABLE {0}.events (patient_id text, time timestamp, code text, "
    "numeric_value double precision)",
    "INSERT INTO {0}.events VALUES ('1', '2020-01-01', 'lab//a', 'NaN'), "
    "('2', '2020-01-01', 'lab//a', 9), ('3', '2020-01-01', 'lab//a', 'NaN'), "
    "('3', '2020-01-01', 'lab//a', 9)",
)
CDM = (
    "CREATE TABLE {0}.person (person_id bigint, gender_concept_id bigint, year_of_birth integer)",
    "INSERT INTO {0}.person VALUES (1, 0, 1980), (2, 0, 1980), (3, 0, 1980)",
    "CREATE TABLE {0}.observation_period (person_id bigint, observation_period_start_date date, "
    "observation_period_end_date date)",
    "INSERT INTO {0}.observation_period SELECT person_id, '2019-01-01', '2021-01-01' "
    "FROM {0}.person",
    "CREATE TABLE {0}.measurement (person_id bigint, measurement_concept_id bigint, "
    "measurement_date date, value_as_number double precision)",
    "INSERT INTO {0}.measurement VALUES (1, 7, '2020-01-01', 'NaN'), (2, 7, '2020-01-01', 9), "
    "(3, 7, '2020-01-01', 'NaN'), (3, 7, '2020-01-01', 9)",
)


def who(database: Database, code: str, rule: Criterion) -> list[str]:
    found = run_in_database(define(wb.entry(wb.event(code)), rule), database)
    return found.patients["patient_id"].tolist()


def check(meds: MedsDatabase, omop: OmopDatabase) -> None:
    for database, code in ((meds, "lab//a"), (omop, "measurement//7")):
        high = wb.event(code).valued(above=5)
        assert who(database, code, high) == ["2", "3"]
        # Of several at one moment the first has the smallest number, and none comes last.
        assert who(database, code, high.first_ever()) == ["2", "3"]
    assert who(meds, "lab//a", wb.col("bmi") > 25) == ["2"]
    assert who(meds, "lab//a", wb.col("bmi").is_missing()) == ["1", "3"]


def load(execute: Any, schema: str) -> None:
    execute(f"CREATE SCHEMA {schema}")
    for statement in (*MEDS, *CDM):
        execute(statement.format(schema))


def test_duckdb() -> None:
    with duckdb.connect() as connection:
        load(connection.execute, "odd")
        server = DuckMemory(connection)
        check(MedsDatabase(server, patients="patients", schema="odd"), OmopDatabase(server, "odd"))


@pytest.mark.postgres
def test_postgresql(cluster: Any) -> None:
    import psycopg

    with psycopg.connect(cluster.dsn("loader"), autocommit=True) as connection:
        load(connection.execute, "odd")
        server = Postgres(connection)
        check(MedsDatabase(server, patients="patients", schema="odd"), OmopDatabase(server, "odd"))
