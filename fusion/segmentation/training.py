"""Training a network that outlines: one open loop over images that lie in memory as bytes."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn
from torch.nn import functional

from fusion.checkpoint import Checkpoint, read_checkpoint, restore, state_of, write_checkpoint
from fusion.network_inputs import tensor_bytes
from fusion.precision import Precision, require_sound_precision
from fusion.segmentation.augmentation import Augmentation, augmented
from fusion.segmentation.images import OutlinedImages, PatientScale

SIDES = 16
"""By what sides of an image divide: networks halve them up to four times."""


@dataclass(frozen=True)
class SegmentationTrainingConfig:
    """How a network learns to outline.

    Parameters
    ----------
    n_steps, batch
        Optimiser steps, and images a step.
    learning_rate, weight_decay
        Of AdamW; the rate rises for a twentieth of the steps, then falls along a half cosine.
    outlined_share
        Share of a batch that is drawn from images with something outlined; where slices without
        any prevail, they teach little. Each patient counts alike, however many slices there are.
    coarse_share, coarse_scale
        Share of the steps, at the beginning, in which images are smaller, and how small their sides
        are then: where a lesion lies is learned sooner from less.
    reach
        Neighbouring slices on each side that are shown as further channels, so that a vessel or an
        eye can be told from a lesion; 0 for pictures that are no neighbours, and for volumes.
    augmentation
        How images are changed, or None.
    precision
        ``bf16`` computes in 16 bits where that is safe: faster on hardware that has it, slower on
        what has not. Not for volumes on a CPU.
    check_every
        Steps between two checkpoints.
    seed
        Decides batches and augmentation, not negative. First weights are the caller's.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    n_steps: int = 6000
    batch: int = 8
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    outlined_share: float = 0.5
    coarse_share: float = 0.6
    coarse_scale: float = 0.75
    reach: int = 0
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    precision: Precision = "no"
    check_every: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.n_steps, self.batch, self.check_every) < 1 or self.learning_rate <= 0:
            raise ValueError(
                "n_steps, batch and check_every must be at least 1 and learning_rate positive, got "
                f"{self.n_steps}, {self.batch}, {self.check_every} and {self.learning_rate:g}"
            )
        for name in ("outlined_share", "coarse_share", "coarse_scale"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, got {getattr(self, name):g}")
        if self.reach < 0:
            raise ValueError(f"reach must be 0 or more slices, got {self.reach}")

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        warm = max(1, self.n_steps // 20)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        done = (step - warm) / max(1, self.n_steps - warm)
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2

    def side_at(self, step: int, side: int) -> int:
        """Length of a side of the images of a step, a multiple of 16 where it is another."""
        if step >= round(self.coarse_share * self.n_steps):
            return side
        smaller = SIDES * round(self.coarse_scale * side / SIDES)
        return min(side, max(smaller, 2 * SIDES))

    def batch_at(self, step: int, outlined: np.ndarray, owner: np.ndarray) -> Tensor:
        """Positions of the images of a step.

        Parameters
        ----------
        outlined
            Whether each image has anything outlined, (image,) bool.
        owner
            Number of each image's patient, (image,) int.
        """
        generator = np.random.default_rng([self.seed, step])
        some, none = np.flatnonzero(outlined), np.flatnonzero(~outlined)
        n_some = round(self.batch * self.outlined_share) if len(some) and len(none) else 0
        others = none if n_some else np.arange(len(outlined))

        def draw(among: np.ndarray, n: int) -> np.ndarray:
            if not n:
                return among[:0]
            own = np.bincount(owner[among])
            return generator.choice(among, n, p=1 / own[owner[among]] / np.count_nonzero(own))

        drawn = [draw(some, n_some), draw(others, self.batch - n_some)]
        return torch.as_tensor(np.concatenate(drawn))


OnStep = Callable[[int, int, float], None]


def train_segmentation(
    network: nn.Module,
    images: OutlinedImages,
    config: SegmentationTrainingConfig,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_step: OnStep | None = None,
) -> np.ndarray:
    """Train a network in place, on overlap (Dice) and cross-entropy.

    Parameters
    ----------
    network
        Image, with the channels of its neighbours → logits; with its first weights. Without batch
        norm's dependence on who else is in the batch, a run that is resumed goes on bit for bit.
    images
        Of the training patients alone. Bytes are moved to the device batch by batch.
    checkpoint
        File to resume from, and to write every ``config.check_every`` steps.
    on_step
        Called after each step with the steps done, the steps to do, and the loss. What it raises
        ends the training, which the checkpoint then resumes.

    Returns
    -------
    ndarray
        Loss of each step, (step,).

    Raises
    ------
    ValueError
        If the loss is no longer finite, the checkpoint is of another run, or the precision does
        not suit the device (volumes in ``bf16`` on a CPU).
    """
    require_sound_precision(network, config.precision, torch.device(device).type)
    run = _describe_run(network, images, config)
    layout = torch.channels_last if images.dimensions == 2 else torch.channels_last_3d
    network.to(device).to(memory_format=layout).train()
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    overlap = DiceCELoss(sigmoid=True, batch=True)
    scale = PatientScale.of(images)
    outlined = images.inside.flatten(1).any(dim=1).numpy()

    saved = None if checkpoint is None else read_checkpoint(checkpoint, run)
    losses: list[float] = []
    if saved is not None:
        restore(saved, network, optimiser)
        losses = saved.losses.tolist()

    while (step := len(losses)) < config.n_steps:
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate_at(step)
        rows = config.batch_at(step, outlined, images.owner)
        pixels = scale.seen(images, rows, reach=config.reach, device=device)
        masks = images.inside[rows, None].to(device).float() / 255
        sides = [config.side_at(step, side) for side in pixels.shape[2:]]
        if sides != [*pixels.shape[2:]]:
            pixels, masks = (functional.interpolate(x, sides, mode="area") for x in (pixels, masks))
        if config.augmentation is not None:
            drawn = np.random.SeedSequence([config.seed, step, 1]).generate_state(1, np.uint32)
            generator = torch.Generator().manual_seed(int(drawn[0]))
            pixels, masks = augmented(
                pixels, masks, config.augmentation, generator, slices=2 * config.reach + 1
            )
        with torch.autocast(device, torch.bfloat16, enabled=config.precision == "bf16"):
            logits = network(pixels.contiguous(memory_format=layout))
        loss = overlap(logits.float(), masks)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise ValueError(f"the loss of step {step} is {losses[-1]}: lower the learning rate")
        if checkpoint is not None and (
            len(losses) % config.check_every == 0 or len(losses) == config.n_steps
        ):
            write_checkpoint(_state(network, optimiser, losses), checkpoint, run)
        if on_step is not None:
            on_step(len(losses), config.n_steps, losses[-1])
    network.eval()
    return np.array(losses)


def _state(network: nn.Module, optimiser: torch.optim.AdamW, losses: list[float]) -> Checkpoint:
    return state_of(network, optimiser, best={}, losses=losses, looks=[])


def _describe_run(
    network: nn.Module, images: OutlinedImages, config: SegmentationTrainingConfig
) -> dict[str, str]:
    """What a run depends on, each part as text; a checkpoint of other parts is refused."""
    weights = hashlib.sha256(str(network).encode())
    for name, value in network.state_dict().items():
        weights.update(name.encode() + tensor_bytes(value))
    settings = {name: repr(value) for name, value in asdict(config).items()}
    del settings["check_every"]
    return settings | {
        "network and first weights": weights.hexdigest(),
        "images, masks and patients": images.fingerprint(),
    }
