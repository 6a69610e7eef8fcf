"""Health records by their place on disk: which format they are in is told by what lies there."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from workbench.data.records import Records
from workbench.errors import RecordsError

Format = Literal["omop", "meds", "fhir", "cbioportal"]


def open_records(
    path: str | os.PathLike[str], *, kind: Format | None = None, skip_bad: bool = False
) -> Records:
    """Read health records.

    Parameters
    ----------
    path
        An OMOP CDM (folder or zip of CSV or Parquet files, or a DuckDB file), a MEDS dataset, FHIR
        R4 bundles or bulk exports, or a cBioPortal study folder.
    kind
        ``omop``, ``meds``, ``fhir`` or ``cbioportal``; told by the files, if not given.
    skip_bad
        Leave out rows that cannot be used, and say so in ``warnings``; if not, they are refused.

    Raises
    ------
    RecordsError
        If nothing is there, the format cannot be told, or the records cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise RecordsError(f"no records at {path}: give a folder or a file of health records")
    found = as_format(kind) or format_of(path)
    return _reader(found)(path, skip_bad=skip_bad)


def as_format(kind: str | None) -> Format | None:
    """A format by its name, None for one that the files tell.

    Raises
    ------
    RecordsError
        If there is no such format.
    """
    match kind:
        case None | "omop" | "meds" | "fhir" | "cbioportal":
            return kind
    raise RecordsError(f"no format is called {kind!r}; there are {', '.join(get_args(Format))}")


def format_of(path: Path) -> Format:
    """Which format lies at a path.

    Raises
    ------
    RecordsError
        If it is none, or more than one.
    """
    names = _names(path)
    suffixes = {Path(name.removesuffix(".gz")).suffix for name in names}
    found: list[Format] = []
    if path.suffix in (".duckdb", ".db") or any(_is_table(n, "person") for n in names):
        found.append("omop")
    if "meta_study.txt" in names or "data_clinical_patient.txt" in names:
        found.append("cbioportal")
    if suffixes & {".json", ".ndjson"} and "dataset.json" not in names and not found:
        found.append("fhir")
    if ".parquet" in suffixes and not found:
        found.append("meds")
    if len(found) != 1:
        seen = " or ".join(found) or "no known format"
        raise RecordsError(
            f"{path.name} looks like {seen}: name its format, {', '.join(get_args(Format))}"
        )
    return found[0]


def _names(path: Path) -> set[str]:
    """Names of the files, in lower case; of a folder also those two levels below."""
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = [Path(name) for name in archive.namelist() if not name.startswith("__MACOSX")]
        return {member.name.lower() for member in members}
    if path.is_file():
        return {path.name.lower()}
    files = [p for pattern in ("*", "*/*", "*/*/*") for p in path.glob(pattern) if p.is_file()]
    return {file.name.lower() for file in files}


def _is_table(name: str, table: str) -> bool:
    return name.split(".")[0] == table and name.split(".")[-1] in ("csv", "tsv", "parquet", "gz")


def _reader(kind: Format) -> Callable[..., Records]:
    if kind == "omop":
        from workbench.data.sources.omop import read_omop

        return read_omop
    if kind == "meds":
        from workbench.data.sources.meds import read_meds

        return read_meds
    if kind == "fhir":
        from workbench.data.sources.fhir import read_fhir

        return read_fhir
    from workbench.data.sources.cbioportal import read_cbioportal

    return read_cbioportal
