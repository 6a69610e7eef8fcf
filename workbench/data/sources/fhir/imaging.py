"""ImagingStudy → a code a DICOM modality, and which codes are a kind of image."""

from collections.abc import Collection

from workbench.data.sources.fhir.json_shape import Json, children, text

PREFIX = "imaging//"
_KINDS = {
    "mri": ("MR",),
    "ct": ("CT",),
    "radiograph": ("CR", "DX", "RG"),
    "mammogram": ("MG",),
    "ultrasound": ("US", "IVUS"),
    "pet": ("PT",),
    "nuclear": ("NM", "ST"),
    "angiogram": ("XA", "RF"),
    "slide": ("SM", "GM"),
    "eye": ("OP", "OPT", "OPM"),
    "endoscopy": ("ES",),
    "photograph": ("XC",),
    "radiotherapy_image": ("RTIMAGE",),
}
"""Kind of image → DICOM modalities (PS3.3 C.7.3.1.1.1) that take it. Segmentations, reports and
plans are made from images and are none."""


def modality_codes(study: Json) -> list[str]:
    """A code for each modality of a study and of its series; each once, none where none is told."""
    told = [*children(study, "modality")]
    told += [m for series in children(study, "series") if (m := series.get("modality"))]
    codes = [code for coding in told if isinstance(coding, dict) and (code := text(coding, "code"))]
    return [f"{PREFIX}{code}" for code in dict.fromkeys(codes)]


def kinds_of(codes: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Kinds of image that occur, each with those of its codes that do."""
    present = set(codes)
    found = {
        kind: tuple(f"{PREFIX}{m}" for m in modalities if f"{PREFIX}{m}" in present)
        for kind, modalities in _KINDS.items()
    }
    return {kind: modality_codes for kind, modality_codes in found.items() if modality_codes}
