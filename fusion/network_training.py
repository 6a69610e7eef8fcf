"""Training one network, for any task: one open loop, on one device or many.

The loop holds no loss, no data and no device of its own: the task says how wrong outputs are,
:mod:`fusion.batch_gradient` spreads a batch, accelerate knows the machine. For many small networks
at once there is :mod:`fusion.training`.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from jaxtyping import Int
from torch import Tensor, nn
from tqdm import tqdm

from fusion.batch_gradient import BatchGradient, Masks
from fusion.checkpoint import (
    Checkpoint,
    read_checkpoint,
    restore,
    state_of,
    weights_of,
    write_checkpoint,
)
from fusion.network import NetworkConfig
from fusion.network_inputs import NetworkInputs, tensor_bytes
from fusion.norms import require_no_batch_norm
from fusion.precision import require_sound_precision
from fusion.tasks import FittedTask, Targets


@dataclass(frozen=True)
class NetworkTrainingConfig:
    """How a network is trained.

    Parameters
    ----------
    max_steps
        Optimiser steps; a cosine schedule ends there.
    batch
        Patients an optimiser step learns from; None for all of them, whose risk sets are whole.
    micro_batch
        Patients that a rank passes through the network at once. It bounds memory and changes no
        result.
    learning_rate, schedule
        Of AdamW: constant, or falling to 0 along a half cosine.
    weight_decay
        Of weight matrices; biases and norms are not pulled to 0.
    clip_norm
        Longest gradient; inf leaves it as it is.
    modality_keep
        Probability that a modality of a patient is kept in a step; the clinical one always is.
    check_every
        Steps between two looks at held-out patients, and between two checkpoints.
    patience
        Looks without improvement after which training ends.
    seed
        Decides batches and dropout, not negative. First weights are the caller's.
    """

    max_steps: int = 240
    batch: int | None = None
    micro_batch: int = 256
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    modality_keep: float = 0.9
    check_every: int = 10
    patience: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        counts = {
            name: getattr(self, name)
            for name in ("max_steps", "micro_batch", "check_every", "patience")
        }
        for name, count in {**counts, "batch": 1 if self.batch is None else self.batch}.items():
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        if not (self.learning_rate > 0 and self.clip_norm > 0 and self.weight_decay >= 0):
            raise ValueError(
                "learning_rate and clip_norm must be positive and weight_decay not negative, got "
                f"{self.learning_rate:g}, {self.clip_norm:g} and {self.weight_decay:g}"
            )

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * step / self.max_steps)) / 2

    def batch_at(self, step: int, n_patients: int) -> Int[Tensor, " batch"]:
        """Positions of the patients of a step; each patient comes once an epoch."""
        n_batches = math.ceil(n_patients / (self.batch or n_patients))
        if n_batches == 1:
            return torch.arange(n_patients)
        epoch, part = divmod(step, n_batches)
        order = np.random.default_rng([self.seed, epoch]).permutation(n_patients)
        return torch.as_tensor(np.array_split(order, n_batches)[part])


OnStep = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class TrainedNetwork:
    """What training came to. The network itself holds the weights.

    Parameters
    ----------
    n_steps
        Steps behind those weights: the best look at held-out patients, or all.
    losses
        Mean loss a patient in every step taken, (step,).
    looks
        Step and score of each look at held-out patients.
    """

    n_steps: int
    losses: np.ndarray
    looks: tuple[tuple[int, float], ...]


def train_network(
    network: nn.Module,
    inputs: NetworkInputs,
    task: FittedTask,
    targets: Targets,
    *,
    shape: NetworkConfig,
    config: NetworkTrainingConfig,
    accelerator: Accelerator,
    n_steps: int | None = None,
    held_out: Callable[[nn.Module], float] | None = None,
    checkpoint: Path | None = None,
    progress: bool = True,
    on_step: OnStep | None = None,
) -> TrainedNetwork:
    """Train a network in place.

    To choose the number of steps: train on a part with ``held_out``, then train a fresh network on
    everyone with the ``n_steps`` that came out.

    Parameters
    ----------
    network
        Such as :class:`~fusion.network.RiskNetwork`, with its first weights; the same on all ranks.
    inputs, targets
        Of all training patients, in one order.
    task
        Fitted on their outcome.
    shape
        What the network was built from; it knows the width and probability of dropout.
    accelerator
        Device, precision ("no" or "bf16") and ranks.
    n_steps
        Steps to take, at most ``config.max_steps``, whose schedule is kept; None for all.
    held_out
        Score of the network on held-out patients, higher is better; called in evaluation mode
        without gradients, on every rank. The weights of the best look are the result.
    checkpoint
        File to resume from, and to write at every look; every rank must see it.
    progress
        Show a bar with loss and time left.
    on_step
        Called on the main rank after each step with the steps done, the steps to do, and ``loss``
        and, where it was looked, ``held_out`` (minus the score, so that lower is better). What it
        raises ends the training, which a checkpoint then resumes.

    Raises
    ------
    ValueError
        If the network cannot be trained so, the loss or the score is no longer finite, ranks hold
        different data or weights, or the checkpoint is of another run.
    """
    require_no_batch_norm(network)
    require_sound_precision(network, accelerator.mixed_precision, accelerator.device.type)
    n_steps = config.max_steps if n_steps is None else n_steps
    if not 1 <= n_steps <= config.max_steps:
        raise ValueError(f"n_steps must be 1 to max_steps = {config.max_steps}, got {n_steps}")
    run = _describe_run(network, inputs, task, targets, shape, config) | {
        "n_steps": str(n_steps),
        "held_out": str(held_out is not None),
        "precision": accelerator.mixed_precision,
    }
    device = accelerator.device
    network.to(device).train()
    optimiser = _adamw(network, config)
    learning = BatchGradient(
        network,
        inputs.to(device),
        task,
        {name: values.to(device) for name, values in targets.items()},
        Masks.of(shape, config.modality_keep, config.seed),
        config.micro_batch,
        accelerator,
    )

    saved = None if checkpoint is None else read_checkpoint(checkpoint, run)
    _require_same_on_all_ranks(run, saved, accelerator)
    losses: list[float] = []
    looks: list[tuple[int, float]] = []
    best: dict[str, Tensor] = {}
    if saved is not None:
        restore(saved, network, optimiser)
        losses, looks, best = saved.losses.tolist(), list(saved.looks), dict(saved.best)

    with tqdm(
        total=n_steps,
        initial=len(losses),
        desc="training",
        unit="step",
        disable=not (progress and accelerator.is_main_process),
    ) as bar:
        while (step := len(losses)) < n_steps and not _stalled(looks, config.patience):
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate_at(step)
            optimiser.zero_grad()
            loss = learning.accumulate(step, config.batch_at(step, inputs.n_patients))
            _require_finite("loss", loss, step)
            nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
            optimiser.step()
            losses.append(loss)
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            bar.update()

            if len(losses) % config.check_every and len(losses) < n_steps:
                _tell(on_step, losses, n_steps, {}, accelerator)
                continue
            score: dict[str, float] = {}
            if held_out is not None:
                looks.append((len(losses), _look(network, held_out, len(losses), accelerator)))
                score = {"held_out": -looks[-1][1]}
                if looks[_best(looks)] == looks[-1]:
                    best = weights_of(network)
            if checkpoint is not None and accelerator.is_main_process:
                state = state_of(network, optimiser, best=best, losses=losses, looks=looks)
                write_checkpoint(state, checkpoint, run)
            _tell(on_step, losses, n_steps, score, accelerator)

    if best:
        network.load_state_dict(best)
    chosen = looks[_best(looks)][0] if looks else n_steps
    return TrainedNetwork(chosen, np.array(losses), tuple(looks))


def _tell(
    on_step: OnStep | None,
    losses: list[float],
    n_steps: int,
    score: Mapping[str, float],
    accelerator: Accelerator,
) -> None:
    if on_step is not None and accelerator.is_main_process:
        on_step(len(losses), n_steps, {"loss": losses[-1], **score})


def _adamw(network: nn.Module, config: NetworkTrainingConfig) -> torch.optim.AdamW:
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
    )


@torch.no_grad()
def _look(
    network: nn.Module,
    held_out: Callable[[nn.Module], float],
    step: int,
    accelerator: Accelerator,
) -> float:
    """Score on held-out patients. The main rank's counts, so that all ranks stop together."""
    network.eval()
    score = torch.tensor(held_out(network), dtype=torch.float64, device=accelerator.device)
    network.train()
    agreed = float(broadcast(score))
    _require_finite("held-out score", agreed, step)
    return agreed


