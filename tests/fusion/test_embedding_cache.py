"""Features of a frozen backbone: each computed once, whatever stops the run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from fusion.embedding_cache import StoredImage, embed_images, embed_modality
from fusion.encoders.vit import VitBackbone, VitConfig

TINY_VIT = VitConfig(size=32, patch=8, hidden=24, mlp=48, n_layers=1, n_heads=2)


@pytest.fixture
def backbone() -> VitBackbone:
    torch.manual_seed(0)
    return VitBackbone(2, 2, TINY_VIT)


class Counted:
    """Images that remember how often they were read."""

    def __init__(self, n: int, fails_at: int | None = None) -> None:
        self.pixels = np.random.default_rng(0).random((n, 2, 32, 32), dtype=np.float32)
        self.reads: list[int] = []
        self.fails_at = fails_at

    def read(self, i: int) -> np.ndarray:
        if i == self.fails_at:
            raise OSError("the disk is gone")
        self.reads.append(i)
        return self.pixels[i]

    def stored(self) -> list[StoredImage]:
        return [
            StoredImage(f"image {i}", lambda i=i: self.read(i)) for i in range(len(self.pixels))
        ]


def test_images_are_read_once_and_a_stopped_run_goes_on(tmp_path, backbone):
    images = Counted(12, fails_at=9)
    with pytest.raises(OSError, match="the disk is gone"):
        embed_images(backbone, images.stored(), cache=tmp_path, batch_size=4)
    images.fails_at = None
    images.reads.clear()
    features = embed_images(backbone, images.stored(), cache=tmp_path, batch_size=4)
    assert set(images.reads) == {8, 9, 10, 11}
    with torch.no_grad():
        expected = backbone(torch.as_tensor(images.pixels)).numpy()
    assert_allclose(features, expected, atol=1e-5)
    images.reads.clear()
    # In another order, and one of them twice.
    again = embed_images(backbone, [*images.stored()[::-1], images.stored()[3]], cache=tmp_path)
    assert_array_equal(again, np.concatenate([features[::-1], features[3:4]]))
    assert not images.reads


def test_other_weights_are_another_encoder(tmp_path, backbone):
    images = Counted(3)
    before = embed_images(backbone, images.stored(), cache=tmp_path)
    with torch.no_grad():
        next(backbone.parameters()).mul_(-3)
    after = embed_images(backbone, images.stored(), cache=tmp_path)
    assert not np.allclose(before, after)
    assert len(images.reads) == 6


def test_a_damaged_file_is_told_and_no_image_is_no_row(tmp_path, backbone):
    embed_images(backbone, Counted(2).stored(), cache=tmp_path)
    (kept,) = tmp_path.glob("*/*.safetensors")
    kept.write_bytes(kept.read_bytes()[:40])
    with pytest.raises(ValueError, match="is damaged .*: delete it"):
        embed_images(backbone, Counted(2).stored(), cache=tmp_path)
    assert embed_images(backbone, []).shape == (0, 24)


def test_a_modality_becomes_embeddings_and_the_absent_stay_zero(discs, tmp_path, backbone):
    mri = discs(6, lacking=2)
    embedded = embed_modality(backbone, mri, cache=tmp_path)
    assert embedded.kind == "embedding"
    assert_array_equal(embedded.present, mri.present)
    assert not embedded.values[:2].any()
    with torch.no_grad():
        expected = backbone(torch.as_tensor(mri.values[2:, 0])).numpy()
    assert_allclose(embedded.values[2:], expected, atol=1e-5)
    filled = replace(
        mri,
        values=np.concatenate([mri.values, np.zeros_like(mri.values)], axis=1),
        masks=None,
    )
    assert_allclose(embed_modality(backbone, filled).values, embedded.values, atol=1e-5)
