"""Series: frames of files that are one image, told apart from all others."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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
    groups: list[list[Frame]] = []
    refused: dict[Path, str] = {}
    seen: dict[tuple[str, int], int] = {}
    twice: Counter[int] = Counter()
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
        if uid and (uid, len(frames)) in seen:
            twice[seen[uid, len(frames)]] += 1
            continue
        for frame in frames:
            _group(groups, frame).append(frame)
        seen[uid, len(frames)] = groups.index(_group(groups, frames[0]))
    found = []
    for number, group in enumerate(groups, start=1):
        n = twice[number - 1]
        files = "file that was" if n == 1 else "files that were"
        notes = (f"{n} {files} there twice left out",) if n else ()
        found.append(Series(number, group[0].kind[1], tuple(group), notes))
    return tuple(found), refused


def _group(groups: list[list[Frame]], frame: Frame) -> list[Frame]:
    """Those whose first one a frame fits; a new one where it fits none."""
    found = next((group for group in groups if group[0].fits(frame)), None)
    if found is None:
        groups.append(found := [])
    return found
