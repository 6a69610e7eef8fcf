"""Images → features of a frozen backbone, each computed once and kept on disk by content.

The key of an image is what it holds and how it was prepared; the key of a backbone is its shape and
its weights. Features are written in parts as they are made, so that a run that was stopped goes on
where it was; files are decoded by threads while the backbone computes.
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fusion.backbone import Backbone
from fusion.dataset import Modality
from fusion.network_inputs import tensor_bytes

READ_AHEAD = 3
"""Batches that are decoded before they are needed."""


@dataclass(frozen=True)
class StoredImage:
    """An image that is read when it is needed.

    Parameters
    ----------
    content
        Hash of the file and of how it is prepared; two images with one hash are one.
    read
        The image, (channel, …) float32.
    """

    content: str
    read: Callable[[], np.ndarray]


def embed_images(
    backbone: Backbone,
    images: Sequence[StoredImage],
    *,
    cache: Path | None = None,
    batch_size: int = 64,
    n_readers: int | None = None,
    device: str = "cpu",
) -> Float[np.ndarray, "image feature"]:
    """Features of each image, in the order given.

    Parameters
    ----------
    backbone
        Put into evaluation mode; its weights do not change.
    cache
        Folder for features; None computes them every time.
    batch_size
        Images that pass through the backbone, and are written, at once.
    n_readers
        Threads that decode; None for as many as there are cores.

    Raises
    ------
    ValueError
        If a file of the cache is damaged.
    """
    folder = None if cache is None else cache / _key(backbone)
    known = {} if folder is None else _kept(folder)
    missing = list({i.content: i for i in images if i.content not in known}.values())
    if missing:
        backbone.to(device).eval()
    batches = [missing[i : i + batch_size] for i in range(0, len(missing), batch_size)]
    with ThreadPoolExecutor(n_readers or os.cpu_count()) as pool:
        for batch, pixels in _decoded(batches, pool):
            features = _features(backbone, pixels, device)
            contents = [image.content for image in batch]
            known |= dict(zip(contents, features.numpy(), strict=True))
            if folder is not None:
                _keep(folder, contents, features)
    if not images:
        return np.zeros((0, backbone.n_features), dtype=np.float32)
    return np.stack([known[image.content] for image in images])


def embed_modality(
    backbone: Backbone,
    modality: Modality,
    *,
    cache: Path | None = None,
    batch_size: int = 64,
    device: str = "cpu",
) -> Modality:
    """A modality of images as one of embeddings: the mean of a patient's pictures, or the volume.

    A picture that is 0 throughout fills up a patient's row and is none.

    Returns
    -------
    Modality
        Of kind ``embedding``, same name and patients; zero where the patient has no image.
    """
    rows = np.flatnonzero(modality.present)
    here = modality.values[rows]
    if backbone.dimensions == 3:
        # (patient, slice, channel, height, width) → (patient, 1, channel, depth, height, width)
        here = here.swapaxes(1, 2)[:, None]
    flat = here.reshape(-1, *here.shape[2:])
    stored = [
        StoredImage(hashlib.sha256(np.ascontiguousarray(image).data).hexdigest(), image.copy)
        for image in flat
    ]
    features = embed_images(backbone, stored, cache=cache, batch_size=batch_size, device=device)
    values = np.zeros((modality.n_patients, backbone.n_features))
    if len(rows):
        filled = flat.any(axis=tuple(range(1, flat.ndim))).reshape(len(rows), -1, 1)
        by_picture = features.reshape(len(rows), here.shape[1], -1)
        values[rows] = (by_picture * filled).sum(axis=1) / filled.sum(axis=1).clip(min=1)
    names = tuple(f"embedding {i}" for i in range(backbone.n_features))
    return Modality(modality.name, "embedding", values, modality.present, names)


@torch.no_grad()
def _features(backbone: Backbone, pixels: Tensor, device: str) -> Float[Tensor, "image feature"]:
    layout = torch.channels_last if pixels.ndim == 4 else torch.channels_last_3d
    return backbone(pixels.to(device, memory_format=layout)).float().cpu()


def _decoded(
    batches: Sequence[Sequence[StoredImage]], pool: ThreadPoolExecutor
) -> Iterator[tuple[Sequence[StoredImage], Tensor]]:
    """Each batch with its pixels, (image, channel, …), the next ones being decoded meanwhile."""
    ahead: deque[tuple[Sequence[StoredImage], list[Future[np.ndarray]]]] = deque()
    for batch in [*batches, *[()] * READ_AHEAD]:
        ahead.append((batch, [pool.submit(image.read) for image in batch]))
        if len(ahead) > READ_AHEAD:
            first, reads = ahead.popleft()
            if first:
                yield first, torch.from_numpy(np.stack([read.result() for read in reads]))


def _key(backbone: Backbone) -> str:
    settings = {k: v for k, v in vars(backbone).items() if k != "training" and k[0] != "_"}
    digest = hashlib.sha256(f"embeddings 1 {backbone}{settings}".encode())
    for name, value in [*backbone.named_parameters(), *backbone.named_buffers()]:
        digest.update(name.encode() + tensor_bytes(value))
    return digest.hexdigest()


def _kept(folder: Path) -> dict[str, np.ndarray]:
    """Features on disk, by content."""
    known: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="np") as file:
                contents = json.loads((file.metadata() or {})["contents"])
                known |= dict(zip(contents, file.get_tensor("features"), strict=True))
        except (SafetensorError, KeyError, ValueError) as error:
            raise ValueError(f"{path} is damaged ({error}): delete it") from None
    return known


def _keep(folder: Path, contents: list[str], features: Tensor) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("".join(contents).encode()).hexdigest()
    metadata = {"contents": json.dumps(contents)}
    part = folder / f".{name}.{os.getpid()}.part"
    part.write_bytes(save({"features": features.contiguous()}, metadata=metadata))
    os.replace(part, folder / f"{name}.safetensors")
