"""DICOM segmentations as masks: binary, fractional and label maps, on the image's own voxels."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.dicom.files import DicomFile, faults_of_dicom, open_dicom, text_of
from workbench.data.imaging.dicom.frames import Frame, planes_of_file
from workbench.data.imaging.dicom.geometry import SAME_POSITION_MM, Pose, affine_of
from workbench.data.imaging.dicom.pixels import LARGEST_BYTES, read_frames
from workbench.data.imaging.dicom.slide_frames import is_tiled, tile_corners
from workbench.data.imaging.layers import MOST_LABELS, Mask
from workbench.data.imaging.volume import Volume, picture, volume
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

OFF_GRID = 0.05
"""Regions may lie beside the image's voxels by this share of one."""


@dataclass(frozen=True)
class Segment:
    """One region that a file describes: its number there, and what it is called."""

    number: int
    name: str


def segments_of(dataset: "Dataset") -> tuple[Segment, ...]:
    """Regions that a file describes, by number; two never have one name."""
    found = []
    for item in dataset.get("SegmentSequence") or []:
        number = int(item.SegmentNumber)
        if number == 0:  # A label map may describe what is in no region.
            continue
        found.append(Segment(number, text_of(item, "SegmentLabel") or f"segment {number}"))
    names = [segment.name for segment in found]
    return tuple(
        segment
        if names.count(segment.name) == 1
        else replace(segment, name=f"{segment.name} ({segment.number})")
        for segment in sorted(found, key=lambda segment: segment.number)
    )


def read_segmentation(
    path: str | Path, *, onto: Volume | None = None, segments: Collection[int] | None = None
) -> Mask:
    """A DICOM segmentation as one mask.

    Parameters
    ----------
    path
        One file of modality SEG.
    onto
        The image, whose voxels the mask gets; if None, those that the file spans.
    segments
        Numbers of the regions that are wanted; all if None. Two that overlap cannot be in one mask.

    Returns
    -------
    Mask
        Label 1 is the first of the regions in the order of their numbers. A fraction of a half and
        more is inside.

    Raises
    ------
    ImageError
        If the file is no segmentation or is damaged, regions overlap, or they lie elsewhere than
        the image.
    """
    file = open_dicom(path)
    if file.text("Modality") != "SEG":
        raise ImageError("no segmentation: its modality is not SEG")
    with faults_of_dicom("cannot be read as a segmentation: damaged data elements"):
        known = segments_of(file.dataset)
        frames = planes_of_file(file)
        numbers = _numbers(file, len(frames))
    chosen = _chosen(known, segments)
    label = {segment.number: n for n, segment in enumerate(chosen, start=1)}
    if is_tiled(file.dataset):
        labels = _on_a_slide(file, frames, numbers, label)
    else:
        labels = _in_space(file, frames, numbers, label)
    names = tuple(segment.name for segment in chosen)
    return Mask(labels if onto is None else _moved(labels, onto), names)


def _chosen(known: tuple[Segment, ...], wanted: Collection[int] | None) -> tuple[Segment, ...]:
    found = known if wanted is None else tuple(s for s in known if s.number in wanted)
    if not found or (wanted is not None and len(found) < len(set(wanted))):
        raise ImageError(f"segments: choose from {[segment.number for segment in known]}")
    if len(found) > MOST_LABELS:
        raise ImageError(f"{len(found)} regions: choose up to {MOST_LABELS} with segments=…")
    return found


