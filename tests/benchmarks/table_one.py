"""Table one side by side with pandas groupby and tableone; medians of turns, seconds.

Run: OMP_NUM_THREADS=1 python tests/benchmarks/table_one.py [--rows N] [--turns N]

Simulated: 30 numbers (a third skewed, a tenth missing), 20 columns of levels, groups of 3 levels.
All give mean and SD, median and quartiles of what is skewed, counts and missing by group; only
ours and tableone give standardised differences. ``tableone`` is timed if it is installed (it is not
part of the workbench), on a tenth of the rows where there are many.
"""

import argparse
import importlib.util
import os
import statistics
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


def seconds(work: Callable[[pd.DataFrame], object], patients: pd.DataFrame, turns: int) -> float:
    """Median wall time."""
    taken = []
    for _ in range(turns):
        start = time.perf_counter()
        work(patients)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    patients = simulate(asked.rows)
    ours = lambda p: describe(p, by="arm")  # noqa: E731
    turn = [seconds(ours, patients, 1)]
    plain = []
    for _ in range(asked.turns):
        turn.append(seconds(ours, patients, 1))
        plain.append(seconds(with_pandas, patients, 1))
    own, peer = statistics.median(turn[1:]), statistics.median(plain)
    print(f"{asked.rows} rows  workbench {own:.2f} s (first {turn[0]:.2f} s)")
    print(f"{asked.rows} rows  pandas    {peer:.2f} s, {peer / own:.1f} x")
    text = patients.astype({n: object for n in patients if n.startswith("levels")})
    print(f"{asked.rows} rows  workbench {seconds(ours, text, asked.turns):.2f} s, levels as text")
    if importlib.util.find_spec("tableone") is None:
        return
    few = patients.head(min(asked.rows, MOST_FOR_TABLEONE))
    own, peer = seconds(ours, few, asked.turns), seconds(with_tableone, few, 1)
    print(f"{len(few)} rows  workbench {own:.2f} s, tableone {peer:.2f} s, {peer / own:.0f} x")


if __name__ == "__main__":
    main()
