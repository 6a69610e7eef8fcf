"""Masks and maps written for the archive come back where they were, beside the same patient."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import workbench as wb
from fusion.explanation.checks import Check
from workbench.data.imaging import (
    Attribution,
    Mask,
    Volume,
    read_segmentation,
    save_parametric_map,
    save_segmentation,
)
from workbench.errors import ImageError

pytest.importorskip("highdicom", reason="highdicom is in the extra 'pacs'")

FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"
LIVER = FORMATS / "dicom_seg_dcmqi/data/segmentations/23x38x3"
needs_samples = pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data")
HEIGHTS = (4.0, 0.0, 2.0)
"""In mm, not in the order of their numbers."""


@pytest.fixture
def series(write_planes: Any, tmp_path: Path) -> list[Path]:
    """Three CT planes of 3 × 4 pixels of a patient with a name."""
    write_planes(
        HEIGHTS,
        PatientName="Known^Anna",
        PatientID="P-1",
        PatientBirthDate="",
        PatientSex="F",
        StudyDate="",
        StudyTime="",
        StudyID="",
        AccessionNumber="",
        ReferringPhysicianName="",
    )
    return sorted(tmp_path.glob("*.dcm"))


@pytest.fixture
def image(series: list[Path]) -> Volume:
    return wb.read_image(series[0].parent)


def on(image: Volume, voxels: np.ndarray) -> Volume:
    return replace(image, voxels=voxels, slope=1.0, intercept=0.0, unit="", window=None)


def test_a_mask_comes_back_voxel_for_voxel(
    series: list[Path], image: Volume, tmp_path: Path
) -> None:
    labels = np.zeros(image.shape, np.uint8)
    labels[0, 1, 2], labels[2:, 0, 0], labels[1, 2, 1] = 1, 2, 2
    path = tmp_path / "out" / "mask.dcm"
    mask = Mask(on(image, labels), ("Tumour", "Oedema"))
    save_segmentation(mask, series, path, algorithm="U-Net", version="1")
    back = read_segmentation(path, onto=image)
    assert back.names == ("Tumour", "Oedema")
    assert np.array_equal(back.labels.voxels, labels)
    written = pydicom.dcmread(path)
    assert (written.PatientID, written.Modality) == ("P-1", "SEG")
    assert written.StudyInstanceUID == pydicom.dcmread(series[0]).StudyInstanceUID
    assert written.FrameOfReferenceUID == pydicom.dcmread(series[0]).FrameOfReferenceUID
    assert {s.SegmentAlgorithmType for s in written.SegmentSequence} == {"AUTOMATIC"}
    with pytest.raises(FileExistsError):
        save_segmentation(mask, series, path)


def test_a_map_has_its_values_at_its_places_and_says_what_failed(
    series: list[Path], image: Volume, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).normal(size=image.shape).astype(np.float32)
    failed = Check("gap", 0.5, 0.01, False)
    found = Attribution(on(image, values), 2.0, "log hazard", "saliency", (failed,))
    save_parametric_map(found, series, tmp_path / "out" / "map.dcm")
    written = pydicom.dcmread(tmp_path / "out" / "map.dcm")
    frames = np.frombuffer(written.FloatPixelData, "<f4").reshape(-1, written.Rows, written.Columns)
    for frame, group in zip(frames, written.PerFrameFunctionalGroupsSequence, strict=True):
        x, y, z = map(float, group.PlanePositionSequence[0].ImagePositionPatient)
        for row, column in np.ndindex(frame.shape):
            voxel = image.nearest((-(x + 0.7 * column), -(y + 0.5 * row), z))
            assert frame[row, column] == values[voxel]
    assert "1 of 1 checks FAILED" in written.ContentDescription
    assert "log hazard" in str(written.SharedFunctionalGroupsSequence[0])


@needs_samples
@pytest.mark.shared_data
def test_a_real_series_and_its_liver(tmp_path: Path) -> None:
    image = wb.read_image(LIVER / "image")
    mask = read_segmentation(LIVER / "seg/label.seg", onto=image)
    save_segmentation(mask, (LIVER / "image").iterdir(), tmp_path / "again.dcm")
    again = read_segmentation(tmp_path / "again.dcm", onto=image)
    assert np.array_equal(again.labels.voxels, mask.labels.voxels)
    assert again.names == ("Liver",)


@needs_samples
@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name",
    [
        "dicom_seg_dcmqi/data/segmentations/23x38x3/multiframe/mf.dcm",
        # Spacing and direction stand in each frame.
        "dicom_enhanced_mr_dcmqa/In/Siemens/XA10/6_1.dcm",
    ],
)
def test_one_file_of_many_frames(name: str, tmp_path: Path) -> None:
    image = wb.read_image(FORMATS / name)
    labels = (np.random.default_rng(0).random(image.shape) < 0.3).astype(np.uint8)
    save_segmentation(Mask(on(image, labels)), [FORMATS / name], tmp_path / "mask.dcm")
    back = read_segmentation(tmp_path / "mask.dcm", onto=image)
    assert np.array_equal(back.labels.voxels, labels)


def test_what_cannot_be_written_is_refused(
    series: list[Path], image: Volume, tmp_path: Path
) -> None:
    labels = np.zeros(image.shape, np.uint8)
    path = tmp_path / "out" / "mask.dcm"
    with pytest.raises(ImageError, match="empty"):
        save_segmentation(Mask(on(image, labels)), series, path)
    labels[0] = 1
    assert image.affine is not None
    moved = image.affine.copy()
    moved[0, 3] += 1
    with pytest.raises(ImageError, match="resample"):
        save_segmentation(Mask(replace(on(image, labels), affine=moved)), series, path)
    with pytest.raises(ImageError, match="resample"):
        save_segmentation(Mask(on(image, labels)), series[:2], path)
    with pytest.raises(ImageError, match="0 series"):
        save_segmentation(Mask(on(image, labels)), [], path)
    nowhere = np.full(image.shape, np.nan, np.float32)
    with pytest.raises(ImageError, match="finite"):
        save_parametric_map(Attribution(on(image, nowhere), 1.0), series, path)
    assert not path.exists()
