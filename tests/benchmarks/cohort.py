"""Cohorts of a million patients: from a definition to counts, beside the same six rules in SQL.

Simulates patients and their events as Parquet, once for each folder; codes are as unequal as in a
real database. Both sides answer the same question and their counts are compared: entry by first
diagnosis after a washout, then six rules (a diagnosis before, a laboratory value in a window, at
least three days with a drug, no event of a concept within hours, a value followed by a drug within
90 days, a number of different codes). The peer is DuckDB over the same Parquet files, one table
of index dates and one boolean column a rule.

Times are those of the processor in milliseconds, so that a busy machine does not hide them, least
of the turns; the first evaluation is timed once, also by the wall. Peak
memory is that of the process that does the work, which is a fresh one for each side.

Run: python tests/benchmarks/cohort.py FOLDER [patients] [events]
"""

import json
import os
import resource
import subprocess
import sys
import time as clock
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

N_CODES = 600
DAY = 86_400_000_000
SINCE = (date(2005, 1, 1) - date(1970, 1, 1)).days
N_DAYS = 15 * 365
PARTS = 10


def code_names() -> list[str]:
    """Codes by frequency: labs first, then drugs and diagnoses by turns."""
    kinds = ["lab", "drug", "condition"]
    return [f"{kinds[i % 3]}//{i:03d}" for i in range(N_CODES)]


