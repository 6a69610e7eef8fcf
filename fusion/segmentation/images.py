"""Images with drawn outlines, decoded once and kept in memory as bytes."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from fusion.network_inputs import tensor_bytes

LEAST_SPREAD = 1e-3
AIR = 0.1
"""What is black, or darker than this share of a patient's bright pixels (99th percentile of those
not black), is air or a border: how much of it a picture holds says nothing of the patient."""
BRIGHT = 0.99
HALF = 127
"""Highest share, of 255, that lies outside for the most part."""


@dataclass(frozen=True)
class OutlinedImages:
    """Pictures or volumes of one size, each of one patient, with what was outlined in them.

    Parameters
    ----------
    pixels
        (image, channel, \\*space), 0 to 255. A patient's slices stand in order.
    inside
        (image, \\*space), share of each place that lies inside the outline, 0 to 255: an outline
        drawn on a finer image keeps its course.
    patient
        Whose each image is, (image,) str.

    Raises
    ------
    ValueError
        If lengths or sizes do not belong together, or there is no image.
    """

    pixels: UInt8[Tensor, "image channel *space"]
    inside: UInt8[Tensor, "image *space"]
    patient: np.ndarray

    def __post_init__(self) -> None:
        shape = (self.pixels.shape[0], *self.pixels.shape[2:])
        if self.inside.shape != shape or self.patient.shape != shape[:1]:
            raise ValueError(
                f"pixels are {tuple(self.pixels.shape)}, masks {tuple(self.inside.shape)} of "
                f"{len(self.patient)} patients' names: pass one mask and one name an image"
            )
        if not len(self.patient):
            raise ValueError("no images: segmentation needs at least one outlined image")

    @property
    def n_images(self) -> int:
        return len(self.patient)

    @property
    def masks(self) -> Bool[Tensor, "image *space"]:
        """Whether most of each place lies inside the outline."""
        return self.inside > HALF

    @property
    def dimensions(self) -> int:
        """2 for pictures, 3 for volumes."""
        return self.inside.ndim - 1

    @property
    def patients(self) -> list[str]:
        """Each patient once, in order of first appearance."""
        return list(dict.fromkeys(self.patient.tolist()))

    @cached_property
    def owner(self) -> np.ndarray:
        """Number of each image's patient, from 0, (image,) int."""
        return np.unique(self.patient, return_inverse=True)[1]

    def of(self, patients: list[str]) -> "OutlinedImages":
        """The images of some patients, in the order in which they stand here."""
        rows = torch.as_tensor(np.flatnonzero(np.isin(self.patient, patients)))
        return OutlinedImages(self.pixels[rows], self.inside[rows], self.patient[rows.numpy()])

    def beside(self, rows: Int64[Tensor, " image"], reach: int) -> Int64[Tensor, "image slice"]:
        """Positions of an image and of those ``reach`` before and after it of the same patient.

        At a patient's first and last image the image itself stands in for those beyond.
        """
        offsets = torch.arange(-reach, reach + 1)
        near = (rows[:, None] + offsets).clamp(0, self.n_images - 1)
        owners = torch.as_tensor(self.owner)
        return torch.where(owners[near] == owners[rows, None], near, rows[:, None])

    def fingerprint(self) -> str:
        """Hash of pixels, masks and patients, hexadecimal."""
        digest = hashlib.sha256(repr(self.patient.tolist()).encode())
        digest.update(tensor_bytes(self.pixels))
        digest.update(tensor_bytes(self.inside))
        return digest.hexdigest()


@dataclass(frozen=True)
class PatientScale:
    """What brings each channel of a patient's images to mean 0 and variance 1, air left out.

    It comes from the patient's own images, so that nothing is learned from others.

    Parameters
    ----------
    mean, spread
        (image, channel), in the units of the pixels.
    """

    mean: Float[Tensor, "image channel"]
    spread: Float[Tensor, "image channel"]

    @classmethod
    def of(cls, images: OutlinedImages) -> "PatientScale":
        """Mean and standard deviation over all images of the patient of each image.

        What is darker than ``AIR`` does not count.
        """
        counts = torch.zeros(*images.pixels.shape[:2], 256)
        for i, pixels in enumerate(images.pixels.flatten(2)):
            for channel, values in enumerate(pixels):
                counts[i, channel] = torch.bincount(values, minlength=256)
        owners = torch.as_tensor(images.owner)
        of_patient = torch.zeros(int(owners.max()) + 1, *counts.shape[1:])
        of_patient.index_add_(0, owners, counts)
        values = torch.arange(256.0)
        of_patient[..., 0] = 0
        reached = of_patient.cumsum(-1) >= BRIGHT * of_patient.sum(-1, keepdim=True)
        bright = reached.float().argmax(-1, keepdim=True)
        of_patient = of_patient * (values >= AIR * bright)
        total = of_patient.sum(-1).clamp(min=1)
        mean = (of_patient * values).sum(-1) / total
        variance = (of_patient * values**2).sum(-1) / total - mean**2
        return cls(mean[owners], variance.clamp(min=LEAST_SPREAD**2).sqrt()[owners])

    def standardised(
        self, pixels: UInt8[Tensor, "image channel *space"], rows: Tensor
    ) -> Float[Tensor, "image channel *space"]:
        """Pixels of the images at ``rows``, on the device of the pixels."""
        shape = (len(rows), -1, *(1,) * (pixels.ndim - 2))
        mean = self.mean[rows].to(pixels.device).view(shape)
        spread = self.spread[rows].to(pixels.device).view(shape)
        return (pixels.float() - mean) / spread

    def seen(
        self, images: OutlinedImages, rows: Int64[Tensor, " image"], *, reach: int, device: str
    ) -> Float[Tensor, "image slice_channel *space"]:
        """What a network is shown of the images at ``rows``, with their neighbours as channels.

        Parameters
        ----------
        reach
            Neighbours on each side; all channels of one slice stand together.
        """
        near = images.beside(rows, reach)
        pixels = images.pixels[near.flatten()].to(device)
        return self.standardised(pixels, near.flatten()).unflatten(0, near.shape).flatten(1, 2)
