"""What a file holds, as a hash that is computed once for each state of the file."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from workbench.data.paths import cache_folder


def sha256_of(paths: Sequence[Path]) -> list[str]:
    """sha256 of each file, in order.

    Hashes are kept in the cache folder by path, size and time of change, so that a file is read
    again only after it changed.
    """
    store = cache_folder() / "hashes.json"
    known, real = _read(store), cache(os.path.realpath)
    fresh: dict[str, list[str]] = {}
    hashes = []
    for path in paths:
        state = path.stat()
        key = os.path.join(real(path.parent), path.name)
        stamp = f"{state.st_size}-{state.st_mtime_ns}"
        entry = known.get(key)
        if entry is None or entry[0] != stamp:
            with path.open("rb") as file:
                entry = [stamp, hashlib.file_digest(file, "sha256").hexdigest()]
            fresh[key] = entry
        hashes.append(entry[1])
    if fresh:
        write_atomically(store, json.dumps({**_read(store), **fresh}).encode())
    return hashes


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


def _read(store: Path) -> dict[str, list[str]]:
    """Hashes known so far; a store that is absent or damaged only costs time."""
    try:
        return json.loads(store.read_bytes())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
