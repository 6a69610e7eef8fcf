"""Forty patients and a network, trained in a process of its own: on several ranks, or killed."""

import json
import os
import signal
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from fusion.network import NetworkConfig, RiskNetwork, build_network
from fusion.network_inputs import LazyFeatures, NetworkInputs
from fusion.network_training import NetworkTrainingConfig, TrainedNetwork, train_network
from fusion.tasks import CoxTask, DiscreteHazardTask, Task, TimeToEvent

N_PATIENTS = 40
SHAPE = NetworkConfig(embed=8)
TASKS: dict[str, Task] = {"cox": CoxTask(), "discrete_hazard": DiscreteHazardTask(4)}


def patients(dtype: torch.dtype) -> tuple[NetworkInputs, TimeToEvent]:
    """Some lack RNA, event times are tied, and the first clinical variable raises the hazard."""
    rng = np.random.default_rng(0)
    clinical, rna = rng.normal(size=(N_PATIENTS, 3)), rng.normal(size=(N_PATIENTS, 6))
    time = np.ceil(rng.exponential(9 * np.exp(-clinical[:, 0])))
    features = {
        name: torch.tensor(x, dtype=dtype) for name, x in (("clinical", clinical), ("rna", rna))
    }
    present = {
        "clinical": torch.ones(N_PATIENTS, dtype=torch.bool),
        "rna": torch.as_tensor(rng.random(N_PATIENTS) < 0.7),
    }
    return NetworkInputs(features, present, "clinical"), TimeToEvent(
        time, rng.random(N_PATIENTS) < 0.7
    )


def first_network(task: Task, dtype: torch.dtype, seed: int = 0) -> RiskNetwork:
    torch.manual_seed(seed)
    head = task.head(SHAPE.embed)
    widths, kinds = {"clinical": 3, "rna": 6}, {"clinical": "ehr", "rna": "genomics"}
    return build_network(widths, kinds, SHAPE, head).to(dtype)


def train(
    task: Task,
    dtype: torch.dtype,
    config: NetworkTrainingConfig,
    accelerator: Accelerator,
    *,
    seed: int = 0,
    die_at_read: int | None = None,
    checkpoint: Path | None = None,
) -> tuple[RiskNetwork, TrainedNetwork]:
    """A trained network; the process is killed when it reads RNA for the given time."""
    inputs, outcome = patients(dtype)
    if die_at_read is not None:
        inputs = _deadly(inputs, die_at_read)
    network, fitted = first_network(task, dtype, seed), task.fit(outcome)
    trained = train_network(
        network,
        inputs,
        fitted,
        fitted.targets(outcome),
        shape=SHAPE,
        config=config,
        accelerator=accelerator,
        held_out=None if checkpoint is None else drawn_score,
        checkpoint=checkpoint,
        progress=False,
    )
    return network, trained


def drawn_score(network: torch.nn.Module) -> float:
    """A held-out score from torch's global generator, whose state must survive too."""
    return float(torch.rand(()))


def _deadly(inputs: NetworkInputs, die_at_read: int) -> NetworkInputs:
    rna = inputs.features["rna"]
    assert isinstance(rna, torch.Tensor)
    n_reads = 0

    def read(positions: torch.Tensor) -> torch.Tensor:
        nonlocal n_reads
        n_reads += 1
        if n_reads == die_at_read:
            os.kill(os.getpid(), signal.SIGKILL)
        return rna[positions]

    features = {**inputs.features, "rna": LazyFeatures(read, N_PATIENTS, "rna")}
    return NetworkInputs(features, inputs.present, "clinical")


def main(settings: dict[str, Any]) -> None:
    """Train each task in each type; rank 0 writes ``<out>/<task>_<type>.safetensors``."""
    accelerator = Accelerator(cpu=True, mixed_precision=settings.get("precision", "no"))
    assert accelerator.num_processes == settings.get("n_ranks", 1)
    checkpoint = settings.get("checkpoint")
    for name, dtype in product(settings["tasks"], settings["dtypes"]):
        network, trained = train(
            TASKS[name],
            getattr(torch, dtype),
            NetworkTrainingConfig(**settings["config"]),
            accelerator,
            seed=accelerator.process_index if settings.get("seed_by_rank") else 0,
            die_at_read=settings.get("die_at_read"),
            checkpoint=None if checkpoint is None else Path(checkpoint),
        )
        if accelerator.is_main_process:
            numbers = dict(network.state_dict())
            numbers |= {
                "losses": torch.tensor(trained.losses),
                "n_steps": torch.tensor(trained.n_steps),
            }
            save_file(numbers, Path(settings["out"]) / f"{name}_{dtype}.safetensors")
    accelerator.end_training()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
