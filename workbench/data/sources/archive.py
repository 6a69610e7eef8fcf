"""Zip files of tables: wanted members are unpacked one by one, and nothing else happens."""

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from workbench.data.fingerprint import sha256_of
from workbench.data.prepared import key_of, prepared_folder
from workbench.errors import RecordsError, printable

LARGEST = 1 << 37
"""Bytes that an archive may unpack to."""
_MOST_COMPRESSED = 200
"""Tables shrink to a tenth, seldom to a hundredth; what shrinks more is made to fill a disk."""
_ALWAYS_SMALL = 1 << 26


def unpacked(path: Path, wanted: Callable[[str], bool]) -> Path:
    """Folder of the cache folder with the members of a zip that are wanted.

    Parameters
    ----------
    path
        The zip.
    wanted
        Is the file of this name (without its folders) needed?

    Raises
    ------
    RecordsError
        If the zip is damaged or encrypted, a member's name leads out of it, two wanted members
        have the same name, or it unpacks to more than a table could.
    """
    shown = printable(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _wanted_members(archive, wanted, shown)
            names = [PurePosixPath(member.filename).name for member in members]

            def build(folder: Path) -> None:
                needed = sum(member.file_size for member in members)
                if needed > shutil.disk_usage(folder).free:
                    raise RecordsError(
                        f"{shown}: needs {needed >> 20:,} MB in the cache folder, which has less: "
                        "make room, or name another folder in WORKBENCH_CACHE"
                    )
                for member, name in zip(members, names, strict=True):
                    _unpack(archive, member, folder / name)

            key = key_of("unpacked 1", *sha256_of([path]), *names)
            return prepared_folder("unpacked", key, build)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError):
        raise RecordsError(f"{shown}: the zip is damaged: fetch it again") from None


def _wanted_members(
    archive: zipfile.ZipFile, wanted: Callable[[str], bool], shown: str
) -> list[zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for member in archive.infolist():
        place = PurePosixPath(member.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
            raise RecordsError(f"{shown}: a member's name leads out of the archive: refused")
        hidden = place.parts[0] == "__MACOSX" or place.name.startswith(".")
        if member.is_dir() or hidden or not wanted(place.name):
            continue
        if member.flag_bits & 1:
            raise RecordsError(f"{shown}: the zip is encrypted: unpack it first")
        if place.name.lower() in members:
            raise RecordsError(f"{shown}: two members are called {printable(place.name)}")
        total += member.file_size
        too_much = member.file_size > _MOST_COMPRESSED * max(member.compress_size, 1)
        if total > LARGEST or (too_much and member.file_size > _ALWAYS_SMALL):
            raise RecordsError(
                f"{shown}: unpacks to far more than its size: refused; if it is what it should "
                "be, unpack it yourself"
            )
        members[place.name.lower()] = member
    return list(members.values())


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    left = member.file_size
    with archive.open(member) as source, target.open("xb") as file:
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile
            file.write(chunk)
