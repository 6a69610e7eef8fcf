"""A training run on disk, whole or not at all, from which it goes on exactly.

One safetensors file holds every number; its header holds the rest as JSON. One file, since two
cannot be replaced in one step. Nothing in it is executed.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

FORMAT = "network training 1"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training run stands after a step.

    Parameters
    ----------
    network
        Weights and buffers, by name.
    moments
        State of the optimiser: ``<parameter>/<moment>``.
    best
        Weights at the best look at held-out patients; empty before the first.
    losses
        Mean loss a patient in each step done, (step,). Their number is where the run stands:
        learning rate, batch and dropout of the next step follow from it.
    looks
        Step and held-out score of each look.
    random_state
        Of torch's global generator. Training does not draw from it, the caller's score may.
    """

    network: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    losses: Float[Tensor, " step"]
    looks: tuple[tuple[int, float], ...]
    random_state: UInt8[Tensor, " byte"]


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers of a network, copied to the CPU."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def state_of(
    network: nn.Module,
    optimiser: torch.optim.AdamW,
    *,
    best: Mapping[str, Tensor],
    losses: Sequence[float],
    looks: Sequence[tuple[int, float]],
) -> Checkpoint:
    """Where network, optimiser and torch's generator stand; the rest is as in ``Checkpoint``."""
    return Checkpoint(
        network=weights_of(network),
        moments={
            f"{name}/{moment}": value
            for name, parameter in network.named_parameters()
            for moment, value in optimiser.state.get(parameter, {}).items()
        },
        best=best,
        losses=torch.tensor(losses, dtype=torch.float64),
        looks=tuple(looks),
        random_state=torch.get_rng_state(),
    )


def restore(saved: Checkpoint, network: nn.Module, optimiser: torch.optim.AdamW) -> None:
    """Put network, optimiser and torch's generator where the checkpoint left them."""
    network.load_state_dict(dict(saved.network))
    parameters = dict(network.named_parameters())
    for key, value in saved.moments.items():
        name, _, moment = key.rpartition("/")
        # AdamW keeps its count of steps on the CPU.
        there = value if moment == "step" else value.to(parameters[name].device)
        optimiser.state[parameters[name]][moment] = there
    torch.set_rng_state(saved.random_state)


def write_checkpoint(checkpoint: Checkpoint, path: Path, run: Mapping[str, str]) -> None:
    """Replace the file at ``path`` in one step; after a crash it is the old one or the new one.

    Parameters
    ----------
    run
        What makes the run itself (settings, data, first weights), each as text.
    """
    numbers = {"losses": checkpoint.losses, "random_state": checkpoint.random_state}
    for part in ("network", "moments", "best"):
        numbers |= {f"{part}/{name}": value for name, value in getattr(checkpoint, part).items()}
    rest = {"format": FORMAT, "run": dict(run), "looks": checkpoint.looks}
    content = save(
        # Cloned, since safetensors refuses tensors that share memory.
        {name: value.detach().cpu().contiguous().clone() for name, value in numbers.items()},
        # Under one key, since safetensors writes several in no fixed order.
        metadata={"checkpoint": json.dumps(rest, allow_nan=False)},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.part")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    _sync_folder(path.parent)


def read_checkpoint(path: Path, run: Mapping[str, str]) -> Checkpoint | None:
    """The checkpoint at ``path``; None where no file is.

    Raises
    ------
    ValueError
        If the file is damaged, no checkpoint, or of another run: the message says in what.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        numbers = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): delete it to start again") from None
    rest = json.loads(metadata.get("checkpoint", "{}"))
    if rest.get("format") != FORMAT:
        raise ValueError(f"{path} is no checkpoint of {FORMAT!r}: choose another file")
    _require_same_run(path, rest["run"], run)
    return Checkpoint(
        network=_part(numbers, "network"),
        moments=_part(numbers, "moments"),
        best=_part(numbers, "best"),
        losses=numbers["losses"],
        looks=tuple((step, score) for step, score in rest["looks"]),
        random_state=numbers["random_state"],
    )


def _part(numbers: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    start = f"{part}/"
    return {
        name.removeprefix(start): value for name, value in numbers.items() if name.startswith(start)
    }


def _require_same_run(path: Path, found: Mapping[str, str], run: Mapping[str, str]) -> None:
    differing = sorted(k for k in {*found, *run} if found.get(k) != run.get(k))
    if differing:
        raise ValueError(
            f"{path} belongs to another run: it differs in {', '.join(differing)}. "
            "Choose another file, or delete it to start again"
        )


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut; Windows cannot, and need not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
