"""Images seen a little differently each time: the whole batch at once, on its device."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

LEAST_RANGE = 1e-3
"""Of grey values in a channel; an even one is no picture."""


@dataclass(frozen=True)
class Augmentation:
    """How far images are changed; every change is drawn anew for each image.

    Parameters
    ----------
    tilt
        Largest rotation either way in the plane of the last two axes, degrees.
    zoom
        Largest relative change of size, either way.
    shift
        Largest shift along each axis, share of its length.
    brightness, contrast
        Largest addition, and largest relative change of the spread, of each channel of standardised
        images.
    gamma
        Largest logarithm, either way, of the power to which grey values between the darkest and the
        brightest of a channel are raised: scanners and sequences differ in contrast.
    noise
        Largest standard deviation of added noise.
    flips
        Axes of space (0 is the first) along which an image may be mirrored. An axis that runs from
        the patient's left to right belongs here only where the sides mean the same: never for a
        chest, whose heart would change sides, or where the side is itself asked for.
    stand_in
        Channel that a dataset repeats where another was not acquired, from 0; or None. A network
        that has met few such patients goes by what the others show, and fails in these.
    absent
        Chance that a channel is replaced by the stand-in, drawn for each channel of each image;
        half as often all of them are at once.

    Raises
    ------
    ValueError
        If a size is negative, ``zoom`` or ``contrast`` is 1 or more, or ``absent`` more than 1.
    """

    tilt: float = 15.0
    zoom: float = 0.2
    shift: float = 0.05
    brightness: float = 0.3
    contrast: float = 0.3
    gamma: float = 0.3
    noise: float = 0.1
    flips: tuple[int, ...] = ()
    stand_in: int | None = None
    absent: float = 0.1

    def __post_init__(self) -> None:
        grey = (self.brightness, self.contrast, self.gamma, self.noise)
        sizes = (self.tilt, self.zoom, self.shift, *grey)
        if min(sizes) < 0 or max(self.zoom, self.contrast) >= 1:
            raise ValueError(
                "sizes of an augmentation must be 0 or more, zoom and contrast below 1, got "
                f"{', '.join(f'{size:g}' for size in sizes)}"
            )
        if not 0 <= self.absent <= 1:
            raise ValueError(f"absent must be 0 to 1, got {self.absent:g}")


def augmented(
    images: Float[Tensor, "image channel *space"],
    masks: Float[Tensor, "image 1 *space"],
    augmentation: Augmentation,
    generator: torch.Generator,
    *,
    slices: int = 1,
) -> tuple[Float[Tensor, "image channel *space"], Float[Tensor, "image 1 *space"]]:
    """Images and their masks, changed alike in space; grey values of the images alone.

    Parameters
    ----------
    images
        Standardised. What comes in at the edges repeats them.
    masks
        Share of each place that lies inside an outline, 0 to 1.
    generator
        Of the CPU; numbers do not depend on the device.
    slices
        Neighbouring slices that the channels hold, one after another; a channel changes alike in
        all of them.
    """
    if augmentation.stand_in is not None:
        images = _without_channels(images, augmentation, generator, slices)
    images, masks = _moved(images, masks, augmentation, generator)
    images, masks = _mirrored(images, masks, augmentation.flips, generator)
    per_channel = len(images), images.shape[1] // slices, *(1,) * (images.ndim - 2)
    per_image = len(images), *(1,) * (images.ndim - 1)

    def drawn(size: float, shape: tuple[int, ...]) -> Tensor:
        return (size * (2 * torch.rand(shape, generator=generator) - 1)).to(images.device)

    contrast = drawn(augmentation.contrast, per_channel)
    brightness = drawn(augmentation.brightness, per_channel)
    every = (1, slices, *(1,) * (images.ndim - 2))
    if augmentation.gamma:
        images = _bent(images, drawn(augmentation.gamma, per_channel).exp(), slices)
    images = images * (1 + contrast.repeat(every)) + brightness.repeat(every)
    if augmentation.noise:
        # Drawn where it is added: a batch of noise is too much to send to a device.
        seed = int(torch.randint(2**62, (), generator=generator))
        there = torch.Generator(images.device).manual_seed(seed)
        noise = torch.empty_like(images).normal_(generator=there)
        images = images + noise * drawn(augmentation.noise, per_image).abs()
    return images, masks


def _bent(images: Tensor, power: Tensor, slices: int) -> Tensor:
    """Grey values raised to a power of their channel, darkest and brightest kept."""
    by_slice = images.unflatten(1, (slices, -1))
    over = (1, *range(3, by_slice.ndim))
    low, high = by_slice.amin(over, keepdim=True), by_slice.amax(over, keepdim=True)
    wide = (high - low).clamp(min=LEAST_RANGE)
    return (((by_slice - low) / wide) ** power[:, None] * wide + low).flatten(1, 2)


def _without_channels(
    images: Tensor, augmentation: Augmentation, generator: torch.Generator, slices: int
) -> Tensor:
    """(image, slice_channel, \\*space) with the stand-in in place of some channels."""
    n_channels = images.shape[1] // slices
    each = torch.rand(len(images), n_channels, generator=generator) < augmentation.absent
    all_ = torch.rand(len(images), 1, generator=generator) < augmentation.absent / 2
    chosen = (each | all_).view(len(images), 1, n_channels, *(1,) * (images.ndim - 2))
    by_slice = images.unflatten(1, (slices, n_channels))
    stand_in = by_slice[:, :, augmentation.stand_in, None]
    return torch.where(chosen.to(images.device), stand_in, by_slice).flatten(1, 2)


def _moved(
    images: Tensor, masks: Tensor, augmentation: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    dimensions = images.ndim - 2
    n = len(images)

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.rand(shape, generator=generator) - 1

    angle = math.radians(augmentation.tilt) * drawn(n)
    scale = 1 + augmentation.zoom * drawn(n)
    # affine_grid counts axes from the last; the plane of the last two is its first two rows.
    # Unequal sides would shear a rotation in its relative coordinates.
    height, width = images.shape[-2:]
    affine = torch.zeros(n, dimensions, dimensions + 1)
    affine[:, range(dimensions), range(dimensions)] = scale[:, None]
    affine[:, 0, 0] = affine[:, 1, 1] = scale * angle.cos()
    affine[:, 0, 1] = -scale * angle.sin() * height / width
    affine[:, 1, 0] = scale * angle.sin() * width / height
    affine[:, :, -1] = 2 * augmentation.shift * drawn(n, dimensions)
    grid = functional.affine_grid(affine, [n, 1, *images.shape[2:]], align_corners=False)
    grid = grid.to(images.device, images.dtype)
    both = torch.cat([images, masks.to(images.dtype)], dim=1)
    both = functional.grid_sample(both, grid, padding_mode="border", align_corners=False)
    return both[:, :-1], both[:, -1:]


def _mirrored(
    images: Tensor, masks: Tensor, axes: tuple[int, ...], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    for axis in axes:
        chosen = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
        which = chosen.view(-1, *(1,) * (images.ndim - 1))
        images = torch.where(which, images.flip(axis + 2), images)
        masks = torch.where(which, masks.flip(axis + 2), masks)
    return images, masks
