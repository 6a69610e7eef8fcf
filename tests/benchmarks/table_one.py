"""Table one side by side with pandas groupby and tableone; medians of turns, seconds.

Wall and CPU time: on a busy machine only the second says what the work costs.

Run: OMP_NUM_THREADS=1 python tests/benchmarks/table_one.py [--rows N] [--turns N]

Simulated: 30 numbers (a third skewed, a tenth missing), 20 columns of levels, groups of 3 levels.
All give mean and SD, median and quartiles of what is skewed, counts and missing by group; only
ours and tableone give standardised differences. ``tableone`` is timed if it is installed (it is not
part of the workbench), on a tenth of the rows where there are many.
"""

import argparse
import importlib.util
import os
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from workbench.cohort.table_one import describe

N_NUMBERS, N_LEVELLED = 30, 20
MOST_FOR_TABLEONE = 100_000


def simulate(n_rows: int, *, seed: int = 0) -> pd.DataFrame:
    """Patients with numbers, levels and a group."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for k in range(N_NUMBERS):
        values = rng.lognormal(size=n_rows) if k % 3 == 0 else rng.normal(50, 10, n_rows)
        values[rng.random(n_rows) < 0.1] = np.nan
        columns[f"number_{k}"] = values
    for k in range(N_LEVELLED):
        levels = [f"level {i}" for i in range(2 + k % 6)]
        codes = rng.integers(-(k % 2), len(levels), n_rows)
        columns[f"levels_{k}"] = pd.Categorical.from_codes(codes, levels)
    arms = ["placebo", "low dose", "high dose"]
    columns["arm"] = pd.Categorical.from_codes(rng.integers(0, 3, n_rows), arms)
    return pd.DataFrame(columns)


def ours(patients: pd.DataFrame) -> object:
    """Table one with what is withheld, every pair's difference, and no tests."""
    return describe(patients, by="arm")


def with_pandas(patients: pd.DataFrame) -> object:
    """What a researcher writes by hand: no standardised differences, no small cells."""
    found = []
    for name in patients.columns.drop("arm"):
        groups = patients.groupby("arm", observed=True)[name]
        if name.startswith("levels"):
            found.append(pd.crosstab(patients[name], patients["arm"]))
            found.append(patients[name].isna().groupby(patients["arm"], observed=True).sum())
        else:
            found.append(
                (groups.agg(["count", "mean", "std"]), patients[name].agg(["mean", "std"]))
            )
            if abs(patients[name].skew()) > 1:
                quartiles = [0.25, 0.5, 0.75]
                found.append((groups.quantile(quartiles), patients[name].quantile(quartiles)))
    return found


def with_tableone(patients: pd.DataFrame) -> object:
    """tableone with standardised differences and no tests."""
    from tableone import TableOne

    levelled = [name for name in patients if name.startswith("levels")]
    skewed = [f"number_{k}" for k in range(0, N_NUMBERS, 3)]
    columns = list(patients.columns.drop("arm"))
    return TableOne(
        patients, columns, levelled, groupby="arm", nonnormal=skewed, smd=True, display_all=True
    )


def seconds(
    work: Callable[[pd.DataFrame], object], patients: pd.DataFrame, turns: int
) -> np.ndarray:
    """Median wall and CPU time."""
    taken = []
    for _ in range(turns):
        start, cpu = time.perf_counter(), time.process_time()
        work(patients)
        taken.append((time.perf_counter() - start, time.process_time() - cpu))
    return np.median(taken, axis=0)


def line(n_rows: int, name: str, taken: np.ndarray, ours: np.ndarray) -> str:
    """Times of a package, and how many times ours they are."""
    wall, cpu = taken
    ratio, cpu_ratio = taken / ours
    return (
        f"{n_rows:>8} {name:24s} {wall:7.2f} s {ratio:6.1f} x  CPU {cpu:7.2f} s {cpu_ratio:6.1f} x"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    patients = simulate(asked.rows)
    text = patients.astype({n: object for n in patients if n.startswith("levels")})
    turns = [
        (seconds(ours, patients, 1), seconds(with_pandas, patients, 1), seconds(ours, text, 1))
        for _ in range(asked.turns)
    ]
    own, plain, own_text = np.median(turns, axis=0)
    print(line(asked.rows, "workbench", own, own))
    print(line(asked.rows, "pandas", plain, own))
    print(line(asked.rows, "workbench, text levels", own_text, own))
    if importlib.util.find_spec("tableone") is None:
        return
    few = patients.head(min(asked.rows, MOST_FOR_TABLEONE))
    own = seconds(ours, few, asked.turns)
    print(line(len(few), "workbench", own, own))
    print(line(len(few), "tableone", seconds(with_tableone, few, 1), own))


if __name__ == "__main__":
    main()
