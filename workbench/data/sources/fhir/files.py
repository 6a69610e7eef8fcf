"""Files of bundles and bulk exports → their resources, each with its place."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.data.bad_rows import BadRows
from workbench.data.sources.fhir.json_shape import Json, Misshapen, children, text
from workbench.data.sources.fhir.rules import R4_TYPES
from workbench.data.sources.folder import relative_name
from workbench.data.sources.text_lines import WHOLE_FILE, text_lines
from workbench.errors import RecordsError, printable

LARGEST_BUNDLE = 1 << 30
"""Bytes of JSON in one file; larger exports come as NDJSON, which is read line by line."""
_DEEPEST = 4
"""Bundles inside bundles."""
_LINES = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
_WHOLE = (".json", ".json.gz")


@dataclass(frozen=True, eq=False)
class Found:
    """A resource, its type, where it stands, and the address that a bundle gives it."""

    file: str
    place: str
    type: str
    resource: Json
    full_url: str | None = None

    @property
    def identity(self) -> str:
        """``Type/id``, or the bundle's address where it has no id.

        Raises
        ------
        Misshapen
            If it has neither.
        """
        own = text(self.resource, "id")
        if own is not None:
            return f"{self.type}/{own}"
        if self.full_url is not None:
            return self.full_url
        raise Misshapen("no id")


def fhir_files(path: Path) -> tuple[Path, list[Path]]:
    """The folder, and the files of it that hold resources, by name.

    Raises
    ------
    RecordsError
        If there are none.
    """
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file() and _is_fhir(f))
        if not files:
            raise RecordsError(
                "no .json or .ndjson file (also gzipped) in the folder: not a FHIR export"
            )
        return path, files
    if not path.is_file():
        raise RecordsError(f"{printable(str(path))}: no such file or folder")
    if not _is_fhir(path):
        raise RecordsError(
            f"{printable(path.name)}: expected .json or .ndjson, also gzipped: unpack archives, "
            "and convert XML to JSON"
        )
    return path.parent, [path]


def found_resources(files: list[Path], root: Path, bad: BadRows) -> Iterator[Found]:
    """Every resource of the files, in order; what is none is noted in ``bad``."""
    for file in files:
        name = relative_name(file, root)
        if file.name.lower().endswith(_LINES):
            yield from _from_lines(file, name, bad)
        else:
            yield from _from_document(file, name, bad)


def _is_fhir(file: Path) -> bool:
    return file.name.lower().endswith(_LINES + _WHOLE)


def _from_lines(file: Path, name: str, bad: BadRows) -> Iterator[Found]:
    for number, line in text_lines(file, name, bad):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            found = _found(_parse(line), name, place, None)
        except Misshapen as fault:
            bad.add(name, place, str(fault))
            continue
        if found.type == "Bundle":
            yield from _entries(found, name, f"{place}, ", bad)
        else:
            yield found


def _from_document(file: Path, name: str, bad: BadRows) -> Iterator[Found]:
    place = WHOLE_FILE
    try:
        value = _parse(_decoded(_content(file)))
        if isinstance(value, dict) and "transactionTime" in value and "output" in value:
            return  # The manifest of a bulk export: it lists files and holds no resource.
        found = _found(value, name, place, None)
    except Misshapen as fault:
        bad.add(name, place, str(fault))
        return
    if found.type == "Bundle":
        yield from _entries(found, name, "", bad)
    else:
        yield found


def _entries(bundle: Found, name: str, before: str, bad: BadRows) -> Iterator[Found]:
    try:
        if text(bundle.resource, "type") == "history":
            raise Misshapen("a history bundle holds several states of a resource: export the last")
        if before.count("entry[") > _DEEPEST:
            raise Misshapen("nested too deeply")
        entries = children(bundle.resource, "entry")
    except Misshapen as fault:
        bad.add(name, f"{before}Bundle", str(fault))
        return
    for i, entry in enumerate(entries):
        place = f"{before}entry[{i}]"
        try:
            found = _found(entry.get("resource"), name, place, text(entry, "fullUrl"))
        except Misshapen as fault:
            bad.add(name, place, str(fault))
            continue
        if found.type == "Bundle":
            yield from _entries(found, name, f"{place}.resource.", bad)
        else:
            yield found


def _found(value: Any, name: str, place: str, full_url: str | None) -> Found:
    if not isinstance(value, dict):
        raise Misshapen("no resource: expected a JSON object")
    resource_type = text(value, "resourceType")
    if resource_type is None:
        raise Misshapen("no resourceType")
    if resource_type not in R4_TYPES:
        raise Misshapen("a resourceType that R4 does not have")
    return Found(name, place, resource_type, value, full_url)


def _parse(written: str) -> Any:
    try:
        return _DECODER.decode(written)
    except json.JSONDecodeError as error:
        where = f" at line {error.lineno}" if error.lineno > 1 else ""
        raise Misshapen(f"not JSON, or cut short{where}") from None
    except RecursionError:
        raise Misshapen("nested too deeply") from None
    except ValueError:
        raise Misshapen("a number that JSON does not have, or of thousands of digits") from None


def _no_number(constant: str) -> float:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _content(file: Path) -> bytes:
    with file.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(file) if zipped else file.open("rb") as stream:
            content = stream.read(LARGEST_BUNDLE + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Misshapen("the gzip file is damaged or cut short") from None
    if len(content) > LARGEST_BUNDLE:
        raise Misshapen(f"larger than {LARGEST_BUNDLE >> 30} GB: export it as NDJSON")
    return content


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Misshapen("UTF-16, expected UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Misshapen(f"not UTF-8 at line {line}") from None
