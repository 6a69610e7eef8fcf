"""Folders that are made once from a source, in the cache folder, whole or not at all."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.data.paths import cache_folder


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
