"""Checks of image explanations: sound ones pass, and each planted fault fails its own check."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusion.components import fit_components
from fusion.dataset import Modality
from fusion.encoders.patches import PatchConfig, PatchEncoder
from fusion.explanation.checks import failed
from fusion.explanation.evidence import Evidence, held_out_fit
from fusion.explanation.explain_images import explain_images
from fusion.explanation.faithfulness import FaithfulnessConfig
from fusion.explanation.heat_overlap import heat_overlap
from fusion.explanation.image_method import SeenImages
from fusion.explanation.image_score import EmbeddedImageScore
from fusion.explanation.integrated_gradients import IntegratedGradients
from fusion.explanation.random_weights import with_random_weights
from fusion.explanation.replacement import replacement_curves
from fusion.explanation.saliency import Saliency
from tests.fusion.explanation.image_models import SIZE, SquareScore, seen

QUICK = FaithfulnessConfig(n_patients=4, n_random=2)
METHOD = IntegratedGradients(n_steps=4)


@dataclass(frozen=True)
class Edges:
    """Shows the image itself, whatever the model."""

    name: ClassVar[str] = "edges"
    additive: ClassVar[bool] = False
    signed: ClassVar[bool] = False

    def __call__(self, score, seen):
        return seen.images.abs().sum(dim=2)


@dataclass(frozen=True)
class Noise:
    """Another map at every call."""

    name: ClassVar[str] = "noise"
    additive: ClassVar[bool] = True
    signed: ClassVar[bool] = True

    def __call__(self, score, seen):
        generator = torch.Generator().manual_seed(int(1e6 * float(seen.images.abs().sum())) % 10**6)
        return torch.rand(seen.images[:, :, 0].shape, generator=generator)


@pytest.fixture(scope="module")
def patients() -> SeenImages:
    """Whose square is darker or brighter than the rest."""
    torch.manual_seed(0)
    images = 0.2 * torch.rand(40, 3, 2, SIZE, SIZE)
    images[:, 1, 0, 8:16, 16:24] += torch.linspace(0.2, 3, 40)[torch.randperm(40)][:, None, None]
    return seen(images)


@pytest.fixture(scope="module")
def evidence(patients) -> Evidence:
    """Outcomes by the brightness of the square, and a model trained again."""
    rng = np.random.default_rng(0)
    score = SquareScore(8, 16)
    with torch.no_grad():
        risk = score(patients.images, patients.rows).numpy()
    time = rng.exponential(np.exp(-(risk - risk.mean()))) + 0.01
    return Evidence(patients, time, np.ones(40, dtype=bool), (SquareScore(8, 17),))


def explain(score, patients: SeenImages, evidence: Evidence | None, method=METHOD):
    some = patients.take(torch.arange(6))
    return explain_images(
        score,
        some.images,
        some.rows,
        patient_id=np.array([f"p{i}" for i in range(6)]),
        method=method,
        evidence=evidence,
        config=QUICK,
    )


def names(found) -> str:
    return " | ".join(check.name for check in failed(found.checks))


def test_a_sound_explanation_passes_every_check(patients, evidence):
    found = explain(SquareScore(8, 16), patients, evidence)
    assert names(found) == ""
    assert len(found.checks) == 9
    assert all(check.meaning for check in found.checks)
    part = found.images["square"].values
    assert part.shape == (1, 6, SIZE, SIZE, 3)
    np.testing.assert_allclose(part.sum(axis=(2, 3, 4)), found.of("square"))


def test_smoothing_keeps_sums(patients):
    score, some = SquareScore(8, 16), patients.take(torch.arange(3))
    kept = {
        share: explain_images(
            score,
            some.images,
            some.rows,
            patient_id=np.array(["a", "b", "c"]),
            method=METHOD,
            smoothing=share,
            config=replace(QUICK, rival=Saliency()),
        ).of("square")
        for share in (0.0, 0.1)
    }
    np.testing.assert_allclose(kept[0.0], kept[0.1], rtol=1e-4)


def test_what_was_not_measured_is_said_and_does_not_pass(patients):
    found = explain(SquareScore(8, 16), patients, None)
    unknown = [check for check in found.checks if np.isnan(check.value)]
    assert len(unknown) == 3
    assert found.checks[:3] == tuple(unknown)


def test_a_method_that_shows_edges_is_caught(patients, evidence):
    found = explain(SquareScore(20, 2), patients, evidence, Edges())
    assert "random weights" in names(found)
    assert "hot places are deleted" in names(found)


def test_a_method_that_shows_noise_is_caught(patients, evidence):
    said = names(explain(SquareScore(8, 16), patients, evidence, Noise()))
    for part in ("gap between", "% noise", "by occlusion", "trained again", "are deleted"):
        assert part in said


@pytest.mark.parametrize("seed", range(5))
def test_a_model_of_random_weights_is_caught(patients, evidence, seed):
    score = with_random_weights(SquareScore(8, 16), seed)
    assert "trained again" in names(explain(score, patients, evidence, Saliency()))


def test_a_score_of_the_wrong_size_or_direction_is_caught(patients, evidence):
    score = SquareScore(8, 16)
    with torch.no_grad():
        score.layer.weight.mul_(5)
    assert "too large or small" in names(explain(score, patients, evidence, Saliency()))
    with torch.no_grad():
        score.layer.weight.mul_(-0.2)
    said = names(explain(score, patients, evidence, Saliency()))
    assert "better than chance" in said
    assert "too large or small" in said


def test_random_weights_are_the_same_numbers_elsewhere():
    score = SquareScore(8, 16)
    other = with_random_weights(score, 0)
    one, two = score.layer.weight.detach(), other.layer.weight.detach()
    assert torch.equal(one.flatten().sort().values, two.flatten().sort().values)
    assert not torch.equal(one, two)
    assert torch.equal(two, with_random_weights(score, 0).layer.weight)


def test_a_learned_dictionary_and_what_reads_it_are_shuffled_too():
    torch.manual_seed(0)
    encoder = PatchEncoder(2, PatchConfig(n_atoms=8))
    encoder.filters.normal_()
    encoder.offset.normal_()
    n_features = encoder.n_features
    embedded = torch.rand(20, n_features).numpy().astype(float)
    part = Modality(
        "mri", "embedding", embedded, np.ones(20, bool), tuple(map(str, range(n_features)))
    )
    components = fit_components(part, part.present)
    coefficients = np.arange(1.0, components.n_components + 1)
    score = EmbeddedImageScore(encoder, components, coefficients)
    assert not list(score.parameters())
    other = with_random_weights(score, 0)
    for one, two in (
        (score.encoder.filters, other.encoder.filters),
        (score.encoder.offset, other.encoder.offset),
        (score.columns.projection, other.columns.projection),
    ):
        assert torch.equal(one.flatten().sort().values, two.flatten().sort().values)
        assert not torch.equal(one, two)
    # What is no weight stays.
    assert torch.equal(score.columns.center, other.columns.center)
    images = torch.rand(3, 1, 2, SIZE, SIZE)
    rows = torch.arange(3)
    assert not torch.allclose(score(images, rows), other(images, rows))


def test_a_model_without_weights_has_no_random_twin():
    score = SquareScore(8, 16)
    with torch.no_grad():
        for weights in score.parameters():
            weights.fill_(1.0)
    with pytest.raises(ValueError, match="SquareScore has no weights whose order matters"):
        with_random_weights(score, 0)


def test_replacement_of_the_square_moves_the_score_all_the_way():
    score = SquareScore(8, 16)
    torch.manual_seed(0)
    images = torch.rand(3, 3, 2, SIZE, SIZE) + 1
    some = SeenImages(images, torch.zeros_like(images), torch.arange(3))
    maps = torch.as_tensor(score.inside()).float().expand(3, -1, -1, -1)
    curves = replacement_curves(score, some, maps, signed=False)
    # 64 of 3 · 32 · 32 places are 2.1 %.
    assert (curves.deletion[2:] > 0.999).all()
    assert (curves.insertion[2:] > 0.999).all()
    assert (curves.deletion.diff() >= 0).all()
    assert curves.deletion_gain > 0.3
    nothing = replacement_curves(score, some, torch.rand(3, 3, SIZE, SIZE), signed=False)
    assert abs(nothing.deletion_gain) < 0.05


@given(seed=st.integers(0, 2**31 - 1), scale=st.floats(0.01, 100))
def test_overlap_is_1_with_itself_symmetric_and_blind_to_size(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    one, other = (torch.randn(2, 2, 20, 24, generator=generator) for _ in range(2))
    assert torch.equal(heat_overlap(one, -scale * one), torch.ones(2))
    torch.testing.assert_close(heat_overlap(one, other), heat_overlap(other, one))


def test_overlap_by_chance_and_of_nothing():
    torch.manual_seed(0)
    one, other = torch.rand(200, 1, 16, 16), torch.rand(200, 1, 16, 16)
    assert abs(float(heat_overlap(one, other).mean()) - 0.1) < 0.02
    assert not heat_overlap(torch.zeros(2, 1, 16, 16), one[:2]).any()


def test_held_out_fit_knows_direction_size_and_chance():
    rng = np.random.default_rng(0)
    risk = rng.standard_normal(300)
    time, event = rng.exponential(np.exp(-risk)) + 1e-3, np.ones(300, dtype=bool)
    found = held_out_fit(time, event, risk)
    assert abs(found.slope - 1) < 0.25
    assert found.standard_errors > 10
    assert held_out_fit(time, event, -risk).standard_errors == -found.standard_errors
    assert abs(held_out_fit(time, event, risk / 4).slope / found.slope - 4) < 1e-3
    by_chance = [held_out_fit(time, event, rng.standard_normal(300)) for _ in range(60)]
    assert 0.7 < np.std([each.standard_errors for each in by_chance]) < 1.3
    assert held_out_fit(time, event, np.zeros(300)).standard_errors == 0
    with pytest.raises(ValueError, match="none of 300 held-out patients"):
        held_out_fit(time, ~event, risk)


def test_held_out_fit_without_times_is_a_logistic_regression():
    rng = np.random.default_rng(0)
    risk = rng.standard_normal(2000)
    event = rng.random(2000) < 1 / (1 + np.exp(1 - risk))
    found = held_out_fit(None, event, risk)
    assert abs(found.slope - 1) < 0.15
    assert found.standard_errors > 15
    assert held_out_fit(None, event, -risk).standard_errors == -found.standard_errors
    assert abs(held_out_fit(None, event, risk / 4).slope / found.slope - 4) < 1e-3
    by_chance = [held_out_fit(None, event, rng.standard_normal(2000)) for _ in range(60)]
    assert 0.7 < np.std([each.standard_errors for each in by_chance]) < 1.3
    with pytest.raises(ValueError, match="all 2000 held-out patients have the event"):
        held_out_fit(None, np.ones(2000, dtype=bool), risk)


def test_evidence_belongs_to_its_patients(patients):
    with pytest.raises(ValueError, match=r"must be \(40,\)"):
        Evidence(patients, np.ones(39), np.ones(39, dtype=bool))
