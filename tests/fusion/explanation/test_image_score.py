"""Scores of images are those of the models; on simulated gliomas maps find the lesion."""

import numpy as np
import pytest
import torch

from fusion.components import fit_components
from fusion.encoders.image import ImageEncoderConfig
from fusion.explanation.checks import failed
from fusion.explanation.explain_images import explain_images
from fusion.explanation.faithfulness import FaithfulnessConfig
from fusion.explanation.grad_cam import GradCam
from fusion.explanation.image_score import EmbeddedImageScore, NetworkImageScore
from fusion.explanation.integrated_gradients import IntegratedGradients
from fusion.explanation.random_weights import with_random_weights
from fusion.explanation.saliency import Saliency
from fusion.models.ridge_cox import RidgeCox
from fusion.models.task_net import TaskNet
from fusion.network import NetworkConfig
from fusion.network_inputs import NetworkInputs
from fusion.network_training import NetworkTrainingConfig
from fusion.tasks import CoxTask, DiscreteHazardTask, TimeToEvent
from tests.fusion.explanation.image_models import network_score, slices_encoder, volume_encoder
from tests.fusion.explanation.simulated_images import (
    SimulatedImages,
    lesion_overlap,
    pointing_accuracy,
    simulated_images,
)
from workbench.data.imaging import Scene, explained_images, picture


@pytest.fixture(scope="module")
def simulated() -> SimulatedImages:
    """A small cohort, two encoders trained for a moment."""
    return simulated_images(240, 3, ImageEncoderConfig(n_steps=40, batch_size=16))


def test_score_of_embedded_images_is_that_of_the_model(simulated):
    embedder = simulated.embedders[0]
    known = embedder.embed(simulated.training)
    fitted = RidgeCox("images", penalised=("mri",)).fit(known, seed=0)
    score = simulated.scores(simulated.training)[0]
    expected = fitted.risk_score(embedder.embed(simulated.held_out))
    with torch.no_grad():
        found = score(simulated.images, torch.arange(len(expected))).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    part = known.modalities["mri"]
    learned = fit_components(part, part.present)
    zero = EmbeddedImageScore(embedder.encoders["mri"], learned, np.zeros(learned.n_components))
    assert not zero(simulated.images[:2], torch.arange(2)).any()


def test_a_sound_model_is_explained_by_the_lesion_and_nonsense_is_caught(simulated):
    score, twin = simulated.scores(simulated.training)
    config = FaithfulnessConfig(n_patients=3, n_random=2, rival=Saliency())

    def explain(score, twin, method, n=16):
        return explain_images(
            score,
            simulated.images[:n],
            torch.arange(n),
            patient_id=simulated.held_out.patient_id[:n],
            method=method,
            evidence=simulated.evidence(twin),
            config=config,
        )

    found = explain(score, twin, IntegratedGradients(n_steps=16))
    assert not [c.name for c in failed(found.checks) if "gap between" not in c.name]
    maps = np.moveaxis(found.images["mri"].values[0], -1, 1)
    assert pointing_accuracy(maps, simulated.lesion[:16]) >= 0.9
    overlap, chance = lesion_overlap(maps, simulated.lesion[:16])
    assert overlap > 5 * chance
    for seed in range(3):
        nonsense = [with_random_weights(s, 10 * seed + i) for i, s in enumerate((score, twin))]
        assert failed(explain(*nonsense, Saliency(), n=3).checks)
        shuffled = simulated.scores(simulated.shuffled(seed))
        assert failed(explain(*shuffled, Saliency(), n=3).checks)


class _Pictures:
    may_be_saved = False

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def read(self, ordinal: int) -> Scene:
        return Scene(picture(np.moveaxis(self.images[ordinal, :, 0], 0, -1)))


def test_the_viewer_draws_maps_on_their_images_and_knows_what_failed(simulated):
    score = simulated.scores(simulated.training)[0]
    found = explain_images(
        score,
        simulated.images[:3],
        torch.arange(3),
        patient_id=simulated.held_out.patient_id[:3],
        method=GradCam(),
        config=FaithfulnessConfig(n_patients=1, n_random=1, rival=Saliency()),
    )
    names = simulated.held_out.patient_id[:4].tolist()
    shown = explained_images(
        _Pictures(simulated.images[:4].numpy()), found, "mri", patient_id=names
    )
    laid = shown.read(2).attribution
    np.testing.assert_allclose(
        laid.contributions.voxels[..., 0], found.images["mri"].values[0, 2, ..., 0], rtol=1e-5
    )
    assert laid.method == "Grad-CAM"
    assert laid.failed[0] == found.checks[0]
    assert shown.read(3).attribution is None


def _fitted(simulated, task):
    training = simulated.training
    shape = NetworkConfig(embed=8, fuser="concatenation")
    short = NetworkTrainingConfig(max_steps=1, check_every=1, micro_batch=64)
    net = TaskNet("net", ("clinical", "mri"), task, shape, short)
    few = training.take(np.arange(40))
    return net.fit(few, TimeToEvent(few.time, few.event), seed=0, progress=False)


def test_score_of_a_fitted_network_is_its_risk_score(simulated):
    fitted = _fitted(simulated, CoxTask())
    some = simulated.held_out.take(np.arange(6))
    score = NetworkImageScore.of(fitted, some, "mri")
    with torch.no_grad():
        found = score(torch.as_tensor(some.modalities["mri"].values), torch.arange(6)).numpy()
    np.testing.assert_allclose(found, fitted.risk_score(some), atol=1e-5)
    with pytest.raises(ValueError, match="no image input: choose one of"):
        NetworkImageScore.of(fitted, some, "clinical")


def test_an_output_of_several_numbers_needs_a_readout(simulated):
    fitted = _fitted(simulated, DiscreteHazardTask(n_intervals=4))
    some = simulated.held_out.take(np.arange(3))
    images, rows = torch.as_tensor(some.modalities["mri"].values), torch.arange(3)
    with pytest.raises(ValueError, match="pass a readout"):
        NetworkImageScore.of(fitted, some, "mri")(images, rows)
    score = NetworkImageScore.of(fitted, some, "mri", lambda logit: logit.sigmoid()[:, 0])
    assert ((score(images, rows) > 0) & (score(images, rows) < 1)).all()


def test_every_input_is_explained_with_the_others_as_they_are():
    score, images = network_score(mri=slices_encoder(), ct=volume_encoder())
    rows = torch.arange(4)
    before = score(images["mri"], rows)
    torch.testing.assert_close(score(images["mri"][[2]], rows[[2]])[0], before[2])
    other = NetworkImageScore(
        score.network,
        NetworkInputs(
            {**score.others.features, "mri": images["mri"]},
            {**score.others.present, "mri": score.others.present["ct"]},
            clinical="clinical",
        ),
        "ct",
    )
    torch.testing.assert_close(other(images["ct"], rows), before)
