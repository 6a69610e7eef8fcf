"""Encoders are kept by content: the same training gives the same file, any change another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import fusion.embeddings
from fusion.dataset import PatientDataset
from fusion.embeddings import ImageEmbedder
from fusion.encoders.image import ImageEncoderConfig

BRIEF = ImageEncoderConfig(widths=(8, 16), n_steps=2, batch_size=8)


@pytest.fixture
def dataset(simulate, discs) -> PatientDataset:
    clinical = simulate(48)
    return replace(clinical, modalities={**clinical.modalities, "mri": discs()})


@pytest.fixture
def embedder(tmp_path) -> ImageEmbedder:
    return ImageEmbedder(BRIEF, cache=tmp_path / "encoders")


def files(embedder: ImageEmbedder) -> set[str]:
    assert embedder.cache is not None
    return {p.name for p in embedder.cache.iterdir()}


def test_a_kept_encoder_is_reused_and_embeds_identically(embedder, dataset, monkeypatch):
    before = embedder.fit(dataset, seed=0).embed(dataset)
    assert len(files(embedder)) == 1

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(fusion.embeddings, "train_image_encoder", refuse)
    after = embedder.fit(dataset, seed=0).embed(dataset)
    assert_array_equal(after.modalities["mri"].values, before.modalities["mri"].values)
    with pytest.raises(AssertionError, match="trained again"):
        embedder.fit(dataset, seed=1)


def test_it_does_not_matter_whether_anything_is_kept(embedder, dataset):
    kept = embedder.fit(dataset, seed=0).embed(dataset)
    free = ImageEmbedder(BRIEF).fit(dataset, seed=0).embed(dataset)
    assert_array_equal(free.modalities["mri"].values, kept.modalities["mri"].values)
    assert kept.modalities["clinical"] is dataset.modalities["clinical"]


def test_the_key_is_the_content(embedder, dataset):
    mri = dataset.modalities["mri"]
    pixel = mri.values.copy()
    pixel[20, 0, 1, 5, 5] += 1e-3
    outline = mri.masks.copy()
    outline[20, 0, 5, 5] ^= True
    absent = mri.values.copy()
    absent[47] = 0
    changed = [
        replace(mri, values=pixel),
        replace(mri, masks=outline),
        replace(mri, masks=None),
        replace(mri, values=absent, present=np.arange(48) % 47 > 3),
        mri.take(np.arange(47)),
    ]
    keys = [embedder._key(mri, 0), embedder._key(mri, 1)]
    keys += [embedder._key(m, 0) for m in changed]
    keys += [ImageEmbedder(replace(BRIEF, n_steps=3))._key(mri, 0)]
    assert len(set(keys)) == len(keys)
    assert embedder._key(mri, 0) == keys[0]
    assert embedder._key(replace(mri, values=mri.values.copy()), 0) == keys[0]


def test_held_out_patients_and_outcomes_are_no_part_of_the_key(embedder, dataset):
    training = np.arange(48) < 40
    embedder.fit(dataset.take(training), seed=0)
    other = replace(dataset, event=~dataset.event, time=dataset.time + 5)
    mri = other.modalities["mri"]
    values = mri.values.copy()
    values[~training] = 0.5
    other = other.replace_modality(replace(mri, values=values))
    embedder.fit(other.take(training), seed=0)
    assert len(files(embedder)) == 1


def test_nothing_half_written_stays(embedder, dataset, monkeypatch):
    def fill_the_disk(numbers: dict[str, torch.Tensor], path: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(fusion.embeddings, "save_file", fill_the_disk)
    with pytest.raises(OSError, match="no space"):
        embedder.fit(dataset, seed=0)
    assert files(embedder) == set()


def test_quality_is_given_where_there_are_outlines(dataset):
    fitted = ImageEmbedder(BRIEF).fit(dataset, seed=0)
    assert list(fitted.quality(dataset)) == ["mri"]
    assert 0 <= fitted.quality(dataset)["mri"] <= 1
    without = dataset.take(~dataset.modalities["mri"].present)
    assert fitted.quality(without) == {}
    assert not fitted.embed(without).modalities["mri"].values.any()


def test_without_images_nothing_happens(simulate):
    dataset = simulate(20)
    fitted = ImageEmbedder().fit(dataset, seed=0)
    assert fitted.encoders == {}
    assert fitted.embed(dataset) is dataset
