"""Masks and maps back to the archive: DICOM segmentations and parametric maps of a series."""

import copy
import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import workbench
from workbench.data.fingerprint import write_atomically
from workbench.data.imaging.dicom.geometry import stacked
from workbench.data.imaging.dicom.series import find_series
from workbench.data.imaging.layers import Attribution, Mask
from workbench.data.imaging.volume import Volume, as_stored
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

NO_HIGHDICOM = (
    "DICOM is written with highdicom, which is missing. Install it with "
    "`pip install precision-workbench[pacs]`"
)
SAME_PLACE = 0.01
"""Share of a voxel by which a mask may lie beside the voxels of the series."""
_LETTERS = {"label": 64, "explanation": 10_240, "description": 64}
"""What DICOM has room for."""


def save_segmentation(
    mask: Mask, source: Iterable[Path], path: Path, *, algorithm: str = "", version: str = ""
) -> None:
    """A mask as a DICOM segmentation beside the series that it was drawn on.

    Patient, study and frame of reference are those of the series: take a de-identified series where
    the file is to leave the hospital. Regions are coded as lesions (SNOMED CT 52988006).

    Parameters
    ----------
    mask
        On the voxels of the series.
    source
        Files of the series, each of which is one plane, or one file of many.
    path
        Where to; never over another file.
    algorithm, version
        Of what drew it; a person, if empty.

    Raises
    ------
    ImageError
        If highdicom is missing, the files are not one series, the mask lies elsewhere or is empty,
        or the series lacks what a segmentation must repeat.
    FileExistsError
        If there is a file of that name.
    """
    hd = _highdicom()
    planes = _Planes.of(source)
    labels = planes.arranged(mask.labels, "the mask").astype(np.uint8)
    if not labels.any():
        raise ImageError("the mask is empty: a segmentation needs a region")
    codes = hd.sr.CodedConcept
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name[: _LETTERS["label"]],
            segmented_property_category=codes(
                "49755003", "SCT", "Morphologically Abnormal Structure"
            ),
            segmented_property_type=codes("52988006", "SCT", "Lesion"),
            algorithm_type="AUTOMATIC" if algorithm else "MANUAL",
            algorithm_identification=_algorithm(hd, algorithm, version) if algorithm else None,
        )
        for number, name in enumerate(mask.names, start=1)
    ]
    made = _made(
        hd.seg.Segmentation,
        planes,
        pixel_array=labels,
        segmentation_type="BINARY",
        segment_descriptions=described,
        content_label="SEGMENTATION",
    )
    _write(made, path)


def save_parametric_map(attribution: Attribution, source: Iterable[Path], path: Path) -> None:
    """How far each place moved a model's output, as a DICOM parametric map beside its series.

    Values are float32; their meaning, the method and the verdict of its checks stand with them.

    Parameters
    ----------
    attribution
        On the voxels of the series.
    source, path
        As of :func:`save_segmentation`.

    Raises
    ------
    ImageError, FileExistsError
        As of :func:`save_segmentation`; and if a contribution is not finite.
    """
    from fusion.explanation.checks import verdict

    hd = _highdicom()
    planes = _Planes.of(source)
    values = planes.arranged(attribution.contributions, "the attribution").astype(np.float32)
    if not np.isfinite(values).all():
        raise ImageError("contributions must be finite: a parametric map has no place for others")
    said = verdict(attribution.checks)
    meaning = hd.pm.RealWorldValueMapping(
        lut_label="contribution",
        lut_explanation=f"{attribution.title}. {attribution.method}. {said}"[
            : _LETTERS["explanation"]
        ],
        unit=hd.sr.CodedConcept("1", "UCUM", "no units"),
        value_range=(float(values.min()), float(values.max())),
        slope=1.0,
        intercept=0.0,
    )
    made = _made(
        hd.pm.ParametricMap,
        planes,
        pixel_array=values,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[meaning],
        voi_lut_transformations=[
            hd.VOILUTTransformation(window_center=0.0, window_width=2 * attribution.limit)
        ],
        content_label="CONTRIBUTIONS",
        content_description=f"{said}; {attribution.method}"[: _LETTERS["description"]],
    )
    _write(made, path)


