"""A folder of DICOM files written anew without the patients."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from workbench.data.deidentify import DateShift
from workbench.data.deidentify_dicom.clean import Done, cleaned, new_uid, patient_of
from workbench.data.deidentify_dicom.code_streams import without_comments
from workbench.data.deidentify_dicom.identifiers import identifiers_of, left_in_bytes
from workbench.data.deidentify_dicom.risks import (
    BURNED_IN,
    DOCUMENT,
    FACE,
    FACE_UNKNOWN,
    risks_of,
)
from workbench.data.fingerprint import write_atomically
from workbench.data.imaging.dicom.files import faults_of_dicom, is_dicom, open_dicom
from workbench.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

TWICE = "another file has the same SOPInstanceUID"
LEFT = "an identifier was left after cleaning"
ACCEPTABLE = {"burned_in": (BURNED_IN,), "faces": (FACE, FACE_UNKNOWN)}
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, eq=False)
class DeidentifiedImages:
    """What was written, what was withheld and why, and what was done to the elements.

    Parameters
    ----------
    folder
        Where files lie: a folder a patient, in it one a series, all named by what replaced their
        identifiers.
    n_written
        Number of files.
    withheld
        Original file → why it was not written. Names of files may name patients: it is not saved.
    audit
        One row a tag and action: ``tag, keyword, action, n_elements``. No value of any element.
    """

    folder: Path
    n_written: int
    withheld: dict[Path, str] = field(repr=False)
    audit: pd.DataFrame = field(repr=False)

    @property
    def reasons(self) -> dict[str, int]:
        """Why files were withheld, and how many for each reason."""
        return dict(Counter(self.withheld.values()).most_common())


def deidentify_images(
    folder: str | Path,
    out: str | Path,
    shift: DateShift,
    *,
    accept: Collection[str] = (),
) -> DeidentifiedImages:
    """Every DICOM file of a folder without what names the patient, by PS3.15's basic profile.

    Identifiers become pseudonyms, UIDs other UIDs (the same for the same, so that a segmentation
    still finds its series), dates move by the patient's shift. Private elements, overlays, free
    text and comments in compressed pixels are removed, and whatever else holds a word of a name.
    Written are images, segmentations and structure sets, under new names, and ``audit.csv``;
    nothing else. Originals stay as they are.

    Parameters
    ----------
    folder
        Of the originals; sub-folders are read too.
    out
        A new or empty folder, not inside the first.
    shift
        How far dates of each patient move; pseudonyms and UIDs come from the same key, so tables
        that :func:`deidentify` prepared with it fit.
    accept
        Risks that somebody has looked at: ``"burned_in"`` writes files whose pixels may show
        writing, ``"faces"`` heads whose face was removed, and volumes that are no heads. The
        photographs of a slide's label and of the whole glass are never written.

    Raises
    ------
    ImageError
        If a folder is not as it should be, or there is no DICOM file.
    """
    source, target = Path(folder), Path(out)
    unknown = set(accept) - set(ACCEPTABLE)
    if unknown:
        raise ImageError(
            f"accept: burned_in or faces, got {sorted(unknown)}; nothing else can be accepted"
        )
    if not source.is_dir():
        raise ImageError("no such folder: give the one that holds the files")
    if target.resolve().is_relative_to(source.resolve()):
        raise ImageError("out lies in the folder of the originals: choose another place")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ImageError("out is not empty: give a new folder")
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if not any(is_dicom(path) for path in files):
        raise ImageError("no DICOM file lies here")
    accepted = {risk for name in accept for risk in ACCEPTABLE[name]}
    done: Done = Counter()
    withheld: dict[Path, str] = {}
    n_written = 0
    for path in files:
        try:
            content, place, changed = _without_patient(path, shift, accepted)
        except ImageError as error:
            withheld[path] = str(error)
            continue
        if (target / place).exists():
            withheld[path] = TWICE
            continue
        write_atomically(target / place, content)
        done.update(changed)
        n_written += 1
    audit = _audit(done)
    target.mkdir(parents=True, exist_ok=True)
    write_atomically(target / "audit.csv", audit.to_csv(index=False).encode())
    return DeidentifiedImages(target, n_written, withheld, audit)


def _without_patient(path: Path, shift: DateShift, accepted: set[str]) -> tuple[bytes, Path, Done]:
    """A cleaned file, and where it goes."""
    if not is_dicom(path):
        raise ImageError("not DICOM")
    file = open_dicom(path)
    with faults_of_dicom("cannot be cleaned: damaged data elements"):
        original = file.dataset
        risks = [risk for risk in risks_of(original) if risk not in accepted]
        if risks:
            raise ImageError(risks[0])
        patient = patient_of(original, shift)
        made, done = cleaned(original, patient)
        beside_pixels = _blank_comments(made, file.transfer_syntax, done)
        content = _written(made, file.transfer_syntax, original)
        searched = _header_of(content, made) + beside_pixels
        if left_in_bytes(searched, identifiers_of(original)):
            raise ImageError(LEFT)
    series = new_uid(file.text("SeriesInstanceUID"), shift.key) or "no series"
    name = new_uid(file.text("SOPInstanceUID"), shift.key)
    if not name:
        raise ImageError(f"{DOCUMENT}: it has no SOPInstanceUID")
    return content, Path(patient.pseudonym) / series / f"{name}.dcm", done


def _blank_comments(made: "Dataset", syntax: str, done: Done) -> bytes:
    """Blank what is written in code streams; what else they say beside the pixels."""
    if "PixelData" not in made:
        return b""
    element = made["PixelData"]
    blank, beside_pixels = without_comments(element.value, syntax)
    if blank != element.value:
        # The element is the original's too.
        made.add_new(element.tag, element.VR, blank)
        done[int(element.tag), element.keyword, "comments in compressed pixels blanked"] += 1
    return beside_pixels


def _written(made: "Dataset", syntax: str, original: "Dataset") -> bytes:
    """The file, with a preamble and a head that are made anew."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.get("SOPClassUID")
    meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID")
    meta.TransferSyntaxUID = UID(syntax)
    made.file_meta = meta
    if "PixelData" in made:
        made["PixelData"].is_undefined_length = original["PixelData"].is_undefined_length
    held = BytesIO()
    made.save_as(held, enforce_file_format=True)
    return held.getvalue()


def _header_of(content: bytes, made: "Dataset") -> bytes:
    """The file up to its pixels."""
    lengths = [len(made[keyword].value) for keyword in _PIXELS if keyword in made]
    return content[: len(content) - max(lengths, default=0)]


def _audit(done: Done) -> pd.DataFrame:
    rows = [
        (f"({tag >> 16:04X},{tag & 0xFFFF:04X})", keyword or "private", action, n)
        for (tag, keyword, action), n in sorted(done.items())
    ]
    return pd.DataFrame(rows, columns=pd.Index(["tag", "keyword", "action", "n_elements"]))
