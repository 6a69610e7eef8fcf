"""One file without identifiers: every element by the profile, then a search for what is left."""

import re
from collections import Counter
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from workbench.data.date_in_text import holds_date
from workbench.data.deidentify import DateShift, pseudonyms
from workbench.data.deidentify_dicom.identifiers import (
    holds_identifier,
    identifiers_of,
    text_of_element,
)
from workbench.data.deidentify_dicom.profile import EDITION, PUBLISHED_CODES, Action, action_of
from workbench.data.secret_key import SecretKey

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

_STANDARD_UIDS = "1.2.840.10008."
_SEARCHED = ("AE", "AS", "CS", "LO", "SH", "UC", "UR")
# Words of the standard, without which nothing can be read.
_CODED = ("ImageType", "Modality", "PhotometricInterpretation", "SegmentationType", "FrameType")
_DATE = re.compile(r"(\d{8})(.*)", re.DOTALL)

Done = Counter[tuple[int, str, str]]
"""(tag, keyword, what was done) → how many elements."""


@dataclass(frozen=True)
class Patient:
    """Under what name a patient leaves, and how far their dates move."""

    pseudonym: str
    days: int
    key: SecretKey = field(repr=False)


def patient_of(dataset: "Dataset", shift: DateShift) -> Patient:
    """Pseudonym and shift of whom a file is of; of its study, where it names nobody."""
    named = str(dataset.get("PatientID") or "").strip()
    named = named or f"study {dataset.get('StudyInstanceUID') or ''}"
    name = str(pseudonyms([named], shift.key)[0])
    return Patient(name, int(shift.days([named])[0]), shift.key)


def new_uid(uid: str, key: SecretKey) -> str:
    """The UID that takes a UID's place, the same in every file; those of the standard stay.

    Returns
    -------
    str
        ``2.25.`` and a number of 122 bits (PS3.5 B.2).
    """
    if not uid or uid.startswith(_STANDARD_UIDS):
        return uid
    number = int.from_bytes(key.digest("uid", uid, 16)) & ~(0xF << 76) | (4 << 76)
    return f"2.25.{number & ~(0x3 << 62) | (0x2 << 62)}"


def cleaned(dataset: "Dataset", patient: Patient) -> tuple["Dataset", Done]:
    """A copy without what names the patient, and what was done to it.

    Pixels are shared with the original and not looked at.
    """
    done: Done = Counter()
    names = identifiers_of(dataset)
    made = _cleaned(dataset, patient, names, done)
    _say_so(made)
    return made, done


def _cleaned(dataset: "Dataset", patient: Patient, names: frozenset[str], done: Done) -> "Dataset":
    from pydicom import Dataset

    made = Dataset()
    for element in dataset:
        tag = int(element.tag)
        action = _action_beside(dataset, element)
        if action is Action.NUMBER:
            kept, said = _with(element, f"segment {dataset.get('SegmentNumber', '')}"), action.value
        else:
            kept, said = _after(element, action, patient, names, done)
        keyword = element.keyword if not element.tag.is_private else ""
        if said != Action.KEEP.value:
            done[tag, keyword, said] += 1
        if kept is not None:
            made.add(kept)
    return made


def _action_beside(dataset: "Dataset", element: "DataElement") -> Action:
    """What becomes of an element; of a code, by the scheme that stands beside it."""
    if element.keyword in ("CodeValue", "CodeMeaning"):
        published = str(dataset.get("CodingSchemeDesignator") or "") in PUBLISHED_CODES
        typed = element.keyword == "CodeMeaning" or holds_date(text_of_element(element))
        if typed and not published:
            return Action.REPLACE
    return action_of(int(element.tag), element.VR)


def _after(
    element: "DataElement", action: Action, patient: Patient, names: frozenset[str], done: Done
) -> "tuple[DataElement | None, str]":
    """What stays of an element, and what was done."""
    if action is Action.REMOVE:
        return None, action.value
    if action is Action.CLEAN:
        items = [_cleaned(item, patient, names, done) for item in element.value]
        return _with(element, items), Action.KEEP.value
    if action is Action.PSEUDONYM:
        return _with(element, patient.pseudonym), action.value
    if action is Action.EMPTY:
        return _with(element, None), action.value
    if action is Action.NEW_UID:
        return _with(element, _each(element.value, lambda u: new_uid(str(u), patient.key))), (
            action.value
        )
    if action is Action.MOVE:
        return _with(element, _each(element.value, lambda d: _moved(str(d), patient.days))), (
            action.value
        )
    if action is Action.REPLACE:
        text = element.VR in ("AE", "CS", "LO", "SH")
        return (_with(element, "REMOVED") if text else None), action.value
    searched = element.VR in _SEARCHED and element.keyword not in _CODED
    if searched and holds_identifier(text_of_element(element), names):
        return None, "removed: it held an identifier"
    # Numbers of published codes may look like dates.
    if searched and element.keyword != "CodeValue" and holds_date(text_of_element(element)):
        return None, "removed: it held a date"
    return element, action.value


def _each(value: Any, change: Any) -> Any:
    if value is None or value == "":
        return None
    return [change(one) for one in value] if isinstance(value, MutableSequence) else change(value)


def _with(element: "DataElement", value: Any) -> "DataElement":
    from pydicom import DataElement

    return DataElement(element.tag, element.VR, value)


def _moved(date: str, days: int) -> str:
    """A date or moment moved by whole days; empty where it names no day."""
    found = _DATE.fullmatch(date.strip())
    if found is None:
        return ""
    try:
        moved = datetime.strptime(found[1], "%Y%m%d") + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved:%Y%m%d}{found[2]}" if moved.year >= 1000 else ""


def _say_so(dataset: "Dataset") -> None:
    """What PS3.15 asks a de-identified object to say of itself."""
    from pydicom import Dataset

    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = f"PS3.15 {EDITION} basic profile; dates modified"
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    codes = []
    for value, meaning in (
        ("113100", "Basic Application Confidentiality Profile"),
        ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    dataset.DeidentificationMethodCodeSequence = codes
