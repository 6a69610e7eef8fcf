"""Scans whose files place them wrongly, by a known rotation and shift, are laid on each other."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from workbench.data.imaging import (
    as_channels,
    picture,
    read_image,
    register,
    resampled,
    volume,
    write_nifti,
)
from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError

SHAPE = (44, 48, 40)
AFFINE = np.array([[4.0, 0, 0, -88], [0, 4.0, 0, -96], [0, 0, 4.5, -90], [0, 0, 0, 1]])


def moved(degrees: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    """(4, 4), from mm of the fixed image to mm of the moving one."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    affine[:3, 3] = shift
    return affine


TRUE = moved((6, -4, 8), (5, -3, 7))


def head() -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij"))
    return ((grid / np.array([0.75, 0.8, 0.8])[:, None, None, None]) ** 2).sum(axis=0) < 1


@pytest.fixture(scope="module")
def pair() -> tuple[Volume, Volume]:
    """Two contrasts of one head, one dark where the other is bright; the second one's file lies."""
    random = np.random.default_rng(0)
    tissue = gaussian_filter(random.standard_normal(SHAPE), 2.5)
    tissue = (tissue - tissue.min()) / np.ptp(tissue)
    bright = np.where(head(), 200 + 600 * tissue, 0) + random.normal(0, 5, SHAPE)
    dark = np.where(head(), 900 - 700 * tissue**2, 0) + random.normal(0, 5, SHAPE)
    still = volume(bright.astype(np.float32), AFFINE, unit="a.u.")
    return still, volume(dark.astype(np.float32), TRUE @ AFFINE)


def furthest(found: np.ndarray, true: np.ndarray, image: Volume) -> float:
    """Largest error over the image's corners and inside, in mm."""
    assert image.affine is not None
    ends = np.stack(np.meshgrid(*([0, n // 2, n - 1] for n in image.shape)), axis=-1).reshape(-1, 3)
    places = image.affine @ np.column_stack([ends, np.ones(len(ends))]).T
    return float(np.linalg.norm((found @ places - true @ places)[:3], axis=0).max())


def test_another_contrast_of_a_head_is_laid_on_it(pair: tuple[Volume, Volume]) -> None:
    fixed, moving = pair
    found = register(fixed, moving)
    assert furthest(TRUE, np.eye(4), fixed) > 15
    assert furthest(found.affine, TRUE, fixed) < 2  # Half a voxel.
    assert found.degrees == pytest.approx(10.9, abs=0.5)
    assert found.similarity > found.similarity_before + 0.1
    np.testing.assert_array_equal(register(fixed, moving).affine, found.affine)
    # By its own inverse the other way round.
    back = register(moving, fixed)
    assert furthest(back.affine @ found.affine, np.eye(4), fixed) < 3

    inner = gaussian_filter(head().astype(float), 2) > 0.99
    there = resampled(moving, fixed, found)
    assert there.voxels.dtype == np.float32
    off = np.abs(there.voxels - moving.voxels)[inner].mean()
    assert off < 0.2 * np.abs(resampled(moving, fixed).voxels - moving.voxels)[inner].mean()
    both = as_channels({"bright": fixed, "dark": there})
    assert both.channels == ("bright", "dark")
    np.testing.assert_array_equal(both.voxels[..., 1], there.voxels)
    assert both.affine is fixed.affine
    with pytest.raises(ImageError, match="dark lies on another grid"):
        as_channels({"bright": fixed, "dark": moving})


def test_a_real_series_that_is_placed_wrongly_comes_back(shared_data: Path) -> None:
    folder = shared_data / "formats" / "dicom_series_torchio"
    read = read_image(next(path.parent for path in sorted(folder.rglob("*.dcm"))))
    assert read.affine is not None
    true = moved((2, 3, -4), (6, -4, 3))
    found = register(read, replace(read, affine=true @ read.affine))
    assert furthest(found.affine, true, read) < 1


def test_a_mask_keeps_its_values_and_outside_is_said(pair: tuple[Volume, Volume]) -> None:
    fixed, _ = pair
    far = np.eye(4)
    far[0, 3] = 40.0  # Ten voxels.
    mask = volume(np.asarray(head(), dtype=np.uint8) * 3, far @ AFFINE)
    filled = resampled(mask, fixed, nearest=True, outside=-1).voxels
    assert set(np.unique(filled).tolist()) == {-1, 0, 3}
    assert (filled[:10] == -1).all()
    np.testing.assert_array_equal(filled[10:], mask.voxels[:-10])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: picture(np.zeros((8, 8), np.uint8)), "does not say where the patient's right"),
        (lambda i: replace(i, known_orientation=False), "does not say where the patient's right"),
        (
            lambda i: volume(np.zeros((8, 8, 8, 2), np.uint8), np.eye(4)),
            "one channel is registered at a time, got 2",
        ),
        (lambda i: volume(np.zeros(SHAPE, np.uint8), AFFINE), "the same value everywhere"),
    ],
)
def test_what_cannot_be_registered(pair: tuple[Volume, Volume], change: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        register(pair[0], change(pair[0]))


def test_no_image_is_no_channel() -> None:
    with pytest.raises(ImageError, match="no image given"):
        as_channels({})


def test_the_command_writes_channels(
    call: Any, pair: tuple[Volume, Volume], tmp_path: Path
) -> None:
    fixed, moving = pair
    write_nifti(fixed, tmp_path / "flair.nii.gz")
    write_nifti(moving, tmp_path / "t1.nii.gz")
    files = [tmp_path / "flair.nii.gz", tmp_path / "t1.nii.gz", "--out", tmp_path / "mr.nii.gz"]
    code, shown, error = call("images", "register", *files)
    assert code == 0, error
    assert "t1.nii.gz: turned by 1" in shown
    both = read_image(tmp_path / "mr.nii.gz")
    assert both.voxels.shape == (*SHAPE, 2)
    code, _, error = call("images", "register", *files)
    assert code != 0
    assert "exists already" in error
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "t1.nii.gz", tmp_path / "other")
    twice = [*files[:2], tmp_path / "other" / "t1.nii.gz", "--out", tmp_path / "b.nii.gz"]
    code, _, error = call("images", "register", *twice)
    assert code != 0
    assert "two images are called t1.nii.gz" in error
