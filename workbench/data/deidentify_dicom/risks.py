"""Risks that no removed element takes away: writing in pixels, labels, faces, documents."""

import re
from collections.abc import MutableSequence
from typing import TYPE_CHECKING

from workbench.data.deidentify_dicom.body_parts import shows_no_face

if TYPE_CHECKING:
    from pydicom import Dataset

BURNED_IN = "pixels may show writing, such as a name"
FACE = "a head, whose face can be recognised: remove the face first"
FACE_UNKNOWN = (
    "no body part is named that is known to leave out the head, so a face may be recognised"
)
LABEL = (
    "a photograph of a slide's label, which names the patient: never written, whatever is accepted"
)
DOCUMENT = "no image: reports, documents and curves are not written"

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
# The photograph of the whole glass shows the label too.
_WITH_LABEL = {"LABEL", "OVERVIEW"}
_OFTEN_WRITTEN_ON = ("US", "IVUS", "ES", "XC", "GM", "OT", "SC", "RF", "XA", "ECG", "OP")
_VOLUMES = ("MR", "CT", "PT")
_HEAD = re.compile(
    r"head|brain|skull|\bface|facial|cereb|cran|ceph|orbit|sinus|pituit|\bears?\b|\biacs?\b|hirn"
    r"|kopf|sch[aä]del|t[eê]te|cabeza|neuro|maxill|mandib|\bjaw|\bdent|neck|carotid|(?<!i)c.?spine"
    r"|\beyes?\b|\bnose|nasal|\btmj\b|mastoid|zygoma|parotid|parotis|tongue|\boptic|hypophys"
    r"|\bsella\b|scalp|\blips?\b|\bmouth"
    r"|whole.?body|total.?body|full.?body|ganzk|corps entier|cuerpo entero|\bvertex",
    re.IGNORECASE,
)
_DESCRIBED_BY = ("StudyDescription", "SeriesDescription", "ProtocolName")
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def risks_of(dataset: "Dataset") -> tuple[str, ...]:
    """Why a file must not leave as it is; empty where nothing speaks against it.

    A file that says it has no writing burned in is believed, unless it is of a kind that often has
    some all the same: ultrasound, endoscopy, photographs, secondary captures. Volumes show no face
    only where the body part that they name is known to leave out the head.
    """
    modality = str(dataset.get("Modality") or "")
    if modality in ("SEG", "RTSTRUCT"):
        return ()
    if not any(keyword in dataset for keyword in _PIXELS):
        return (DOCUMENT,)
    found = []
    said = str(dataset.get("BurnedInAnnotation") or "").upper()
    kind = str(dataset.get("SOPClassUID") or "")
    types = [str(word).upper() for word in _listed(dataset.get("ImageType"))]
    slide = modality == "SM" or kind == _SLIDE
    labelled = str(dataset.get("SpecimenLabelInImage") or "").upper() == "YES"
    if labelled or (slide and _WITH_LABEL & set(types)):
        found.append(LABEL)
    if (
        said == "YES"
        or modality in _OFTEN_WRITTEN_ON
        or f"{kind}.".startswith(f"{_SECONDARY_CAPTURE}.")
        or any("SCREEN" in word for word in types)
        or _overlay_in_pixels(dataset)
    ):
        found.append(BURNED_IN)
    if modality in _VOLUMES and str(dataset.get("RecognizableVisualFeatures") or "") != "NO":
        parts = _body_parts(dataset)
        texts = [*parts, *(str(dataset.get(keyword) or "") for keyword in _DESCRIBED_BY)]
        if any(_HEAD.search(text) for text in texts):
            found.append(FACE)
        elif not parts or not all(shows_no_face(part) for part in parts):
            found.append(FACE_UNKNOWN)
    return tuple(found)


def _body_parts(dataset: "Dataset") -> list[str]:
    """What a file says to show, in its own words and by codes."""
    named = [str(dataset.get("BodyPartExamined") or "").strip()]
    regions = dataset.get("AnatomicRegionSequence") or []
    named += [str(item.get("CodeMeaning") or "").strip() for item in regions]
    return [part for part in named if part]


def _overlay_in_pixels(dataset: "Dataset") -> bool:
    """Whether an overlay is kept in bits of the pixels that the image does not use."""
    for group in range(0x6000, 0x6020, 2):
        element = dataset.get((group, 0x0102))
        if element is not None and element.value:
            return True
    return False


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, MutableSequence) else [value or ""]
