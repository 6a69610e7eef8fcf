"""Contributions of an explanation, laid over the images that they explain."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.imaging.layers import SAME_PLACE_MM, Attribution
from workbench.data.imaging.nifti import full_colour
from workbench.data.imaging.scene import Scene, Scenes
from workbench.data.imaging.volume import Volume, picture, volume
from workbench.errors import ImageError

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution as Explanation
    from fusion.explanation.attribution import Check

_TARGETS = {
    "log_hazard": "the log hazard",
    "log_odds": "the log odds",
    "survival": "survival",
    "risk": "the risk",
}


@dataclass(frozen=True, eq=False)
class ExplainedImages:
    """Images of several patients, each with its contributions over it.

    Parameters
    ----------
    images
        Without them.
    values
        (row, \\*space), contributions, one row an explained patient.
    affine
        (4, 4) from position in the space to mm; None of pictures.
    rows
        Row of ``values`` for each of the images; None where the explanation does not have that
        patient, whose image is shown without.
    limit, title, method, checks
        As :class:`~workbench.data.imaging.Attribution` has them, one limit for all patients.
    """

    images: Scenes
    values: np.ndarray = field(repr=False)
    affine: np.ndarray | None
    rows: Sequence[int | None] = field(repr=False)
    limit: float
    title: str
    method: str
    checks: "tuple[Check, ...]"

    @property
    def may_be_saved(self) -> bool:
        """As of the images."""
        return self.images.may_be_saved

    def __len__(self) -> int:
        """Number of patients."""
        return len(self.images)

    def read(self, ordinal: int) -> Scene:
        """The image of a patient, from 0, with what moved the model's output.

        Raises
        ------
        ImageError
            As the images do, or if the contributions do not fit this image.
        """
        scene = self.images.read(ordinal)
        row = self.rows[ordinal]
        if row is None:
            return scene
        laid = laid_over(self.values[row], self.affine, scene.volume)
        shown = Attribution(laid, self.limit, self.title, self.method, self.checks)
        return replace(scene, attribution=shown)


def explained_images(
    images: Scenes,
    explanation: "Explanation",
    modality: str,
    *,
    patient_id: Sequence[str],
    horizon: float | None = None,
    time_unit: str = "",
) -> ExplainedImages:
    """Images with the contributions of their places to a model's output.

    Parameters
    ----------
    images
        Of one modality.
    explanation
        Whose ``images`` have that modality.
    modality
        Its name.
    patient_id
        Whose the images are, in their order, such as ``ImagesOfCard.patient_id``.
    horizon
        One at which the explanation was computed; the last if not given.
    time_unit
        Of the horizon, in words.

    Raises
    ------
    ImageError
        If the explanation has no map of that modality or horizon, nobody of it is among the
        patients, or no contribution differs from zero.
    """
    if modality not in explanation.images:
        names = list(explanation.images)
        raise ImageError(f"the explanation has no maps of {modality!r}: choose one of {names}")
    if len(patient_id) != len(images):
        raise ImageError(f"one patient_id an image: got {len(patient_id)} for {len(images)}")
    at = len(explanation.horizons) - 1 if horizon is None else _place(explanation, horizon)
    part = explanation.images[modality]
    values = part.values[max(at, 0)]
    row_of = {str(each): row for row, each in enumerate(explanation.patient_id)}
    rows = tuple(row_of.get(str(each)) for each in patient_id)
    if all(row is None for row in rows):
        raise ImageError("the explanation has none of these patients: explain them first")
    title = f"contribution to {_TARGETS[explanation.target]}"
    if at >= 0:
        title += f" at {explanation.horizons[at]:g} {time_unit}".rstrip()
    return ExplainedImages(
        images,
        values,
        part.affine,
        rows,
        full_colour(values),
        title,
        explanation.method,
        explanation.checks,
    )


def _place(explanation: "Explanation", horizon: float) -> int:
    found = np.flatnonzero(np.isclose(explanation.horizons, horizon))
    if not len(found):
        there = ", ".join(f"{each:g}" for each in explanation.horizons) or "none"
        raise ImageError(f"not explained at {horizon:g}: choose one of {there}")
    return int(found[0])


def laid_over(values: np.ndarray, affine: np.ndarray | None, image: Volume) -> Volume:
    """A map, of another size and orientation perhaps, on the voxels of an image.

    Each voxel has the value of the map at its middle, and 0 outside it: nothing is smoothed, so
    that what a model saw as one patch is one patch.

    Parameters
    ----------
    values
        (i, j, k), or (row, column[, picture]) where the image is one of pictures. A square map is
        of pictures that were centred on a square, as models see them; others have their edges.
        Maps beyond the last picture, which fill up a patient's row, are left out if 0 throughout.
    affine
        (4, 4) from position in ``values`` to mm to the right, front and head.
    image
        What it lies over.

    Raises
    ------
    ImageError
        If one has a space in mm and the other has not, or numbers of pictures differ.

    Examples
    --------
    >>> head = volume(np.zeros((4, 1, 1)), np.diag([-1.0, 1.0, 1.0, 1.0]))
    >>> coarse = np.array([1.0, 2.0]).reshape(2, 1, 1)
    >>> place = np.array([[2.0, 0, 0, -2.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    >>> laid_over(coarse, place, head).voxels.ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    if (affine is None) != (image.affine is None):
        one, other = ("map", "image") if affine is None else ("image", "map")
        raise ImageError(f"the {other} has places in mm and the {one} has not: give both or none")
    if affine is None or image.affine is None:
        return _over_pictures(values, image)
    if values.ndim != 3:
        raise ImageError(f"a map in mm is (i, j, k), got {values.ndim} dimensions")
    turned = volume(values.astype(np.float32), affine)
    assert turned.affine is not None
    same = turned.shape == image.shape
    if not same or np.abs(turned.affine - image.affine).max() * max(image.shape) > SAME_PLACE_MM:
        from scipy.ndimage import affine_transform

        to_map = np.linalg.solve(turned.affine, image.affine)
        moved = affine_transform(
            turned.voxels, to_map, output_shape=image.shape, order=0, mode="grid-constant"
        )
        return replace(turned, voxels=moved, affine=image.affine, spacing=image.spacing)
    return replace(turned, affine=image.affine)


def _over_pictures(values: np.ndarray, image: Volume) -> Volume:
    values = values[:, :, None] if values.ndim == 2 else values
    rows, columns, n = image.shape
    if values.ndim == 3 and values.shape[2] > n and not values[:, :, n:].any():
        values = values[:, :, :n]
    if values.ndim != 3 or values.shape[2] != n:
        raise ImageError(
            f"a map of pictures is (row, column, picture) with {n} pictures, got {values.shape}"
        )
    cells = values.shape[:2]
    whole = (max(rows, columns),) * 2 if cells[0] == cells[1] else (rows, columns)
    row, column = (
        ((np.arange(size) + (edge - size) // 2) * 2 + 1) * n_cells // (2 * edge)
        for size, edge, n_cells in zip((rows, columns), whole, cells, strict=True)
    )
    return picture(values[row][:, column].astype(np.float32))
