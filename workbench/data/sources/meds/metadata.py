"""What a MEDS dataset says of itself: its name, its codes, its division into parts."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa

from workbench.data.bad_rows import BadRows
from workbench.data.sources.folder import relative_name
from workbench.data.sources.meds.shards import read_parquet
from workbench.errors import RecordsError


def read_codes(
    root: Path, bad: BadRows
) -> tuple[dict[str, str] | None, list[tuple[str, str]], list[Path]]:
    """Names of codes (None where the dataset has none), (parent, child) pairs, the file."""
    file = root / "metadata" / "codes.parquet"
    if not file.is_file():
        return None, [], []
    name = relative_name(file, root)
    table = read_parquet(file, name, bad)
    if table is None:
        return None, [], [file]
    if "code" not in table.column_names:
        raise RecordsError(f"{name}: no column code")
    codes = table["code"].cast(pa.string()).to_pylist()
    blank = [None] * len(codes)
    described = table["description"].to_pylist() if "description" in table.column_names else blank
    above = table["parent_codes"].to_pylist() if "parent_codes" in table.column_names else blank
    names: dict[str, str] = {}
    parents: list[tuple[str, str]] = []
    for row, (code, description, over) in enumerate(zip(codes, described, above, strict=True), 1):
        if not code:
            bad.add(name, row, "no code")
            continue
        # A code may stand once for each of its modifiers, such as a unit.
        names.setdefault(code, description or code)
        parents += [(parent, code) for parent in over or () if parent and parent != code]
    return names, list(dict.fromkeys(parents)), [file]


def read_splits(root: Path, patients: pd.Index) -> tuple[pd.Categorical | None, list[Path]]:
    """Part of the data that each patient belongs to, and the file that says so."""
    file = root / "metadata" / "subject_splits.parquet"
    if not file.is_file():
        return None, []
    bad = BadRows()
    table = read_parquet(file, relative_name(file, root), bad)
    bad.settle(skip_bad=False)
    if table is None or not {"subject_id", "split"} <= set(table.column_names):
        raise RecordsError("metadata/subject_splits.parquet: expected subject_id and split")
    frame = table.select(["subject_id", "split"]).to_pandas().dropna()
    split = frame.set_index(frame["subject_id"].astype("int64").astype(str))["split"]
    if split.index.has_duplicates:
        n = int(split.index.duplicated().sum())
        raise RecordsError(f"metadata/subject_splits.parquet: {n} subjects stand more than once")
    return pd.Categorical(split.reindex(patients).astype(object)), [file]


def read_about(root: Path) -> tuple[str, str, list[Path]]:
    """Name and version of the dataset, by its metadata, or else by its folder."""
    file = root / "metadata" / "dataset.json"
    if not file.is_file():
        return root.resolve().name, "", []
    try:
        about = json.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise RecordsError("metadata/dataset.json: not UTF-8: save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise RecordsError(
            f"metadata/dataset.json, line {error.lineno}: not JSON: correct it"
        ) from None
    except RecursionError:
        raise RecordsError("metadata/dataset.json: nested too deeply") from None
    if not isinstance(about, dict):
        raise RecordsError("metadata/dataset.json: expected an object")
    name = about.get("dataset_name") or root.resolve().name
    return str(name), str(about.get("dataset_version") or ""), [file]