def _numbers(file: DicomFile, n: int) -> list[int | None]:
    """Which region each frame is of; None where its values say so themselves."""
    if file.text("SegmentationType") == "LABELMAP":
        return [None] * n
    if "PerFrameFunctionalGroupsSequence" not in file.dataset:
        raise ImageError("does not describe its frames one by one (TILED_FULL): not read")
    groups = file.dataset.PerFrameFunctionalGroupsSequence
    shared = (file.dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    found = []
    for group in groups:
        named = group.get("SegmentIdentificationSequence") or shared.get(
            "SegmentIdentificationSequence"
        )
        if not named:
            raise ImageError("a frame does not say which region it is of: damaged")
        found.append(int(named[0].ReferencedSegmentNumber))
    return found


def _in_space(
    file: DicomFile, frames: list[Frame], numbers: list[int | None], label: dict[int, int]
) -> Volume:
    poses = [frame.pose for frame in frames if frame.pose is not None]
    if not poses:
        return _without_place(file, frames, numbers, label)
    if len(poses) != len(frames):
        raise ImageError("says only of some frames where they lie: damaged")
    place, first, step = _places(poses, frames[0].step)
    rows, columns = frames[0].kind[2][:2]
    n_planes = int(place.max()) + 1
    if n_planes * rows * columns > LARGEST_BYTES:
        raise ImageError(f"more than {LARGEST_BYTES >> 30} GiB of voxels: refused")
    labels = np.zeros((n_planes, rows, columns), np.uint8)
    for k, number, values in zip(
        place, numbers, read_frames(file, range(len(frames))), strict=True
    ):
        _paint(labels[k], file, number, values, label)
    return volume(labels.transpose(2, 1, 0), affine_of(first, step))


def _places(poses: list[Pose], said: float | None) -> tuple[np.ndarray, Pose, np.ndarray]:
    """Which plane each frame is in, the first of them, and (3,) mm from each to the next."""
    if not all(pose.alike(poses[0]) for pose in poses):
        raise ImageError("its planes differ in direction or spacing: no volume")
    positions, normal = np.array([pose.position for pose in poses]), poses[0].normal
    heights = positions @ normal
    first = int(heights.argmin())
    beside = positions - positions[first]
    # A tilted gantry moves planes along a line that is not their normal.
    line = beside[heights.argmax()] if np.ptp(heights) > SAME_POSITION_MM else normal
    along = beside @ line / np.linalg.norm(line)
    step = _step(along, said)
    place = np.rint(along / step).astype(int)
    if np.abs(along - place * step).max() > OFF_GRID * step + SAME_POSITION_MM:
        raise ImageError("its planes are not evenly spaced: resample it to the image")
    vector = place @ beside / (place @ place) if place.any() else normal * step
    off = float(np.abs(beside - place[:, None] * vector).max())
    if off > max(OFF_GRID * step, 0.1):
        raise ImageError(f"its planes lie up to {off:.3g} mm beside one line: no volume")
    return place, poses[first], vector


def _step(along: np.ndarray, said: float | None) -> float:
    """mm between planes: as the file says, unless its planes lie closer."""
    gaps = np.diff(np.unique(np.round(along, 3)))
    gaps = gaps[gaps > SAME_POSITION_MM]
    if gaps.size == 0:
        return said or 1.0
    smallest = float(gaps.min())
    if said is None or said > smallest + SAME_POSITION_MM:
        return smallest
    whole = np.rint(gaps / said)
    return said if np.abs(gaps - whole * said).max() <= OFF_GRID * said else smallest


def _without_place(
    file: DicomFile, frames: list[Frame], numbers: list[int | None], label: dict[int, int]
) -> Volume:
    """Regions of one picture, such as a radiograph, which has no place in mm."""
    labels = np.zeros(frames[0].kind[2][:2], np.uint8)
    for number, values in zip(numbers, read_frames(file, range(len(frames))), strict=True):
        _paint(labels, file, number, values, label)
    return picture(labels)


def _on_a_slide(
    file: DicomFile, frames: list[Frame], numbers: list[int | None], label: dict[int, int]
) -> Volume:
    corners, shape = tile_corners(file.dataset)
    labels = np.zeros(shape, np.uint8)
    for (top, left), number, values in zip(
        corners, numbers, read_frames(file, range(len(frames))), strict=True
    ):
        part = labels[top : top + values.shape[0], left : left + values.shape[1]]
        _paint(part, file, number, values[: part.shape[0], : part.shape[1]], label)
    return picture(labels)


def _paint(
    plane: np.ndarray,
    file: DicomFile,
    number: int | None,
    values: np.ndarray,
    label: dict[int, int],
) -> None:
    """Add one frame to a plane of labels, in place."""
    if number is None:
        for segment, n in label.items():
            plane[values == segment] = n
        return
    if number not in label:
        return
    half = 1.0
    if file.text("SegmentationType") == "FRACTIONAL":
        half = float(file.dataset.get("MaximumFractionalValue") or 255) / 2
    inside = values >= half
    taken = inside & (plane != 0) & (plane != label[number])
    if taken.any():
        raise ImageError(
            f"regions overlap at {int(taken.sum())} pixels of a plane: read them one by one with "
            "segments=[…]"
        )
    plane[inside] = label[number]


def _moved(labels: Volume, onto: Volume) -> Volume:
    """Labels on the voxels of an image of the same grid, of which they may be a part."""
    if labels.affine is None or onto.affine is None:
        if labels.affine is None and onto.affine is None and labels.shape == onto.shape:
            return replace(
                onto, voxels=labels.voxels, slope=1.0, intercept=0.0, unit="", window=None
            )
        raise ImageError("regions and image must both have places in mm, or one size")
    between = np.linalg.solve(onto.affine, labels.affine)
    shift = np.rint(between[:3, 3]).astype(int)
    expected = np.eye(4)
    expected[:3, 3] = shift
    # How far the corners of the regions lie from voxels of the image, in voxels.
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    corners[:, :3] *= np.array(labels.shape) - 1
    if np.abs(corners @ (between - expected).T).max() > OFF_GRID * 4:
        raise ImageError("regions lie on other voxels than the image: resample them to it")
    found = np.argwhere(labels.voxels)
    target = found + shift
    outside = ((target < 0) | (target >= onto.shape)).any(axis=1)
    if outside.any():
        raise ImageError(f"{int(outside.sum())} of {len(found)} voxels lie outside of the image")
    voxels = np.zeros(onto.shape, np.uint8)
    voxels[tuple(target.T)] = labels.voxels[tuple(found.T)]
    return replace(
        onto, voxels=voxels, slope=1.0, intercept=0.0, unit="", channels=("",), window=None
    )