def write_source(folder: Path, n_patients: int, n_events: int) -> None:
    """Patients with births and sex, and events in ten files, in no order."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    birth = (SINCE - rng.integers(20 * 365, 80 * 365, n_patients)).astype("datetime64[D]")
    ids = [f"P{i:08d}" for i in range(n_patients)]
    people = pa.table(
        {"patient_id": ids, "birth": birth, "sex": rng.choice(["F", "M"], n_patients)}
    )
    pq.write_table(people, folder / "patients.parquet")
    weight = 1 / (np.arange(N_CODES) + 5.0)
    edges = np.cumsum(weight / weight.sum())
    names = pa.array(code_names(), pa.string())
    begin = rng.integers(0, N_DAYS // 2, n_patients)
    length = rng.integers(365, N_DAYS // 2, n_patients)
    who = pa.array(ids, pa.string())
    for part in range(PARTS):
        n = n_events // PARTS
        patient = rng.integers(0, n_patients, n, dtype=np.int32)
        code = np.minimum(np.searchsorted(edges, rng.random(n)), N_CODES - 1).astype(np.int32)
        day = begin[patient] + (rng.random(n) * length[patient]).astype(np.int64)
        moment = (SINCE + day) * DAY + rng.integers(0, 24 * 4, n) * (DAY // 96)
        number = np.where(code % 3 == 0, rng.normal(100, 20, n).round(1), np.nan)
        rows = {
            "patient_id": pa.DictionaryArray.from_arrays(pa.array(patient), who),
            "time": pa.array(moment.astype("datetime64[us]")),
            "code": pa.DictionaryArray.from_arrays(pa.array(code), names),
            "numeric_value": pa.array(number, from_pandas=True),
        }
        pq.write_table(pa.table(rows), folder / f"events_{part}.parquet")


# --- the workbench --------------------------------------------------------------------------------


def definition(threshold: float = 120, window: int = -365, drug: str = "drug//004") -> Any:
    """Entry by diagnosis, and six rules."""
    from workbench.cohort.criteria import at_least, col, event
    from workbench.cohort.entry import entry
    from workbench.cohort.follow_up import follow_up
    from workbench.cohort.record_definition import define

    return define(
        entry(event("condition//002", "condition//005"), washout_days=365, since="2006-01-01"),
        (col("age") >= 40) & (col("sex") == "F"),
        event("lab//000").valued(above=threshold).within(window, 0),
        event("drug//001").times(2, counted="days").within(-730, -1),
        event("condition//008").never().within(-24, 24, "hours"),
        event("lab//003").where(event(drug).within(0, 90)).within(-365, 365),
        at_least(1, event("drug//*").times(3, counted="codes").within(-365, 0)),
        outcome=event("condition//011"),
        follow_up=follow_up(days=1825),
    )


def read_source(folder: Path) -> Any:
    """Records over the files, without observation periods."""
    from workbench.data.parquet_events import parquet_events
    from workbench.data.records import ColumnFacts, Records, SourceFacts

    people = pd.read_parquet(folder / "patients.parquet")
    index = pd.Index(people["patient_id"].astype(object), name="patient_id")
    table = pd.DataFrame(
        {
            "birth": people["birth"].astype("datetime64[us]").to_numpy(),
            "sex": pd.Categorical(people["sex"]),
        },
        index=index,
    )
    facts = {"birth": ColumnFacts("date", "birth"), "sex": ColumnFacts("categorical", "sex")}
    events = parquet_events(sorted(folder.glob("events_*.parquet")), index)
    return Records(SourceFacts("meds", "simulated", "1"), "calendar", table, facts, events)


def run_workbench(folder: Path) -> dict[str, Any]:
    """Times of the workbench, and its counts."""
    from workbench.cohort.criteria import event
    from workbench.cohort.record_cohort import build_cohort

    opened, records = timed(lambda: read_source(folder))
    wall = clock.perf_counter()
    first, cohort = timed(lambda: build_cohort(records, definition()))
    wall = 1000 * (clock.perf_counter() - wall)
    cohort.attrition  # noqa: B018
    again = definition(threshold=125).select[1]
    wider = definition(window=-400).select[1]
    other = definition(drug="drug//007").select[4]
    count = event("drug//007").times(2, counted="days").within(-730, -1)
    edited = {
        "threshold": lambda: cohort.replacing(1, again).n_patients,
        "window": lambda: cohort.replacing(1, wider).n_patients,
        "code": lambda: cohort.replacing(2, count).n_patients,
        "code within where": lambda: cohort.replacing(4, other).n_patients,
        "six-rule reorder and table": lambda: cohort.reordered([5, 4, 3, 2, 1, 0]).attrition,
    }
    times = {name: best(work) for name, work in edited.items()}
    once = {name: timed(work)[0] for name, work in {"build again": rebuild(records)}.items()}
    return {
        "opening": opened,
        "first evaluation": first,
        "first evaluation, wall": wall,
        **once,
        **times,
        "peak GB": peak(),
        "n_after": [int(n) for n in cohort.attrition["n_after"]][1:],
        "n_events": int(cohort.patients["event"].sum()),
    }


def rebuild(records: Any) -> Callable[[], Any]:
    from workbench.cohort.record_cohort import build_cohort

    return lambda: build_cohort(records, definition())


# --- the peer -------------------------------------------------------------------------------------

ENTRY = """
create temp table entries as
with days as (
    select patient_id, min(time) as moment, time::date as day from events
    where code in ('condition//002', 'condition//005') group by all
), washed as (
    select *, day - lag(day) over (partition by patient_id order by day) as gap from days
), eligible as (
    select w.patient_id, moment, day,
        least((select max(time) from last l where l.patient_id = w.patient_id),
              (day + 1826)::timestamp - interval 1 microsecond) as stop
    from washed w where day >= date '2006-01-01' and (gap is null or gap > 365)
)
select patient_id, min_by(moment, day) as moment, min(day) as day, min_by(stop, day) as stop
from eligible where stop::date > day group by patient_id
"""

RULES = {
    "women of 40": """select e.patient_id from entries e join patients p using (patient_id)
        where p.sex = 'F' and datediff('year', p.birth, e.day)
            - ((month(e.day), day(e.day)) < (month(p.birth), day(p.birth)))::int >= 40""",
    "laboratory": """select distinct patient_id from entries e join events v using (patient_id)
        where v.code = 'lab//000' and v.numeric_value > {threshold}
            and v.time::date - day between -365 and 0""",
    "two days of a drug": """select patient_id from entries e join events v using (patient_id)
        where v.code = '{drug}' and v.time::date - day between -730 and -1
        group by patient_id having count(distinct v.time::date) >= 2""",
    "none within a day": """select patient_id from entries e where not exists (
        select 1 from events v where v.patient_id = e.patient_id and v.code = 'condition//008'
        and v.time between moment - interval 24 hour and moment + interval 24 hour)""",
    "value, then drug": """select distinct patient_id from entries e join events v
        using (patient_id) where v.code = 'lab//003' and v.time::date - day between -365 and 365
        and exists (select 1 from events d where d.patient_id = v.patient_id
            and d.code = 'drug//004' and d.time::date - v.time::date between 0 and 90)""",
    "three drugs": """select patient_id from entries e join events v using (patient_id)
        where v.code like 'drug//%' and v.time::date - day between -365 and 0
        group by patient_id having count(distinct v.code) >= 3""",
}


def run_duckdb(folder: Path) -> dict[str, Any]:
    """Times of SQL, and its counts."""
    db = duckdb.connect(config={"threads": 1})
    db.execute(f"create view patients as from '{folder}/patients.parquet'")
    db.execute(f"create view events as from '{folder}/events_*.parquet'")

    def build() -> list[int]:
        db.execute("drop table if exists last; drop table if exists entries")
        db.execute(
            "create temp table last as select patient_id, max(time) as time from events "
            "group by patient_id"
        )
        db.execute(ENTRY)
        left = "select patient_id from entries"
        counts = [db.execute("select count(*) from entries").fetchall()[0][0]]
        for i, sql in enumerate(RULES.values()):
            rule = sql.format(threshold=120, drug="drug//001")
            db.execute(f"create or replace temp table rule_{i} as {rule}")
            left += f" intersect select patient_id from rule_{i}"
            counts.append(db.execute(f"select count(*) from ({left})").fetchall()[0][0])
        return counts

    def edit(i: int, threshold: float, drug: str) -> None:
        rule = list(RULES.values())[i].format(threshold=threshold, drug=drug)
        db.execute(f"create or replace temp table edited as {rule}")
        others = " ".join(
            f"intersect select patient_id from rule_{j}" for j in range(len(RULES)) if j != i
        )
        db.execute(f"select count(*) from (select patient_id from edited {others})").fetchall()

    wall = clock.perf_counter()
    first, counts = timed(build)
    wall = 1000 * (clock.perf_counter() - wall)
    return {
        "first evaluation": first,
        "first evaluation, wall": wall,
        "threshold": best(lambda: edit(1, 125, "")),
        "code": best(lambda: edit(2, 0, "drug//007")),
        "peak GB": peak(),
        "n_after": counts,
    }


# --- both -----------------------------------------------------------------------------------------


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = clock.process_time()
    result = work()
    return 1000 * (clock.process_time() - start), result


def best(work: Callable[[], Any], turns: int = 5) -> float:
    return min(timed(work)[0] for _ in range(turns))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    folder = Path(sys.argv[1])
    if sys.argv[2:3] in (["workbench"], ["duckdb"]):
        run = run_workbench if sys.argv[2] == "workbench" else run_duckdb
        print(json.dumps(run(folder)))
        return
    sizes = [int(size) for size in sys.argv[2:4]] or [1_000_000, 50_000_000]
    if not folder.is_dir():
        write_source(folder, *sizes)
    found = {}
    for side in ("workbench", "duckdb"):
        command = [sys.executable, __file__, str(folder), side]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        found[side] = json.loads(done.stdout)
    ours, theirs = found["workbench"], found["duckdb"]
    for name, value in ours.items():
        beside = theirs.get(name)
        ratio = f"{beside / value:8.1f} x" if isinstance(beside, float) and value else ""
        print(f"{name:28} {value!s:.60} {'' if beside is None else beside} {ratio}")
    assert ours["n_after"][-7:] == theirs["n_after"], "the two sides disagree"


if __name__ == "__main__":
    main()
