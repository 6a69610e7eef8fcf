"""Files of real scanners: geometry and values as another program converted them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.data.imaging import find_series, read_series, read_volume, write_nifti
from workbench.data.imaging.volume import Volume
from workbench.errors import ImageError

FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"
NIH = FORMATS / "dicom_mr_dcmqa_nih"
ENHANCED = FORMATS / "dicom_enhanced_mr_dcmqa"
PYDICOM = FORMATS / "dicom_pydicom/src/pydicom/data/test_files"
STORE = FORMATS / "dicom_pydicom_data/data_store/data"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data"),
]


@pytest.mark.parametrize(
    ("folder", "truth"),
    [
        (NIH / "In/20180918GE/mr_0004", NIH / "Ref/DCM2NIIX_regression_test_4.nii"),
        (NIH / "In/20180918Si/mr_0003", NIH / "Ref/EPI_PE=AP_3.nii"),
        (NIH / "In/20180918Si/mr_0004", NIH / "Ref/EPI_PE=PA_4.nii"),
        (ENHANCED / "In/Siemens/XA10", ENHANCED / "Ref/Siemens_REST1_w_SMS_PF7-8_6.nii"),
    ],
    ids=["classic", "mosaic", "mosaic reversed", "enhanced"],
)
def test_geometry_and_values_equal_those_that_dcm2niix_wrote(folder: Path, truth: Path) -> None:
    found, expected = wb.read_image(folder), read_volume(truth)
    assert expected.affine is not None
    assert found.affine == pytest.approx(expected.affine, abs=1e-4)
    assert np.array_equal(found.values(found.voxels), expected.values(expected.voxels))


def test_magnitude_and_field_map_of_one_file_are_two_images() -> None:
    found, _ = find_series([ENHANCED / "In/Philips/IM_0027_fMAP.dcm"])
    names = ("Philips_WIP_B0_NS_801_e1", "Philips_WIP_B0_NS_801_e2_fieldmaphz")
    for series, name in zip(found, names, strict=True):
        image, expected = read_series(series), read_volume(ENHANCED / f"Ref/{name}.nii")
        scale = json.loads((ENHANCED / f"Ref/{name}.json").read_text())
        assert expected.affine is not None
        assert image.affine == pytest.approx(expected.affine, abs=1e-4)
        # dcm2niix wrote Philips' "precise" values: those shown, divided by both slopes.
        precise = image.values(image.voxels) / (image.slope * scale["PhilipsScaleSlope"])
        truth = expected.values(expected.voxels)
        np.testing.assert_allclose(precise, truth, rtol=1e-4, atol=1e-2)


def test_one_ct_by_slices_and_as_one_file_is_the_same() -> None:
    folder = FORMATS / "dicom_seg_dcmqi/data/segmentations/23x38x3"
    slices, whole = wb.read_image(folder / "image"), wb.read_image(folder / "multiframe")
    assert slices.affine == pytest.approx(whole.affine)
    assert np.array_equal(slices.values(slices.voxels), whole.values(whole.voxels))


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (PYDICOM / "MR_small_RLE.dcm", PYDICOM / "MR_small.dcm"),
        (PYDICOM / "MR_small_bigendian.dcm", PYDICOM / "MR_small.dcm"),
        (PYDICOM / "MR_small_implicit.dcm", PYDICOM / "MR_small.dcm"),
        (PYDICOM / "MR_small_jp2klossless.dcm", PYDICOM / "MR_small.dcm"),
        (PYDICOM / "MR_small_jpeg_ls_lossless.dcm", PYDICOM / "MR_small.dcm"),
        (PYDICOM / "MR_small_padded.dcm", PYDICOM / "MR_small.dcm"),
        (STORE / "emri_small_RLE.dcm", STORE / "emri_small.dcm"),
        (STORE / "emri_small_big_endian.dcm", STORE / "emri_small.dcm"),
        (STORE / "emri_small_jpeg_2k_lossless.dcm", STORE / "emri_small.dcm"),
        (STORE / "emri_small_jpeg_ls_lossless.dcm", STORE / "emri_small.dcm"),
        (PYDICOM / "rtdose_rle.dcm", PYDICOM / "rtdose.dcm"),
        (PYDICOM / "rtdose_expb.dcm", PYDICOM / "rtdose.dcm"),
        (PYDICOM / "SC_rgb_rle.dcm", PYDICOM / "SC_rgb_jpeg_gdcm.dcm"),
        (PYDICOM / "SC_rgb_dcmtk_+eb+cr.dcm", PYDICOM / "SC_rgb_rle.dcm"),
    ],
    ids=lambda path: path.name,
)
def test_every_syntax_gives_the_same_numbers(packed: Path, plain: Path) -> None:
    found, expected = wb.read_image(packed), wb.read_image(plain)
    tolerance = 3 if "dcmtk" in packed.name else 0  # Lossy.
    difference = found.voxels.astype(float) - expected.voxels.astype(float)
    assert np.abs(difference).max() <= tolerance
    assert (found.slope, found.intercept) == (expected.slope, expected.intercept)


def test_colours_are_those_of_the_picture_whatever_the_colour_space() -> None:
    truth = wb.read_image(PYDICOM / "SC_rgb_rle.dcm").voxels.astype(float)
    for name in ("np", "s2", "s4", "n1", "n2"):
        found = wb.read_image(PYDICOM / f"SC_rgb_dcmtk_+eb+cy+{name}.dcm")
        assert found.colour
        # Lossy, with colours at a half or a quarter of the pixels.
        assert np.abs(found.voxels - truth).mean() < 3
    for name in ("gdcm_KY", "jls_lossy_line", "jls_lossy_sample", "jpeg_dcmtk", "jpeg_lossy_gdcm"):
        found = wb.read_image(PYDICOM / f"SC_rgb_{name}.dcm")
        assert np.abs(found.voxels - truth).mean() < 3


def test_grey_of_16_bits_keeps_every_bit() -> None:
    truth = np.load(FORMATS / "img16/ct_slice_truth.npz")
    stored = {truth[name].tobytes() for name in truth.files if truth[name].dtype == np.uint16}
    found = [wb.read_image(FORMATS / f"img16/ct_slice_u16.{kind}") for kind in ("png", "tif")]
    assert np.array_equal(found[0].voxels, found[1].voxels)
    assert found[0].voxels.dtype == np.uint16
    assert not stored or found[0].voxels.tobytes() in stored


def test_every_sample_is_read_or_refused_with_a_reason(tmp_path: Path) -> None:
    n_read, reasons = 0, []
    for folder in FORMATS.iterdir():
        if not folder.name.startswith(("dicom", "nifti", "img16", "ometiff", "wsi")):
            continue
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in files[:: 9 if len(files) > 100 else 1]:
            try:
                read = wb.read_image(path)
            except ImageError as error:
                reasons.append(str(error))
            else:
                n_read += 1
                assert read.voxels.size > 0
                _goes_there_and_back(read, tmp_path)
    assert n_read > 70
    assert all(len(reason) > 10 for reason in reasons)


def _goes_there_and_back(read: Volume, folder: Path) -> None:
    """Through NIfTI, with the axes of the file and with the numbers that it stores."""
    if read.affine is None or read.voxels.size > 500_000:
        return
    if read.voxels.dtype.kind == "b" or read.colour or len(read.channels) > 4:
        return
    write_nifti(read, folder / "a.nii.gz")
    again = read_volume(folder / "a.nii.gz")
    assert again.stored_axes == read.stored_axes
    assert again.affine == pytest.approx(read.affine, abs=1e-3)
    assert np.array_equal(again.voxels, read.voxels, equal_nan=read.voxels.dtype.kind == "f")
    (folder / "a.nii.gz").unlink()


def test_a_dicomdir_s_folder_is_listed_series_by_series() -> None:
    folder = PYDICOM / "dicomdirtests/98892003"
    found, refused = find_series(sorted(p for p in folder.rglob("*") if p.is_file()))
    assert not refused
    assert sum(len(series.frames) for series in found) == sum(
        path.is_file() for path in folder.rglob("*")
    )
    with pytest.raises(ImageError, match="a DICOMDIR"):
        wb.read_image(folder.parent / "DICOMDIR")
    kinds = {series.frames[0].kind[0] for series in found}
    assert len(kinds) > 3
