"""Folders that are made once from a source, in the cache folder, whole or not at all."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.data.paths import cache_folder

KINDS = ("events", "omop", "unpacked", "tables", "images", "image_encoders", "runs")
"""Folders of the cache folder whose contents are made from a source, and can be made again."""


def key_of(*parts: str) -> str:
    """One name for everything that a prepared folder depends on."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


def prepared_folder(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache folder, built where it is not there yet.

    Parameters
    ----------
    kind
        Folder of the cache folder that it belongs to.
    key
        Says what it was made from: a hash, as :func:`key_of` gives it.
    build
        Fills an empty folder; whatever it raises leaves nothing behind.
    """
    folder = cache_folder() / kind / key
    if folder.is_dir():
        with suppress(OSError):  # A cache that may only be read is enough.
            os.utime(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
    try:
        build(part)
        try:
            os.replace(part, folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster: its folder holds the same
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class Prepared:
    """One thing in the cache folder that can be made again.

    Parameters
    ----------
    kind
        Folder of the cache folder that holds it.
    path
        A folder or a file.
    n_bytes
        What it takes on disk.
    used
        When it was made or last asked for, in seconds since 1970.
    """

    kind: str
    path: Path
    n_bytes: int
    used: float

    def age(self, now: float | None = None) -> float:
        """Days since it was used."""
        return ((time.time() if now is None else now) - self.used) / 86_400


def list_prepared() -> list[Prepared]:
    """What lies in the cache folder and can be made again, that used last first.

    Keys of pseudonyms lie there too; they cannot be made again, and are never listed or pruned.
    """
    found = []
    for kind in KINDS:
        folder = cache_folder() / kind
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            files = [f for f in path.rglob("*") if f.is_file()] if path.is_dir() else [path]
            n_bytes = sum(file.stat().st_size for file in files)
            found.append(Prepared(kind, path, n_bytes, path.stat().st_mtime))
    return sorted(found, key=lambda each: -each.used)


def prune_prepared(
    *, older_than_days: float | None = None, at_most_bytes: int | None = None
) -> list[Prepared]:
    """Delete what was not used for long, and then what was used least lately.

    Parameters
    ----------
    older_than_days
        Whatever was not used for so long goes.
    at_most_bytes
        Of the rest the oldest goes, until no more than this is left.

    Returns
    -------
    list of Prepared
        What was deleted. A program that has it open keeps it until it ends.
    """
    now, left, gone = time.time(), 0, []
    for each in list_prepared():
        old = older_than_days is not None and each.age(now) > older_than_days
        if old or (at_most_bytes is not None and left + each.n_bytes > at_most_bytes):
            gone.append(each)
        else:
            left += each.n_bytes
    for each in gone:
        if each.path.is_dir():
            shutil.rmtree(each.path)
        else:
            each.path.unlink()
    return gone
