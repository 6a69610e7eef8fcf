"""Kaplan-Meier curves, at-risk table and log-rank test of two groups, beside lifelines.

Both compute the same numbers from the same arrays in turns, and the numbers are compared. Times
are whole days (tied) or continuous (no two alike). Median and least wall time of the turns, and
the least time that the processors worked, all in milliseconds; lifelines' median over each.

Run: python tests/benchmarks/curves.py [patients] [turns]
"""

import os
import statistics
import sys
import time as clock
from collections.abc import Callable

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test

from workbench.survival import kaplan_meier, kaplan_meier_by_group, log_rank

GRID = np.arange(0, 3001, 500.0)


def simulate(n_patients: int, *, days: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two groups of hazard ratio 1.1 over about ten years, some 40% censored."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, n_patients)
    survived = rng.exponential(2000 / (1 + 0.1 * group))
    censored = rng.uniform(0, 3650, n_patients)
    time = np.minimum(survived, censored)
    return np.ceil(time) if days else time, survived <= censored, group


def together(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> tuple:
    """Both curves, the at-risk table and the test from one sort; limits on the grid."""
    found = kaplan_meier_by_group(time, event, group)
    for curve in found.curves:
        curve.limits_at(GRID)
    return [curve.survival[-1] for curve in found.curves], found.at_risk_at(GRID), found.log_rank


def with_limits(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> tuple:
    """The same, and limits at every observed time."""
    found = kaplan_meier_by_group(time, event, group)
    ends = [curve.survival[-1] for curve in found.curves]
    assert all(len(curve.lower) == len(curve.time) for curve in found.curves)
    return ends, found.at_risk_at(GRID), found.log_rank


def one_by_one(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> tuple:
    """The same by separate calls, as a notebook may write it."""
    curves = [kaplan_meier(time[group == each], event[group == each]) for each in (0, 1)]
    at_risk = np.stack([curve.at_risk_at(GRID) for curve in curves])
    return [curve.survival[-1] for curve in curves], at_risk, log_rank(time, event, group)


def lifelines(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> tuple:
    """The same by lifelines: two fitters, their event tables, its log-rank test."""
    fitters = [
        KaplanMeierFitter().fit(time[group == each], event[group == each]) for each in (0, 1)
    ]
    at_risk = []
    for fitter in fitters:
        table = fitter.event_table
        position = np.searchsorted(table.index.to_numpy()[1:], GRID)
        at_risk.append(np.append(table["at_risk"].to_numpy()[1:], 0)[position])
    first = group == 0
    test = logrank_test(time[first], time[~first], event[first], event[~first])
    ends = [fitter.survival_function_.iloc[-1, 0] for fitter in fitters]
    return ends, np.stack(at_risk), test


def seconds(way: Callable[..., object], patients: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """Wall time of one call, and the time that the processors worked on it."""
    start = clock.perf_counter(), clock.process_time()
    way(*patients)
    return clock.perf_counter() - start[0], clock.process_time() - start[1]


def side_by_side(n_patients: int, turns: int) -> None:
    """Prints each way's median time and how often lifelines takes as long."""
    for days in (False, True):
        patients = simulate(n_patients, days=days)
        ways = {
            "together": together,
            "with every limit": with_limits,
            "one by one": one_by_one,
            "lifelines": lifelines,
        }
        results = {name: way(*patients) for name, way in ways.items()}
        for ends, at_risk, test in results.values():
            np.testing.assert_allclose(ends, results["lifelines"][0], rtol=1e-6)
            np.testing.assert_array_equal(at_risk, results["lifelines"][1])
            statistic = test.statistic if hasattr(test, "statistic") else test.test_statistic
            np.testing.assert_allclose(statistic, results["together"][2].statistic, rtol=1e-6)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(turns):
            for name, way in ways.items():
                times[name].append(seconds(way, patients))
        peer = statistics.median(wall for wall, _ in times["lifelines"])
        for name, each in times.items():
            median = statistics.median(wall for wall, _ in each)
            least, work = (1000 * min(both) for both in zip(*each, strict=True))
            print(
                f"{n_patients:>10,} {'days' if days else 'continuous':10s} {name:16s} "
                f"{1000 * median:9.1f} ms {least:9.1f} {work:9.1f} {peer / median:8.1f} x"
            )


def growth(turns: int) -> None:
    """Prints times from 10,000 to 10,000,000 patients and their ratio to n log n."""
    for days in (False, True):
        for n_patients in (10**4, 10**5, 10**6, 10**7):
            patients = simulate(n_patients, days=days)
            together(*patients)
            each = [seconds(together, patients) for _ in range(turns)]
            median = statistics.median(wall for wall, _ in each)
            scaled = 1e9 * median / (n_patients * np.log2(n_patients))
            kind = "days" if days else "continuous"
            print(
                f"{n_patients:>10,} {kind:10s} together {1000 * median:10.1f} ms "
                f"{scaled:8.2f} ns / (n log2 n)"
            )


if __name__ == "__main__":
    patients, turns = ([int(each) for each in sys.argv[1:]] + [10**6, 5][len(sys.argv) - 1 :])[:2]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, numpy {np.__version__}, load before the start {load:.1f}")
    print(f"{'patients':>10s} {'times':10s} {'way':16s} {'median':>12s} {'least':>9s} {'work':>9s}")
    side_by_side(patients, turns)
    growth(turns)
