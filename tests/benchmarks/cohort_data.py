"""Events of a million patients: how long until those of a few rules are there? Seconds.

Run: python tests/benchmarks/cohort_data.py FOLDER [--patients N] [--events N]

Makes MEDS-shaped Parquet files in FOLDER (seeded, sorted by patient and time, a shard a fiftieth
of the patients; about a minute for 1 M patients and 50 M events), unless they are there. Then reads
them: prepared once (in FOLDER/cache), opened again, the codes of six rules (about a tenth of the
events) one rule after another, and single new codes. Beside it stands one DuckDB scan of the same
files for the codes of all six rules. CPU time is that of all threads; on a busy machine only it
says what the work costs.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.duck import open_duck
from workbench.data.events import DAY
from workbench.data.parquet_events import parquet_events

N_SHARDS, N_CODES = 50, 2000
DOMAINS = ("condition", "drug", "measurement", "procedure", "visit")
T = TypeVar("T")


def write_shards(folder: Path, n_patients: int, n_events: int, *, seed: int = 0) -> None:
    """Twenty years of events; how often a code occurs follows Zipf, a fifth carry a number."""
    folder.mkdir(parents=True)
    codes = pa.array([f"{DOMAINS[i % 5]}//{100_000 + 7 * i}" for i in range(N_CODES)])
    units = pa.array([f"unit//{8500 + i}" for i in range(7)])
    share = 1 / (np.arange(N_CODES) + 10.0)
    n_here, patients_here = n_events // N_SHARDS, n_patients // N_SHARDS
    for shard in range(N_SHARDS):
        rng = np.random.default_rng([seed, shard])
        patient = np.sort(rng.integers(0, patients_here, n_here)) + shard * patients_here + 1
        minute = rng.integers(0, 24 * 60, n_here) * 60_000_000
        moment = (10_957 + rng.integers(0, 7300, n_here)) * DAY + minute
        moment = moment[np.lexsort((moment, patient))]
        code = rng.choice(N_CODES, n_here, p=share / share.sum()).astype(np.int32)
        measured = code % 5 == 2
        number = np.where(measured, np.round(rng.normal(100, 15, n_here), 1), np.nan)
        unit = pa.array(np.where(measured, code % 7, 0).astype(np.int32), mask=~measured)
        columns = {
            "patient_id": patient,
            "time": pa.array(moment, pa.timestamp("us")),
            "code": pa.DictionaryArray.from_arrays(pa.array(code), codes),
            "numeric_value": pa.array(number, from_pandas=True),
            "text_value": pa.DictionaryArray.from_arrays(unit, units),
        }
        pq.write_table(pa.table(columns), folder / f"{shard:03d}.parquet", compression="zstd")


def timed(what: str, work: Callable[[], T]) -> T:
    """Do it, and print how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:45s} {wall:9.3f} s   {cpu:9.3f} s CPU")
    return result


def main(folder: Path, n_patients: int, n_events: int) -> None:
    shards = folder / f"shards_{n_patients}_{n_events}"
    os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
    if not shards.is_dir():
        timed("files made", lambda: write_shards(shards, n_patients, n_events))
    files = sorted(shards.glob("*.parquet"))
    ids = pd.Index(sorted(map(str, range(1, n_patients + 1))), dtype=object)
    timed("prepared (or opened, if it was)", lambda: parquet_events(files, ids))
    events = timed("opened again", lambda: parquet_events(files, ids))
    counts = timed("counts of codes", events.code_counts).sort_values(ascending=False)
    rules = [list(counts.index[36 + i : 36 + 6 * 8 : 6]) for i in range(6)]
    n = int(counts[[code for rule in rules for code in rule]].sum())
    print(f"six rules of eight codes: {n:,} events, {n / len(events):.1%} of all")

    def fetch() -> int:
        return sum(len(events.rows(rule)) for rule in rules)

    assert timed("six rules", fetch) == n
    timed("six rules again", fetch)
    for name, place in (("the most frequent", 0), ("a frequent", 20), ("a rare", 1500)):
        code = [counts.index[place]]
        rows = timed(f"{name} code", lambda code=code: events.rows(code))
        timed(f"   … and every value read ({len(rows):,} events)", lambda r=rows: r.number.sum())
    codes = [code for rule in rules for code in rule]
    with open_duck(reads=[shards]) as duck:
        query = "SELECT * FROM read_parquet($files) WHERE list_contains($codes, code)"
        values = {"files": [str(file) for file in files], "codes": codes}
        found = timed("DuckDB: one scan for six rules", lambda: duck.select(query, values))
        assert found.num_rows == n
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:,} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=50_000_000)
    arguments = parser.parse_args()
    main(arguments.folder, arguments.patients, arguments.events)
