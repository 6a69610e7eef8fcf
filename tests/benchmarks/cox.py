"""Cox regression side by side with lifelines and scikit-survival; medians of turns, seconds.

Wall and CPU time: on a busy machine only the second says what the work costs.

Run: OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 python tests/benchmarks/cox.py [--turns N] [--grow]

Simulated: independent normal features, exponential survival, about half censored; times without
ties, and rounded to about 500 distinct. Each turn times all; ``--grow`` times ours alone from 1e4
to 1e6 rows.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from workbench.survival import cox


def simulate(n_rows: int, n_features: int, *, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Features, times and events."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_rows, n_features))
    coefficients = rng.normal(size=n_features) * 0.2
    survived = rng.exponential(1 / np.exp(features @ coefficients))
    censored = rng.exponential(1.2, n_rows)
    return features, np.minimum(survived, censored), survived <= censored


def fits(
    features: np.ndarray, times: np.ndarray, event: np.ndarray
) -> dict[str, Callable[[], np.ndarray]]:
    """One fit a package, each giving its coefficients; inputs in the package's own form."""
    names = [f"x{position + 1}" for position in range(features.shape[1])]
    frame = pd.DataFrame(features, columns=names).assign(time=times, event=event)
    outcome = Surv.from_arrays(event, times)
    peer = CoxPHSurvivalAnalysis(ties="efron", tol=1e-9)
    return {
        "workbench": lambda: cox(times, event, features).coefficients,
        "lifelines": lambda: CoxPHFitter().fit(frame, "time", "event").params_.to_numpy(),
        "scikit-survival": lambda: peer.fit(features, outcome).coef_,
    }


def compare(n_rows: int, n_features: int, turns: int) -> None:
    """A line a package: seconds, ratio to ours, largest difference of coefficients."""
    features, times, event = simulate(n_rows, n_features)
    for label, observed in (("untied", times), ("tied", np.ceil(times * 100) / 100)):
        packages = fits(features, observed, event)
        seconds: dict[str, list[float]] = {name: [] for name in packages}
        busy: dict[str, list[float]] = {name: [] for name in packages}
        found = {}
        for _ in range(turns):
            for name, fit in packages.items():
                start, cpu = time.perf_counter(), time.process_time()
                found[name] = fit()
                seconds[name].append(time.perf_counter() - start)
                busy[name].append(time.process_time() - cpu)
        ours, ours_busy = (statistics.median(taken["workbench"]) for taken in (seconds, busy))
        for name in packages:
            median, cpu = statistics.median(seconds[name]), statistics.median(busy[name])
            gap = np.abs(found[name] - found["workbench"]).max()
            print(
                f"{n_rows:>8} x {n_features} {label:7s} {name:16s} {median:8.3f} s "
                f"{median / ours:6.1f} x  CPU {cpu:8.3f} s "
                f"{cpu / ours_busy:6.1f} x  coefficients within {gap:.0e}"
            )


def grow(n_features: int) -> None:
    """Ours alone, rows from 1e4 to 1e6."""
    for n_rows in (10_000, 100_000, 1_000_000):
        features, times, event = simulate(n_rows, n_features)
        start = time.perf_counter()
        cox(times, event, features)
        print(f"{n_rows:>8} x {n_features} workbench {time.perf_counter() - start:8.3f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--grow", action="store_true")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS')}")
    compare(chosen.rows, chosen.features, chosen.turns)
    if chosen.grow:
        grow(chosen.features)
