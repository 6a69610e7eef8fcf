"""Windows, masks and contributions: the right grey, and only at the right place."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.imaging import (
    CT_WINDOWS,
    Attribution,
    Mask,
    Scene,
    Window,
    images_of_card,
    picture,
    read_attribution,
    read_mask,
    volume,
    windows_of,
)
from workbench.data.open_card import open_card
from workbench.errors import ImageError

SHAPE = (4, 5, 6)


def test_a_window_by_hand() -> None:
    grey = CT_WINDOWS["brain"].grey(np.array([-1000, 0, 40, 80, 3000, np.nan, np.inf, -np.inf]))
    assert grey.tolist() == [0, 0, 128, 255, 255, 0, 255, 0]


@given(
    centre=st.floats(-2000, 2000),
    width=st.floats(1, 5000),
    values=st.lists(st.integers(-2000, 4000), min_size=2, max_size=20),
)
def test_windows_keep_the_order(centre: float, width: float, values: list[int]) -> None:
    ordered = np.sort(np.array(values, np.int16))
    grey = Window(centre, width).grey(ordered).astype(int)
    assert (np.diff(grey) >= 0).all()
    assert grey[ordered <= centre - width / 2 - 0.01 * width].sum() == 0
    assert (grey[ordered >= centre + width / 2 + 0.01 * width] == 255).all()


@pytest.mark.parametrize(("centre", "width"), [(0, 0), (0, -1), (np.nan, 1), (0, np.inf)])
def test_windows_that_are_none(centre: float, width: float) -> None:
    with pytest.raises(ImageError, match="positive width"):
        Window(centre, width)


def test_percentiles_leave_the_background_out() -> None:
    voxels = np.zeros((20, 20, 20))
    voxels[:, :, :5] = np.linspace(100, 200, 2000).reshape(20, 20, 5)
    windows = windows_of(volume(voxels, np.eye(4)))
    assert next(iter(windows)) == "1 to 99 %"
    assert windows["1 to 99 %"].centre == pytest.approx(150)
    assert windows["1 to 99 %"].width == pytest.approx(98)
    assert windows["full range"] == Window(100, 200)


def test_ct_has_its_own_windows_and_a_flat_volume_one() -> None:
    assert next(iter(windows_of(volume(np.zeros(SHAPE), np.eye(4), unit="HU")))) == "brain"
    assert list(windows_of(volume(np.full(SHAPE, 7), np.eye(4)))) == ["full range"]
    assert list(windows_of(volume(np.full(SHAPE, np.nan), np.eye(4)))) == ["full range"]


def test_layers_must_lie_where_the_image_lies() -> None:
    image = volume(np.zeros(SHAPE), np.eye(4))
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 2, 3] = 1
    # The same regions, stored with the front and the head first: they are the same place.
    other = volume(
        labels[:, ::-1, :], np.array([[1, 0, 0, 0], [0, -1, 0, 4], [0, 0, 1, 0], [0, 0, 0, 1]])
    )
    Scene(image, Mask(other), None)
    assert np.argwhere(other.voxels).tolist() == [[1, 2, 3]]
    moved = np.eye(4)
    moved[0, 3] = 0.5
    with pytest.raises(ImageError, match=r"the mask lies up to 0\.5 mm"):
        Scene(image, Mask(volume(labels, moved)), None)
    with pytest.raises(ImageError, match="the mask has"):
        Scene(image, Mask(volume(labels[1:], np.eye(4))), None)
    with pytest.raises(ImageError, match="or neither"):
        Scene(image, Mask(picture(labels)), None)
    with pytest.raises(ImageError, match="labels of the mask are 0 to 2"):
        Scene(image, Mask(volume(labels * 2, np.eye(4))), None)
    with pytest.raises(ImageError, match="the attribution has"):
        Scene(image, None, Attribution(volume(np.ones((2, 2, 2)), np.eye(4)), 1.0))


def test_contributions_as_levels() -> None:
    shown = Attribution(volume(np.ones(SHAPE), np.eye(4)), limit=2.0)
    levels = shown.levels(np.array([-9, -2, -1, 0, np.nan, 1, 2, 9]))
    assert levels.tolist() == [-127, -127, -64, 0, 0, 64, 127, 127]
    assert levels.dtype == np.int8
    with pytest.raises(ImageError, match="positive and finite"):
        Attribution(volume(np.ones(SHAPE), np.eye(4)), limit=0)


def test_layers_from_files(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.float32)
    labels[1:3] = 2
    nibabel.Nifti1Image(labels, np.eye(4)).to_filename(tmp_path / "mask.nii")
    mask = read_mask(tmp_path / "mask.nii", ("edema", "tumour"))
    assert mask.labels.voxels.dtype == np.uint8
    assert mask.labels.voxels.sum() == labels.sum()
    shown = read_attribution(tmp_path / "mask.nii")
    assert shown.limit == 2
    nibabel.Nifti1Image(labels / 4, np.eye(4)).to_filename(tmp_path / "mask.nii")
    with pytest.raises(ImageError, match="whole numbers"):
        read_mask(tmp_path / "mask.nii")
    nibabel.Nifti1Image(labels * 0, np.eye(4)).to_filename(tmp_path / "zero.nii")
    with pytest.raises(ImageError, match="nothing to show"):
        read_attribution(tmp_path / "zero.nii")


@pytest.mark.shared_data
def test_pictures_of_a_card(shared_data: Path) -> None:
    images = images_of_card(open_card("tcga_glioma"), "mri")
    assert (len(images), images.may_be_saved) == (110, True)
    scene = images.read(3)
    found, mask = scene.volume, scene.mask
    assert found.shape == (256, 256, 2)
    assert found.channels == ("pre-contrast T1", "FLAIR", "post-contrast T1")
    assert mask is not None
    assert (mask.labels.voxels.sum(axis=(0, 1)) > 0).all()
    with pytest.raises(ImageError, match="no patient 111: there are 110"):
        images.read(110)
    with pytest.raises(ImageError, match=r"choose one of \['mri'\]"):
        images_of_card(open_card("tcga_glioma"), "rna")
