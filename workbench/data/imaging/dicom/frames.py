"""Frames: what tells one plane of a file from others, in classic, multi-frame and mosaic files."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.imaging.dicom.codecs import FrameLayout
from workbench.data.imaging.dicom.files import DicomFile, text_of
from workbench.data.imaging.dicom.geometry import Pose, pose
from workbench.data.imaging.dicom.mosaic import mosaic_tiles
from workbench.data.imaging.dicom.pixels import frame_layout, n_frames
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

MOST_FRAMES = 200_000


@dataclass(frozen=True, eq=False)
class Frame:
    """One plane.

    Parameters
    ----------
    file
        Where its pixels are.
    number
        Which frame of the file, from 0.
    tile
        Rows and columns of the frame that it takes; all of them if None.
    pose
        Where it lies; None where the file does not say.
    step
        mm between planes as the file says; None where it does not.
    slope, intercept, unit
        value = stored × slope + intercept.
    kind
        What differs between images that must not be one, beside direction and spacing: series,
        size, type.
    order
        What sorts planes of one place: time, echo, number.
    echo_ms, b_value
        Echo time in ms, and diffusion weighting in s/mm²; None where it has none.
    """

    file: DicomFile
    number: int
    tile: tuple[slice, slice] | None
    pose: Pose | None
    step: float | None
    slope: float
    intercept: float
    unit: str
    kind: tuple[Any, ...]
    order: tuple[float, ...]
    echo_ms: float | None
    b_value: float | None

    def fits(self, other: "Frame") -> bool:
        """Whether both may be of one image."""
        if self.kind != other.kind or self.pose is None or other.pose is None:
            return self.kind == other.kind
        return self.pose.alike(other.pose)


def frames_of(file: DicomFile) -> list[Frame]:
    """Every plane of an image's file, in its order.

    Raises
    ------
    ImageError
        If it holds no image, or its geometry is damaged.
    """
    dataset = file.dataset
    modality = file.text("Modality")
    if modality == "RTSTRUCT":
        raise ImageError("holds outlines, not an image: read them with read_structures")
    if not isinstance(dataset.get("Rows"), int):
        raise ImageError(f"holds no image ({modality or 'of no modality'})")
    if modality == "SEG":
        raise ImageError("holds regions, not an image: read them with read_segmentation")
    return planes_of_file(file)


def planes_of_file(file: DicomFile) -> list[Frame]:
    """Every plane of a file, whether it holds an image or regions.

    Raises
    ------
    ImageError
        If its geometry is damaged.
    """
    dataset = file.dataset
    layout, total = frame_layout(dataset), n_frames(dataset)
    if total > MOST_FRAMES:
        raise ImageError(f"says to hold {total:,} frames, more than {MOST_FRAMES:,}: refused")
    if "PerFrameFunctionalGroupsSequence" in dataset:
        n_described = len(dataset.PerFrameFunctionalGroupsSequence)
        if n_described != total:
            raise ImageError(f"{total} frames, of which {n_described} are described: damaged")
        return [_frame(file, layout, _Groups(dataset, number), number) for number in range(total)]
    if total == 1 and "MOSAIC" in _words(dataset.get("ImageType")):
        whole = _frame(file, layout, _Groups(dataset, None), 0)
        tiles = mosaic_tiles(dataset, whole.pose, layout.rows, layout.columns)
        kind = (*whole.kind, "mosaic")
        return [
            Frame(**{**vars(whole), "tile": t.place, "pose": t.pose, "kind": kind}) for t in tiles
        ]
    whole = _frame(file, layout, _Groups(dataset, None), 0)
    if total == 1:
        return [whole]
    return [
        Frame(**{**vars(whole), "number": number, "pose": where, "order": (*whole.order, number)})
        for number, where in enumerate(_offset_poses(dataset, whole.pose, total))
    ]


class _Groups:
    """Attributes of one frame: its own functional group, the shared one, the data set."""

    def __init__(self, dataset: "Dataset", number: int | None) -> None:
        self.dataset, self.items = dataset, []
        if number is not None:
            shared = dataset.get("SharedFunctionalGroupsSequence") or []
            self.items = [dataset.PerFrameFunctionalGroupsSequence[number], *shared]

    def get(self, group: str, keyword: str) -> Any:
        for item in self.items:
            nested = item.get(group)
            if nested and nested[0].get(keyword) is not None:
                return nested[0].get(keyword)
        return self.dataset.get(keyword)

    def number(self, group: str, keyword: str) -> float | None:
        value = self.get(group, keyword)
        try:
            found = float(value)
        except (TypeError, ValueError):
            return None
        return found if np.isfinite(found) else None


def _frame(file: DicomFile, layout: FrameLayout, groups: _Groups, number: int) -> Frame:
    slope, intercept, unit = _rescale(file, groups)
    where = _pose(groups)
    echo = groups.number("MREchoSequence", "EffectiveEchoTime")
    echo = groups.number("", "EchoTime") if echo is None else echo
    weighting = groups.number("MRDiffusionSequence", "DiffusionBValue")
    timing = [
        groups.number("FrameContentSequence", "TemporalPositionIndex"),
        groups.number("", "TemporalPositionIdentifier"),
        weighting,
        echo,
        groups.number("", "AcquisitionNumber") if not groups.items else None,
        groups.number("", "InstanceNumber") if not groups.items else None,
    ]
    step = groups.number("PixelMeasuresSequence", "SpacingBetweenSlices")
    if step is None or step <= 0:
        step = groups.number("PixelMeasuresSequence", "SliceThickness")
    return Frame(
        file,
        number,
        None,
        where,
        step if step and step > 0 else None,
        slope,
        intercept,
        unit,
        (
            file.text("SeriesInstanceUID"),
            file.text("Modality"),
            (layout.rows, layout.columns, layout.samples, layout.photometric),
            _types(groups),
            str(groups.get("FrameContentSequence", "StackID") or ""),
            "" if where else str(file.path),
        ),
        tuple(0.0 if value is None else value for value in (*timing, float(number))),
        echo,
        weighting,
    )


def _pose(groups: _Groups) -> Pose | None:
    position = groups.get("PlanePositionSequence", "ImagePositionPatient")
    turned = groups.get("PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = groups.get("PixelMeasuresSequence", "PixelSpacing")
    if not position or not turned or not spacing:
        return None
    return pose(position, turned, spacing)


def _offset_poses(dataset: "Dataset", first: Pose | None, total: int) -> list[Pose | None]:
    """Frames of a dose grid lie at offsets along the normal (PS3.3 C.8.8.3.2)."""
    offsets = dataset.get("GridFrameOffsetVector")
    if first is None or offsets is None:
        return [None] * total
    if len(offsets) != total:
        raise ImageError(f"{total} frames, but {len(offsets)} offsets: damaged")
    heights = np.array([float(offset) for offset in offsets])
    along = first.normal * (heights - heights[0])[:, None]
    return [
        Pose(first.position + shift, first.along_row, first.along_column, first.spacing)
        for shift in along
    ]


def _rescale(file: DicomFile, groups: _Groups) -> tuple[float, float, str]:
    dataset, modality = file.dataset, file.text("Modality")
    if modality == "RTDOSE":
        slope = groups.number("", "DoseGridScaling")
        return 1.0 if slope is None else slope, 0.0, text_of(dataset, "DoseUnits").capitalize()
    if dataset.get("ModalityLUTSequence"):
        return 1.0, 0.0, ""
    slope = groups.number("PixelValueTransformationSequence", "RescaleSlope")
    intercept = groups.number("PixelValueTransformationSequence", "RescaleIntercept")
    named = str(groups.get("PixelValueTransformationSequence", "RescaleType") or "").strip()
    if slope == 0:
        raise ImageError("RescaleSlope is 0: every value would be the same")
    if modality == "PT":
        named = file.text("Units")
    localizer = "LOCALIZER" in _types(groups)
    if modality == "CT" and not named and not localizer and intercept is not None:
        named = "HU"
    unit = "" if named in ("US", "NONE") else named
    return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept, unit


def _types(groups: _Groups) -> tuple[str, ...]:
    """Words of the image's type that tell images of one series apart."""
    for group in ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence"):
        words = groups.get(group, "FrameType")
        if words:
            return _words(words)[2:]
    part = groups.get("", "ComplexImageComponent")
    return (*_words(groups.get("", "ImageType"))[2:], *([str(part)] if part else []))


def _words(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(word) for word in value)
