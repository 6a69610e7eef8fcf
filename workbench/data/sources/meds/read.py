"""MEDS datasets: Parquet shards of patient, time, code and value [1].

Reads versions 0.3 and 0.4 of the schema: a dataset with ``data/`` and ``metadata/``, or a plain
folder of shards.

References
----------
[1] MEDS 0.4, https://github.com/Medical-Event-Data-Standard/meds (``meds/schema.py``).
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.bad_rows import BadRows
from workbench.data.concepts import Vocabulary
from workbench.data.events import BIRTH, DEATH, MemoryEvents
from workbench.data.records import ColumnFacts, Records, SourceFacts
from workbench.data.sources.folder import sha256_of_all, source_folder
from workbench.data.sources.meds.metadata import read_about, read_codes, read_splits
from workbench.data.sources.meds.shards import Shard, read_shard, shard_files
from workbench.data.sources.sex import SEX_FACTS, sex_column, sex_word
from workbench.errors import RecordsError

_SEX = r"^(?:SEX|GENDER)//?(.+)$"
_NO_PERIODS = (
    "MEDS does not say when a patient was under observation: no rule can ask for prior observation"
)


def read_meds(folder: str | os.PathLike[str], *, skip_bad: bool = False) -> Records:
    """Read a MEDS dataset into memory.

    Events without a time are static. ``MEDS_BIRTH`` also gives the column ``birth``, and codes such
    as ``SEX//male`` or ``GENDER//F`` the column ``sex``; where a patient has two that differ, the
    column is missing and a warning counts it. Beside the columns of the schema, ``end`` (when an
    event ended) and ``unit`` (read as text where there is no ``text_value``) are read; further
    columns are named in a warning. ``observation`` is None: MEDS has none.

    Parameters
    ----------
    folder
        With ``data/**/*.parquet`` and ``metadata/``, or with shards directly below it.
    skip_bad
        Leave out rows, and shards, that cannot be read; ``Records.warnings`` then counts them.

    Raises
    ------
    RecordsError
        If the folder holds no shard, a shard or the metadata have another schema, or rows cannot be
        read and ``skip_bad`` is False.
    """
    root = source_folder(Path(folder))
    files = shard_files(root)
    bad = BadRows()
    shards = [shard for file in files if (shard := read_shard(file, root, bad)) is not None]
    names, parents, code_files = read_codes(root, bad)
    left_out = bad.settle(skip_bad=skip_bad)
    if not shards:
        raise RecordsError("no shard could be read: nothing is left")
    warnings = [*left_out, _NO_PERIODS, *_split_subjects(shards), *_unread_columns(shards)]
    events = _events(shards)
    patients, columns = _patients(events, warnings)
    split, split_files = read_splits(root, patients.index)
    if split is not None:
        patients["split"] = split
        columns["split"] = ColumnFacts("categorical", "part of the data, as its publisher divided")
    _warn_of_deaths(events, warnings)
    source = MemoryEvents.from_frame(events, patients.index)
    unnamed = [] if names is None else source.code_counts().index.difference(list(names))
    if names is not None and len(unnamed):
        warnings.append(f"{len(unnamed)} codes are not among those of metadata/codes.parquet")
        names = {**names, **{code: code for code in unnamed}}
    name, version, about_files = read_about(root)
    files = [*files, *code_files, *split_files, *about_files]
    return Records(
        SourceFacts("meds", name, version, sha256_of_all(files, root)),
        "calendar",
        patients,
        columns,
        source,
        vocabulary=None if names is None else Vocabulary.from_parents(parents, names, version),
        warnings=tuple(warnings),
    )


def _events(shards: list[Shard]) -> pd.DataFrame:
    """Rows of all shards, identifiers and codes as categories."""
    table = pa.concat_tables([shard.rows for shard in shards])
    subject = pd.Categorical(table["subject_id"].to_numpy())
    rows = table.drop_columns(["subject_id"]).to_pandas(
        categories=["code", "text_value"], timestamp_as_object=False
    )
    rows["patient_id"] = subject.rename_categories(subject.categories.astype(str))
    return rows


def _split_subjects(shards: list[Shard]) -> list[str]:
    subjects = np.concatenate([shard.rows["subject_id"].unique().to_numpy() for shard in shards])
    n = int((np.unique(subjects, return_counts=True)[1] > 1).sum())
    return [f"{n} patients stand in several shards, which MEDS rules out: joined"] if n else []


def _unread_columns(shards: list[Shard]) -> list[str]:
    unread = sorted({column for shard in shards for column in shard.unread})
    return [f"columns that are not read: {', '.join(unread)}"] if unread else []


def _patients(
    events: pd.DataFrame, warnings: list[str]
) -> tuple[pd.DataFrame, dict[str, ColumnFacts]]:
    index = pd.Index(sorted(events["patient_id"].cat.categories), name="patient_id", dtype=object)
    births = events.loc[(events["code"] == BIRTH) & events["time"].notna(), ["patient_id", "time"]]
    birth = _only(births.set_index("patient_id")["time"], "birth", warnings)
    codes = events["code"].cat.categories.to_series()
    words = codes.str.extract(_SEX, expand=False).dropna().map(sex_word).dropna()
    told = events.loc[events["code"].isin(words.index), ["patient_id", "code"]]
    sex = _only(told.set_index("patient_id")["code"].astype(object).map(words), "sex", warnings)
    patients = pd.DataFrame(
        {
            "birth": birth.reindex(index).astype("datetime64[us]"),
            "sex": sex_column(sex.reindex(index)),
        },
        index=index,
    )
    facts = {"birth": ColumnFacts("date", "moment of birth"), "sex": SEX_FACTS}
    return patients, facts


def _only(values: pd.Series, what: str, warnings: list[str]) -> pd.Series:
    """The one value of each patient; those with several that differ have none."""
    values = values[~pd.MultiIndex.from_arrays([values.index, values]).duplicated()]
    several = values.index.duplicated(keep=False)
    n = values.index[several].nunique()
    if n:
        warnings.append(f"{n} patients have several values of {what} that differ: left missing")
    return values[~several]


def _warn_of_deaths(events: pd.DataFrame, warnings: list[str]) -> None:
    deaths = events.loc[events["code"] == DEATH]
    n = int(deaths["patient_id"].duplicated().sum())
    if n:
        warnings.append(f"{n} further {DEATH} of patients who have one")
    if deaths["time"].isna().any():
        warnings.append(f"{int(deaths['time'].isna().sum())} {DEATH} have no time")
