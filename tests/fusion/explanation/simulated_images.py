"""Models of the simulated glioma's images, honest ones and nonsense, whose truth is the lesion."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from fusion.dataset import Modality, PatientDataset
from fusion.embeddings import FittedEmbedder, ImageEmbedder
from fusion.encoders.image import ImageEncoderConfig
from fusion.explanation.evidence import Evidence
from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import EmbeddedImageScore
from fusion.explanation.reference_images import blurred
from fusion.models.ridge_cox import RidgeCox
from workbench.data.simulate import simulate


@dataclass(frozen=True)
class SimulatedImages:
    """Patients with images, two thirds to train on, and the encoders of two seeds.

    ``lesion`` is (held-out patient, slice, height, width) bool.
    """

    training: PatientDataset
    held_out: PatientDataset
    embedders: tuple[FittedEmbedder, ...]
    lesion: np.ndarray

    @property
    def images(self) -> Tensor:
        """Of held-out patients."""
        return torch.as_tensor(self.held_out.modalities["mri"].values)

    @property
    def seen(self) -> SeenImages:
        """Held-out patients."""
        images = self.images
        return SeenImages(images, blurred(images), torch.arange(len(images)))

    def scores(self, training: PatientDataset) -> tuple[EmbeddedImageScore, ...]:
        """A ridge Cox model on each encoder, with the outcomes of ``training``."""
        return tuple(_score(embedder, training) for embedder in self.embedders)

    def shuffled(self, seed: int) -> PatientDataset:
        """The training patients with each other's outcomes."""
        order = np.random.default_rng(seed).permutation(self.training.n_patients)
        time, event = self.training.time[order], self.training.event[order]
        return replace(self.training, time=time, event=event)

    def evidence(self, *twins: EmbeddedImageScore) -> Evidence:
        """Held-out patients with their outcomes, and a model's twins."""
        return Evidence(self.seen, self.held_out.time, self.held_out.event, twins)


def simulated_images(
    n_patients: int, seed: int, config: ImageEncoderConfig | None = None
) -> SimulatedImages:
    """Simulate, and train two encoders that differ in their seed."""
    found = simulate(n_patients=n_patients, seed=seed)
    here = found.has_image
    record, n = found.clinical[here], int(here.sum())
    pixels = found.images[here].astype(np.float32).transpose(0, 3, 1, 2)[:, None] / 255
    everyone = np.ones(n, dtype=bool)
    age = record["age"].to_numpy(float)[:, None]
    masks = found.masks[here][:, None]
    dataset = PatientDataset(
        record.index.to_numpy(str),
        record["os_days"].to_numpy(float),
        (record["vital_status"] == "dead").to_numpy(),
        "days",
        {
            "clinical": Modality("clinical", "ehr", age, everyone, ("age",)),
            "mri": Modality("mri", "image", pixels, everyone, ("a", "b", "c"), masks=masks),
        },
    )
    chosen = np.arange(n) < 2 * n // 3
    training = dataset.take(chosen)
    embedder = ImageEmbedder(config or ImageEncoderConfig())
    embedders = tuple(embedder.fit(training, seed=each) for each in (0, 1))
    return SimulatedImages(training, dataset.take(~chosen), embedders, masks[~chosen])


def _score(embedder: FittedEmbedder, training: PatientDataset) -> EmbeddedImageScore:
    fitted = RidgeCox("images", penalised=("mri",)).fit(embedder.embed(training), seed=0)
    return EmbeddedImageScore(
        embedder.encoders["mri"], fitted.components["mri"], fitted.coefficients["mri"]
    )


def pointing_accuracy(maps: np.ndarray, lesion: np.ndarray) -> float:
    """Share of patients whose hottest place lies in the lesion; both are (patient, ...)."""
    heat, inside = np.abs(maps).reshape(len(maps), -1), lesion.reshape(len(lesion), -1)
    return float(inside[np.arange(len(heat)), heat.argmax(axis=1)].mean())


def lesion_overlap(maps: np.ndarray, lesion: np.ndarray) -> tuple[float, float]:
    """Mean IoU of the lesion with as many of the hottest places, and what chance would give."""
    found, chance = [], []
    for heat, inside in zip(
        np.abs(maps).reshape(len(maps), -1), lesion.reshape(len(lesion), -1), strict=True
    ):
        n = int(inside.sum())
        hot = np.zeros_like(inside)
        hot[np.argsort(heat)[len(heat) - n :]] = True
        found.append((hot & inside).sum() / (hot | inside).sum())
        share = n / len(inside)
        chance.append(share / (2 - share))
    return float(np.mean(found)), float(np.mean(chance))
