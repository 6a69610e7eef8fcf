"""A 2D image encoder that learns without outcomes: from lesion masks, or from the images alone.

The network is MONAI's residual U-Net. Trained to outline the lesion, its features describe the
lesion: the embedding pools each level over the predicted outline (mean and spread, which is
texture) and adds the outline's area. Without masks the same network learns to fill in hidden
patches, and features are pooled over the image.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from monai.losses.dice import DiceCELoss
from monai.networks.nets.unet import UNet
from torch import Tensor, nn
from torch.nn import functional

from fusion.bags import MeanPooling
from fusion.dataset import Modality

EPSILON = 1e-6


@dataclass(frozen=True)
class ImageEncoderConfig:
    """How the encoder is built and trained.

    Parameters
    ----------
    widths
        Channels of each level; the image is halved between levels.
    n_steps, batch_size
        Training steps and images a step.
    learning_rate
        Peak of the one-cycle schedule.
    hidden_share
        Share of 8 × 8 patches hidden where the network learns from images alone.
    """

    widths: tuple[int, ...] = (16, 32, 64, 64)
    n_steps: int = 100
    batch_size: int = 32
    learning_rate: float = 5e-3
    hidden_share: float = 0.3


class ImageEncoder(nn.Module):
    """Image → embedding, through the outline that the network predicts.

    Parameters
    ----------
    n_channels
        Channels of the image.
    outlines
        Whether training had masks; decides how features are pooled.
    config
        Architecture and training.
    """

    def __init__(self, n_channels: int, outlines: bool, config: ImageEncoderConfig) -> None:
        super().__init__()
        self.n_channels = n_channels
        self.outlines = outlines
        self.config = config
        self.network = UNet(
            spatial_dims=2,
            in_channels=n_channels,
            out_channels=1 if outlines else n_channels,
            channels=config.widths,
            strides=(2,) * (len(config.widths) - 1),
            num_res_units=1,
            norm="batch",
        )

    @property
    def embed(self) -> int:
        """Width of the embedding: two statistics a channel and level, and the outline's area."""
        return 2 * (self.n_channels + sum(self.config.widths)) + 2 * self.outlines

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch embed"]:
        """Embedding of each image, already standardised."""
        levels = [images, *self._levels(images)]
        if not self.outlines:
            everywhere = torch.ones_like(images[:, :1])
            return torch.cat([_pooled(level, everywhere) for level in levels], dim=1)
        outline = self.network(images).sigmoid()
        area = outline.mean(dim=(1, 2, 3))
        size = torch.stack([area.sqrt(), (area + 1e-3).log()], dim=1)
        return torch.cat([size, *(_pooled(level, outline) for level in levels)], dim=1)

    @staticmethod
    def pictures(values: np.ndarray | Tensor) -> Float[Tensor, "image channel height width"]:
        """What the encoder takes of (patient, slice, channel, height, width)."""
        return standardise(values)

    def _levels(self, images: Tensor) -> Iterator[Tensor]:
        """Features on the way down MONAI's nested U-Net, finest first."""
        features: Tensor = images
        block: nn.Module = self.network.model
        while isinstance(block, nn.Sequential):
            features = block[0](features)
            yield features
            block = block[1].get_submodule("submodule")
        yield block(features)


def _pooled(
    features: Float[Tensor, "batch channel height width"],
    outline: Float[Tensor, "batch 1 full_height full_width"],
) -> Float[Tensor, "batch twice_channel"]:
    """Mean and standard deviation of each channel inside the outline."""
    weight = functional.adaptive_avg_pool2d(outline, (features.shape[2], features.shape[3]))
    weight = weight / (weight.sum(dim=(2, 3), keepdim=True) + EPSILON)
    mean = (features * weight).sum(dim=(2, 3))
    square = (features**2 * weight).sum(dim=(2, 3))
    return torch.cat([mean, (square - mean**2).clamp(min=0).add(EPSILON).sqrt()], dim=1)


def train_image_encoder(
    modality: Modality,
    *,
    seed: int,
    config: ImageEncoderConfig | None = None,
    device: str = "cpu",
) -> ImageEncoder:
    """Train on the images of ``modality`` alone; no outcome is seen.

    Parameters
    ----------
    modality
        Images of the training patients; those without an image are left out.
    seed
        Draws the initial weights and the batches.

    Raises
    ------
    ValueError
        If no patient has an image.
    """
    config = config or ImageEncoderConfig()
    if not modality.present.any():
        raise ValueError(f"{modality.name}: no training patient has an image")
    filled = modality.values.any(axis=(2, 3, 4))
    images = standardise(modality.values[filled][:, None])
    masks = None if modality.masks is None else _flat_masks(modality.masks[filled][:, None])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = ImageEncoder(images.shape[1], masks is not None, config)
        encoder = encoder.to(device).to(memory_format=torch.channels_last)
        _train(encoder, images, masks, np.random.default_rng(seed), device)
    return encoder.eval()


