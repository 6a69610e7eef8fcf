"""A CDM in a database gives what the same CDM gives in memory."""

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.workbench.data.sources.conftest import cdm, typed, write_csv  # noqa: F401
from workbench.cohort.criteria import Criterion, EventQuery, Happened, Window
from workbench.cohort.criteria.coded import Coded
from workbench.cohort.record_cohort import OWN, build_cohort
from workbench.cohort.record_definition import RecordDefinition, define
from workbench.cohort.sql import DuckMemory, OmopDatabase, Postgres, run_in_database
from workbench.data.concepts import concept_set
from workbench.data.records import Records
from workbench.data.sources.omop import read_omop
from workbench.data.sources.omop_tables import TABLES

SAMPLE = Path("omop_synthea", "datasets", "Synthea27Nj", "Synthea27Nj_5.4.zip")
Table = tuple[dict[str, str], list[tuple[Any, ...]]]
"""Types of the columns, and the rows as text."""

_WHOLE = ("year_of_birth", "month_of_birth", "day_of_birth", "quantity", "days_supply", "refills")
_TEXT = (
    "unique_device_id",
    "domain_id",
    "vocabulary_id",
    "concept_class_id",
    "relationship_id",
    "cdm_version_id",
)


def type_of(column: str) -> str:
    """As the DDL of OHDSI has it."""
    if column in _TEXT:
        return "VARCHAR"
    if column.endswith("_datetime"):
        return "TIMESTAMP"
    if column.endswith("_date"):
        return "DATE"
    if column in ("value_as_number", "dose_value", "quantity", "range_low", "range_high"):
        return "NUMERIC"
    whole = column.endswith(("_id", "_count")) or column in _WHOLE
    return "BIGINT" if whole else "VARCHAR"


def tables_of(frames: dict[str, list[dict[str, str]]]) -> dict[str, Table]:
    return {
        name: (
            {column: type_of(column) for column in rows[0]},
            [tuple(value or None for value in row.values()) for row in rows],
        )
        for name, rows in frames.items()
    }


