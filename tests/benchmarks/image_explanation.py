"""Explanations of images where the truth is known: do they point at the lesion, is nonsense caught?

    python tests/benchmarks/image_explanation.py [--patients N] [--cohorts N] [--trials N]

Models of simulated gliomas: the outline encoder and a ridge Cox model on it, as a study has them.
Nonsense is the same model with random weights, or trained on outcomes in random order. Grad-CAM is
timed beside captum's on the same layer.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerGradCam

sys.path.insert(0, str(Path(__file__).parents[2]))

from fusion.explanation.attribution import Attribution
from fusion.explanation.checks import failed
from fusion.explanation.explain_images import explain_images
from fusion.explanation.faithfulness import FaithfulnessConfig
from fusion.explanation.grad_cam import GradCam
from fusion.explanation.grad_cam_plus_plus import GradCamPlusPlus
from fusion.explanation.image_method import ImageMethod
from fusion.explanation.image_score import EmbeddedImageScore
from fusion.explanation.integrated_gradients import IntegratedGradients
from fusion.explanation.layer_maps import finest_deep_layer, onto_images
from fusion.explanation.occlusion import Occlusion
from fusion.explanation.random_weights import with_random_weights
from fusion.explanation.saliency import Saliency
from fusion.explanation.smooth_grad import SmoothGrad
from tests.fusion.explanation.simulated_images import (
    SimulatedImages,
    lesion_overlap,
    pointing_accuracy,
    simulated_images,
)

METHODS: tuple[ImageMethod, ...] = (
    IntegratedGradients(),
    Saliency(),
    SmoothGrad(),
    Occlusion(),
    GradCam(),
    GradCamPlusPlus(),
)


def explained(
    found: SimulatedImages,
    score: EmbeddedImageScore,
    twin: EmbeddedImageScore,
    *,
    method: ImageMethod,
    n: int,
    seed: int = 0,
) -> Attribution:
    """The first ``n`` held-out patients, checked."""
    rival = Saliency() if isinstance(method, Occlusion) else Occlusion(step=0.125)
    return explain_images(
        score,
        found.images[:n],
        torch.arange(n),
        patient_id=found.held_out.patient_id[:n],
        method=method,
        evidence=found.evidence(twin),
        config=FaithfulnessConfig(n_patients=6, rival=rival, seed=seed),
    )


def truth(cohorts: list[SimulatedImages], n: int) -> None:
    """Pointing, overlap and checks of every method on honest models."""
    for method in METHODS:
        points, overlaps, chances, problems, seconds = [], [], [], [], []
        for found in cohorts:
            start = time.perf_counter()
            said = explained(found, *found.scores(found.training), method=method, n=n)
            seconds.append(time.perf_counter() - start)
            maps = np.moveaxis(said.images["mri"].values[0], -1, 1)
            points.append(pointing_accuracy(maps, found.lesion[:n]))
            overlap, chance = lesion_overlap(maps, found.lesion[:n])
            overlaps.append(overlap)
            chances.append(chance)
            problems.append([check.name for check in failed(said.checks)])
        print(
            f"{method.name:22s} pointing {np.mean(points):.3f} (least {min(points):.3f})  IoU "
            f"{np.mean(overlaps):.3f} by chance {np.mean(chances):.3f}  passed "
            f"{sum(not each for each in problems)} of {len(problems)}  {np.mean(seconds):.0f} s",
            flush=True,
        )
        for name in sorted({each for those in problems for each in those}):
            print(f"    failed in {sum(name in those for those in problems)}: {name}", flush=True)


def nonsense(cohorts: list[SimulatedImages], n_trials: int) -> None:
    """How often each kind of nonsense is caught, and by which checks."""
    method = IntegratedGradients(n_steps=32)
    for kind in ("random weights", "shuffled outcomes"):
        caught, by = 0, {}
        for trial in range(n_trials):
            found = cohorts[trial % len(cohorts)]
            if kind == "random weights":
                one, other = (
                    with_random_weights(score, 1000 * (i + 1) + trial)
                    for i, score in enumerate(found.scores(found.training))
                )
            else:
                one, other = found.scores(found.shuffled(trial))
            said = explained(found, one, other, method=method, n=4, seed=trial)
            wrong = failed(said.checks)
            caught += bool(wrong)
            for check in wrong:
                by[check.name] = by.get(check.name, 0) + 1
        print(f"{kind}: caught {caught} of {n_trials}", flush=True)
        for name, count in sorted(by.items(), key=lambda each: -each[1]):
            print(f"    {count:3d}  {name}", flush=True)


def speed(found: SimulatedImages) -> None:
    """Grad-CAM of 100 images, beside captum's."""
    score = found.scores(found.training)[0]
    images = found.images.repeat(2, 1, 1, 1, 1)[:100]
    rows = torch.arange(len(images))
    seen = type(found.seen)(images, images, rows)
    layer = finest_deep_layer(score, images, rows)
    ours, peers = [], []
    for _ in range(5):
        start = time.perf_counter()
        GradCam(layer)(score, seen)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        peer = LayerGradCam(score, layer).attribute(images, additional_forward_args=(rows,))
        onto_images(peer[:, 0].detach(), images.shape)
        peers.append(time.perf_counter() - start)
    one, other = statistics.median(ours), statistics.median(peers)
    print(
        f"Grad-CAM, {len(images)} images of 3 × 64²: {one:.2f} s, captum {other:.2f} s, ratio "
        f"{other / one:.2f} ({torch.get_num_threads()} threads)"
    )


def main() -> None:
    """Everything, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--cohorts", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20)
    asked = parser.parse_args()
    cohorts = [simulated_images(asked.patients, seed=seed) for seed in range(asked.cohorts)]
    speed(cohorts[0])
    truth(cohorts, n=30)
    nonsense(cohorts, asked.trials)


if __name__ == "__main__":
    main()