@dataclass(frozen=True, eq=False)
class _Planes:
    """What a series consists of, and where its frames lie."""

    datasets: "Sequence[Dataset]"
    affine: np.ndarray
    order: np.ndarray
    """Which position each frame is at."""

    @classmethod
    def of(cls, source: Iterable[Path]) -> "_Planes":
        found, refused = find_series(sorted(map(Path, source)))
        if len(found) != 1:
            raise ImageError(
                f"{len(found)} series of images in the files ({len(refused)} others): pass the "
                "files of one"
            )
        frames = found[0].frames
        poses = [frame.pose for frame in frames if frame.pose is not None]
        if len(poses) < len(frames):
            raise ImageError("the series does not say where its planes lie")
        stack = stacked(poses, frames[0].step)
        if any(len(group) > 1 for group in stack.planes):
            raise ImageError("the series has several planes at each position: pass one of them")
        ordered = [frames[group[0]] for group in stack.planes]
        files = {frame.file.path for frame in frames}
        if len(files) == 1:
            at = np.argsort([frame.number for frame in ordered])
            return cls([_with_shared_place(frames[0].file.dataset)], stack.affine, at)
        if len(files) < len(frames):
            raise ImageError("files of several frames each: pass the files of one series")
        datasets = [frame.file.dataset for frame in ordered]
        return cls(datasets, stack.affine, np.arange(len(ordered)))

    def arranged(self, layer: Volume, what: str) -> np.ndarray:
        """(frame, row, column) of a volume that lies on the voxels of the series."""
        from nibabel.orientations import aff2axcodes

        if layer.affine is None:
            raise ImageError(f"{what} has no place in mm")
        axes = "".join(str(code) for code in aff2axcodes(self.affine))
        voxels, affine = as_stored(replace(layer, stored_axes=axes))
        first = self.datasets[0]
        shape = (int(first.Columns), int(first.Rows), len(self.order))
        step = np.linalg.norm(self.affine[:3, :3], axis=0).min()
        corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in shape), 1]])
        beside = np.abs(corners @ (affine - self.affine).T).max()
        if voxels.shape != shape or beside > SAME_PLACE * step + 1e-3:
            raise ImageError(
                f"{what} has {voxels.shape} voxels, the series {shape}, {beside:.3g} mm apart at "
                "the corners: resample it to the series"
            )
        return voxels.transpose(2, 1, 0)[self.order]


def _with_shared_place(dataset: "Dataset") -> "Dataset":
    """A header whose spacing and direction, which all frames have, stand in what they share.

    Some scanners repeat them in each frame, where highdicom does not look.
    """
    from pydicom import Dataset

    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    if not frames:
        return dataset
    shared = copy.copy((dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0])
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if name not in shared and name in frames[0]:
            setattr(shared, name, frames[0][name].value)
    found = copy.copy(dataset)
    found.SharedFunctionalGroupsSequence = [shared]
    return found


def _made(kind: Any, planes: _Planes, **content: Any) -> Any:
    """An object of the archive with what all of ours have in common."""
    from pydicom.uid import generate_uid

    try:
        with warnings.catch_warnings():
            # Names are as the series has them, and a warning would print them.
            warnings.filterwarnings("ignore", "The string .* is unlikely", UserWarning)
            return kind(
                source_images=planes.datasets,
                series_instance_uid=generate_uid(),
                series_number=1000,
                sop_instance_uid=generate_uid(),
                instance_number=1,
                manufacturer="precision-workbench",
                manufacturer_model_name="precision-workbench",
                software_versions=workbench.__version__,
                device_serial_number=workbench.__version__,
                **content,
            )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ImageError(f"the series lacks what the file must repeat: {error}") from None


def _algorithm(hd: Any, name: str, version: str) -> Any:
    family = hd.sr.CodedConcept("123109", "DCM", "Artificial Intelligence")
    return hd.AlgorithmIdentificationSequence(name, family, version or "not stated")


def _write(made: Any, path: Path) -> None:
    """Whole or not at all, and never over another file."""
    if path.exists():
        raise FileExistsError(f"{path} is there already: choose another name")
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    write_atomically(path, buffer.getvalue())


def _highdicom() -> Any:
    try:
        import highdicom
        import highdicom.pm
        import highdicom.seg
        import highdicom.sr
    except ImportError as error:
        raise ImageError(NO_HIGHDICOM) from error
    return highdicom
