"""A dictionary of patches is learned from images alone, and says what a slow reading of it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from fusion.components import fit_with_scores
from fusion.dataset import Modality, PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.encoders.patches import (
    CONTRAST_FLOOR,
    WHITENING_FLOOR,
    PatchConfig,
    PatchEncoder,
    contrast_normalised,
    learn_patches,
    spherical_k_means,
    zca,
)
from fusion.saving import load_record, save_record

SMALL = PatchConfig(n_atoms=24, n_patches=2_000, n_rounds=3, stride=3)


def textures(n_patients: int = 60, seed: int = 0) -> tuple[Modality, np.ndarray]:
    """Two pictures a patient, some lacking the second; stripes lie or stand in a black frame."""
    rng = np.random.default_rng(seed)
    standing = rng.random(n_patients) < 0.5
    row, column = np.mgrid[:32, :32]
    phase = rng.uniform(0, 2 * np.pi, (n_patients, 2, 1, 1, 1))
    along = np.where(standing[:, None, None, None, None], column, row)
    stripes = 0.5 + 0.2 * np.sin(2 * np.pi * along / 4 + phase)
    values = (stripes + 0.05 * rng.normal(size=(n_patients, 2, 3, 32, 32))).clip(0.01, 1)
    values[..., :4, :] = values[..., -4:, :] = 0
    values[::3, 1] = 0
    present = np.ones(n_patients, bool)
    present[-2:] = False
    values[~present] = 0
    names = ("red", "green", "blue")
    return Modality("skin", "image", values.astype(np.float32), present, names), standing


def slow_features(encoder: PatchEncoder, image: torch.Tensor) -> np.ndarray:
    """The part of the features that is patches, one patch after another."""
    edge, stride, least = (
        encoder.config.patch,
        encoder.config.stride,
        encoder.config.threshold,
    )
    weights = encoder.filters.flatten(1).double().numpy()
    offset = encoder.offset.double().numpy()
    starts = range(0, image.shape[1] - edge + 1, stride)
    n = len(starts)
    quarter = n // 4
    sums = {(sign, region): np.zeros(len(offset)) for sign in (1, -1) for region in (0, 1)}
    counts = [0, 0]
    for i, top in enumerate(starts):
        for j, left in enumerate(starts):
            patch = image[:, top : top + edge, left : left + edge].double().numpy()
            if not patch.any(axis=0).all():
                continue
            normalised = (patch - patch.mean()) / np.sqrt(patch.var() + CONTRAST_FLOOR)
            response = weights @ normalised.ravel() - offset
            region = 0 if all(quarter <= at < n - quarter for at in (i, j)) else 1
            counts[region] += 1
            for sign in (1, -1):
                sums[sign, region] += np.maximum(sign * response - least, 0)
    return np.concatenate([sums[sign, r] / counts[r] for sign in (1, -1) for r in (0, 1)])


def test_features_are_those_of_a_slow_reading() -> None:
    skin, _ = textures()
    encoder = learn_patches(skin, seed=0, config=SMALL)
    images = torch.as_tensor(skin.values[:6, 0])
    features = encoder(images)
    assert features.shape == (6, encoder.n_features)
    for image, found in zip(images, features, strict=True):
        assert_allclose(found[: 4 * SMALL.n_atoms], slow_features(encoder, image), atol=1e-4)


def test_colours_are_those_of_the_image_without_its_frame() -> None:
    encoder = learn_patches(textures()[0], seed=0, config=SMALL)
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, 4:28] = torch.tensor([0.2, 0.4, 0.9])[:, None, None]
    colours = encoder(image)[0, 4 * SMALL.n_atoms :]
    for region in colours.chunk(2):
        assert_allclose(region[:3], [0.2, 0.4, 0.9], rtol=1e-5)
        assert_allclose(region[3:9], 0, atol=1e-5)
        assert_allclose(region[9:].reshape(3, -1).sum(dim=1), 1, rtol=1e-5)


def test_whitened_patches_have_variance_one_up_to_the_floor_and_atoms_have_length_one() -> None:
    rng = np.random.default_rng(0)
    raw = torch.as_tensor(rng.normal(size=(4_000, 12)) @ rng.normal(size=(12, 12)))
    patches = contrast_normalised(raw)
    centred = patches - patches.mean(dim=0)
    whitened = centred @ zca(centred)
    before, after = (each.T @ each / len(each) for each in (centred, whitened))
    floor = WHITENING_FLOOR * torch.eye(12, dtype=before.dtype)
    assert_allclose(after, before @ torch.linalg.inv(before + floor), atol=1e-9)
    atoms = spherical_k_means(whitened, 8, 3, seed=0)
    assert_allclose(atoms.norm(dim=1), 1, rtol=1e-6)


def test_atoms_find_the_directions_that_patches_were_drawn_from() -> None:
    rng = np.random.default_rng(1)
    true = np.linalg.qr(rng.normal(size=(20, 4)))[0].T
    signed = rng.choice([-1, 1], 4_000)[:, None] * rng.uniform(1, 2, 4_000)[:, None]
    drawn = signed * true[rng.integers(4, size=4_000)] + 0.05 * rng.normal(size=(4_000, 20))
    atoms = spherical_k_means(torch.as_tensor(drawn), 12, 10, seed=0).numpy()
    assert (np.abs(true @ atoms.T).max(axis=1) > 0.98).all()


def test_the_seed_and_the_images_settle_the_dictionary() -> None:
    skin, _ = textures()
    first, again, other = (learn_patches(skin, seed=s, config=SMALL) for s in (0, 0, 1))
    assert_array_equal(first.filters, again.filters)
    assert not np.allclose(first.filters, other.filters)


def test_texture_is_told_apart_without_an_outcome() -> None:
    skin, standing = textures()
    config = replace(SMALL, n_patches=20_000, n_rounds=10)
    fitted = ImageEmbedder(config).fit(_patients(skin), seed=0)
    embedded = fitted.embed(_patients(skin)).modalities["skin"]
    scores = fit_with_scores(embedded)[1][skin.present, 0]
    assert abs(np.corrcoef(scores, standing[skin.present])[0, 1]) > 0.9


def test_pictures_that_are_not_there_do_not_count() -> None:
    skin, _ = textures()
    fitted = ImageEmbedder(SMALL).fit(_patients(skin), seed=0)
    values = fitted.embed(_patients(skin)).modalities["skin"].values
    encoder = fitted.encoders["skin"]
    both = encoder(torch.as_tensor(skin.values[1])).mean(dim=0)
    assert_allclose(values[1], both, rtol=1e-4, atol=1e-6)
    assert_allclose(
        values[0], encoder(torch.as_tensor(skin.values[0, :1]))[0], rtol=1e-4, atol=1e-6
    )
    assert not values[~skin.present].any()


def test_a_kept_dictionary_and_kept_features_are_the_same_ones(tmp_path) -> None:
    patients = _patients(textures()[0])
    embedder = ImageEmbedder(SMALL, cache=tmp_path / "cache")
    first = embedder.fit(patients, seed=0).embed(patients).modalities["skin"].values
    kept = sorted(tmp_path.rglob("*.safetensors"))
    again = embedder.fit(patients, seed=0).embed(patients).modalities["skin"].values
    assert_array_equal(first, again)
    assert sorted(tmp_path.rglob("*.safetensors")) == kept
    free = ImageEmbedder(SMALL).fit(patients, seed=0).embed(patients).modalities["skin"].values
    assert_allclose(first, free, rtol=1e-5, atol=1e-7)


def test_held_out_images_and_outcomes_are_not_looked_at() -> None:
    skin, _ = textures()
    training = np.arange(60) < 40
    values = skin.values.copy()
    values[~training & skin.present] *= 0.5
    other = replace(skin, values=values)
    dictionaries = [
        ImageEmbedder(SMALL).fit(each.take(training), seed=0).encoders["skin"]
        for each in (
            _patients(skin),
            replace(_patients(other), event=~_patients(other).event),
        )
    ]
    assert_array_equal(dictionaries[0].filters, dictionaries[1].filters)


def test_a_saved_dictionary_embeds_as_before(tmp_path) -> None:
    patients = _patients(textures()[0])
    fitted = ImageEmbedder(SMALL, cache=tmp_path / "cache").fit(patients, seed=0)
    save_record(fitted, tmp_path / "saved")
    loaded = load_record(tmp_path / "saved")
    assert loaded.features is None
    assert loaded.encoders["skin"].config == SMALL
    before, after = (each.embed(patients).modalities["skin"].values for each in (fitted, loaded))
    assert_allclose(before, after, rtol=1e-5, atol=1e-7)
    assert str(tmp_path) not in (tmp_path / "saved" / "record.json").read_text()


@pytest.mark.parametrize("size", [0, 4])
def test_images_too_small_for_a_patch_are_refused(size: int) -> None:
    values = np.ones((5, 1, 3, size or 16, size or 16), dtype=np.float32) * bool(size)
    skin = Modality("skin", "image", values, np.full(5, bool(size)), ("r", "g", "b"))
    with pytest.raises(ValueError, match="skin: no training patient has an image of 6 px or more"):
        learn_patches(skin, seed=0, config=SMALL)


def _patients(skin: Modality) -> PatientDataset:
    n = skin.n_patients
    rng = np.random.default_rng(0)
    age = rng.normal(60, 10, (n, 1))
    clinical = Modality("clinical", "ehr", age, np.ones(n, bool), ("age",))
    return PatientDataset(
        patient_id=np.array([f"p{i}" for i in range(n)]),
        time=rng.exponential(100, n) + 1,
        event=rng.random(n) < 0.5,
        time_unit="days",
        modalities={"clinical": clinical, "skin": skin},
    )
