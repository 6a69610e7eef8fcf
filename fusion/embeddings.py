"""Images of one training fold → embeddings of everyone, kept on disk by content.

Whatever the encoder, it is fitted on the training patients of its fold, and then frozen.
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
from fusion.embedding_cache import embed_modality
from fusion.encoders import image, patches
from fusion.encoders.image import (
    ImageEncoder,
    ImageEncoderConfig,
    encode,
    lesion_dice,
    train_image_encoder,
)
from fusion.encoders.patches import PatchConfig, PatchEncoder, learn_patches

FrozenEncoder = ImageEncoder | PatchEncoder


@dataclass(frozen=True)
class ImageEmbedder:
    """Trains, keeps and applies one image encoder a training set.

    Parameters
    ----------
    config
        Of the encoder, which says what it is: a network that learns outlines or from the images
        alone, or a dictionary of patches.
    cache
        Folder for trained encoders, and for what dictionaries of patches made of each image; None
        trains every time.
    device
        Torch device.
    """

    config: ImageEncoderConfig | PatchConfig = field(default_factory=ImageEncoderConfig)
    cache: Path | None = None
    device: str = "cpu"

    def fit(self, training: PatientDataset, *, seed: int) -> "FittedEmbedder":
        """Train an encoder for each image modality, on the training patients alone."""
        encoders = {
            name: self._encoder(modality, seed)
            for name, modality in training.modalities.items()
            if modality.kind == "image"
        }
        features = None if self.cache is None else self.cache / "features"
        return FittedEmbedder(encoders, features, self.device)

    def _encoder(self, modality: Modality, seed: int) -> FrozenEncoder:
        path = (
            None if self.cache is None else self.cache / f"{self._key(modality, seed)}.safetensors"
        )
        if path is not None and path.exists():
            encoder = self._untrained(modality)
            encoder.load_state_dict(load_file(path))
            return encoder.to(self.device).to(memory_format=torch.channels_last).eval()
        if isinstance(self.config, PatchConfig):
            encoder = learn_patches(modality, seed=seed, config=self.config).to(self.device)
        else:
            encoder = train_image_encoder(
                modality, seed=seed, config=self.config, device=self.device
            )
        if path is not None:
            _save_atomically(encoder, path)
        return encoder

    def _untrained(self, modality: Modality) -> FrozenEncoder:
        if isinstance(self.config, PatchConfig):
            return PatchEncoder(len(modality.names), self.config)
        return ImageEncoder(len(modality.names), modality.masks is not None, self.config)

    def _key(self, modality: Modality, seed: int) -> str:
        digest = hashlib.sha256(
            json.dumps([asdict(self.config), seed, modality.values.shape]).encode()
        )
        code = patches if isinstance(self.config, PatchConfig) else image
        digest.update(inspect.getsource(code).encode())
        digest.update(np.ascontiguousarray(modality.values).data)
        digest.update(np.ascontiguousarray(modality.present).data)
        if modality.masks is not None:
            digest.update(np.ascontiguousarray(modality.masks).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class FittedEmbedder:
    """Encoders of one training set, by modality.

    Parameters
    ----------
    encoders
        Frozen.
    features
        Folder for what dictionaries of patches made of each image; no part of a saved model.
    device
        Torch device of the encoders.
    """

    encoders: Mapping[str, FrozenEncoder]
    features: Path | None = field(default=None, metadata={"saved": False})
    device: str = field(default="cpu", metadata={"saved": False})

    def embed(self, dataset: PatientDataset) -> PatientDataset:
        """The same patients, with every image modality replaced by its embedding."""
        for name, encoder in self.encoders.items():
            modality = dataset.modalities[name]
            if isinstance(encoder, PatchEncoder):
                modality = embed_modality(
                    encoder, modality, cache=self.features, device=self.device
                )
            else:
                modality = encode(encoder, modality)
            dataset = dataset.replace_modality(modality)
        return dataset

    def quality(self, dataset: PatientDataset) -> dict[str, Any]:
        """Mean Dice overlap with the drawn outlines of ``dataset``, by modality."""
        return {
            name: lesion_dice(encoder, dataset.modalities[name])
            for name, encoder in self.encoders.items()
            if isinstance(encoder, ImageEncoder)
            and encoder.outlines
            and dataset.modalities[name].present.any()
        }


def _save_atomically(encoder: FrozenEncoder, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    os.close(handle)
    try:
        save_file({k: v.contiguous().cpu() for k, v in encoder.state_dict().items()}, partial)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)
