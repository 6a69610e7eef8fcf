"""Siemens mosaics: the planes of a volume side by side in one picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.dicom.geometry import Pose
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True, eq=False)
class Tile:
    """One plane of a mosaic: which rows and columns of the picture, and where it lies."""

    place: tuple[slice, slice]
    pose: Pose


def mosaic_tiles(dataset: "Dataset", whole: Pose | None, rows: int, columns: int) -> list[Tile]:
    """Planes of a mosaic, as Siemens' private header (CSA) describes them.

    Its position is that of a plane as large as the mosaic around the first plane's middle [1].

    Raises
    ------
    ImageError
        If the private header is missing, as after de-identification, or contradicts the picture.

    References
    ----------
    [1] Li, Morgan, Ashburner, Smith & Rorden. "The first step for neuroimaging data analysis:
        DICOM to NIfTI conversion." J Neurosci Methods 264 (2016).
    """
    from nibabel.nicom.csareader import get_csa_header, get_n_mosaic, get_slice_normal

    header = get_csa_header(dataset, "image")
    n_planes = None if header is None else get_n_mosaic(header)
    normal = None if header is None else get_slice_normal(header)
    step = dataset.get("SpacingBetweenSlices")
    if not n_planes or whole is None or step is None or not float(step) > 0:
        raise ImageError(
            "a Siemens mosaic whose private header is missing: how many planes it holds, and where "
            "they lie, is not in the file"
        )
    side = int(np.ceil(np.sqrt(n_planes)))
    height, width = rows // side, columns // side
    if height * side != rows or width * side != columns:
        raise ImageError(f"{rows} × {columns} pixels are no mosaic of {n_planes} planes")
    corner = (
        whole.position
        + whole.along_row * whole.spacing[1] * (columns - width) / 2
        + whole.along_column * whole.spacing[0] * (rows - height) / 2
    )
    along = whole.normal
    if normal is not None and along @ np.asarray(normal, float) < 0:
        along = -along
    tiles = []
    for n in range(int(n_planes)):
        top, left = n // side * height, n % side * width
        position = corner + along * float(step) * n
        tiles.append(
            Tile(
                (slice(top, top + height), slice(left, left + width)),
                Pose(position, whole.along_row, whole.along_column, whole.spacing),
            )
        )
    return tiles
