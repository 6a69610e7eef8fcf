"""Lines of a text file that somebody else wrote: UTF-8, plain or gzipped."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from workbench.data.bad_rows import BadRows

LONGEST = 1 << 28
"""Bytes of the longest line that is read: a file that unpacks to one endless line is refused."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WHOLE_FILE = "the whole file"


def text_lines(file: Path, name: str, bad: BadRows) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, without its end.

    Lines that are not UTF-8 are noted in ``bad``, and so is the place where a gzip file breaks
    off; the lines before it are given.

    Parameters
    ----------
    file
        The file; gzipped if it starts so, whatever its name.
    name
        How messages call it.
    bad
        Takes what cannot be read.
    """
    with file.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    number = 0
    with gzip.open(file) if zipped else file.open("rb") as stream:
        while True:
            number += 1
            try:
                line = stream.readline(LONGEST + 1)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                bad.add(name, f"line {number}", "the gzip file is damaged or cut short here")
                return
            if not line:
                return
            if len(line) > LONGEST:
                bad.add(name, f"line {number}", f"longer than {LONGEST >> 20} MB")
                return
            if number == 1 and line.startswith(_UTF16):
                bad.add(name, WHOLE_FILE, "UTF-16, expected UTF-8")
                return
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                bad.add(name, f"line {number}", "not UTF-8")
                continue
            yield number, text.rstrip("\r\n")
