"""Data elements of a file → how the image was taken."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.imaging.acquisition import Acquisition

if TYPE_CHECKING:
    from pydicom import Dataset


def acquisition_of(dataset: "Dataset", number: int = 0) -> Acquisition:
    """Facts of one frame of a file, also where enhanced objects keep them in functional groups.

    Parameters
    ----------
    dataset
        The file.
    number
        The frame, from 0.
    """
    items = _flat(dataset, number)
    agent = [item for item in items if "ContrastBolusAgent" in item]
    burned = _text(items, "BurnedInAnnotation").upper()
    parts = [_text(items, name) for name in ("ScanningSequence", "SequenceVariant")]
    spacing = _first(items, "PixelSpacing") or _first(items, "ImagerPixelSpacing")
    return Acquisition(
        manufacturer=_text(items, "Manufacturer"),
        scanner=_text(items, "ManufacturerModelName"),
        software=_text(items, "SoftwareVersions"),
        field_strength_t=_tesla(_number(items, "MagneticFieldStrength")),
        slice_thickness_mm=_number(items, "SliceThickness"),
        slice_step_mm=_number(items, "SpacingBetweenSlices"),
        pixel_mm=_largest(spacing),
        echo_time_ms=_number(items, "EchoTime", "EffectiveEchoTime"),
        repetition_time_ms=_number(items, "RepetitionTime"),
        inversion_time_ms=_number(items, "InversionTime"),
        flip_angle_degrees=_number(items, "FlipAngle"),
        sequence=" ".join(part for part in parts if part) or _text(items, "PulseSequenceName"),
        tube_voltage_kv=_number(items, "KVP"),
        kernel=_text(items, "ConvolutionKernel"),
        contrast_agent=bool(_text(agent, "ContrastBolusAgent")) if agent else None,
        view=_text(items, "ViewPosition"),
        laterality=_text(items, "ImageLaterality") or _text(items, "Laterality"),
        body_part=_text(items, "BodyPartExamined"),
        image_type=_text(items, "FrameType") or _text(items, "ImageType"),
        burned_in={"YES": True, "NO": False}.get(burned),
    )


def _flat(dataset: "Dataset", number: int) -> "list[Dataset]":
    """The frame's functional groups, the shared ones, then the data set itself."""
    groups: list[Dataset] = []
    described = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*described[number : number + 1], *shared[:1]]:
        groups += [element.value[0] for element in group if element.VR == "SQ" and element.value]
    return [*groups, dataset]


def _first(items: "list[Dataset]", *keywords: str) -> Any:
    for keyword in keywords:
        for item in items:
            if item.get(keyword) not in (None, ""):
                return item.get(keyword)
    return None


def _text(items: "list[Dataset]", keyword: str) -> str:
    value = _first(items, keyword)
    if value is None:
        return ""
    parts = [value] if isinstance(value, str) else value
    try:
        return "\\".join(str(part).strip() for part in parts)
    except TypeError:
        return str(value)


def _number(items: "list[Dataset]", *keywords: str) -> float | None:
    value = _first(items, *keywords)
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def _largest(spacing: Any) -> float | None:
    try:
        return max(float(step) for step in spacing)
    except (TypeError, ValueError):
        return None


def _tesla(strength: float | None) -> float | None:
    """Some devices write gauss."""
    return strength / 10_000 if strength is not None and strength > 100 else strength
