"""A marker planted in millimetres is found at the right place, with the right letters beside it."""

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, inv_ornt_aff

from workbench.data.imaging import PLANES, picture, planes_of, read_volume, volume
from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError

SHAPE = (7, 9, 11)
STEPS = np.array([1.5, 2.0, 3.0])
ORIENTATIONS = [
    "".join(codes)
    for order in itertools.permutations(["RL", "AP", "SI"])
    for codes in itertools.product(*order)
]


def _stored(codes: str, marker_mm: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Voxels in the order that ``codes`` name, with one marker at a place in mm (RAS+)."""
    affine_ras = np.diag([*STEPS, 1.0])
    affine_ras[:3, 3] = -10, 5, -20
    place = np.linalg.solve(affine_ras, [*marker_mm, 1])[:3]
    ras = np.zeros(SHAPE, np.int16)
    ras[tuple(np.rint(place).astype(int))] = 100
    turn = axcodes2ornt(tuple(codes))
    # turn says where each stored axis lies in RAS: put the axes there, and flip what is flipped.
    axes = turn[:, 0].astype(int)
    stored = ras.transpose(axes)
    stored = stored[tuple(slice(None, None, int(flip)) for flip in turn[:, 1])]
    to_stored = np.linalg.inv(inv_ornt_aff(turn, stored.shape))
    return stored, affine_ras @ to_stored


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_a_planted_marker_in_every_orientation(codes: str) -> None:
    # Near the patient's right, front and head.
    marker = (-10 + 1.5 * 5, 5 + 2.0 * 7, -20 + 3.0 * 9)
    stored, affine = _stored(codes, marker)
    assert nibabel.aff2axcodes(affine) == tuple(codes)
    found = volume(stored, affine)
    assert found.shape == SHAPE
    assert found.spacing == pytest.approx(tuple(STEPS))
    voxel = found.nearest(marker)
    assert found.world(voxel) == pytest.approx(marker)
    assert voxel == (5, 7, 9)
    for plane in planes_of(found).values():
        number, row, column = plane.pixel(voxel)
        cut = plane.cut(found.voxels, number)
        assert cut.shape == (plane.n_rows, plane.n_columns)
        assert np.argwhere(cut == 100).tolist() == [[row, column]]
        top, right, bottom, left = plane.letters
        # The marker lies in the half that the letters name.
        halves = {top: row < plane.n_rows / 2, left: column < plane.n_columns / 2}
        halves |= {bottom: row > plane.n_rows / 2, right: column > plane.n_columns / 2}
        assert all(halves[letter] == (letter in "RAS") for letter in plane.letters)


def test_letters_are_those_of_a_radiologist() -> None:
    planes = planes_of(volume(np.zeros(SHAPE), np.eye(4)))
    assert planes["axial"].letters == ("A", "L", "P", "R")
    assert planes["coronal"].letters == ("S", "L", "I", "R")
    assert planes["sagittal"].letters == ("S", "P", "I", "A")


def _rotation(angles: tuple[float, float, float]) -> np.ndarray:
    total = np.eye(3)
    for axis, angle in enumerate(angles):
        turn, (a, b) = np.eye(3), [i for i in range(3) if i != axis]
        turn[[a, a, b, b], [a, b, a, b]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        total = total @ turn
    return total


@given(
    codes=st.sampled_from(ORIENTATIONS),
    angles=st.tuples(*[st.floats(-0.35, 0.35)] * 3),
    voxel=st.tuples(*[st.integers(0, n - 1) for n in SHAPE]),
)
def test_the_crosshair_comes_back(
    codes: str, angles: tuple[float, float, float], voxel: tuple[int, int, int]
) -> None:
    stored, affine = _stored(codes, (-10, 5, -20))
    turned = np.eye(4)
    turned[:3, :3] = _rotation(angles)
    found = volume(stored, turned @ affine)
    assert found.shape == SHAPE
    assert found.nearest(found.world(voxel)) == voxel
    for plane in planes_of(found).values():
        assert plane.voxel(plane.pixel(voxel)) == voxel
    cosine = np.diag(_rotation(angles)).min()
    assert found.oblique_degrees == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-4)


@given(
    codes=st.sampled_from(ORIENTATIONS), place=st.tuples(*[st.integers(0, n - 1) for n in SHAPE])
)
def test_turning_keeps_each_value_at_its_place(codes: str, place: tuple[int, int, int]) -> None:
    stored, affine = _stored(codes, (-10, 5, -20))
    numbered = np.arange(stored.size).reshape(stored.shape)
    found = volume(numbered, affine)
    back = np.rint(np.linalg.solve(affine, [*found.world(place), 1])[:3]).astype(int)
    assert found.voxels[place] == numbered[tuple(back)]
    assert np.shares_memory(found.voxels, numbered)


def test_a_mapped_file_stays_on_disk(tmp_path: Path) -> None:
    stored, affine = _stored("LPS", (-10, 5, -20))
    nibabel.Nifti1Image(stored, affine).to_filename(tmp_path / "a.nii")
    found = read_volume(tmp_path / "a.nii")
    base = found.voxels
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert found.known_orientation
    assert found.voxels.sum() == 100


def test_scaled_and_micrometre_files(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(
        np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([5, 5, 5, 1])
    )
    image.header.set_slope_inter(2, -1000)
    image.header.set_xyzt_units("micron")
    image.to_filename(tmp_path / "a.nii.gz")
    found = read_volume(tmp_path / "a.nii.gz", unit="HU")
    truth = nibabel.load(tmp_path / "a.nii.gz").get_fdata()
    assert found.values(found.voxels).tolist() == truth.tolist()
    assert found.spacing == pytest.approx((0.005, 0.005, 0.005))
    assert found.unit == "HU"


def test_no_letters_where_the_file_has_no_transform(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), None)
    image.to_filename(tmp_path / "a.nii")
    found = read_volume(tmp_path / "a.nii")
    assert not found.known_orientation
    assert "voxels" not in repr(found)
    assert {p.letters for p in planes_of(found).values()} == {("", "", "", "")}


def test_pictures_have_one_plane_and_no_letters() -> None:
    found = picture(np.arange(12).reshape(3, 4), spacing=(0.5, 0.25))
    [plane] = planes_of(found).values()
    assert (plane.name, plane.letters, plane.aspect) == ("picture", ("", "", "", ""), 2.0)
    assert plane.cut(found.voxels, 0).tolist() == np.arange(12).reshape(3, 4).tolist()
    assert plane.pixel((1, 2, 0)) == (0, 1, 2)
    assert plane.voxel((0, 1, 2)) == (1, 2, 0)
    with pytest.raises(ImageError, match="no places in mm"):
        found.nearest((0, 0, 0))


@pytest.mark.parametrize(
    ("voxels", "affine", "message"),
    [
        (np.zeros((2, 2)), np.eye(4), "got shape"),
        (np.zeros((2, 0, 2)), np.eye(4), "got shape"),
        (np.zeros(SHAPE), np.eye(3), "affine must be"),
        (np.zeros(SHAPE), np.full((4, 4), np.nan), "finite"),
        (np.zeros(SHAPE), np.diag([1, 1, 0, 1]), "cannot be inverted"),
        (np.zeros(SHAPE, complex), np.eye(4), "complex128"),
    ],
)
def test_what_is_no_volume(voxels: np.ndarray, affine: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        volume(voxels, affine)


def test_places_outside() -> None:
    found: Volume = volume(np.zeros(SHAPE), np.eye(4))
    with pytest.raises(ImageError, match="no voxel"):
        found.nearest((-1, 0, 0))
    with pytest.raises(ImageError, match="no slice 11: axial slices are 0 to 10"):
        planes_of(found)["axial"].cut(found.voxels, 11)


@pytest.mark.parametrize("damage", ["empty", "half", "text"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.nii.gz"
    random = np.random.default_rng(0).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    nibabel.Nifti1Image(random, np.eye(4)).to_filename(path)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "half": whole[: len(whole) // 2], "text": b"no volume"}[damage])
    with pytest.raises(ImageError, match="cannot be read"):
        read_volume(path)
    with pytest.raises(ImageError, match="no such file"):
        read_volume(tmp_path / "b.nii")


@pytest.mark.shared_data
def test_a_tilted_scan_of_two_volumes(shared_data: Path) -> None:
    found = read_volume(shared_data / "formats/nifti_nibabel/nibabel/tests/data/example4d.nii.gz")
    assert found.shape == (128, 96, 24)
    assert found.channels == ("1", "2")
    assert found.oblique_degrees == pytest.approx(9.3, abs=0.01)
    assert set(planes_of(found)) == set(PLANES)
