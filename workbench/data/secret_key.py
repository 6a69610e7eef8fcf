"""A secret key: a file that its owner alone can read, outside the data."""

import hashlib
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import RecordsError

N_BYTES = 32


@dataclass(frozen=True)
class SecretKey:
    """What pseudonyms and shifts of dates are derived from.

    Whoever has it can find out which pseudonym an identifier they know was given; without it
    nobody can.

    Parameters
    ----------
    secret
        At least 32 random bytes.

    Raises
    ------
    RecordsError
        If there are fewer.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < N_BYTES:
            raise RecordsError(
                f"a key has at least {N_BYTES} random bytes, got {len(self.secret)}: make one with "
                "make_key"
            )

    def digest(self, purpose: str, text: str, size: int) -> bytes:
        """Keyed BLAKE2b of a text; digests for two purposes have nothing in common."""
        content = text.encode("utf-8", "surrogatepass")
        secret = hashlib.blake2b(self.secret, person=b"workbench key").digest()
        named = hashlib.blake2b(purpose.encode(), digest_size=16).digest()
        return hashlib.blake2b(content, digest_size=size, key=secret, person=named).digest()

    @property
    def fingerprint(self) -> str:
        """Tells keys apart, and nothing else of them."""
        return self.digest("fingerprint", "", 8).hex()


def make_key(
    path: str | os.PathLike[str], *, outside: Sequence[str | os.PathLike[str]]
) -> SecretKey:
    """Make a key and keep it in a new file that its owner alone can read.

    Parameters
    ----------
    path
        The file, which must not be there yet.
    outside
        Folders that go from hand to hand, such as the data's, which must not hold the key.

    Raises
    ------
    RecordsError
        If the file is there, or lies in such a folder.
    """
    file = Path(path)
    for folder in outside:
        if file.resolve().is_relative_to(Path(folder).resolve()):
            raise RecordsError(
                f"the key would lie in {folder}, which is shared without it: keep it elsewhere"
            )
    key = SecretKey(secrets.token_bytes(N_BYTES))
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise RecordsError(
            f"{path} is there already: read it with read_key, for another key would give every "
            "patient another pseudonym"
        ) from error
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(key.secret.hex().encode())
    except OSError:
        with suppress(FileNotFoundError):
            file.unlink()
        raise
    return key


def read_key(path: str | os.PathLike[str]) -> SecretKey:
    """Read a key that :func:`make_key` made.

    Raises
    ------
    RecordsError
        If there is none, others can read it, or it is not a key.
    """
    try:
        mode, content = os.stat(path).st_mode, Path(path).read_bytes()
    except FileNotFoundError as error:
        raise RecordsError(f"there is no key at {path}: make one with make_key") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise RecordsError(f"others can read the key at {path}: chmod 600, or make a new one")
    try:
        return SecretKey(bytes.fromhex(content.decode("ascii")))
    except ValueError as error:
        raise RecordsError(f"{path} is not a key: make one with make_key") from error