def _train(
    encoder: ImageEncoder,
    images: Tensor,
    masks: Tensor | None,
    generator: np.random.Generator,
    device: str,
) -> None:
    config = encoder.config
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=config.learning_rate, total_steps=config.n_steps
    )
    overlap = DiceCELoss(sigmoid=True)
    size = min(config.batch_size, len(images))
    for _ in range(config.n_steps):
        rows = torch.as_tensor(generator.choice(len(images), size=size, replace=False))
        batch = images[rows].to(device, memory_format=torch.channels_last)
        turn = int(generator.integers(4)), bool(generator.integers(2))
        batch = _turned(batch, *turn)
        if masks is None:
            hidden = _hidden_patches(batch, config.hidden_share, generator)
            restored = encoder.network(batch * ~hidden)
            loss = ((restored - batch) ** 2 * hidden).sum() / hidden.expand_as(batch).sum()
        else:
            loss = overlap(encoder.network(batch), _turned(masks[rows].to(device), *turn))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


@torch.no_grad()
def encode(encoder: ImageEncoder, modality: Modality, *, batch_size: int = 128) -> Modality:
    """Embed a modality's images; a patient's slices are averaged, but for those that are 0.

    Returns
    -------
    Modality
        Of kind ``embedding``, same name and patients; zero where the patient has no image.
    """
    rows = np.flatnonzero(modality.present)
    n_slices = modality.values.shape[1]
    values = np.zeros((modality.n_patients, encoder.embed))
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        images = standardise(modality.values[batch])
        embedded = encoder(images.to(encoder.device, memory_format=torch.channels_last)).cpu()
        filled = torch.as_tensor(modality.values[batch].any(axis=(2, 3, 4)))
        # (patient·slice, embed) → (patient, slice, embed)
        values[batch] = MeanPooling()(embedded.unflatten(0, (-1, n_slices)), filled).numpy()
    return Modality(
        name=modality.name,
        kind="embedding",
        values=values,
        present=modality.present,
        names=tuple(f"embedding {i}" for i in range(encoder.embed)),
    )


@torch.no_grad()
def lesion_dice(encoder: ImageEncoder, modality: Modality) -> float:
    """Mean Dice overlap of predicted and drawn outlines, a patient, over patients with images.

    A patient whose mask is empty counts 1 if the prediction is empty too.
    """
    if modality.masks is None or not encoder.outlines:
        raise ValueError(f"{modality.name}: a Dice overlap needs masks and an encoder of outlines")
    rows = modality.present
    images = standardise(modality.values[rows])
    images = images.to(encoder.device, memory_format=torch.channels_last)
    predicted = (encoder.network(images) > 0).cpu().reshape(int(rows.sum()), -1)
    drawn = torch.as_tensor(modality.masks[rows]).reshape(int(rows.sum()), -1)
    both = (predicted & drawn).sum(1).double()
    total = predicted.sum(1) + drawn.sum(1)
    return float(torch.where(total > 0, 2 * both / total.clamp(min=1), 1.0).mean())


def standardise(values: np.ndarray | Tensor) -> Float[Tensor, "image channel height width"]:
    """(patient, slice, …) → images of mean 0 and variance 1 a channel, which removes gain."""
    images = torch.as_tensor(values).flatten(0, 1)
    variance, mean = torch.var_mean(images, dim=(2, 3), keepdim=True)
    return (images - mean) / (variance + EPSILON).sqrt()


def _flat_masks(masks: np.ndarray) -> Float[Tensor, "image 1 height width"]:
    return torch.as_tensor(masks).flatten(0, 1)[:, None].float()


def _turned(images: Tensor, quarter_turns: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(images, quarter_turns, dims=(2, 3))
    return turned.flip(3) if mirrored else turned


def _hidden_patches(images: Tensor, share: float, generator: np.random.Generator) -> Tensor:
    """(batch, 1, height, width) bool: which pixels are hidden, in patches of 8 × 8."""
    n, _, height, width = images.shape
    grid = generator.random((n, 1, -(-height // 8), -(-width // 8))) < share
    grid[:, 0, 0, 0] = True
    patches = torch.as_tensor(grid).repeat_interleave(8, 2).repeat_interleave(8, 3)
    return patches[:, :, :height, :width].to(images.device)
