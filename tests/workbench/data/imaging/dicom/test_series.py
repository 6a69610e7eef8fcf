"""Series are sorted by where planes lie; what does not fit together is refused with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels.processing import apply_windowing

import workbench as wb
from workbench.data.imaging import as_stored, find_series, read_series
from workbench.data.imaging.dicom.geometry import Pose, stacked
from workbench.errors import ImageError


def test_planes_are_sorted_by_position_whatever_their_numbers(
    write_planes: Any, tmp_path: Path
) -> None:
    pixels = write_planes([4.0, 0.0, 6.0, 2.0], numbers=[1, 2, 3, 4])
    found = wb.read_image(tmp_path)
    assert found.shape == (4, 3, 4)
    assert found.unit == "HU"
    assert found.modality == "CT"
    assert found.spacing == pytest.approx((0.7, 0.5, 2.0))
    voxels, affine = as_stored(found)
    assert np.array_equal(found.values(voxels), pixels[[1, 3, 0, 2]].transpose(2, 1, 0) - 1024.0)
    expected = [[-0.7, 0, 0, 5], [0, -0.5, 0, 7], [0, 0, 2, 0], [0, 0, 0, 1]]
    assert affine == pytest.approx(np.array(expected))
    # The first column of the first row of the lowest plane, 5 mm to the right and 7 to the front.
    right, front, low = found.nearest((5, 7, 0))
    assert found.voxels[right, front, low] == pixels[1, 0, 0]


@pytest.mark.parametrize(
    ("heights", "reason"),
    [
        ([0, 2, 4, 8, 10], "1 of 6 positions are missing"),
        ([0, 2, 4, 4, 6], "1 have more (duplicates), 0 fewer"),
        ([0, 2, 4, 5.3, 6, 8], "vary from 0.7 to 2 mm"),
    ],
)
def test_gaps_duplicates_and_uneven_steps_are_named(
    write_planes: Any, tmp_path: Path, heights: list[float], reason: str
) -> None:
    write_planes(heights)
    with pytest.raises(ImageError) as refused:
        wb.read_image(tmp_path)
    assert reason in str(refused.value)


def test_a_file_that_is_there_twice_is_left_out_and_said(write_planes: Any, tmp_path: Path) -> None:
    write_planes([0, 2, 4])
    (tmp_path / "copy").write_bytes((tmp_path / "002.dcm").read_bytes())
    found = wb.read_image(tmp_path)
    assert found.shape[2] == 3
    assert found.notes == ("1 file that was there twice left out",)


def test_two_series_in_one_folder_are_told_apart(write_planes: Any, tmp_path: Path) -> None:
    axial = write_planes([0, 2, 4])
    write_planes(
        [0, 1],
        folder=tmp_path / "b",
        series="1.2.826.0.1.3680043.8.498.8",
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    with pytest.raises(
        ImageError, match=r"2 images, choose one.*\n  1: CT AXIAL, 3 frames of 3 × 4"
    ):
        wb.read_image(tmp_path)
    voxels, _ = as_stored(wb.read_image(tmp_path, series=1))
    assert np.array_equal(voxels, axial.transpose(2, 1, 0))
    with pytest.raises(ImageError, match="from 1 to 2"):
        wb.read_image(tmp_path, series=3)


def test_directions_that_jitter_are_one_series_and_others_are_not(
    write_planes: Any, make_plane: Callable[..., Any], tmp_path: Path
) -> None:
    # A cosine of 0.125 lies on the edge between two numbers of two decimals.
    for k in range(4):
        along = 0.125 + 1e-7 * (-1) ** k
        made = make_plane(
            np.ones((3, 4)),
            (0, 0, 2 * k),
            number=k + 1,
            ImageOrientationPatient=[1, 0, 0, 0, np.sqrt(1 - along**2), along],
            PixelSpacing=[0.50005 + 1e-7 * (-1) ** k, 0.7],
        )
        made.save_as(tmp_path / f"{k}.dcm", enforce_file_format=True)
    assert wb.read_image(tmp_path).shape == (4, 3, 4)
    # The same series number and size, turned by a degree or with larger pixels: others.
    turned = [float(x) for x in (1, 0, 0, 0, np.cos(np.radians(8.2)), np.sin(np.radians(8.2)))]
    write_planes([0, 2], numbers=[11, 12], ImageOrientationPatient=turned)
    write_planes([0, 2], numbers=[21, 22], PixelSpacing=[0.51, 0.7])
    (tmp_path / "again").write_bytes((tmp_path / "021.dcm").read_bytes())
    found, _ = find_series(sorted(tmp_path.iterdir()))
    assert sorted(len(series.frames) for series in found) == [2, 2, 4]
    assert [bool(series.notes) for series in found].count(True) == 1


def test_a_tilted_gantry_keeps_every_voxel_where_it_was(write_planes: Any, tmp_path: Path) -> None:
    write_planes([0, 2, 4], shift=np.tan(np.radians(20)))
    found = wb.read_image(tmp_path)
    assert found.acquisition.gantry_tilt_degrees == pytest.approx(20)
    assert "tilted by 20.0°" in found.notes[0]
    highest = found.world((0, 0, 2))
    lowest = found.world((0, 0, 0))
    assert highest is not None
    assert lowest is not None
    # LPS +y is to the back, so the shift is towards the back: −y in RAS.
    assert np.subtract(highest, lowest) == pytest.approx([0, -4 * np.tan(np.radians(20)), 4])


def test_several_planes_at_each_position_are_channels(write_planes: Any, tmp_path: Path) -> None:
    first = write_planes([0, 2], numbers=[1, 2], EchoTime=5.0, Modality="MR")
    rng = write_planes([0, 2], numbers=[3, 4], EchoTime=2.5, Modality="MR")
    found = wb.read_image(tmp_path)
    assert found.channels == ("echo 2.5 ms", "echo 5 ms")
    voxels, _ = as_stored(found)
    assert np.array_equal(voxels[..., 1], first.transpose(2, 1, 0))
    assert np.array_equal(voxels[..., 0], rng.transpose(2, 1, 0))


def test_planes_that_scale_differently_become_values(
    make_plane: Callable[..., Any], tmp_path: Path
) -> None:
    pixels = np.arange(12).reshape(3, 4)
    for number, slope in ((1, 2.0), (2, 3.0)):
        made = make_plane(
            pixels,
            (0, 0, number),
            number=number,
            RescaleSlope=slope,
            RescaleIntercept=0,
            Modality="PT",
            Units="BQML",
        )
        made.save_as(tmp_path / f"{number}", enforce_file_format=True)
    found = wb.read_image(tmp_path)
    assert found.unit == "BQML"
    voxels, _ = as_stored(found)
    assert voxels.dtype == np.float32
    assert np.array_equal(found.values(voxels)[..., 1], 3.0 * pixels.T)


def test_low_numbers_shown_white_are_turned_round(
    make_plane: Callable[..., Any], tmp_path: Path
) -> None:
    pixels = np.arange(12).reshape(3, 4)
    made = make_plane(
        pixels,
        Modality="DX",
        PhotometricInterpretation="MONOCHROME1",
        PixelRepresentation=0,
        BitsStored=10,
        HighBit=9,
        RescaleIntercept=0,
    )
    del made.ImagePositionPatient
    made.save_as(tmp_path / "dx", enforce_file_format=True)
    found = wb.read_image(tmp_path / "dx")
    assert np.array_equal(found.voxels[..., 0], 1023 - pixels)
    assert found.affine is None
    assert found.spacing == (0.5, 0.7, 1.0)


def test_numbers_that_are_not_in_the_lowest_bits_are_refused(
    make_plane: Callable[..., Any], tmp_path: Path
) -> None:
    made = make_plane(np.full((3, 4), 100 << 4), BitsStored=12, PixelRepresentation=0)
    made.save_as(tmp_path / "ct", enforce_file_format=True)
    with pytest.raises(ImageError, match="HighBit 15: of 12 bits stored the highest is 11"):
        wb.read_image(tmp_path / "ct")
    # Bits above them are no part of a number: overlays of old stood there.
    made.PixelData = np.full((3, 4), 100 | 1 << 12, "<u2").tobytes()
    made.HighBit = 11
    made.save_as(tmp_path / "ct", enforce_file_format=True)
    assert np.unique(wb.read_image(tmp_path / "ct").voxels).tolist() == [100]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -300)])
def test_a_window_is_turned_round_with_the_numbers(
    make_plane: Callable[..., Any],
    tmp_path: Path,
    signed: bool,
    function: str,
    slope: int,
    intercept: int,
) -> None:
    pixels = np.array([[0, 185, 190, 191], [195, 198, 200, 204], [205, 209, 220, 1023]])
    pixels = pixels - 512 * signed
    made = make_plane(
        pixels,
        Modality="DX",
        PhotometricInterpretation="MONOCHROME1",
        PixelRepresentation=int(signed),
        BitsStored=10,
        HighBit=9,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        WindowCenter=slope * (200 - 512 * signed) + intercept,
        WindowWidth=20 * slope,
        VOILUTFunction=function,
    )
    made.save_as(tmp_path / "dx", enforce_file_format=True)
    found = wb.read_image(tmp_path / "dx")
    assert found.window is not None
    shown = found.window.grey(found.values(as_stored(found)[0])[..., 0].T)
    # By pydicom: the window comes first, then low is shown white (PS3.3 C.7.6.3.1.2).
    windowed = apply_windowing(slope * pixels + intercept, made)
    expected = 255 * (windowed.max() - windowed) / np.ptp(windowed)
    assert np.abs(shown - expected).max() <= 0.51
    assert len(np.unique(shown)) > 6


def test_facts_of_the_acquisition_and_the_window(
    make_plane: Callable[..., Any], tmp_path: Path
) -> None:
    made = make_plane(
        np.ones((3, 4)),
        Manufacturer="Acme ",
        MagneticFieldStrength=15000,
        ViewPosition="PA",
        WindowCenter=[40, 400],
        WindowWidth=[80, 1500],
        BurnedInAnnotation="NO",
        PatientName="Somebody^Real",
    )
    made.save_as(tmp_path / "one", enforce_file_format=True)
    found = wb.read_image(tmp_path / "one")
    known = found.acquisition.known()
    assert known["manufacturer"] == "Acme"
    assert known["field_strength_t"] == 1.5
    assert known["view"] == "PA"
    assert known["burned_in"] is False
    assert found.window is not None
    assert (found.window.centre, found.window.width) == (39.5, 79)
    assert "Somebody" not in repr(found)


def test_other_files_of_a_folder_do_not_matter_and_damaged_ones_are_told(
    write_planes: Any, tmp_path: Path
) -> None:
    write_planes([0, 2])
    (tmp_path / "notes.txt").write_text("nothing")
    whole = (tmp_path / "001.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:400])
    found, refused = find_series(sorted(tmp_path.iterdir()))
    assert [len(series.frames) for series in found] == [2]
    assert read_series(found[0]).shape == (4, 3, 2)
    assert [path.name for path in refused] == ["cut.dcm"]


@given(
    turns=st.tuples(*[st.floats(-3, 3)] * 3),
    order=st.permutations(range(5)),
    step=st.floats(0.3, 9),
)
def test_any_direction_and_order_give_the_place_of_each_plane(
    turns: tuple[float, float, float], order: list[int], step: float
) -> None:
    axes = np.eye(3)
    for axis, angle in enumerate(turns):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.roll(np.array([[1, 0, 0], [0, c, -s], [0, s, c]]), (axis, axis), (0, 1))
        axes = turn @ axes
    along_row, along_column = axes[:, 0], axes[:, 1]
    origin = np.array([10.0, -20.0, 30.0])
    normal = np.cross(along_row, along_column)
    poses = [Pose(origin + step * k * normal, along_row, along_column, (0.5, 0.7)) for k in order]
    found = stacked(poses, None)
    assert [order[n] for (n,) in found.planes] == [0, 1, 2, 3, 4]
    place = found.affine @ [2, 3, 4, 1]
    expected = origin + 1.4 * along_row + 1.5 * along_column + 4 * step * normal
    assert place[:3] == pytest.approx(expected * [-1, -1, 1], abs=1e-6)
    assert found.tilt_degrees == pytest.approx(0, abs=1e-4)
