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
REPEATED = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "ReferringPhysicianName"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
)
"""What a file beside a series must repeat of it."""


@pytest.fixture
def series(write_planes: Any, tmp_path: Path) -> list[Path]:
    """Three CT planes of 3 × 4 pixels of a patient with a name."""
    named = {"PatientName": "Known^Anna", "PatientID": "P-1", "PatientSex": "F"}
    write_planes(HEIGHTS, **dict.fromkeys(REPEATED, "") | named)
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


TILT = np.radians(20)
TILTED = (1.0, 0.0, 0.0, 0.0, float(np.cos(TILT)), float(np.sin(TILT)))


def _tilted(make_plane: Any, folder: Path) -> Volume:
    """Six planes of a tilted gantry, whose table moved by 5 mm."""
    folder.mkdir()
    for k in range(6):
        made = make_plane(
            np.zeros((8, 10)),
            (0, 0, 5 * k),
            number=k + 1,
            ImageOrientationPatient=list(TILTED),
            SliceThickness=5,
            **dict.fromkeys(REPEATED, ""),
        )
        made.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return wb.read_image(folder)


@pytest.mark.parametrize("planes", [(1, 2, 3, 4), (1, 3), (2,)])
def test_a_mask_of_a_tilted_gantry_comes_back_where_it_was(
    make_plane: Any, tmp_path: Path, planes: tuple[int, ...]
) -> None:
    image = _tilted(make_plane, tmp_path / "ct")
    labels = np.zeros(image.shape, np.uint8)
    labels[3:6, 2:5, planes] = 1
    path = tmp_path / "mask.dcm"
    save_segmentation(Mask(on(image, labels)), (tmp_path / "ct").iterdir(), path)
    back = read_segmentation(path, onto=image)
    assert np.array_equal(back.labels.voxels, labels)
    alone = read_segmentation(path).labels
    assert alone.affine is not None
    assert image.affine is not None
    drawn, found = (
        np.argwhere(each.voxels) @ each.affine[:3, :3].T + each.affine[:3, 3]
        for each in (on(image, labels), alone)
    )
    assert found.min(axis=0) == pytest.approx(drawn.min(axis=0), abs=1e-3)
    assert found.max(axis=0) == pytest.approx(drawn.max(axis=0), abs=1e-3)


@pytest.mark.parametrize(
    ("group", "keyword", "value", "message"),
    [
        ("PlanePositionSequence", "ImagePositionPatient", [3, 0, 15], "beside one line"),
        ("PlaneOrientationSequence", "ImageOrientationPatient", [1, 0, 0, 0, 1, 0], "direction"),
    ],
)
def test_frames_that_are_no_stack_are_refused(
    make_plane: Any, tmp_path: Path, group: str, keyword: str, value: list[int], message: str
) -> None:
    image = _tilted(make_plane, tmp_path / "ct")
    labels = np.ones(image.shape, np.uint8)
    save_segmentation(Mask(on(image, labels)), (tmp_path / "ct").iterdir(), tmp_path / "mask.dcm")
    written = pydicom.dcmread(tmp_path / "mask.dcm")
    moved = pydicom.Dataset()
    setattr(moved, keyword, value)
    setattr(written.PerFrameFunctionalGroupsSequence[2], group, [moved])
    written.save_as(tmp_path / "moved.dcm")
    with pytest.raises(ImageError, match=message):
        read_segmentation(tmp_path / "moved.dcm")


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
