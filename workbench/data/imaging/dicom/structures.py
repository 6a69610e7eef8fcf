"""Structure sets (RTSTRUCT) as masks: outlines in millimetres on the voxels of an image."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.dicom.files import faults_of_dicom, open_dicom, text_of
from workbench.data.imaging.layers import MOST_LABELS, Mask
from workbench.data.imaging.volume import Volume, as_stored
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

OFF_PLANE = 0.3
"""Outlines may lie beside the image's planes by this share of their distance."""
SAME_HEIGHT = 0.01
"""Outlines are of one plane if their heights differ by this share of that distance at most."""
_TO_RAS = np.array([-1.0, -1.0, 1.0])


def read_structures(
    path: str | Path, onto: Volume, *, names: Collection[str] | None = None
) -> Mask:
    """Outlined structures as one mask on the voxels of an image.

    A pixel is inside where its middle is; outlines of one structure at one height that lie in each
    other cut holes (even-odd rule, as PS3.3 C.8.8.6 has keyholes and inner outlines). An outline
    that is there twice counts once. Where outlines of several heights are nearest to one plane of
    the image, those of the nearest height count, of two as near the lower.

    Parameters
    ----------
    path
        One file of modality RTSTRUCT.
    onto
        The image that was outlined.
    names
        Of the structures that are wanted; all that have outlines if None. Two that overlap cannot
        be in one mask.

    Raises
    ------
    ImageError
        If the file is no structure set or is damaged, an outline lies outside of the image or
        between its planes, structures overlap, or one has outlines and no pixel inside.
    """
    if onto.affine is None:
        raise ImageError("outlines are in mm: the image needs an affine")
    file = open_dicom(path)
    if file.text("Modality") != "RTSTRUCT":
        raise ImageError("no structure set: its modality is not RTSTRUCT")
    with faults_of_dicom("cannot be read as a structure set: damaged data elements"):
        outlined = _outlines(file.dataset)
    chosen = [name for name in outlined if names is None or name in names]
    if not chosen or (names is not None and len(chosen) < len(set(names))):
        raise ImageError(f"{len(outlined)} structures have outlines: choose names among theirs")
    if len(chosen) > MOST_LABELS:
        raise ImageError(f"{len(chosen)} structures: choose up to {MOST_LABELS} with names=…")
    plain = replace(
        onto,
        voxels=np.zeros(onto.shape, np.uint8),
        slope=1.0,
        intercept=0.0,
        unit="",
        channels=("",),
        window=None,
    )
    labels, affine = as_stored(plain)
    to_voxels = np.linalg.inv(affine)
    for n, name in enumerate(chosen, start=1):
        inside = _filled(outlined[name], to_voxels, labels.shape)
        if not inside.any():
            raise ImageError(
                f"structure {n} of {len(chosen)} has outlines, but no pixel has its middle inside: "
                "too small for this image; leave it out with names=[…]"
            )
        taken = int((inside & (labels != 0)).sum())
        if taken:
            raise ImageError(
                f"structures overlap at {taken} voxels: read them one by one with names=[…]"
            )
        labels[inside] = n  # A view: it writes into the voxels of the mask.
    return Mask(plain, tuple(chosen))


def _outlines(dataset: "Dataset") -> dict[str, list[np.ndarray]]:
    """Structure → its closed outlines, each (point, 3) mm in RAS."""
    names = {}
    for item in dataset.get("StructureSetROISequence") or []:
        number = int(item.ROINumber)
        names[number] = text_of(item, "ROIName") or f"structure {number}"
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    found: dict[str, list[np.ndarray]] = {}
    for item in dataset.get("ROIContourSequence") or []:
        number = int(item.ReferencedROINumber)
        if number not in names:
            raise ImageError(f"outlines of structure {number}, which is not described")
        name = names[number]
        name = f"{name} ({number})" if name in twice else name
        for contour in item.get("ContourSequence") or []:
            if text_of(contour, "ContourGeometricType") not in (
                "CLOSED_PLANAR",
                "CLOSEDPLANAR_XOR",
            ):
                continue
            points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
            if len(points) < 3 or not np.isfinite(points).all():
                raise ImageError("an outline has fewer than three points, or no finite ones")
            found.setdefault(name, []).append(points * _TO_RAS)
    return found


def _filled(
    outlines: list[np.ndarray], to_voxels: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """(i, j, k) bool: inside an odd number of outlines of its plane."""
    placed: dict[int, list[np.ndarray]] = {}
    for points in {points.tobytes(): points for points in outlines}.values():
        places = points @ to_voxels[:3, :3].T + to_voxels[:3, 3]
        plane = int(np.rint(places[:, 2].mean()))
        if np.abs(places[:, 2] - plane).max() > OFF_PLANE:
            raise ImageError("an outline lies between planes of the image, or across them")
        if not 0 <= plane < shape[2]:
            raise ImageError("an outline lies outside of the image: it belongs to another series")
        placed.setdefault(plane, []).append(places)
    inside = np.zeros(shape, bool)
    for plane, there in placed.items():
        heights = [float(places[:, 2].mean()) for places in there]
        nearest = min(heights, key=lambda height: (round(abs(height - plane), 2), height))
        for places, height in zip(there, heights, strict=True):
            if abs(height - nearest) <= SAME_HEIGHT:
                inside[:, :, plane] ^= polygon(places[:, :2], shape[:2])
    return inside


def polygon(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels whose middle lies inside a polygon, by the even-odd rule.

    Parameters
    ----------
    corners
        (corner, 2), positions in pixels; 0 is the middle of the first.
    shape
        Of the result.

    Examples
    --------
    >>> square = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
    >>> polygon(square, (4, 4)).astype(int).tolist()
    [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    inside = np.zeros(shape, bool)
    x1, y1 = corners.T
    x2, y2 = np.roll(corners, -1, axis=0).T
    for y in range(max(0, int(np.ceil(y1.min()))), min(shape[1], int(np.floor(y1.max())) + 1)):
        crossing = (y1 <= y) != (y2 <= y)
        share = (y - y1[crossing]) / (y2[crossing] - y1[crossing])
        at = np.sort(x1[crossing] + share * (x2[crossing] - x1[crossing]))
        for left, right in zip(at[::2], at[1::2], strict=True):
            first, end = (int(np.ceil(np.clip(x, 0, shape[0]))) for x in (left, right))
            inside[first:end, y] ^= True
    return inside