def _best(looks: list[tuple[int, float]]) -> int:
    """Position of the best look, the first of equals."""
    return max(range(len(looks)), key=lambda i: looks[i][1])


def _stalled(looks: list[tuple[int, float]], patience: int) -> bool:
    return bool(looks) and len(looks) - 1 - _best(looks) >= patience


def _describe_run(
    network: nn.Module,
    inputs: NetworkInputs,
    task: FittedTask,
    targets: Targets,
    shape: NetworkConfig,
    config: NetworkTrainingConfig,
) -> dict[str, str]:
    """What a run depends on, each part as text; a checkpoint of other parts is refused."""
    weights = hashlib.sha256(f"{network}{shape}".encode())
    for name, value in network.state_dict().items():
        weights.update(name.encode() + tensor_bytes(value))
    outcome = hashlib.sha256(type(task).__name__.encode())
    for name, value in targets.items():
        outcome.update(name.encode() + tensor_bytes(value))
    settings = {field.name: repr(getattr(config, field.name)) for field in fields(config)}
    return settings | {
        "network and first weights": weights.hexdigest(),
        "features of the patients": inputs.fingerprint(),
        "task and outcome of the patients": outcome.hexdigest(),
    }


def _require_finite(what: str, value: float, step: int) -> None:
    if not math.isfinite(value):
        raise ValueError(
            f"the {what} of step {step} is {value}: lower the learning rate, and look for extreme "
            "features"
        )


def _require_same_on_all_ranks(
    run: Mapping[str, str], saved: Checkpoint | None, accelerator: Accelerator
) -> None:
    """One number that hashes the run and where it stands, compared across ranks."""
    stand = f"{sorted(run.items())}{0 if saved is None else len(saved.losses)}"
    digest = int.from_bytes(hashlib.sha256(stand.encode()).digest()[:7], "big")
    everyone = accelerator.gather(torch.tensor([digest], device=accelerator.device))
    if (everyone != digest).any():
        raise ValueError(
            f"the {accelerator.num_processes} ranks hold different data, first weights or "
            "checkpoints: load and seed alike on each, and put the checkpoint where all see it"
        )
