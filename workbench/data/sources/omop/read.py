"""A CDM on disk → records."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.duck import Duck, open_duck
from workbench.data.events import BIRTH
from workbench.data.fingerprint import sha256_of
from workbench.data.prepared import key_of, prepared_folder
from workbench.data.prepared_events import EventBatch, PreparedEvents, write_events
from workbench.data.records import Records, SourceFacts
from workbench.data.sources.omop.bad_rows import BadTableRows
from workbench.data.sources.omop.events import EventReader
from workbench.data.sources.omop.files import CdmFiles, open_cdm
from workbench.data.sources.omop.people import People, read_people, read_periods
from workbench.data.sources.omop.vocabulary import read_release, read_vocabulary
from workbench.data.sources.omop_tables import EVENT_TABLES, absent_tables, text_parts
from workbench.errors import RecordsError

_LAYOUT = "omop 1"
"""Changes with what is prepared, so that older prepared folders are not taken for it."""


def read_omop(path: Path | str, *, skip_bad: bool = False, schema: str | None = None) -> Records:
    """Read a CDM 5.3 or 5.4.

    Events are typed, checked and sorted once, in the cache folder; the next time only persons,
    observation periods and the vocabulary are read.

    Parameters
    ----------
    path
        A folder of CSV, TSV or Parquet files called as the tables of the CDM (in any case; or a
        folder of parts of that name), a zip of such files, or a DuckDB file.
    skip_bad
        Leave out rows that cannot be used, and say so in ``warnings``. Rows are counted from 1,
        in text files with the header.
    schema
        Schema of the tables in a DuckDB file, where several have them.

    Raises
    ------
    RecordsError
        If a table or column is missing, a file is damaged, or rows cannot be used: an identifier
        or concept that is no whole number, a date that does not exist, an end before its start, a
        person who is not in PERSON or stands there twice, a line that is not UTF-8 or has another
        number of values than the header. Says how many rows of which file, and the first of them.
    """
    return _read(Path(path), schema, skip_bad=skip_bad)[0]


def bad_omop_rows(path: Path | str, *, schema: str | None = None) -> pd.DataFrame:
    """Every row of a CDM that cannot be used.

    Returns
    -------
    DataFrame
        ``file``, ``row`` (from 1, in text files with the header), ``reason``.
    """
    return _read(Path(path), schema, skip_bad=True)[1].to_frame()


def _read(path: Path, schema: str | None, *, skip_bad: bool) -> tuple[Records, BadTableRows]:
    bad = BadTableRows()
    with open_cdm(path, schema=schema) as cdm, open_duck() as duck:
        people = read_people(cdm.required("person"), duck, bad)
        periods = read_periods(cdm.required("observation_period"), people, duck, bad)
        sha256 = key_of(*sha256_of(cdm.files))
        events, other_day = _events(cdm, people, duck, bad, key_of(_LAYOUT, schema or "", sha256))
        name, version, release = read_release(cdm.tables, cdm.name)
        used = _concepts_in_use(events, people)
        vocabulary = read_vocabulary(cdm.tables, used, duck, release)
    warnings = [*bad.settle(skip_bad=skip_bad), *_warnings(cdm, people, other_day)]
    names = dict(vocabulary.names) if vocabulary is not None else {}
    nameless = len(used) - sum(str(i) in names for i in used)
    if nameless:
        warnings.append(f"{nameless} of {len(used)} concepts in use have no name in CONCEPT")
    patients, facts = people.named(names)
    records = Records(
        SourceFacts("omop", name, version, sha256),
        "calendar",
        patients,
        facts,
        events,
        observation=periods,
        vocabulary=vocabulary,
        warnings=tuple(warnings),
    )
    return records, bad


def _events(
    cdm: CdmFiles, people: People, duck: Duck, bad: BadTableRows, key: str
) -> tuple[PreparedEvents, dict[str, int]]:
    """Events, prepared once; their bad rows are kept beside them."""
    present = [table for table in EVENT_TABLES if table.name in cdm.tables]
    if not present:
        raise RecordsError(
            f"{cdm.name}: no table of events: give at least one of "
            f"{', '.join(table.name for table in EVENT_TABLES)}"
        )
    found = BadTableRows()

    def batches(reader: EventReader) -> Iterator[EventBatch]:
        yield _births(people)
        for table in present:
            yield from reader.batches(table, cdm.tables[table.name])

    def build(folder: Path) -> None:
        reader = EventReader(duck, people, found)
        (folder / "events").mkdir()
        write_events(batches(reader), folder / "events")
        found.to_frame().to_parquet(folder / "bad.parquet")
        counts = {"n_rows": found.n_rows, "other_day": reader.other_day}
        (folder / "counts.json").write_text(json.dumps(counts), "utf-8")

    folder = prepared_folder("omop", key, build)
    bad.include(pd.read_parquet(folder / "bad.parquet"))
    counts = json.loads((folder / "counts.json").read_text("utf-8"))
    bad.n_rows.update(counts["n_rows"])
    return PreparedEvents.open(folder / "events"), counts["other_day"]


def _births(people: People) -> EventBatch:
    """A birth for everyone whose date of birth is known."""
    birth = people.table["birth"]
    patient = np.flatnonzero(birth.notna()).astype(np.int32)
    time = birth.dropna().to_numpy().astype("datetime64[us]").astype(np.int64)
    n = len(patient)
    code = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([BIRTH]))
    nothing = pa.nulls(n, pa.string()).dictionary_encode()
    return EventBatch(patient, time, None, code, np.full(n, np.nan), nothing)


def _concepts_in_use(events: PreparedEvents, people: People) -> set[int]:
    """Concepts of codes, values, units, and of the persons themselves; unmapped is none."""
    codes = events.code_counts().index
    used = {int(code.rpartition("//")[2]) for code in codes if re.search(r"//\d+$", code)}
    for text in events.texts:
        _, value, unit = text_parts(text)
        used |= {int(i) for i in (value, unit) if i is not None}
    for column in ("sex", "race", "ethnicity"):
        used |= {int(i) for i in people.table[column].dropna().unique()}
    return used - {0}


def _warnings(cdm: CdmFiles, people: People, other_day: dict[str, int]) -> list[str]:
    warnings = [*absent_tables(cdm.tables)]
    warnings += [
        f"{file}: {n:,} rows have a datetime on another day than their date; the datetime counts"
        for file, n in sorted(other_day.items())
    ]
    if people.other_year:
        warnings.append(
            f"{people.other_year:,} persons have a date of birth in another year than their year "
            "of birth"
        )
    return warnings
