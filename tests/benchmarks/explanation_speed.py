"""How long explanations take, measured together: of features, of kinds of data, of images.

    python tests/benchmarks/explanation_speed.py

Every figure with its target, on two threads. Features: the combined model and the fusion network of
the simulated glioma cohort, all explanations of 500 patients with their checks. Images: Grad-CAM
and layer-wise relevance of 100 pictures, through the study's encoder of outlines (64 px) and
through DenseNet-121 (224 px).
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from fusion.bags import MeanPooling
from fusion.encoders.densenet import DenseNetBackbone
from fusion.encoders.image import ImageEncoderConfig
from fusion.encoders.image_network import ImageNetwork
from fusion.encoders.slices import SliceEncoder
from fusion.explanation.grad_cam import GradCam
from fusion.explanation.image_method import ImageMethod, SeenImages
from fusion.explanation.image_score import ImageScore, NetworkImageScore
from fusion.explanation.layerwise_relevance import LayerwiseRelevance
from fusion.explanation.reference_images import mean_of_slice
from fusion.models import RiskModel
from fusion.network import ModalityInputs, NetworkConfig, compose_network
from fusion.network_inputs import NetworkInputs
from fusion.norms import group_normed
from tests.benchmarks.tabular_explanation import NET, STACK, cohort, tabular_tasks
from tests.fusion.explanation.simulated_images import simulated_images

N_PATIENTS, N_IMAGES = 500, 100
MODALITIES = "modalities (16 subsets)"


@dataclass(frozen=True)
class Took:
    """Seconds by the wall, and of all processors: what counts where other work runs beside."""

    wall: float
    processor: float

    def __add__(self, other: "Took") -> "Took":
        return Took(self.wall + other.wall, self.processor + other.processor)


def took(call: Callable[[], object]) -> Took:
    """Time of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return Took(time.perf_counter() - wall, time.process_time() - processor)


def report(what: str, found: Took, target: float) -> None:
    """One line."""
    met = "met" if found.wall <= target else "MISSED"
    print(
        f"{what:66s} {found.wall:6.2f} s, processor {found.processor:6.2f} s; target {target:g} s "
        f"{met}",
        flush=True,
    )


def tabular(model: RiskModel) -> None:
    """All explanations of features, and Shapley values over kinds of data."""
    training, _ = cohort(600, 1)
    patients, _ = cohort(N_PATIENTS, 2)
    found = {
        what: took(call) for what, call in tabular_tasks(model.fit(training), patients).items()
    }
    for what, each in found.items():
        print(f"    {what:30s} {each.wall:6.2f} s, processor {each.processor:6.2f} s", flush=True)
    whole = sum(found.values(), Took(0.0, 0.0))
    report(f"{model.name}: all tabular explanations, {N_PATIENTS}", whole, 5)
    report(f"{model.name}: exact Shapley, 4 modalities, {N_PATIENTS}", found[MODALITIES], 3)


def network_score(encoder: torch.nn.Module, side: int) -> tuple[ImageScore, SeenImages]:
    """A fusion network on clinical columns and one picture a patient, its weights fresh."""
    torch.manual_seed(0)
    inputs = {"clinical": ModalityInputs("ehr", 2), "mri": ModalityInputs("image", 3)}
    config = NetworkConfig(embed=8, fuser="concatenation")
    network = compose_network(inputs, config, encoders={"mri": encoder})
    images = torch.rand(N_IMAGES, 1, 3, side, side)
    features = {"clinical": torch.randn(N_IMAGES, 2), "mri": images}
    present = {name: torch.ones(N_IMAGES, dtype=torch.bool) for name in features}
    score = NetworkImageScore(network, NetworkInputs(features, present, clinical="clinical"), "mri")
    return score, SeenImages(images, mean_of_slice(images), torch.arange(N_IMAGES))


def images() -> None:
    """Maps of 100 pictures."""
    made = simulated_images(150, 0, ImageEncoderConfig(n_steps=10))
    pictures = made.images.repeat(3, 1, 1, 1, 1)[:N_IMAGES]
    rows = torch.arange(len(pictures))
    outlines = made.scores(made.training)[0]
    dense = SliceEncoder(group_normed(DenseNetBackbone(2, 3)), MeanPooling(), 8)
    cases: dict[str, tuple[ImageMethod, tuple[ImageScore, SeenImages]]] = {
        "Grad-CAM, encoder of outlines, 64 px": (
            GradCam(),
            (outlines, SeenImages(pictures, mean_of_slice(pictures), rows)),
        ),
        "Grad-CAM, the fusion network's DenseNet, 64 px": (
            GradCam(),
            network_score(ImageNetwork(3, 8, 1.0), 64),
        ),
        "Grad-CAM, DenseNet-121, 224 px": (GradCam(), network_score(dense, 224)),
        "layer-wise relevance, the fusion network's DenseNet, 64 px": (
            LayerwiseRelevance(),
            network_score(ImageNetwork(3, 8, 1.0), 64),
        ),
    }
    for what, (method, (score, seen)) in cases.items():
        found = took(partial(method, score, seen))
        report(f"{what}, {N_IMAGES} pictures", found, 10)


def main() -> None:
    """Everything, one after the other."""
    torch.set_num_threads(2)
    tabular(STACK)
    images()
    tabular(NET)


if __name__ == "__main__":
    main()
