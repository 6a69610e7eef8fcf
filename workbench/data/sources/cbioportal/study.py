"""The ``meta_*.txt`` files of a study: what each data file is [1].

References
----------
[1] cBioPortal, "File Formats", https://docs.cbioportal.org/file-formats/.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.data.bad_rows import BadRows
from workbench.data.sources.folder import file_inside, relative_name
from workbench.data.sources.text_lines import text_lines
from workbench.errors import RecordsError

_META = re.compile(r"(?:\b|_)meta(?:\b|[_0-9])", re.IGNORECASE)
"""Names of meta files, as the portal's validator tells them."""


@dataclass(frozen=True)
class DataFile:
    """One data file and what its meta file says of it."""

    file: Path
    name: str
    about: Mapping[str, str]

    @property
    def kind(self) -> tuple[str, str]:
        """``genetic_alteration_type`` and ``datatype``."""
        return self.about.get("genetic_alteration_type", ""), self.about.get("datatype", "")


@dataclass(frozen=True)
class Study:
    """A study folder: what it says of itself, its data files, its case lists, all files read."""

    about: Mapping[str, str]
    data: tuple[DataFile, ...]
    case_lists: tuple[Mapping[str, str], ...]
    files: tuple[Path, ...]


def read_study(folder: Path) -> Study:
    """Read every meta file and case list of a folder; of folders below, only ``case_lists``.

    Raises
    ------
    RecordsError
        If there is none, one is not as it should be, names a file that is not there or lies
        outside, or belongs to another study.
    """
    metas = sorted(f for f in folder.glob("*.txt") if _META.search(f.name) and f.is_file())
    if not metas:
        raise RecordsError("no meta_*.txt in the folder: not a cBioPortal study")
    about: Mapping[str, str] = {}
    data: list[DataFile] = []
    studies: set[str] = set()
    for meta in metas:
        name = relative_name(meta, folder)
        fields = read_fields(meta, name)
        studies.add(fields["cancer_study_identifier"])
        if meta.name == "meta_study.txt":
            about = fields
        if "data_filename" in fields:
            try:
                file = file_inside(folder, fields["data_filename"])
            except RecordsError as error:
                raise RecordsError(f"{name}: data_filename {error}") from None
            data.append(DataFile(file, relative_name(file, folder), fields))
    lists = sorted(file for file in (folder / "case_lists").glob("*.txt") if file.is_file())
    case_lists = tuple(read_fields(file, relative_name(file, folder)) for file in lists)
    studies |= {fields["cancer_study_identifier"] for fields in case_lists}
    studies.discard("")
    if len(studies) > 1:
        raise RecordsError(f"the files belong to {len(studies)} studies: keep a folder for each")
    about = about or {"cancer_study_identifier": next(iter(studies), "")}
    return Study(about, tuple(data), case_lists, (*metas, *lists, *{d.file for d in data}))


def read_fields(file: Path, name: str) -> dict[str, str]:
    """Lines such as ``datatype: MAF``; ``cancer_study_identifier`` is "" where it is not given.

    Raises
    ------
    RecordsError
        If a line has no colon, a field stands twice, or the file is not UTF-8.
    """
    bad = BadRows()
    fields: dict[str, str] = {}
    for number, line in text_lines(file, name, bad):
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon:
            bad.add(name, f"line {number}", "expected `field: value`")
        elif key.strip() in fields:
            bad.add(name, f"line {number}", "a field that stands before")
        else:
            fields[key.strip()] = value.strip()
    bad.settle(skip_bad=False)
    return {"cancer_study_identifier": "", **fields}
