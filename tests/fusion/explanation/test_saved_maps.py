"""Maps on disk: in the place of the original image, whole, never over another file, marked."""

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fusion.explanation.checks import Check
from fusion.explanation.original_space import onto_grid, out_of_square
from fusion.explanation.saved_maps import save_nifti, save_overlay

SOUND = (Check("gap", 0.0, 0.01, True),)
UNSOUND = (*SOUND, Check("overlap", 0.1, 0.4, False))
TURNED = np.array([[0.0, -2, 0, 30], [1.5, 0, 0, -20], [0, 0, 3, 7], [0, 0, 0, 1]])


@pytest.mark.parametrize("name", ["map.nii", "map.nii.gz"])
def test_nifti_keeps_values_place_and_verdict(tmp_path, name):
    values = np.random.default_rng(0).standard_normal((3, 4, 5))
    save_nifti(tmp_path / name, values, TURNED, method="occlusion", checks=UNSOUND)
    read = nibabel.load(tmp_path / name)
    np.testing.assert_allclose(read.get_fdata(), values, atol=1e-6)
    np.testing.assert_allclose(read.affine, TURNED, atol=1e-6)
    said = bytes(read.header["descrip"]).rstrip(b"\0").decode()
    assert said == "1 of 2 checks FAILED; occlusion"


def test_nothing_is_overwritten_and_nothing_is_left_over(tmp_path):
    path = tmp_path / "map.nii"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        save_nifti(path, np.ones((1, 1, 1)), np.eye(4), method="m", checks=SOUND)
    assert path.read_bytes() == b"mine"
    assert [each.name for each in tmp_path.iterdir()] == ["map.nii"]
    with pytest.raises(ValueError, match="ends in .nii"):
        save_nifti(tmp_path / "map.txt", np.ones((1, 1, 1)), np.eye(4), method="m", checks=SOUND)


def test_overlay_shows_both_directions_and_marks_what_failed(tmp_path):
    image, values = np.full((64, 64), 0.5), np.zeros((64, 64))
    image[0, 0] = 0
    image[0, 1] = 1
    values[30:34, 10:14], values[30:34, 50:54] = 1.0, -1.0
    for name, checks in (("sound.png", SOUND), ("unsound.png", UNSOUND)):
        save_overlay(tmp_path / name, image, values, limit=1.0, method="occlusion", checks=checks)
    with (
        Image.open(tmp_path / "sound.png") as sound,
        Image.open(tmp_path / "unsound.png") as marked,
    ):
        pixels, others = np.asarray(sound).astype(int), np.asarray(marked).astype(int)
        assert sound.size == (256, 256)
        assert marked.info["Description"].startswith("1 of 2 checks FAILED")
    red, _, blue = pixels[4 * 32, 4 * 12]
    assert red > blue + 50
    red, _, blue = pixels[4 * 32, 4 * 52]
    assert blue > red + 50
    assert pixels[128, 128].tolist() == [128] * 3
    assert others[0, 0].tolist() == [255, 0, 0]
    assert np.array_equal(others[30:-5, 5:-5], pixels[30:-5, 5:-5])
    with pytest.raises(ValueError, match="resample it"):
        save_overlay(tmp_path / "x.png", image, values[1:], limit=1.0, method="m", checks=SOUND)
    with pytest.raises(ValueError, match="limit must be positive"):
        save_overlay(tmp_path / "x.png", image, values, limit=0.0, method="m", checks=SOUND)


@given(
    at=st.tuples(*[st.integers(2, 5)] * 3),
    factor=st.integers(2, 4),
    flipped=st.tuples(*[st.booleans()] * 3),
)
def test_a_hot_voxel_stays_where_it_was_in_mm(at, factor, flipped):
    coarse = np.zeros((8, 8, 8))
    coarse[at] = 1.0
    affine = np.diag([factor, factor, factor, 1.0])
    onto = np.eye(4)
    shape = (8 * factor,) * 3
    for axis in np.flatnonzero(flipped):
        onto[axis, axis], onto[axis, 3] = -1.0, shape[axis] - 1.0
    fine = onto_grid(coarse, affine, shape=shape, onto=onto)
    hottest = np.array(np.unravel_index(fine.argmax(), shape))
    np.testing.assert_allclose((onto @ [*hottest, 1])[:3], factor * np.array(at))


def test_an_affine_without_directions_is_refused():
    with pytest.raises(ValueError, match="onto must be finite"):
        onto_grid(np.ones((2, 2, 2)), np.eye(4), shape=(2, 2, 2), onto=np.zeros((4, 4)))


@given(height=st.integers(20, 60), width=st.integers(20, 60))
def test_out_of_the_square_as_it_went_in(height, width):
    side = max(height, width)
    square = np.zeros((side, side))
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = 1.0
    small = np.asarray(
        Image.fromarray(square.astype(np.float32)).resize((32, 32), Image.Resampling.BOX)
    )
    back = out_of_square(small, height=height, width=width)
    assert back.shape == (height, width)
    assert back.mean() > 0.9
