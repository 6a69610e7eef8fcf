"""Images of one training fold → embeddings of everyone, kept on disk by content.

The key holds the training images, their masks, the configuration, the seed and the code of the
encoder, so an embedding is reused only where training would have given the same encoder.
"""

import hashlib
import inspect
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from fusion.dataset import Modality, PatientDataset
from fusion.encoders import image
from fusion.encoders.image import (
    ImageEncoder,
    ImageEncoderConfig,
    encode,
    lesion_dice,
    train_image_encoder,
)


@dataclass(frozen=True)
class ImageEmbedder:
    """Trains, keeps and applies one image encoder a training set.

    Parameters
    ----------
    config
        Of the encoder.
    cache
        Folder for trained encoders; None trains every time.
    device
        Torch device.
    """

    config: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    cache: Path | None = None
    device: str = "cpu"

    def fit(self, training: PatientDataset, *, seed: int) -> "FittedEmbedder":
        """Train an encoder for each image modality, on the training patients alone."""
        encoders = {
            name: self._encoder(modality, seed)
            for name, modality in training.modalities.items()
            if modality.kind == "image"
        }
        return FittedEmbedder(encoders)

    def _encoder(self, modality: Modality, seed: int) -> ImageEncoder:
        path = (
            None if self.cache is None else self.cache / f"{self._key(modality, seed)}.safetensors"
        )
        if path is not None and path.exists():
            encoder = ImageEncoder(len(modality.names), modality.masks is not None, self.config)
            encoder.load_state_dict(load_file(path))
            return encoder.to(self.device).to(memory_format=torch.channels_last).eval()
        encoder = train_image_encoder(modality, seed=seed, config=self.config, device=self.device)
        if path is not None:
            _save_atomically(encoder, path)
        return encoder

    def _key(self, modality: Modality, seed: int) -> str:
        digest = hashlib.sha256(
            json.dumps([asdict(self.config), seed, modality.values.shape]).encode()
        )
        digest.update(inspect.getsource(image).encode())
        digest.update(np.ascontiguousarray(modality.values).data)
        digest.update(np.ascontiguousarray(modality.present).data)
        if modality.masks is not None:
            digest.update(np.ascontiguousarray(modality.masks).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class FittedEmbedder:
    """Encoders of one training set, by modality."""

    encoders: Mapping[str, ImageEncoder]

    def embed(self, dataset: PatientDataset) -> PatientDataset:
        """The same patients, with every image modality replaced by its embedding."""
        for name, encoder in self.encoders.items():
            modality = encode(encoder, dataset.modalities[name])
            dataset = dataset.replace_modality(modality)
        return dataset

    def quality(self, dataset: PatientDataset) -> dict[str, Any]:
        """Mean Dice overlap with the drawn outlines of ``dataset``, by modality."""
        return {
            name: lesion_dice(encoder, dataset.modalities[name])
            for name, encoder in self.encoders.items()
            if encoder.outlines and dataset.modalities[name].present.any()
        }


def _save_atomically(encoder: ImageEncoder, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    os.close(handle)
    try:
        save_file({k: v.contiguous().cpu() for k, v in encoder.state_dict().items()}, partial)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)
