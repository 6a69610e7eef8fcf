"""Images seen a little differently each time: the whole batch at once, on its device."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


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
        Largest addition, and largest relative change of the spread, of standardised images.
    noise
        Largest standard deviation of added noise.
    flips
        Axes of space (0 is the first) along which an image may be mirrored. An axis that runs from
        the patient's left to right belongs here only where the sides mean the same: never for a
        chest, whose heart would change sides, or where the side is itself asked for.

    Raises
    ------
    ValueError
        If a size is negative, or ``zoom`` or ``contrast`` is 1 or more.
    """

    tilt: float = 15.0
    zoom: float = 0.1
    shift: float = 0.05
    brightness: float = 0.2
    contrast: float = 0.2
    noise: float = 0.1
    flips: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        sizes = (self.tilt, self.zoom, self.shift, self.brightness, self.contrast, self.noise)
        if min(sizes) < 0 or max(self.zoom, self.contrast) >= 1:
            raise ValueError(
                "sizes of an augmentation must be 0 or more, zoom and contrast below 1, got "
                f"{', '.join(f'{size:g}' for size in sizes)}"
            )


def augmented(
    images: Float[Tensor, "image channel *space"],
    masks: Float[Tensor, "image 1 *space"],
    augmentation: Augmentation,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "image channel *space"], Float[Tensor, "image 1 *space"]]:
    """Images and their masks, changed alike in space; grey values of the images alone.

    Parameters
    ----------
    images
        Standardised, so that 0 is the mean, which also fills what comes in at the edges.
    generator
        Of the CPU; numbers do not depend on the device.
    """
    images, masks = _moved(images, masks, augmentation, generator)
    images, masks = _mirrored(images, masks, augmentation.flips, generator)
    shape = (len(images), 1, *(1,) * (images.ndim - 2))

    def drawn(size: float) -> Tensor:
        return (size * (2 * torch.rand(shape, generator=generator) - 1)).to(images.device)

    images = images * (1 + drawn(augmentation.contrast)) + drawn(augmentation.brightness)
    if augmentation.noise:
        # Drawn where it is added: a batch of noise is too much to send to a device.
        seed = int(torch.randint(2**62, (), generator=generator))
        there = torch.Generator(images.device).manual_seed(seed)
        noise = torch.empty_like(images).normal_(generator=there)
        images = images + noise * drawn(augmentation.noise).abs()
    return images, masks


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
    return (
        functional.grid_sample(images, grid, align_corners=False),
        functional.grid_sample(masks, grid, mode="nearest", align_corners=False),
    )


def _mirrored(
    images: Tensor, masks: Tensor, axes: tuple[int, ...], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    for axis in axes:
        chosen = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
        which = chosen.view(-1, *(1,) * (images.ndim - 1))
        images = torch.where(which, images.flip(axis + 2), images)
        masks = torch.where(which, masks.flip(axis + 2), masks)
    return images, masks
