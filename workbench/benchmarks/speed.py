"""How fast the work is: ours and the usual way on the same inputs, in turn, in one run."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workbench.benchmarks.record import MACHINE, BenchmarkResult, BenchmarkRow, claim
from workbench.benchmarks.tcga_members import Member, data_hash, read_members
from workbench.errors import WorkbenchError
from workbench.study_steps import OnProgress, Progress

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.losses import RiskSets

OURS, EVERY_GENE, PEER = "fusion", "fusion, every gene", "scikit-survival"
STACKED, ONE_BY_ONE = "one stacked model", "one after another"
SAME = 1e-4
"""Largest difference in risk score at which one fit counts as the same on both sides."""

N_PATIENTS = 400
N_INPUTS = {"clinical": 16, "rna": 64}
"""Of the simulated inputs of the stacked networks."""

TRAINING_SHARE = 0.8
"""Of the patients, in each simulated inner training set."""

Seconds = Mapping[str, float]
"""By side."""


@dataclass(frozen=True)
class SpeedConfig:
    """How much is timed.

    Parameters
    ----------
    repeats
        Timings of each side where both do the same again, taken in turn; the median counts.
    peer_folds
        Outer folds of each dataset on which the plain loop is timed.
    n_networks, n_epochs
        Of the stacked training, and of the loop beside it.
    sizes
        Numbers of patients, and of features, over which the growth of one ridge path is fitted;
        the other stays at the first.
    seed
        Draws inner folds, simulated inputs, first weights and dropout.
    """

    repeats: int = 3
    peer_folds: int = 3
    n_networks: int = 75
    n_epochs: int = 20
    sizes: tuple[int, ...] = (400, 800, 1600, 3200)
    seed: int = 0


@dataclass(frozen=True)
class NestedTiming:
    """One nested cross-validation by both sides.

    Parameters
    ----------
    seconds
        Of all outer folds, by side: median of a fit over folds, times ``n_fits``.
    n_fits, n_peer_fits
        Ridge Cox regressions of all outer folds, and those of the plain loop that were timed.
    gap
        Largest difference in risk score of one fit that both sides made on the same columns.
    """

    seconds: Seconds
    n_fits: int
    n_peer_fits: int
    gap: float


def speed(
    data_dir: str | os.PathLike[str] | None,
    out: Path,
    on_progress: OnProgress,
    config: SpeedConfig | None = None,
) -> BenchmarkResult:
    """Time nested cross-validation, stacked training, and the growth of a ridge path.

    Parameters
    ----------
    data_dir
        Folder that holds the collection ``tcga_omics``; every member that is there is timed.
    out
        Folder of the benchmark. An interrupted one is measured again from the start.
    on_progress
        Called as the work goes on.
    config
        How much is timed; None for the usual.

    Raises
    ------
    WorkbenchError
        If no member is there, both sides do not come to the same answer, or the folder holds
        something else.
    """
    config = config or SpeedConfig()
    members, left_out = read_members("clinical", data_dir, on_progress)
    claim("speed", data_hash(members), out)
    n_steps = len(members) + 2
    nested = {}
    for done, (name, member) in enumerate(members.items()):
        on_progress(Progress("timing", done, n_steps))
        nested[name] = time_nested(member, config)
    on_progress(Progress("timing", n_steps - 2, n_steps))
    networks = time_networks(config)
    on_progress(Progress("timing", n_steps - 1, n_steps))
    exponents = growth(config)
    on_progress(Progress("timing", n_steps, n_steps))
    sides = (OURS, EVERY_GENE, PEER)
    total = {side: sum(each.seconds[side] for each in nested.values()) for side in sides}
    return BenchmarkResult(
        "speed",
        (
            *(row for name, each in nested.items() for row in _seconds_rows(name, each.seconds)),
            *_seconds_rows("all of them", total),
            *_seconds_rows(f"{config.n_networks} networks", networks),
            *(BenchmarkRow("simulated", "ridge path", *each) for each in exponents.items()),
        ),
        {
            "nested_cv_vs_sksurv": total[PEER] / total[OURS],
            "every_gene_vs_sksurv": total[PEER] / total[EVERY_GENE],
            "stacked_vs_loop": networks[ONE_BY_ONE] / networks[STACKED],
        },
        (*left_out, *_notes(nested, config)),
        {**asdict(config), "members": list(members), MACHINE: machine()},
    )


def time_nested(member: Member, config: SpeedConfig) -> NestedTiming:
    """Nested cross-validation of the stack on a dataset's folds, by us and by a plain loop.

    Outer folds are the repeats: equal work, one side after the other, and the median counts.

    Raises
    ------
    WorkbenchError
        If there is nothing to stack, or one fit does not come out the same on both sides.
    """
    from fusion.models import Stack
    from workbench.benchmarks.plain_loop import N_COMPONENTS, CountedDesign, PlainLoop

    dataset, clinical, added = member.dataset, member.dataset.clinical, member.added
    if not added:
        raise WorkbenchError(f"{member.name} has clinical variables alone: nothing to stack")
    stack = Stack("stack", clinical, added)

    def ours(training: "PatientDataset", n_components: int | None) -> int:
        design = CountedDesign(training, config.seed, n_components)
        design.fit(stack)
        return design.n_fits

    def peer(training: "PatientDataset") -> int:
        loop = PlainLoop(training, config.seed)
        loop.stack(clinical, added)
        return loop.n_fits

    fold = member.cohort.folds[0]
    folds = [dataset.take(fold != held_out) for held_out in np.unique(fold[fold >= 0])]
    gap = PlainLoop(folds[0], config.seed).gap(clinical, added[0])
    if gap > SAME:
        raise WorkbenchError(
            f"{member.name}: risk scores of one fit differ by {gap:.2g}, more than {SAME:g}: "
            "timings of different answers say nothing"
        )
    own, all_genes, theirs = [], [], []
    for number, training in enumerate(folds):
        own.append(_timed(partial(ours, training, N_COMPONENTS)))
        all_genes.append(_timed(partial(ours, training, None)))
        if number < config.peer_folds:
            theirs.append(_timed(partial(peer, training)))
    n_fits = sum(timed.done for timed in own)
    sides = {OURS: own, EVERY_GENE: all_genes, PEER: theirs}
    seconds = {side: n_fits * _seconds_a_fit(timed) for side, timed in sides.items()}
    return NestedTiming(seconds, n_fits, sum(timed.done for timed in theirs), gap)


def time_networks(config: SpeedConfig) -> Seconds:
    """Training of many small networks: as one stacked model, and one after another."""
    import torch

    from fusion.dataset import Kind
    from fusion.network import NetworkConfig, build_network
    from fusion.training import TrainingConfig, train_stacked

    generator = torch.Generator().manual_seed(config.seed)
    size = (config.n_networks, N_PATIENTS)
    features = {n: torch.randn(*size, p, generator=generator) for n, p in N_INPUTS.items()}
    present = {name: torch.ones(N_PATIENTS, dtype=torch.bool) for name in N_INPUTS}
    weights = (torch.rand(*size, generator=generator) < TRAINING_SHARE).float()
    sets = _simulated_outcome(N_PATIENTS, config.seed)
    kinds: dict[str, Kind] = {"clinical": "ehr", "rna": "genomics"}
    shape = NetworkConfig()
    training = TrainingConfig(max_epochs=config.n_epochs, check_every=config.n_epochs)

    def train(rows: slice) -> int:
        steps = train_stacked(
            lambda: build_network(N_INPUTS, kinds, shape),
            {name: values[rows] for name, values in features.items()},
            present,
            sets,
            weights[rows],
            always="clinical",
            config=training,
            embed=shape.embed,
            keep_probability=shape.keep_probability,
            seed=config.seed,
        )
        return len(list(steps))

    def one_by_one() -> int:
        return sum(train(slice(i, i + 1)) for i in range(config.n_networks))

    stacked, alone = in_turn(partial(train, slice(None)), one_by_one, repeats=config.repeats)
    return {STACKED: stacked.seconds, ONE_BY_ONE: alone.seconds}


def growth(config: SpeedConfig) -> dict[str, float]:
    """Power of patients and of features with which the time of one ridge path grows."""
    least = config.sizes[0]
    shapes = {
        "power of n_patients": [(size, least) for size in config.sizes],
        "power of n_features": [(least, size) for size in config.sizes],
    }
    found = {}
    for name, pairs in shapes.items():
        timed = in_turn(*(_ridge_path(n, p, config.seed) for n, p in pairs), repeats=config.repeats)
        slope, _ = np.polyfit(np.log(config.sizes), np.log([each.seconds for each in timed]), 1)
        found[name] = float(slope)
    return found


def _ridge_path(n_patients: int, n_features: int, seed: int) -> Callable[[], int]:
    """A full training set and its inner folds under every penalty, ready to be fitted."""
    import torch

    from fusion.cox_solver import fit_ridge_cox
    from fusion.models.ridge_cox import PENALTIES
    from fusion.nested import N_INNER_FOLDS

    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n_patients, n_features, generator=generator, dtype=torch.float64)
    features /= n_features**0.5  # Total variance 1, as components have.
    sets = _simulated_outcome(n_patients, seed)
    inside = torch.rand(1 + N_INNER_FOLDS, 1, n_patients, generator=generator) < TRAINING_SHARE
    penalties = torch.tensor(PENALTIES, dtype=torch.float64)[:, None].expand(-1, n_features)

    def fit() -> int:
        return fit_ridge_cox(features, sets, inside.double(), penalties[None])[..., 0].numel()

    return fit


def _simulated_outcome(n_patients: int, seed: int) -> "RiskSets":
    from fusion.losses import risk_sets

    generator = np.random.default_rng(seed)
    return risk_sets(generator.exponential(size=n_patients), generator.random(n_patients) < 0.5)


class Timed(NamedTuple):
    """Median seconds of one side, and how much it did each time."""

    seconds: float
    done: int


def in_turn(*sides: Callable[[], int], repeats: int) -> list[Timed]:
    """Time sides that take turns, so that a busy moment of the machine hits all of them.

    Parameters
    ----------
    sides
        Each does its work and says how much it did, such as a number of fits.
    """
    rounds = [[_timed(side) for side in sides] for _ in range(repeats)]
    return [
        Timed(statistics.median(each.seconds for each in own), own[0].done)
        for own in zip(*rounds, strict=True)
    ]


def _timed(side: Callable[[], int]) -> Timed:
    start = time.perf_counter()
    done = side()
    return Timed(time.perf_counter() - start, done)


def _seconds_a_fit(folds: Sequence[Timed]) -> float:
    return statistics.median(timed.seconds / timed.done for timed in folds)


def machine() -> dict[str, Any]:
    """Cores, threads in use, and the most memory that this process has held."""
    import torch

    facts: dict[str, Any] = {"cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if sys.platform != "win32":
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        facts["peak_memory_mib"] = round(most / (1024**2 if sys.platform == "darwin" else 1024))
    return facts


def _seconds_rows(dataset: str, seconds: Seconds) -> Iterator[BenchmarkRow]:
    for side, value in seconds.items():
        yield BenchmarkRow(dataset, side, "seconds", value)


def _notes(nested: Mapping[str, NestedTiming], config: SpeedConfig) -> Iterator[str]:
    n_fits = sum(each.n_fits for each in nested.values())
    n_timed = sum(each.n_peer_fits for each in nested.values())
    yield (
        f"Nested cross-validation of the stack: {n_fits:,} ridge Cox regressions, those of every "
        "outer fold, inner fold and penalty on both levels, with scaling and components."
    )
    if n_timed < n_fits:
        yield (
            f"{PEER} was timed on {config.peer_folds} outer folds a dataset, {n_timed:,} "
            "regressions, and its time scaled to as many as ours."
        )
    yield (
        "Both read the leading 32 principal components of a modality: ours learns them once an "
        "outer fold, without outcomes, the plain loop in every inner training set. "
        f"'{EVERY_GENE}' reads all of them, as studies do: ridge on every gene."
    )
    gap = max(each.gap for each in nested.values())
    yield f"Risk scores of one and the same fit differ between both sides by at most {gap:.1g}."
    yield (
        f"Networks: {N_PATIENTS} patients, {sum(N_INPUTS.values())} inputs, {config.n_epochs} "
        "epochs, the same code for one network and for all."
    )
    yield "A ridge path is claimed to cost n·p: both powers should not exceed 1."
    yield (
        f"Medians over outer folds, else over {config.repeats} timings, both sides in turn, on the "
        "machine of run.json."
    )
