"""A fitted model as a function of images says what the model says of their embeddings."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fusion.dataset import Modality, PatientDataset
from fusion.embeddings import FittedEmbedder, ImageEmbedder
from fusion.encoders.image import ImageEncoderConfig
from fusion.explanation.attention_rollout import AttentionRollout
from fusion.explanation.fitted_image_score import (
    FittedImageScore,
    OutOfFoldImageScore,
    parts_that_read,
)
from fusion.explanation.grad_cam import GradCam
from fusion.explanation.grad_cam_plus_plus import GradCamPlusPlus
from fusion.explanation.layerwise_relevance import LayerwiseRelevance
from fusion.explanation.mil_attention import MilAttention
from fusion.models import FusionNet, RidgeCox
from fusion.models.blend import FittedBlend
from fusion.models.protocol import FittedRisk
from fusion.training import TrainingConfig
from tests.fusion.explanation.image_models import (
    network_score,
    seen,
    slices_encoder,
    transformer_encoder,
)

N = 60


@pytest.fixture(scope="module")
def patients() -> PatientDataset:
    draw = np.random.default_rng(0)
    bright = draw.random(N)
    values = 0.3 * draw.random((N, 2, 1, 16, 16)) + bright[:, None, None, None, None]
    values[:, :, :, :8] *= 0.5
    masks = np.zeros((N, 2, 16, 16), dtype=bool)
    masks[:, :, 4:10, 4:10] = True
    values[masks[:, :, None]] *= 1 + bright.repeat(72)
    present = np.arange(N) % 5 > 0
    values[~present], masks[~present] = 0, False
    everyone = np.ones(N, dtype=bool)
    age = draw.normal(size=(N, 1))
    return PatientDataset(
        np.array([f"p{i}" for i in range(N)]),
        draw.exponential(np.exp(-2 * bright - age[:, 0])) + 0.01,
        everyone,
        "days",
        {
            "clinical": Modality("clinical", "ehr", age, everyone, ("age",)),
            "mri": Modality(
                "mri", "image", values.astype(np.float32), present, ("a",), masks=masks
            ),
        },
    )


@pytest.fixture(scope="module")
def embedder(patients) -> FittedEmbedder:
    config = ImageEncoderConfig(widths=(4, 8), n_steps=20)
    return ImageEmbedder(config).fit(patients, seed=0)


@pytest.fixture(scope="module")
def models(patients, embedder) -> dict[str, FittedRisk]:
    seen = embedder.embed(patients)
    ridge = RidgeCox("concatenation", ("clinical",), ("mri",)).fit(seen, seed=0)
    net = FusionNet(
        "fusion_net", ("clinical", "mri"), n_seeds=2, training=TrainingConfig(max_epochs=10)
    ).fit(seen, seed=0)
    blend = FittedBlend("blend", ridge.baseline, {}, (ridge, net), (0.3, 0.7))
    clinical = RidgeCox("clinical", ("clinical",)).fit(seen, seed=0)
    return {"ridge": ridge, "net": net, "blend": blend, "clinical": clinical}


@pytest.mark.parametrize("name", ["ridge", "net", "blend"])
def test_other_images_move_the_score_as_they_move_the_model(name, patients, embedder, models):
    model, rows = models[name], np.flatnonzero(patients.modalities["mri"].present)
    score = FittedImageScore(embedder.encoders["mri"], model, embedder.embed(patients), "mri")
    own = patients.modalities["mri"]
    other = np.zeros_like(own.values)
    other[rows] = own.values[np.roll(rows, 1)]
    moved = patients.replace_modality(replace(own, values=other))
    expected = model.risk_score(embedder.embed(moved)) - model.risk_score(embedder.embed(patients))
    with torch.no_grad():
        place = torch.as_tensor(rows)
        got = score(torch.as_tensor(other[rows]), place)
        got = got - score(torch.as_tensor(own.values[rows]), place)
    assert np.abs(expected[rows]).max() > 1e-3
    np.testing.assert_allclose(got.numpy(), expected[rows], rtol=1e-3, atol=1e-4)


def test_every_patient_is_scored_by_the_model_of_their_fold(patients, embedder, models):
    seen, encoder = embedder.embed(patients), embedder.encoders["mri"]
    scores = {
        at: FittedImageScore(encoder, models[name], seen, "mri")
        for at, name in ((3, "ridge"), (7, "net"))
    }
    fold = np.where(np.arange(N) % 3 == 0, 3, 7)
    rows = torch.tensor([9, 1, 6, 4])
    images = torch.as_tensor(patients.modalities["mri"].values)[rows]
    with torch.no_grad():
        got = OutOfFoldImageScore(scores, fold)(images, rows)
        by_fold = {at: score(images, rows) for at, score in scores.items()}
    assert not torch.allclose(by_fold[3], by_fold[7])
    expected = torch.stack([by_fold[3][0], by_fold[7][1], by_fold[3][2], by_fold[7][3]])
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize(
    ("method", "make"),
    [
        (GradCam(), slices_encoder),
        (GradCamPlusPlus(), slices_encoder),
        (LayerwiseRelevance(), slices_encoder),
        (AttentionRollout(), transformer_encoder),
        (MilAttention(), lambda: slices_encoder(attention=True)),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_methods_that_look_inside_take_the_model_of_each_patients_fold(method, make):
    torch.manual_seed(0)
    scores = {}
    for label in (3, 7):
        scores[label], images = network_score(mri=make())
    some = seen(images["mri"])
    fold = np.array([7, 3, 7, 7])
    got = method(OutOfFoldImageScore(scores, fold), some)
    for label, score in scores.items():
        mine = torch.as_tensor(fold == label)
        alone = method(score, some)
        torch.testing.assert_close(got[mine], alone[mine])
        assert not torch.allclose(got[~mine], alone[~mine])
    if isinstance(method, LayerwiseRelevance):
        assert method.conservation(OutOfFoldImageScore(scores, fold), some).passed


def test_a_model_that_does_not_read_the_images_is_refused(patients, embedder, models):
    assert parts_that_read(models["clinical"], "mri") == ()
    assert [weight for weight, _ in parts_that_read(models["blend"], "mri")] == [0.3, 0.7]
    with pytest.raises(ValueError, match="clinical does not read mri"):
        FittedImageScore(
            embedder.encoders["mri"], models["clinical"], embedder.embed(patients), "mri"
        )
