"""What must not leave with a report: looked for in every file before it is put in its place."""

import base64
import binascii
import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import PrivacyError
from workbench.report.bibliography import every_reference
from workbench.report.reporting_checklists import NAMES, reporting_checklist

PUBLIC = (
    "bibliography", "checklists", "code_version", "croissant", "dataset", "environment",
    "model_card", "packages", "provenance", "reporting_checklists",
)  # fmt: skip
"""Parts of the document that tell of the dataset and the software: dates there are nobody's.

Nor are those in references, whose identifiers may hold one, and of published checklists.
"""

SHOWN = 5
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATES = re.compile(
    r"(?<![\d.])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<![\d.])(?:0?[1-9]|[12]\d|3[01])[./](?:0?[1-9]|[12]\d|3[01])[./](?:19|20)\d\d(?!\d)"
    r"|(?<![\w.+-])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\w.])"
    rf"|\b(?:[1-9]|[12]\d|3[01])\.? (?:{_MONTHS})[a-z]* (?:19|20)\d\d\b"
    rf"|\b(?:{_MONTHS})[a-z]* (?:[1-9]|[12]\d|3[01]),? (?:19|20)\d\d\b"
)
_PATTERNS = {
    "a person's name as DICOM writes it": re.compile(r"\b[A-Z][A-Za-z'’-]+\^[A-Z][A-Za-z'’.-]*"),
    "a DICOM tag of a person": re.compile(
        r"\(?\b0010, ?00[1-4]0\b|\b(?:Patient(?:'s)?\s?(?:Name|ID|Birth\s?Date|Address)"
        r"|OtherPatientIDs|AccessionNumber|ReferringPhysicianName|InstitutionName"
        r"|StudyInstanceUID|SeriesInstanceUID|SOPInstanceUID)\s*[:=]\s*\S",
        re.IGNORECASE,
    ),
    "a DICOM identifier": re.compile(r"(?<![\d.])[0-2]\.\d{1,3}\.\d+(?:\.\d+){5,}(?![\d.])"),
    "a record number": re.compile(r"\b(?:MRN|medical record(?: number)?)\s*[:#=]?\s*\d{4,}", re.I),
    "a social security number": re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_LONG_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_EMBEDDED = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=]+)")
_TEXT = (".html", ".json", ".csv", ".svg", ".xml", ".rels", ".txt", ".md")
_IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif")
_PDF_PERSON = re.compile(rb"/(?:Author|CreationDate|ModDate)\s*[(<]\s*[^)>\s]")
_PRODUCERS = ("workbench", "")


@dataclass(frozen=True)
class Finding:
    """Where something stands that must not leave, and what kind of thing it is; never itself."""

    place: str
    what: str


@dataclass(frozen=True)
class Known:
    """What is known of the patients and of the dataset.

    Parameters
    ----------
    patients
        Identifiers of patients. Those of fewer than six digits and no letter cannot be told from
        counts, and are not looked for.
    odd
        Identifiers that are no single word.
    dates
        Dates that the dataset's own description holds.
    """

    patients: frozenset[str] = frozenset()
    odd: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()

    @classmethod
    def of(cls, document: Mapping[str, Any], patients: Collection[str] = ()) -> "Known":
        """Of a document and the patients behind it."""
        public = [text for name in PUBLIC for _, text in texts(document.get(name), "")]
        public += [f"{each.citation} {each.doi}" for each in every_reference()]
        public += [reporting_checklist(name).verified for name in NAMES]
        dates = frozenset(found for text in public for found in _DATES.findall(text))
        told = frozenset(filter(_telling, map(str, patients)))
        words = frozenset(filter(_LONG_WORD.fullmatch, told))
        return cls(words, told - words, dates)


def refuse_private(files: Mapping[str, bytes], known: Known) -> None:
    """Refuse files that hold a patient's identifier, a name, a date or a trace of either.

    Parameters
    ----------
    files
        Name → content: HTML, JSON, CSV, SVG, PNG, PDF, Word documents and archives of these. A
        PDF's pages are compressed: give the HTML that it was laid out from, too.
    known
        What is known of the patients and of the dataset.

    Raises
    ------
    PrivacyError
        With the places, and what kind of thing stands there.
    """
    found = [
        finding for name, content in files.items() for finding in findings(name, content, known)
    ]
    if found:
        first = "; ".join(f"{f.place}: {f.what}" for f in found[:SHOWN])
        more = f"; and {len(found) - SHOWN} more places" if len(found) > SHOWN else ""
        raise PrivacyError(
            f"the report is not written, since it would hold {first}{more}: take it out of the "
            "card, the data's levels or author.md"
        )


