"""Discrimination and accuracy: side by side with scikit-survival and lifelines, then to 10^7.

Run: OMP_NUM_THREADS=2 python tests/benchmarks/discrimination.py [--largest 1000000]

The medians of turns, in seconds of wall clock and, behind the slash, of processor time: where the
machine is shared the second is the steadier. The exponent is the slope of log processor time over
log patients between neighbouring sizes (n log n gives about 1.1).
"""

import argparse
import platform
import statistics
import time as clock
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from lifelines.utils import concordance_index
from sksurv.metrics import (
    brier_score as sksurv_brier_score,
)
from sksurv.metrics import (
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
)
from sksurv.util import Surv

from workbench.evaluation import bootstrap_weights
from workbench.evaluation.discrimination import harrell_sums
from workbench.survival import (
    antolini_c,
    brier_score,
    brier_score_interval,
    dynamic_auc,
    dynamic_auc_interval,
    harrell_c,
    harrell_c_interval,
    integrated_brier_score,
    uno_c,
    uno_c_interval,
)

HORIZONS = np.linspace(0.1, 1.0, 10)
TAU = 1.0
SIDE_BY_SIDE = 20_000
BOOTSTRAPPED = 10_000


def simulated(n_patients: int) -> SimpleNamespace:
    """Exponential survival, about half censored, times to three digits and so tied."""
    rng = np.random.default_rng(n_patients)
    score = rng.normal(size=n_patients)
    survived, censored = rng.exponential(np.exp(-score)), rng.exponential(1.0, n_patients)
    time = np.minimum(survived, censored).round(3) + 0.001
    return SimpleNamespace(
        time=time,
        event=survived <= censored,
        score=score + rng.normal(size=n_patients),
        survival=np.exp(-np.exp(score)[:, None] * HORIZONS),
    )


def seconds(call: Callable[[], object], turns: int) -> tuple[float, float]:
    """Medians of wall clock and of processor time."""
    walls, processors = [], []
    for _ in range(turns):
        wall, processor = clock.perf_counter(), clock.process_time()
        call()
        walls.append(clock.perf_counter() - wall)
        processors.append(clock.process_time() - processor)
    return statistics.median(walls), statistics.median(processors)


def shown(measured: tuple[float, float]) -> str:
    return f"{measured[0]:8.3f} /{measured[1]:7.3f}"


def side_by_side() -> None:
    """Ours and the peers on the same patients."""
    of = simulated(SIDE_BY_SIDE)
    outcome = of.time, of.event
    theirs = Surv.from_arrays(of.event, of.time)
    rows = [
        (
            "Harrell's C, scikit-survival",
            lambda: harrell_c(*outcome, of.score),
            lambda: concordance_index_censored(of.event, of.time, of.score),
        ),
        (
            "Harrell's C, lifelines",
            lambda: harrell_c(*outcome, of.score),
            lambda: concordance_index(of.time, -of.score, of.event),
        ),
        (
            "Uno's C, scikit-survival",
            lambda: uno_c(*outcome, of.score, tau=TAU),
            lambda: concordance_index_ipcw(theirs, theirs, of.score, tau=TAU),
        ),
        (
            "AUC, 10 horizons, scikit-survival",
            lambda: dynamic_auc(*outcome, of.score, horizons=HORIZONS),
            lambda: cumulative_dynamic_auc(theirs, theirs, of.score, HORIZONS),
        ),
        (
            "Brier score, 10 horizons, scikit-survival",
            lambda: brier_score(*outcome, of.survival, horizons=HORIZONS),
            lambda: sksurv_brier_score(theirs, theirs, of.survival, HORIZONS),
        ),
    ]
    print(f"\n{SIDE_BY_SIDE:,} patients {'ours (wall / processor)':>37} {'peer':>18} {'ratio':>9}")
    for name, ours, peer in rows:
        own, other = seconds(ours, 5), seconds(peer, 3)
        print(f"{name:42s} {shown(own)} {shown(other)} {other[1] / own[1]:9.1f}")


def bootstraps() -> None:
    """A thousand replicates of Harrell's C, all patients in one fold."""
    of = simulated(BOOTSTRAPPED)
    fold = np.zeros(BOOTSTRAPPED, dtype=int)
    aligned = SimpleNamespace(
        time=of.time,
        event=of.event,
        fold=fold,
        groups={"all": fold == 0},
        predictions={"model": SimpleNamespace(risk_score=of.score)},
        draws=bootstrap_weights(fold, 1000, seed=0),
    )
    measured = seconds(lambda: harrell_sums(aligned, "all").pooled("model"), 1)
    print(f"\n1,000 bootstraps of C on {BOOTSTRAPPED:,} patients {shown(measured)}")


def growth(largest: int) -> None:
    """Ours at ten, a hundred, a thousand times the patients."""
    sizes = [10**power for power in range(4, 8) if 10**power <= largest]
    statistics_of: dict[str, Callable[[SimpleNamespace], object]] = {
        "harrell_c": lambda of: harrell_c(of.time, of.event, of.score),
        "harrell_c_interval": lambda of: harrell_c_interval(of.time, of.event, of.score),
        "uno_c": lambda of: uno_c(of.time, of.event, of.score, tau=TAU),
        "uno_c_interval": lambda of: uno_c_interval(of.time, of.event, of.score, tau=TAU),
        "dynamic_auc, 10 horizons": lambda of: dynamic_auc(
            of.time, of.event, of.score, horizons=HORIZONS
        ),
        "dynamic_auc_interval, 1 horizon": lambda of: dynamic_auc_interval(
            of.time, of.event, of.score, horizons=HORIZONS[-1:]
        ),
        "antolini_c, 10 horizons": lambda of: antolini_c(
            of.time, of.event, of.survival, horizons=HORIZONS
        ),
        "brier_score, 10 horizons": lambda of: brier_score(
            of.time, of.event, of.survival, horizons=HORIZONS
        ),
        "integrated_brier_score, 10 horizons": lambda of: integrated_brier_score(
            of.time, of.event, of.survival, horizons=HORIZONS
        ),
        "brier_score_interval, 1 horizon": lambda of: brier_score_interval(
            of.time, of.event, of.survival[:, -1], horizons=HORIZONS[-1:]
        ),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in statistics_of}
    for size in sizes:
        of = simulated(size)
        turns = 5 if size <= 10**5 else 3 if size <= 10**6 else 1
        for name, statistic in statistics_of.items():
            found[name].append(seconds(lambda call=statistic, of=of: call(of), turns))
    print(f"\n{'patients':36s}" + "".join(f"{size:>18,}" for size in sizes) + "   exponents")
    for name, measured in found.items():
        processor = np.array([each[1] for each in measured])
        exponents = np.diff(np.log10(processor))
        print(
            f"{name:36s}"
            + "".join(f"{shown(each):>18}" for each in measured)
            + "   "
            + " ".join(f"{each:.2f}" for each in exponents)
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--largest", type=int, default=10**6, help="patients; 10000000 needs 16 GB")
    asked = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, numpy {np.__version__}")
    side_by_side()
    bootstraps()
    growth(asked.largest)
