"""Seconds of one definition of six rules: in memory, in DuckDB, and in PostgreSQL.

Events are made up: 100,000 patients, 2,000,000 events. Run as

    python tests/benchmarks/cohort_sql.py [dsn-of-an-empty-postgresql-database]
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd

import workbench as wb
from workbench.cohort.record_cohort import build_cohort
from workbench.cohort.record_definition import define
from workbench.cohort.sql import DuckMemory, MedsDatabase, Postgres, run_in_database
from workbench.data.events import MemoryEvents
from workbench.data.records import ColumnFacts, ObservationPeriods, Records, SourceFacts

N_PATIENTS, N_EVENTS, N_CODES = 100_000, 2_000_000, 400


def make_tables() -> dict[str, pd.DataFrame]:
    """Events of ten years, most of them of a few codes."""
    rng = np.random.default_rng(0)
    code = np.minimum(rng.geometric(0.02, N_EVENTS), N_CODES)
    domain = np.array(["condition", "drug", "measurement", "procedure"])[code % 4]
    minute = rng.integers(0, 3650 * 24 * 60, N_EVENTS)
    events = pd.DataFrame(
        {
            "patient_id": rng.integers(0, N_PATIENTS, N_EVENTS),
            "time": pd.Timestamp("2010-01-01") + pd.to_timedelta(minute, "min"),
            "code": np.char.add(np.char.add(domain, "//"), code.astype(str)),
            "numeric_value": np.where(code % 4 == 2, rng.normal(6, 2, N_EVENTS), np.nan),
        }
    )
    born = pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 25_000, N_PATIENTS), "D")
    ids = np.arange(N_PATIENTS)
    sex = rng.choice(["female", "male"], N_PATIENTS)
    patients = pd.DataFrame({"patient_id": ids, "birth": born, "sex": sex})
    start = pd.Timestamp("2010-01-01") + pd.to_timedelta(rng.integers(0, 1500, N_PATIENTS), "D")
    end = start + pd.to_timedelta(rng.integers(300, 2000, N_PATIENTS), "D")
    periods = pd.DataFrame({"patient_id": ids, "start": start, "end": end})
    return {"events": events, "patients": patients, "periods": periods}


def definition() -> Any:
    """Six rules: a column, a value, a prefix, an exclusion, a count, and events around events."""
    return define(
        wb.entry(wb.event("condition//4", "condition//8"), observed_before=180, washout_days=90),
        wb.col("age") >= 40,
        wb.event("measurement//2", "measurement//6").valued(above=6.5).within(-365, 0),
        wb.event("drug//*").times(1).within(-180, 30),
        ~wb.event("condition//16").before(),
        wb.event("procedure//*").times(2, counted="days").within(-730, 0),
        wb.event("drug//1").where(wb.event("condition//12").within(-365, 365)).never(),
        outcome=wb.event("condition//20"),
    )


def in_memory(tables: dict[str, pd.DataFrame]) -> Records:
    people = tables["patients"].assign(patient_id=lambda t: t["patient_id"].astype(str))
    people = people.set_index("patient_id").sort_index()
    people = people.astype({"birth": "datetime64[us]", "sex": "category"})
    events = tables["events"].assign(patient_id=lambda t: t["patient_id"].astype(str))
    periods = tables["periods"]
    patient = people.index.get_indexer(periods["patient_id"].astype(str)).astype(np.int32)
    order = np.argsort(patient)
    first, last = (
        periods[name].astype("datetime64[us]").astype("int64").to_numpy()[order]
        for name in ("start", "end")
    )
    return Records(
        SourceFacts("meds", "made up", "1"),
        "calendar",
        people,
        {"birth": ColumnFacts("date", "birth"), "sex": ColumnFacts("categorical", "sex")},
        MemoryEvents.from_frame(events, people.index),
        ObservationPeriods(patient[order], first, last),
    )


def into_duckdb(tables: dict[str, pd.DataFrame]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, frame in tables.items():
        connection.register("rows", frame)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
        connection.unregister("rows")
    return connection


def into_postgres(dsn: str, tables: dict[str, pd.DataFrame]) -> None:
    import psycopg

    types = {"patient_id": "bigint", "code": "text", "sex": "text", "numeric_value": "real"}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, frame in tables.items():
            columns = ", ".join(f'"{c}" {types.get(c, "timestamp")}' for c in frame)
            connection.execute(f"CREATE TABLE {name} ({columns})")
            text = frame.to_csv(index=False, header=False)
            copy_sql = f"COPY {name} FROM STDIN WITH (FORMAT csv)"
            with connection.cursor() as cursor, cursor.copy(copy_sql) as copy:
                copy.write(text)
            connection.execute(f"CREATE INDEX ON {name} (patient_id)")
        connection.execute("CREATE INDEX ON events (code)")
        connection.execute("VACUUM ANALYZE")


def timed(name: str, run: Callable[[], Any]) -> Any:
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - begin)
    print(f"{name}: {min(seconds):.2f} s (of {', '.join(f'{s:.2f}' for s in seconds)}), {found}")
    return found


def main() -> None:
    tables, asked = make_tables(), definition()
    records = in_memory(tables)
    expected = timed("in memory", lambda: build_cohort(records, asked))
    servers: dict[str, Any] = {"DuckDB": DuckMemory(into_duckdb(tables))}
    if len(sys.argv) > 1:
        into_postgres(sys.argv[1], tables)
        servers["PostgreSQL"] = Postgres(sys.argv[1])
    for name, server in servers.items():
        place = MedsDatabase(server, patients="patients", periods="periods", name="made up")
        found = timed(name, lambda place=place: run_in_database(asked, place))
        pd.testing.assert_frame_equal(found.attrition, expected.attrition)
    print(expected.attrition.drop(columns="sentence").to_string())


if __name__ == "__main__":
    main()
