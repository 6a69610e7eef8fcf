"""Files of a source: which there are, one hash of all, and references that stay inside."""

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from workbench.data.fingerprint import sha256_of
from workbench.errors import RecordsError, printable


def source_folder(folder: Path) -> Path:
    """``folder`` itself, if it is one.

    Raises
    ------
    RecordsError
        If it is not there, or is a file.
    """
    if folder.is_dir():
        return folder
    if not folder.exists():
        raise RecordsError(f"{printable(str(folder))}: no such folder")
    raise RecordsError(
        f"{printable(folder.name)}: expected a folder, got a file: unpack it, and name the folder"
    )


def relative_name(file: Path, folder: Path) -> str:
    """How messages call a file: its path below the folder, with ``/``."""
    return file.relative_to(folder).as_posix()


def file_inside(folder: Path, reference: str) -> Path:
    """The file that another file of the folder refers to.

    Raises
    ------
    RecordsError
        If the reference is absolute, leads out of the folder (also through a link), or to no file.
    """
    path = PurePosixPath(reference)
    windows = PureWindowsPath(reference)
    outside = path.is_absolute() or windows.drive or windows.root or ".." in windows.parts
    if not reference or "\0" in reference or outside:
        raise RecordsError("refers to a file outside its folder: refused; name a file beside it")
    file = folder / path
    if not file.is_file():
        raise RecordsError("refers to a file that is not there: add it, or remove the reference")
    if not file.resolve().is_relative_to(folder.resolve()):
        raise RecordsError("refers through a link to a file outside its folder: refused")
    return file


def sha256_of_all(files: Iterable[Path], folder: Path) -> str:
    """One hash of several files: of their names below the folder, and of what each holds."""
    ordered = sorted(files, key=lambda file: relative_name(file, folder))
    lines = [
        f"{relative_name(file, folder)}\0{sha}\n"
        for file, sha in zip(ordered, sha256_of(ordered), strict=True)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
