"""Decision curve at 99 thresholds: ours beside a loop of lifelines' Kaplan-Meier, and its growth.

The loop is the form of Vickers: a Kaplan-Meier curve among the patients at or above each threshold.
Censoring here does not depend on the risk, so both estimate the same net benefit. Each number is
the median of turns in which the two alternate.

Run: OMP_NUM_THREADS=2 python tests/benchmarks/decision_curve.py
"""

import platform
import time as clock
from collections.abc import Callable
from statistics import median

import numpy as np
from lifelines import KaplanMeierFitter

from workbench.survival import bootstrap_draws, decision_curve

THRESHOLDS = np.arange(1, 100) / 100
HORIZON = 5.0
SIZES = {10_000: 3, 100_000: 3, 1_000_000: 1}
"""Patients, and turns of the loop; ours has at least five."""


def cohort(n_patients: int, *, in_days: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exponential survival and censoring, and the true risk; times in days are tied."""
    rng = np.random.default_rng(n_patients)
    log_hazard = rng.normal(0, 0.8, n_patients)
    survived = rng.exponential(10 / np.exp(log_hazard))
    censored = rng.exponential(15, n_patients)
    time = np.minimum(survived, censored)
    if in_days:
        time = np.ceil(time * 365.25) / 365.25
    return time, survived <= censored, -np.expm1(-np.exp(log_hazard) * HORIZON / 10)


def ours(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Net benefit at each threshold."""
    curve = decision_curve(time, event, risk, horizon=HORIZON, thresholds=THRESHOLDS)
    return curve.net_benefit.estimate


def loop(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """The same by one Kaplan-Meier curve a threshold."""
    found = np.zeros(len(THRESHOLDS))
    for place, threshold in enumerate(THRESHOLDS):
        high = risk >= threshold
        if high.any():
            free = KaplanMeierFitter().fit(time[high], event[high]).predict(HORIZON)
            odds = threshold / (1 - threshold)
            found[place] = high.mean() * (1 - free - free * odds)
    return found


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = clock.perf_counter()
    call()
    return clock.perf_counter() - start


def compare() -> None:
    """Ours and the loop in turns."""
    print(f"{'patients':>10} {'ours, s':>9} {'lifelines, s':>13} {'ratio':>8} {'difference':>11}")
    for n_patients, n_turns in SIZES.items():
        data = cohort(n_patients)
        first, second = ours(*data), loop(*data)
        mine, theirs = [], []
        for _ in range(n_turns):
            mine += [seconds(lambda data=data: ours(*data)) for _ in range(5)]
            theirs.append(seconds(lambda data=data: loop(*data)))
        own, peer, gap = median(mine), median(theirs), np.abs(first - second).max()
        print(f"{n_patients:>10,} {own:>9.4f} {peer:>13.2f} {peer / own:>8.0f} {gap:>11.1e}")


def grow() -> None:
    """Ours from 1e4 to 1e7; the exponent is that of n between a size and the one before."""
    print(f"\n{'patients':>10} {'seconds':>9} {'in days, s':>11} {'exponent':>9}")
    before = None
    for power in range(4, 8):
        n_patients = 10**power
        taken = []
        for in_days in (False, True):
            data = cohort(n_patients, in_days=in_days)
            ours(*data)
            taken.append(median(seconds(lambda data=data: ours(*data)) for _ in range(5)))
        exponent = "" if before is None else f"{np.log10(taken[0] / before):.2f}"
        before = taken[0]
        print(f"{n_patients:>10,} {taken[0]:>9.4f} {taken[1]:>11.4f} {exponent:>9}")


def bootstrap() -> None:
    """Limits by 1000 bootstraps of 10,000 patients."""
    data = cohort(10_000)

    def limits() -> object:
        draws = bootstrap_draws(10_000, n_bootstrap=1000, seed=0)
        return decision_curve(*data, horizon=HORIZON, thresholds=THRESHOLDS, draws=draws)

    print(
        f"\n1,000 bootstraps of 10,000 patients: {median(seconds(limits) for _ in range(3)):.2f} s"
    )


if __name__ == "__main__":
    print(f"{platform.machine()}, numpy {np.__version__}, {len(THRESHOLDS)} thresholds\n")
    compare()
    grow()
    bootstrap()
