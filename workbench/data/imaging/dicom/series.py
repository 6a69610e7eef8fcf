"""Series: frames of files that are one image, told apart from all others."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.data.imaging.dicom.files import faults_of_dicom, is_dicom, open_dicom
from workbench.data.imaging.dicom.frames import Frame, frames_of
from workbench.errors import ImageError


@dataclass(frozen=True, eq=False)
class Series:
    """Frames that belong together, and where they lie.

    Parameters
    ----------
    number
        From 1, in the order in which files were given.
    modality
        Such as ``"CT"``.
    frames
        In the order of files.
    notes
        What a reader must know, such as files that were left out.
    """

    number: int
    modality: str
    frames: tuple[Frame, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is, without a word that somebody typed in."""
        first = self.frames[0]
        rows, columns = first.kind[2][:2]
        words = " ".join(word for word in first.kind[3] if word.isupper())
        frames = "frame" if len(self.frames) == 1 else "frames"
        return f"{self.modality or 'image'} {words}, {len(self.frames)} {frames} of {rows} × " + (
            f"{columns}"
        )


def find_series(paths: Iterable[Path]) -> tuple[tuple[Series, ...], dict[Path, str]]:
    """Images among files, each made of the frames that belong together.

    Parameters
    ----------
    paths
        Files in natural order; those that are not DICOM are left out.

    Returns
    -------
    tuple
        The series, and why other DICOM files are in none: they hold no image, or are damaged.
    """
    grouped: dict[tuple[Any, ...], list[Frame]] = {}
    refused: dict[Path, str] = {}
    seen: set[tuple[str, int]] = set()
    twice: dict[tuple[Any, ...], int] = {}
    files = [path for path in paths if path.is_file() and is_dicom(path)]
    for path in files:
        try:
            # Of many files, only headers are kept; one alone need not be read twice.
            file = open_dicom(path, pixels=len(files) == 1)
            with faults_of_dicom("cannot be read as DICOM: damaged data elements"):
                frames, uid = frames_of(file), file.text("SOPInstanceUID")
        except ImageError as error:
            refused[path] = str(error)
            continue
        again = bool(uid) and (uid, len(frames)) in seen
        seen.add((uid, len(frames)))
        if again:
            twice[frames[0].kind] = twice.get(frames[0].kind, 0) + 1
            continue
        for frame in frames:
            grouped.setdefault(frame.kind, []).append(frame)
    found = []
    for number, (kind, frames) in enumerate(grouped.items(), start=1):
        n = twice.get(kind, 0)
        files = "file that was" if n == 1 else "files that were"
        notes = (f"{n} {files} there twice left out",) if n else ()
        found.append(Series(number, kind[1], tuple(frames), notes))
    return tuple(found), refused