def findings(name: str, content: bytes, known: Known) -> Iterator[Finding]:
    """Each place of one file at which something private stands."""
    ending = name.lower()
    if ending.endswith((".zip", ".docx")):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from findings(f"{name}, {member}", archive.read(member), known)
    elif ending.endswith(_IMAGES):
        yield from _of_image(name, content)
    elif ending.endswith(".pdf"):
        if _PDF_PERSON.search(content):
            yield Finding(name, "an author or a date in the metadata")
    elif ending.endswith(_TEXT):
        yield from _of_text(name, content.decode("utf-8"), known)
    if content[128:132] == b"DICM":
        yield Finding(name, "a DICOM file")


def _of_text(name: str, text: str, known: Known) -> Iterator[Finding]:
    if name.endswith("docProps/core.xml"):
        yield from _of_properties(name, text)
    words = _EMBEDDED.sub("data:", text)
    if whole := set(_private(words, known)):
        for line, part in enumerate(words.split("\n"), 1):
            for what in _private(part, known):
                whole.discard(what)
                yield Finding(f"{name}, line {line}", what)
        yield from (Finding(name, what) for what in sorted(whole))
    for number, found in enumerate(_EMBEDDED.finditer(text), 1):
        try:
            image = base64.b64decode(found[1], validate=True)
        except binascii.Error:
            yield Finding(f"{name}, image {number}", "an image that cannot be read")
            continue
        svg = image.lstrip()[:1] == b"<"
        yield from findings(f"{name}, image {number}{'.svg' if svg else '.png'}", image, known)


def _private(text: str, known: Known) -> Iterator[str]:
    """What kinds of private things a text holds."""
    if _names_a_patient(text, known.patients) or any(odd in text for odd in known.odd):
        yield "the identifier of a patient"
    if any(date not in known.dates for date in _DATES.findall(text)):
        yield "a date"
    for what, pattern in _PATTERNS.items():
        if pattern.search(text):
            yield what


def _names_a_patient(text: str, patients: frozenset[str]) -> bool:
    """Whether an identifier stands alone, in a file's name, or at the head of a sample's."""
    words = {*_WORD.findall(text), *_LONG_WORD.findall(text)}
    words |= {word.rstrip(".-_") for word in words}
    if not patients.isdisjoint(words):
        return True
    heads = {
        word[:i] for word in words if "-" in word for i, letter in enumerate(word) if letter == "-"
    }
    return not patients.isdisjoint(heads)


def _of_image(name: str, content: bytes) -> Iterator[Finding]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            exif, notes = dict(image.getexif()), image.info
    except (UnidentifiedImageError, OSError):
        yield Finding(name, "an image that cannot be read")
        return
    if exif or "exif" in notes:
        yield Finding(name, "EXIF data")
    if any(isinstance(value, str) and key != "Software" for key, value in notes.items()):
        yield Finding(name, "text beside the picture")


def _of_properties(name: str, text: str) -> Iterator[Finding]:
    """Who wrote a Word document, and when: of nobody's concern."""
    for tag in ("creator", "lastModifiedBy"):
        written = re.search(rf"<[\w:]*{tag}>([^<]*)<", text)
        if written and written[1].strip() not in _PRODUCERS:
            yield Finding(name, f"a person's name as {tag}")


def texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, keys too, with its JSON Pointer."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield place, str(key)
            yield from texts(inner, f"{place}/{key}")
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from texts(inner, f"{place}/{i}")


def _telling(patient: str) -> bool:
    """Whether an identifier can be told from a count, a level or a word."""
    return bool(patient) and (
        (any(map(str.isdigit, patient)) and not patient.isdigit() and len(patient) > 2)
        or (patient.isdigit() and len(patient) >= 6)
        or len(patient) >= 12
    )
