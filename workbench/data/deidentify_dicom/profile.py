"""What becomes of each data element: the basic profile of PS3.15, Annex E [1].

The table is the one that dicom-anonymizer carries, of edition 2026c, with the option to retain
longitudinal information by modified dates. Where the profile leaves a choice, what is removed is
more: everything private or unknown, every free text and name wherever it stands, overlays and
curves, and binary elements that are no pixels. Short texts that the profile does not list stay only
where machines write them.

References
----------
[1] DICOM PS3.15, Annex E: Attribute confidentiality profiles.
"""

from enum import Enum
from functools import lru_cache

EDITION = "2026c"

_FREE_TEXT = ("LT", "ST", "UT", "UC")
_BINARY = ("OB", "OW", "OF", "OD", "OL", "OV", "UN")
_SHORT_TEXT = ("LO", "SH")
_WRITTEN_BY_MACHINES = """
    ASLTechniqueDescription AcquisitionDeviceProcessingCode AcquisitionMode AlgorithmName
    AlgorithmSource AlgorithmVersion ApplicationManufacturer ApplicationName
    ApplicationVersion AttenuationCorrectionMethod CardiacFramingType CodeMeaning CodeValue
    CodingSchemeDesignator CodingSchemeVersion CollimatorGridName ConvolutionKernel
    DetectorLinesOfResponseUsed DetectorManufacturerModelName DetectorManufacturerName
    DigitalImageFormatAcquired DimensionDescriptionLabel EnergyWindowName FilterType
    ImageFilter ImagedNucleus LUTExplanation LUTLabel Manufacturer ManufacturerModelName
    ManufacturerModelVersion ManufacturerRelatedModelGroup MappingResourceName
    ModalityLUTType MultiCoilConfiguration MultiCoilElementName OpticalPathIdentifier
    PVCRejection PhosphorType PlateType PulseSequenceName ReceiveCoilManufacturerName
    ReceiveCoilName ReconstructionMethod ReferencedOpticalPathIdentifier RescaleType
    ScatterCorrectionMethod SecondaryCaptureDeviceManufacturer
    SecondaryCaptureDeviceManufacturerModelName SecondaryCaptureDeviceSoftwareVersions
    SegmentAlgorithmName SequenceName SoftwareVersions StackID TimeSource
    TransmitCoilManufacturerName TransmitCoilName TriggerSourceOrType TypeOfFilters
    VideoImageFormatAcquired WindowCenterWidthExplanation
    """
_IMAGE_GROUPS = (0x0028, 0x7FE0)
_PATIENT = 0x0010
# Needed to find the image of a segmentation: their UIDs are replaced alike instead.
_REFERENCES = frozenset({0x00081140, 0x00082112, 0x00081115, 0x00081199})
_SEGMENT_LABEL = 0x00620005

PUBLISHED_CODES = (
    *("SCT", "SRT", "SNM3", "DCM", "UCUM", "LN", "RADLEX", "FMA", "NCIt", "UMLS", "MDC"),
    *("ITIS_TSN", "I10", "I9C", "ICDO3", "PUBCHEM_CID"),
)
"""Coding schemes whose meanings are words of a dictionary; those of others are typed by people."""


class Action(Enum):
    """What is done to an element."""

    KEEP = "kept"
    REMOVE = "removed"
    EMPTY = "emptied"
    REPLACE = "replaced by a word that means nothing"
    NEW_UID = "UID replaced"
    MOVE = "date moved"
    CLEAN = "items cleaned one by one"
    PSEUDONYM = "replaced by the pseudonym"
    NUMBER = "replaced by the number of the segment"


def action_of(tag: int, vr: str) -> Action:
    """What becomes of an element of a tag (group and element in one number) and representation.

    Examples
    --------
    >>> action_of(0x00100010, "PN").value
    'replaced by the pseudonym'
    >>> action_of(0x00180050, "DS").value
    'kept'
    """
    from pydicom.datadict import keyword_for_tag

    group, element = tag >> 16, tag & 0xFFFF
    keyword = keyword_for_tag(tag)
    if tag in (0x00100010, 0x00100020):
        return Action.PSEUDONYM
    if group % 2 or 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
        return Action.REMOVE
    if element == 0 or tag == 0xFFFCFFFC or not keyword:
        return Action.REMOVE
    if vr in ("DA", "DT"):
        return Action.EMPTY if group == _PATIENT else Action.MOVE
    if vr == "UI":
        return Action.NEW_UID
    if tag in _REFERENCES:
        return Action.CLEAN
    listed = _table().get(tag)
    if vr == "SQ":
        return Action.REMOVE if listed in (Action.REMOVE, Action.EMPTY) else Action.CLEAN
    if vr == "TM":
        return Action.EMPTY if group == _PATIENT else Action.KEEP
    if vr in _FREE_TEXT or vr == "UR":
        return Action.REMOVE
    if vr == "PN":
        return Action.EMPTY
    if vr in _BINARY and group not in _IMAGE_GROUPS:
        return Action.REMOVE
    if tag == _SEGMENT_LABEL:
        return Action.NUMBER
    if listed is None and vr in _SHORT_TEXT:
        return Action.KEEP if keyword in _WRITTEN_BY_MACHINES.split() else Action.EMPTY
    return listed or Action.KEEP


@lru_cache(maxsize=1)
def _table() -> dict[int, Action]:
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition

    actions = (
        (Action.REMOVE, edition.X_TAGS),
        (Action.REMOVE, edition.X_Z_TAGS),
        (Action.REMOVE, edition.X_D_TAGS),
        (Action.REMOVE, edition.X_Z_D_TAGS),
        (Action.CLEAN, edition.X_Z_U_STAR_TAGS),
        (Action.EMPTY, edition.Z_TAGS),
        (Action.REPLACE, edition.Z_D_TAGS),
        (Action.REPLACE, edition.D_TAGS),
        (Action.NEW_UID, edition.U_TAGS),
    )
    # Repeating groups have four numbers; the rules above cover them.
    return {
        tag[0] << 16 | tag[1]: action for action, tags in actions for tag in tags if len(tag) == 2
    }
