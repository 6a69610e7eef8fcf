"""Held-out patients: their masks on disk, how well these agree, and the lesion in numbers."""

from dataclasses import asdict
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd

from workbench.data.modalities.outlined import at_own_size
from workbench.errors import StudyError
from workbench.run_folder import RunFolder
from workbench.segmentation.settings import SegmentationRun


def judge(
    run: SegmentationRun, fold: int, chances: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Agreement of each held-out patient, and features of the lesion that was found.

    Agreement is judged at the images' own size, where the mask is written; features are those of
    the common size, in the same unit of length, and missing where nothing was found.

    Parameters
    ----------
    chances
        That places of the held-out patients' slices lie in a lesion, (slice, size, size), in the
        order of ``run.slices``.

    Raises
    ------
    StudyError
        If slices of one patient differ in size.
    """
    import torch

    from fusion.segmentation.agreement import agreement

    slices, settings = run.slices, run.settings
    where = np.flatnonzero(np.isin(slices.patient, run.held_out(fold)))
    agreements, lesions = [], []
    for patient in run.held_out(fold):
        own = np.flatnonzero(slices.patient[where] == patient)
        drawn = [slices.drawn[where[i]] for i in own]
        shapes = {mask.shape for mask in drawn}
        if len(shapes) > 1:
            raise StudyError(f"slices of one patient have {len(shapes)} sizes: a volume needs one")
        found = run.counted(np.stack([at_own_size(chances[i], drawn[0].shape) for i in own]))
        judged = agreement(
            torch.as_tensor(found),
            torch.as_tensor(np.stack(drawn)),
            spacing=settings.spacing,
            tolerance=settings.tolerance,
        )
        name = {"patient_id": run.names[patient]}
        agreements.append({**name, **asdict(judged)})
        _write_nifti(run.folder, run.names[patient], found, settings.spacing)
        scale = max(drawn[0].shape) / settings.size
        mask = run.counted(chances[own] > 0.5)
        lesions.append({**name, **_features(run, slices.pixels[where[own]], mask, scale)})
    return pd.DataFrame(agreements), pd.DataFrame(lesions)


def _features(
    run: SegmentationRun, pixels: np.ndarray, mask: np.ndarray, scale: float
) -> dict[str, float]:
    """Features by name; ``scale`` is how much wider a pixel is than one of the image's own."""
    from fusion.mask_features.modality import Lesion, lesion_features, outlines_a_lesion

    if not outlines_a_lesion(mask):
        return {}
    between, height, width = run.settings.spacing
    # (slice, channel, height, width) → (channel, slice, height, width)
    images = pixels.swapaxes(0, 1).astype(float)
    lesion = Lesion(images, mask, (between, height * scale, width * scale))
    return lesion_features(lesion, run.spec.channels)


def _write_nifti(
    folder: RunFolder, name: str, mask: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    """(slice, row, column) → a NIfTI volume whose columns run to the patient's left.

    Pictures say nothing of how the patient lay: this is how radiologists show axial slices, and
    the header says that it is assumed.
    """
    between, height, width = spacing
    # (slice, row, column) → (column, row, slice)
    image = nibabel.Nifti1Image(
        mask.transpose(2, 1, 0).astype(np.uint8), np.diag([-width, -height, between, 1.0])
    )
    image.header["descrip"] = b"outlined by a network; orientation assumed"
    (folder.path / "masks").mkdir(exist_ok=True)

    def fill(path: Path) -> None:
        path.write_bytes(image.to_bytes())

    folder.write(f"masks/{name}.nii", fill)