def sample_tables(path: Path) -> Iterator[tuple[str, Table]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            name = Path(member).stem.lower()
            if member.startswith("__") or name not in TABLES or name == "concept_relationship":
                continue
            text = io.TextIOWrapper(archive.open(member), "utf-8", newline="")
            header, *rows = csv.reader(text)
            kinds = {column: type_of(column) for column in header}
            yield name, (kinds, [tuple(value or None for value in row) for row in rows])


def into_duckdb(tables: dict[str, Table]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, (kinds, rows) in tables.items():
        declared = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
        connection.execute(f'CREATE TABLE "{name}" ({declared})')
        frame = pd.DataFrame(rows, columns=list(kinds), dtype="string")
        connection.register("rows", frame)
        connection.execute(f'INSERT INTO "{name}" SELECT * FROM rows')
        connection.unregister("rows")
    return connection


def into_postgres(cluster: Any, schema: str, tables: dict[str, Table]) -> None:
    import psycopg

    with psycopg.connect(cluster.dsn("loader"), autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        for name, (kinds, rows) in tables.items():
            declared = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
            connection.execute(f'CREATE TABLE "{schema}"."{name}" ({declared})')
            with (
                connection.cursor() as cursor,
                cursor.copy(f'COPY "{schema}"."{name}" FROM STDIN') as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO reader')
        connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO reader')


def assert_same(definition: RecordDefinition, records: Records, database: OmopDatabase) -> int:
    expected, found = build_cohort(records, definition), run_in_database(definition, database)
    pd.testing.assert_frame_equal(found.attrition, expected.attrition)
    assert found.index_dates.astype(np.int64).tolist() == expected.candidates.index.tolist()
    names = [name for name in OWN if name in expected.patients]
    new = [warning for warning in expected.warnings if warning not in records.warnings]
    assert [warning for warning in found.warnings if warning not in records.warnings] == new
    pd.testing.assert_frame_equal(found.patients, expected.patients[names])
    return len(found.patients)


DIABETES = concept_set("diabetes", 201820)
PERCENT = concept_set("percent and diabetes", 8554, 201820)
UNIT = {"concept_id": "8554", "concept_name": "percent", "domain_id": "Unit"}
CODED = (
    Coded(PERCENT), Coded(PERCENT, none_of=True), Coded(DIABETES, none_of=True),
)  # fmt: skip
TOY_RULES: tuple[Criterion, ...] = (
    wb.event(DIABETES, domain="condition"),
    wb.event(concept_set("but not type 2", 201820, 316866, exclude=[201826]), domain="condition"),
    wb.col("sex") == "male",
    wb.col("race") == "White",
    wb.col("race").is_missing(),
    wb.col("location") == "7",
    wb.col("age") >= 44,
    wb.col("birth") == "1960-07-01",
    wb.event("measurement//3004410").valued(above=0),
    wb.event("measurement//3004410").worded("value//45884084 unit//8554", "unit//8554"),
    wb.event("measurement//3004410").worded("value//45884084"),
    wb.event("observation//4275495").worded("lives alone"),
    wb.event("drug//1503297").valued(at_least=30),
    wb.event("condition//*").within(0, 2, edge="end"),
    wb.event("condition//0"),
    wb.event("cond*").times(2),
    wb.event("condition//2*").first_ever().within(0, 0),
    wb.event("MEDS_BIRTH").before(),
    wb.event("*").times(3, counted="codes").within(None, None, observed=True),
    wb.death(),
)
ENTRIES = (
    wb.entry(wb.event("*"), which="all"),
    wb.entry(wb.event("condition//*", "drug//*"), observed_before=30, washout_days=7),
    wb.entry(wb.event("measurement//*"), which="last", since="2005-03-15"),
)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("schema", ["main", 'odd "schema"; --'])
def test_toy_in_duckdb(cdm: Any, tmp_path: Path, entry: Any, schema: str) -> None:  # noqa: F811
    definition = define(entry, *TOY_RULES, outcome=wb.death(), follow_up=wb.follow_up(days=900))
    cdm["concept"].append(UNIT)
    with duckdb.connect() as connection:
        quoted = '"' + schema.replace('"', '""') + '"'
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
        for name, rows in typed(cdm).items():
            connection.register("rows", rows)
            connection.execute(f"CREATE TABLE {quoted}.{name} AS SELECT * FROM rows")
            connection.unregister("rows")
        database = OmopDatabase(DuckMemory(connection), schema, name="Toy")
        records = read_omop(write_csv(cdm, tmp_path / "cdm"))
        assert_same(definition, records, database)
        if entry == ENTRIES[0]:
            assert_same_codes(records, database)


def test_a_concept_that_nobody_has_is_known_in_both_and_both_share_a_log(
    cdm: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    rules = (
        wb.event("condition//999").never(),
        wb.event(concept_set("rare", 999), domain="condition").never(),
    )
    with into_duckdb(tables_of(cdm)) as connection:
        database = OmopDatabase(DuckMemory(connection))
        records = read_omop(write_csv(cdm, tmp_path / "cdm"))
        definition = define(ENTRIES[0], *rules)
        assert assert_same(definition, records, database) > 0
        in_database, in_memory = (
            run_in_database(definition, database),
            build_cohort(records, definition),
        )
        assert in_database.release_name == in_memory.release_name


def assert_same_codes(records: Records, database: OmopDatabase) -> None:
    """Units and answers of a set, or of none of it, each asked alone."""
    measured, n = ("measurement//",), []
    for coded in CODED:
        for query in (EventQuery(prefixes=measured, unit=coded),
                      EventQuery(prefixes=measured, answer=coded)):  # fmt: skip
            rule = Happened(query, (Window(),))
            n.append(assert_same(define(ENTRIES[0], rule), records, database) > 0)
    assert n == [True, False, False, True, True, True]


def random_definition(records: Records, seed: int) -> RecordDefinition:
    """Rules on codes that are common enough to tell patients apart."""
    rng = np.random.default_rng(seed)
    counts = records.events.code_counts()
    common = counts[(counts > 5) & (counts < 400)].index.tolist()

    def some(n: int) -> Any:
        return wb.event(*rng.choice(common, n, replace=False).tolist())

    start, end = sorted(rng.integers(-4000, 400, 2).tolist())
    rules = (
        wb.col("age") >= int(rng.integers(5, 50)),
        wb.col("sex") == str(rng.choice(["male", "female"])),
        some(3).within(start, end),
        some(4).times(2, counted=str(rng.choice(["events", "days", "codes"]))).before(),
        ~some(2).within(-30, 0, edge="end"),
        some(3).where(some(5).within(-90, 90)).within(None, 365),
        wb.event("measurement//*").valued(above=float(rng.integers(1, 150))).within(-365, 0),
    )
    entry = wb.entry(
        some(5),
        which=str(rng.choice(["first", "last", "all"])),  # pyright: ignore[reportArgumentType]
        observed_before=int(rng.choice([0, 365])),
        washout_days=int(rng.choice([0, 180])),
    )
    return define(entry, *rules, limit="first", outcome=some(2))


@pytest.fixture(scope="module")
def sample() -> tuple[Records, dict[str, Table]]:
    path = Path(os.environ.get("WORKBENCH_DATA", "")) / SAMPLE
    if not path.is_file():
        pytest.skip("the OMOP sample is not here: set WORKBENCH_DATA")
    return read_omop(path), dict(sample_tables(path))


@pytest.mark.shared_data
def test_sample_in_duckdb(sample: tuple[Records, dict[str, Table]]) -> None:
    records, tables = sample
    with into_duckdb(tables) as connection:
        database = OmopDatabase(DuckMemory(connection), name=records.source.name)
        n = [assert_same(random_definition(records, i), records, database) for i in range(4)]
    assert sum(n) > 0


@pytest.mark.shared_data
@pytest.mark.postgres
def test_sample_in_postgresql(sample: tuple[Records, dict[str, Table]], cluster: Any) -> None:
    records, tables = sample
    into_postgres(cluster, "synthea", tables)
    server = Postgres(cluster.url("reader"), timeout_seconds=30)
    database = OmopDatabase(server, "synthea", name=records.source.name)
    n = [assert_same(random_definition(records, i), records, database) for i in range(4)]
    assert sum(n) > 0


@pytest.mark.postgres
def test_toy_in_postgresql(cdm: Any, tmp_path: Path, cluster: Any) -> None:  # noqa: F811
    cdm["concept"].append(UNIT)
    tables = tables_of(cdm)
    into_postgres(cluster, "toy cdm", {k: v for k, v in tables.items() if "concept" not in k})
    into_postgres(cluster, "vocabulary", {k: v for k, v in tables.items() if "concept" in k})
    records = read_omop(write_csv(cdm, tmp_path / "cdm"))
    database = OmopDatabase(
        Postgres(cluster.url("reader"), timeout_seconds=30), "toy cdm", "vocabulary", name="Toy"
    )
    for entry in ENTRIES:
        definition = define(entry, *TOY_RULES, outcome=wb.death())
        assert_same(definition, records, database)
    assert_same_codes(records, database)
