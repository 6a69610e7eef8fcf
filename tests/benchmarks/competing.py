"""Competing risks beside their peers in one run: median seconds of turns taken in alternation.

Run: python tests/benchmarks/competing.py [--peer-limit 100000] [--fine-gray 10000]

Aalen-Johansen stands against lifelines up to the peer limit (at a million it takes minutes a fit),
Fine-Gray with ten features against R's cmprsk::crr where Rscript is at hand (its variance costs
the square of the patients and more: minutes at 10,000, so it gets one turn, the last of all).
"""

import argparse
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from lifelines import AalenJohansenFitter

from workbench.survival import aalen_johansen, competing_auc, fine_gray, gray_test

CRR = """
suppressMessages(library(cmprsk))
d <- as.matrix(read.csv(commandArgs(trailingOnly = TRUE)[1], header = FALSE))
s <- system.time(fit <- crr(d[, 1], d[, 2], d[, -(1:2)], gtol = 1e-9))
cat(format(s[["elapsed"]]), format(fit$coef, digits = 15))
"""


def simulate(n_patients: int, n_features: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two exponential causes, a third censored; all times distinct."""
    rng = np.random.default_rng(n_patients)
    features = rng.normal(size=(n_patients, n_features))
    first = rng.exponential(10 * np.exp(-0.3 * features[:, 0]))
    second, censored = rng.exponential(12, n_patients), rng.exponential(15, n_patients)
    observed = np.minimum(np.minimum(first, second), censored)
    cause = np.where(observed == first, 1, np.where(observed == second, 2, 0))
    return observed, cause, features


def medians(turns: int, *calls: Callable[[], object]) -> list[float]:
    """Median seconds of each call, the calls taking turns."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(turns):
        for call, taken in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [float(np.median(taken)) for taken in seconds]


def lifelines_incidence(observed: np.ndarray, cause: np.ndarray) -> AalenJohansenFitter:
    """Both causes take lifelines two fits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for of in (1, 2):
            fitter = AalenJohansenFitter(calculate_variance=True).fit(
                observed, cause, event_of_interest=of
            )
    return fitter


def line(name: str, n_patients: int, ours: float, peer: float | None = None) -> None:
    """One row of the table."""
    beside = f"{peer:10.3f} {peer / ours:8.0f}" if peer is not None else f"{'-':>10s} {'-':>8s}"
    print(f"{name:34s} {n_patients:10,d} {ours:9.4f} {beside}", flush=True)


def aalen_johansen_rows(peer_limit: int) -> None:
    """Ours and lifelines, distinct times; ours alone on times in whole days as well."""
    for n_patients in (1_000, 10_000, 100_000, 1_000_000):
        observed, cause, _ = simulate(n_patients, 1)

        def ours(observed: np.ndarray = observed, cause: np.ndarray = cause) -> object:
            return aalen_johansen(observed, cause)

        def peer(observed: np.ndarray = observed, cause: np.ndarray = cause) -> object:
            return lifelines_incidence(observed, cause)

        if n_patients <= peer_limit:
            turns = 1 if n_patients > 10_000 else 3
            line("Aalen-Johansen / lifelines", n_patients, *medians(turns, ours, peer))
        else:
            line("Aalen-Johansen", n_patients, *medians(5, ours))
        days = np.ceil(observed * 100)
        [seconds] = medians(5, lambda days=days, cause=cause: aalen_johansen(days, cause))
        line("Aalen-Johansen, whole days", n_patients, seconds)


def fine_gray_row(n_patients: int) -> None:
    """Ours and cmprsk::crr on the same patients."""
    observed, cause, features = simulate(n_patients)
    [ours] = medians(5, lambda: fine_gray(observed, cause, features))
    if shutil.which("Rscript") is None:
        line("Fine-Gray, 10 features (no R here)", n_patients, ours)
        return
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder) / "patients.csv", Path(folder) / "crr.R"
        np.savetxt(table, np.column_stack([observed, cause, features]), "%.17g", delimiter=",")
        script.write_text(CRR)
        command = ["Rscript", str(script), str(table)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    line("Fine-Gray, 10 features / cmprsk", n_patients, ours, float(said[0]))
    gap = np.abs(fine_gray(observed, cause, features).coefficients - np.array(said[1:], float))
    print(f"    largest difference of a coefficient: {gap.max():.1e}")


def large_rows(n_patients: int) -> None:
    """Ours alone, where no peer that was tried comes along."""
    observed, cause, features = simulate(n_patients)
    outcome, horizons = (observed, cause), [1.0, 3.0, 5.0]
    gray, auc, regression = medians(
        3,
        lambda: gray_test(*outcome, features[:, 1] > 0),
        lambda: competing_auc(*outcome, features[:, 0], horizons=horizons),
        lambda: fine_gray(*outcome, features),
    )
    line("Gray, 2 groups", n_patients, gray)
    line("AUC at 3 horizons", n_patients, auc)
    line("Fine-Gray, 10 features", n_patients, regression)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-limit", type=int, default=100_000)
    parser.add_argument("--fine-gray", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{'':34s} {'patients':>10s} {'ours, s':>9s} {'peer, s':>10s} {'ratio':>8s}")
    aalen_johansen_rows(options.peer_limit)
    for size in (100_000, 1_000_000):
        large_rows(size)
    fine_gray_row(options.fine_gray)
