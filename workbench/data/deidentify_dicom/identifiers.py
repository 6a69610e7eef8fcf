"""What names a patient in one file, or gives a true date away, and where it is left."""

import re
from collections.abc import Iterator, MutableSequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

SHORTEST = 3
SHORTEST_IN_BYTES = 5

_NAMED_BY = (
    "PatientID",
    "OtherPatientIDs",
    "AccessionNumber",
    "StudyID",
    "PatientBirthDate",
    "InstitutionName",
    "InstitutionAddress",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "MedicalRecordLocator",
    "IssuerOfPatientID",
    "StationName",
    "DeviceSerialNumber",
)
_WORD = re.compile(r"[^\W_]+(?:[-.'/][^\W_]+)*")


def identifiers_of(dataset: "Dataset") -> frozenset[str]:
    """Words of every name of a person, and what else names a patient or a place, in lower case.

    What has fewer than three letters is left out: it would be found everywhere.
    """
    found: set[str] = set()
    for element in elements_of(dataset):
        if element.VR == "PN" or element.keyword in _NAMED_BY:
            text = text_of_element(element).strip().lower()
            found.add(text)
            if element.VR == "PN":
                found.update(_WORD.findall(text.replace("^", " ")))
    return frozenset(word for word in found if len(word) >= SHORTEST)


def holds_identifier(text: str, identifiers: frozenset[str]) -> bool:
    """Whether one of them stands in a text, as words of its own or inside a longer number."""
    lowered = text.lower()
    words = {word.lower() for word in _WORD.findall(lowered)}
    if words & identifiers:
        return True
    return any(name in lowered for name in identifiers if len(name) >= SHORTEST_IN_BYTES)


def left_in_bytes(content: bytes, identifiers: frozenset[str]) -> int:
    """How many identifiers of five letters or eight digits stand in a file, in any case.

    Shorter ones stand in numbers and UIDs by chance.
    """
    lowered = content.lower()
    return sum(
        any(name.encode(code, "ignore") in lowered for code in ("utf-8", "latin-1", "utf-16-le"))
        for name in identifiers
        if len(name) >= (8 if name.isdigit() else SHORTEST_IN_BYTES)
    )


def elements_of(dataset: "Dataset") -> "Iterator[DataElement]":
    """Every element, also of nested items."""
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from elements_of(item)


def text_of_element(element: "DataElement") -> str:
    """Values as one text; bytes are read as letters where they are some."""
    value = element.value
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    # A name of a person can be iterated too, letter by letter.
    return " ".join(map(str, value)) if isinstance(value, MutableSequence) else str(value)
