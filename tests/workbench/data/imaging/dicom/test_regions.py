"""Segmentations and structure sets lie where they were drawn, on the voxels of their image."""

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

import workbench as wb
from workbench.data.imaging import Scene, read_segmentation, read_structures, volume
from workbench.data.imaging.dicom.structures import polygon
from workbench.errors import ImageError

FORMATS = Path(os.environ.get("WORKBENCH_DATA", "")) / "formats"
DCMQI = FORMATS / "dicom_seg_dcmqi/data/segmentations"
HIGHDICOM = FORMATS / "dicom_highdicom/data/test_files"
RT = FORMATS / "dicom_rtstruct_rtutils/tests/mock_data"
needs_samples = pytest.mark.skipif(not FORMATS.is_dir(), reason="no shared data")


def _nrrd(path: Path) -> np.ndarray:
    """Voxels of a NRRD file, (i, j, k), in the axes of DICOM."""
    head, body = path.read_bytes().split(b"\n\n", 1)
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    kinds = {"short": "<i2", "unsigned char": "u1", "unsigned short": "<u2", "signed char": "i1"}
    plain = gzip.decompress(body) if fields["encoding"] in ("gzip", "gz") else body
    kind = kinds[fields["type"]]
    return np.frombuffer(plain, kind).reshape([int(n) for n in fields["sizes"].split()], order="F")


@needs_samples
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["23x38x3", "24x38x3"])
def test_a_segmentation_equals_the_nrrd_it_was_made_from(name: str) -> None:
    image = wb.read_image(DCMQI / name / "image")
    mask = read_segmentation(DCMQI / name / "seg/label.seg", onto=image)
    assert mask.names == ("Liver",)
    assert Scene(image, mask).mask is mask
    # NRRD here is in LPS, as its header says; the image in RAS.
    expected = _nrrd(DCMQI / name / "nrrd/label.nrrd")[::-1, ::-1] > 0
    assert np.array_equal(mask.labels.voxels > 0, expected)


@needs_samples
@pytest.mark.shared_data
def test_fractions_and_binary_agree_and_overlaps_are_read_one_by_one() -> None:
    binary = read_segmentation(HIGHDICOM / "seg_image_ct_binary.dcm")
    for name in ("ct_binary_fractional", "ct_true_fractional"):
        fraction = read_segmentation(HIGHDICOM / f"seg_image_{name}.dcm")
        assert np.array_equal(fraction.labels.voxels, binary.labels.voxels)
    with pytest.raises(ImageError, match="overlap"):
        read_segmentation(DCMQI / "partial_overlaps.dcm")
    sizes = [
        int(read_segmentation(DCMQI / "partial_overlaps.dcm", segments=[n]).labels.voxels.sum())
        for n in (1, 2)
    ]
    assert min(sizes) > 0


@needs_samples
@pytest.mark.shared_data
def test_label_maps_and_palettes_have_the_regions_of_the_binary_file() -> None:
    binary = read_segmentation(HIGHDICOM / "seg_image_sm_control.dcm")
    for name in ("labelmap", "labelmap_palette_color"):
        mapped = read_segmentation(HIGHDICOM / f"seg_image_sm_control_{name}.dcm")
        assert mapped.names == binary.names
        assert np.array_equal(mapped.labels.voxels, binary.labels.voxels)


@needs_samples
@pytest.mark.shared_data
def test_regions_of_another_image_are_refused() -> None:
    image = wb.read_image(DCMQI / "23x38x3/image")
    with pytest.raises(ImageError, match=r"outside of the image|other voxels"):
        read_segmentation(DCMQI / "liver.dcm", onto=image)
    with pytest.raises(ImageError, match="not SEG"):
        read_segmentation(DCMQI / "23x38x3/image/IMG0001.dcm")


@needs_samples
@pytest.mark.shared_data
def test_outlines_of_a_planning_system(tmp_path: Path) -> None:
    for name in ("ct_1.dcm", "ct_2.dcm"):
        shutil.copy(RT / name, tmp_path)
    image = wb.read_image(tmp_path)
    mask = read_structures(RT / "rt.dcm", image)
    assert mask.names == ("ROI-1",)
    assert int(mask.labels.voxels.sum()) == 1443
    with pytest.raises(ImageError, match="another series"):
        read_structures(RT / "invalid_reference_rt.dcm", image)


