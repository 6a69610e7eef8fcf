"""Images → features of small patches: a dictionary learned from the images alone, then frozen.

No weights are downloaded and no outcome is seen. Small patches of the training images, brought to
one contrast and whitened, are clustered; an image is then described by how much it holds of each
cluster, as a whole and in its centre, and by its colours.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Module, functional

from fusion.backbone import Backbone
from fusion.dataset import Modality

CONTRAST_FLOOR = 10 / 255**2
"""Added to the variance of a patch (values in [0, 1]), so that noise of flat skin stays small."""
WHITENING_FLOOR = 0.1
"""Added to the variances of contrast-normalised patches, so that noise is not blown up."""
BATCH = 2_000
N_BINS = 12
AT_ONCE = 4
"""Images encoded together: their responses then fit in the cache, which triples the speed."""
WHOLE = 1 - 1e-4
"""Share of a patch that lies inside the image, at least; less by rounding than all of it."""


@dataclass(frozen=True)
class PatchConfig:
    """How patches are cut and how many kinds are told apart.

    Parameters
    ----------
    patch, stride
        Pixels along an edge of a patch, and from one patch to the next where an image is encoded.
    n_atoms
        Patches of the dictionary.
    n_patches, n_rounds
        Training patches, and rounds of clustering.
    threshold
        What a response must exceed to count, in standard deviations of a whitened patch.
    """

    patch: int = 6
    stride: int = 3
    n_atoms: int = 400
    n_patches: int = 50_000
    n_rounds: int = 10
    threshold: float = 0.5


class PatchEncoder(Backbone):
    """Image in [0, 1] → how much of each patch of a dictionary it holds, and its colours.

    Parameters
    ----------
    n_channels
        Of an image.
    config
        Size and stride of patches, and how many there are.

    References
    ----------
    Coates, A., Ng, A. & Lee, H. (2011). An analysis of single-layer networks in unsupervised
    feature learning. AISTATS.
    Coates, A. & Ng, A. (2012). Learning feature representations with k-means. In: Neural networks:
    tricks of the trade. Springer.
    """

    filters: Tensor
    offset: Tensor
    learned_buffers: ClassVar[tuple[str, ...]] = ("filters", "offset")

    def __init__(self, n_channels: int, config: PatchConfig) -> None:
        n_colours = n_channels * (2 + N_BINS) + n_channels * (n_channels - 1) // 2
        super().__init__(2, n_channels, 4 * config.n_atoms + 2 * n_colours)
        self.config = config
        edge = config.patch
        self.register_buffer("filters", torch.zeros(config.n_atoms, n_channels, edge, edge))
        self.register_buffer("offset", torch.zeros(config.n_atoms))

    def forward(
        self, images: Float[Tensor, "image channel height width"]
    ) -> Float[Tensor, "image feature"]:
        """Features of each image; pixels that are 0 in every channel surround it and are none."""
        return torch.cat([self._features(few) for few in images.split(AT_ONCE)])

    def _features(
        self, images: Float[Tensor, "image channel height width"]
    ) -> Float[Tensor, "image feature"]:
        inside = (images != 0).any(dim=1, keepdim=True).to(images.dtype)
        edge, stride = self.config.patch, self.config.stride
        whole = (functional.avg_pool2d(inside, edge, stride) > WHOLE).to(images.dtype)
        response = self._responses(images)
        least = response.new_tensor(-self.config.threshold)
        kinds = [_pooled(torch.add(least, response, alpha=sign).relu_(), whole) for sign in (1, -1)]
        return torch.cat([*kinds, _colours(images, inside)], dim=1)

    def _responses(
        self, images: Float[Tensor, "image channel height width"]
    ) -> Float[Tensor, "image atom row column"]:
        """How like each atom each patch is, once whitened; negative where it is the opposite."""
        edge, stride = self.config.patch, self.config.stride
        mean = functional.avg_pool2d(images.mean(dim=1, keepdim=True), edge, stride)
        square = functional.avg_pool2d(images.square().mean(dim=1, keepdim=True), edge, stride)
        precision = ((square - mean.square()).clamp(min=0) + CONTRAST_FLOOR).rsqrt()
        # The filters sum to 0, so that a patch's mean takes no part.
        response = functional.conv2d(images, self.filters, stride=stride)
        return torch.addcmul(-self.offset[:, None, None], response, precision)

    @property
    def device(self) -> torch.device:
        return self.filters.device

    @staticmethod
    def pictures(values: np.ndarray | Tensor) -> Float[Tensor, "image channel height width"]:
        """What the encoder takes of (patient, slice, channel, height, width)."""
        return torch.as_tensor(values).flatten(0, 1)

    def stages(self) -> tuple[Module, ...]:
        """None: the dictionary is frozen."""
        return ()


def learn_patches(
    modality: Modality, *, seed: int, config: PatchConfig | None = None
) -> PatchEncoder:
    """Learn the dictionary from the images of ``modality`` alone; no outcome is seen.

    Parameters
    ----------
    modality
        Images of the training patients; those without an image are left out.
    seed
        Draws the patches and the first atoms.

    Raises
    ------
    ValueError
        If no patient has an image that a patch fits in.
    """
    config = config or PatchConfig()
    generator = np.random.default_rng(seed)
    patches = contrast_normalised(_drawn(modality, config, generator))
    mean = patches.mean(dim=0)
    whitening = zca(patches - mean)
    atoms = spherical_k_means((patches - mean) @ whitening, config.n_atoms, config.n_rounds, seed)
    # A response is linear in the patch, so that one convolution whitens and compares.
    weights = atoms @ whitening
    n_channels = modality.values.shape[2]
    encoder = PatchEncoder(n_channels, config)
    centred = weights - weights.mean(dim=1, keepdim=True)
    encoder.filters.copy_(centred.unflatten(1, (n_channels, config.patch, config.patch)))
    encoder.offset.copy_(weights @ mean)
    return encoder.eval()


def contrast_normalised(
    patches: Float[Tensor, "patch pixel"],
) -> Float[Tensor, "patch pixel"]:
    """Patches with mean 0 over pixels and channels, and variance 1 but where there is no contrast.

    Differences between the channels stay: they are the patch's colours.
    """
    centred = patches - patches.mean(dim=1, keepdim=True)
    return centred / (centred.square().mean(dim=1, keepdim=True) + CONTRAST_FLOOR).sqrt()


def zca(centred: Float[Tensor, "patch pixel"]) -> Float[Tensor, "pixel pixel"]:
    """The symmetric matrix that makes pixels uncorrelated and leaves patches alike."""
    covariance = (centred.T @ centred).double() / len(centred)
    variance, axes = torch.linalg.eigh(covariance)
    scale = (variance.clamp(min=0) + WHITENING_FLOOR).rsqrt()
    return ((axes * scale) @ axes.T).to(centred.dtype)


def spherical_k_means(
    patches: Float[Tensor, "patch pixel"], n_atoms: int, n_rounds: int, seed: int
) -> Float[Tensor, "atom pixel"]:
    """Atoms of length 1: each is the direction of the patches, of either sign, nearest to it.

    Parameters
    ----------
    patches
        Whitened.
    n_rounds
        Of assigning patches and moving atoms; an atom that gets none stays.
    seed
        Draws the first atoms.
    """
    generator = np.random.default_rng(seed)
    first = generator.standard_normal((n_atoms, patches.shape[1]))
    atoms = functional.normalize(torch.as_tensor(first, dtype=patches.dtype))
    for _ in range(n_rounds):
        moved = atoms.clone()
        for batch in patches.split(BATCH):
            likeness = batch @ atoms.T
            nearest = likeness.abs().argmax(dim=1)
            moved.index_add_(0, nearest, likeness.gather(1, nearest[:, None]) * batch)
        atoms = functional.normalize(moved)
    return atoms


def _drawn(
    modality: Modality, config: PatchConfig, generator: np.random.Generator
) -> Float[Tensor, "patch pixel"]:
    """Patches at random places of random images, those outside an image left out."""
    filled = modality.values.any(axis=(2, 3, 4))
    images = modality.values[filled]  # (image, channel, height, width)
    edge = config.patch
    if not len(images) or min(images.shape[2:]) < edge:
        raise ValueError(
            f"{modality.name}: no training patient has an image of {edge} px or more: a dictionary "
            "of patches needs images"
        )
    image = generator.integers(len(images), size=config.n_patches)
    top = generator.integers(images.shape[2] - edge + 1, size=config.n_patches)
    left = generator.integers(images.shape[3] - edge + 1, size=config.n_patches)
    windows = np.lib.stride_tricks.sliding_window_view(images, (edge, edge), axis=(2, 3))
    patches = windows[image, :, top, left]
    inside = patches.any(axis=1).reshape(len(patches), -1).all(axis=1)
    if not inside.any():
        raise ValueError(f"{modality.name}: every image is black: look at the files")
    return torch.as_tensor(patches[inside].reshape(int(inside.sum()), -1))


def _pooled(
    maps: Float[Tensor, "image map row column"], weight: Float[Tensor, "image 1 row column"]
) -> Float[Tensor, "image twice_map"]:
    """Mean of each map inside the image's centre, which is a quarter of it, and around it."""
    height, width = maps.shape[2:]
    centre = torch.zeros_like(weight[:1])
    rows = slice(height // 4, height - height // 4)
    centre[:, :, rows, width // 4 : width - width // 4] = 1
    regions = (weight * torch.cat([centre, 1 - centre], dim=1)).flatten(2)
    shares = regions / regions.sum(dim=2, keepdim=True).clamp(min=1)
    # (image, region, place) × (image, place, map) → (image, region·map)
    return (shares @ maps.permute(0, 2, 3, 1).flatten(1, 2)).flatten(1)


def _colours(
    images: Float[Tensor, "image channel height width"],
    inside: Float[Tensor, "image 1 height width"],
) -> Float[Tensor, "image feature"]:
    """Mean, spread, covariances and histogram of the channels, in the centre and around it."""
    n_channels = images.shape[1]
    first, second = torch.triu_indices(n_channels, n_channels)
    levels = torch.linspace(0, 1, N_BINS).to(images)[:, None, None]
    # Each pixel is shared by the two levels it lies between, so that the histogram has gradients.
    shares = functional.relu(1 - (images[:, :, None] - levels).abs() * (N_BINS - 1)).flatten(1, 2)
    products = images[:, first] * images[:, second]
    pooled = _pooled(torch.cat([images, products, shares], dim=1), inside)
    parts = []
    for region in pooled.chunk(2, dim=1):
        mean, product, histogram = region.split([n_channels, len(first), n_channels * N_BINS], 1)
        covariance = product - mean[:, first] * mean[:, second]
        parts += [mean, covariance, histogram]
    return torch.cat(parts, dim=1)