def _structures(path: Path, outlines: dict[str, list[np.ndarray]]) -> None:
    """A structure set with outlines in mm, LPS."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = RTStructureSetStorage, "1.2.3"
    made.Modality = "RTSTRUCT"
    made.StructureSetROISequence, made.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(outlines.items(), start=1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for points in contours:
            contour = Dataset()
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = [f"{v:.4f}" for v in points.ravel()]
            drawn.ContourSequence.append(contour)
        made.StructureSetROISequence.append(roi)
        made.ROIContourSequence.append(drawn)
    made.save_as(path, enforce_file_format=True)


def _circle(radius: float, height: float) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    flat = radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.column_stack([flat, np.full(len(flat), height)])


def test_a_drawn_ring_has_the_area_and_the_place_that_it_was_given(tmp_path: Path) -> None:
    affine = np.diag([-0.5, -0.5, 3.0, 1.0])  # LPS axes, in RAS mm.
    affine[:3, 3] = 25, 25, -6
    image = volume(np.zeros((101, 101, 5), np.int16), affine)
    ring = [_circle(20, 0), _circle(10, 0)]
    _structures(tmp_path / "rt", {"ring": ring, "dot": [_circle(5, 3) + np.array([10, -4, 0])]})
    mask = read_structures(tmp_path / "rt", image)
    assert mask.names == ("ring", "dot")
    area = int((mask.labels.voxels == 1).sum()) * 0.25
    assert area == pytest.approx(np.pi * (400 - 100), rel=0.01)
    places = np.argwhere(mask.labels.voxels == 2)
    middle = image.world(tuple(np.rint(places.mean(axis=0)).astype(int)))
    # 10 mm to the left, 4 to the front, 3 to the head: RAS is −10, 4, 3.
    assert middle == pytest.approx((-10, 4, 3), abs=0.5)
    _structures(tmp_path / "two", {"a": [_circle(5, 0)], "b": [_circle(6, 0)]})
    with pytest.raises(ImageError, match="overlap"):
        read_structures(tmp_path / "two", image)
    only = read_structures(tmp_path / "two", image, names=["b"])
    assert only.names == ("b",)
    _structures(tmp_path / "between", {"a": [_circle(5, 1.5)]})
    with pytest.raises(ImageError, match="between planes"):
        read_structures(tmp_path / "between", image)
    _structures(tmp_path / "far", {"a": [_circle(5, 300)]})
    with pytest.raises(ImageError, match="another series"):
        read_structures(tmp_path / "far", image)


@pytest.mark.parametrize(
    ("heights", "planes"),
    [
        ([0, 0], [2]),
        ([0.75, -0.75], [2]),
        ([-0.75, 0, 0.75], [2]),
        ([0.6, 3], [2, 3]),
    ],
)
def test_outlines_of_one_plane_never_cancel_each_other(
    tmp_path: Path, heights: list[float], planes: list[int]
) -> None:
    affine = np.diag([-0.5, -0.5, 3.0, 1.0])
    affine[:3, 3] = 25, 25, -6
    image = volume(np.zeros((101, 101, 5), np.int16), affine)
    for order in (heights, heights[::-1]):
        # Each outline has its own size, so that it is known which was taken.
        drawn = [_circle(10 + abs(z - 0.1), z) for z in order]
        _structures(tmp_path / "rt", {"a": drawn})
        found = read_structures(tmp_path / "rt", image).labels.voxels
        assert np.flatnonzero(found.any(axis=(0, 1))).tolist() == planes
        taken = min(order, key=lambda z: (abs(z), z))
        _structures(tmp_path / "one", {"a": [_circle(10 + abs(taken - 0.1), taken)]})
        alone = read_structures(tmp_path / "one", image).labels.voxels
        assert np.array_equal(found[:, :, 2], alone[:, :, 2])


def test_a_structure_that_comes_out_empty_is_refused(tmp_path: Path) -> None:
    affine = np.diag([-0.5, -0.5, 3.0, 1.0])
    image = volume(np.zeros((9, 9, 2), np.int16), affine)
    dot = _circle(0.1, 0) + np.array([1.25, 1.25, 0])
    _structures(tmp_path / "rt", {"a": [_circle(2, 0) + np.array([2, 2, 0])], "b": [dot]})
    with pytest.raises(ImageError, match="structure 2 of 2 has outlines, but no pixel"):
        read_structures(tmp_path / "rt", image)
    assert read_structures(tmp_path / "rt", image, names=["a"]).labels.voxels.any()


@given(
    st.lists(
        st.tuples(st.floats(-3, 12, width=32), st.floats(-3, 12, width=32)),
        min_size=3,
        max_size=7,
    )
)
def test_pixels_inside_are_those_that_an_odd_number_of_edges_surrounds(
    corners: list[tuple[float, float]],
) -> None:
    drawn = np.array(corners, float) + np.array([0.013, 0.007])  # No corner on a pixel's middle.
    found = polygon(drawn, (10, 8))
    for x in range(10):
        for y in range(8):
            odd = False
            for (x1, y1), (x2, y2) in zip(drawn, np.roll(drawn, -1, axis=0), strict=True):
                if (y1 <= y) != (y2 <= y):
                    odd ^= x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
            assert found[x, y] == odd
