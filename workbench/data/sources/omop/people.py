"""Persons of a CDM, and when they were under observation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.duck import Duck
from workbench.data.events import DAY
from workbench.data.records import ColumnFacts, ObservationPeriods
from workbench.data.sources.omop.bad_rows import BadTableRows
from workbench.data.sources.omop.files import SourceTable
from workbench.data.sources.omop.typed import is_there, is_wrong, moment, typed_rows, whole
from workbench.data.sources.omop_tables import (
    PERIOD_REQUIRED,
    PERSON_OPTIONAL,
    PERSON_REQUIRED,
    SEXES,
)

_CONCEPTS = {"sex": "gender_concept_id", "race": "race_concept_id",
             "ethnicity": "ethnicity_concept_id"}  # fmt: skip
_PLACES = {"location": "location_id", "care_site": "care_site_id"}
_WHOLE = {
    "person": "person_id", "year": "year_of_birth", "month": "month_of_birth",
    "day": "day_of_birth", **_CONCEPTS, **_PLACES,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class People:
    """Persons in the order of the records (by identifier as text).

    Parameters
    ----------
    table
        Index ``patient_id`` (str). ``birth`` (datetime64[us]), ``year_of_birth``, concepts of
        ``sex``, ``race`` and ``ethnicity``, identifiers of ``location`` and ``care_site``: whole
        numbers, missing where they are missing or 0.
    other_year
        Persons whose date of birth lies in another year than their year of birth.
    """

    table: pd.DataFrame
    other_year: int
    _numbers: np.ndarray
    _rows: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, person: pa.ChunkedArray) -> np.ndarray:
        """int32 row of each person; -1 for nobody."""
        wanted = person.fill_null(0).to_numpy()
        if not len(self._numbers):
            return np.full(len(wanted), -1, np.int32)
        at = np.minimum(np.searchsorted(self._numbers, wanted), len(self._numbers) - 1)
        found = (self._numbers[at] == wanted) & person.is_valid().to_numpy()
        return np.where(found, self._rows[at], -1).astype(np.int32)

    def named(self, names: dict[str, str]) -> tuple[pd.DataFrame, dict[str, ColumnFacts]]:
        """Patients of the records, with what each column is; ``names`` are those of concepts."""
        patients = self.table[["birth", "year_of_birth"]].copy()
        facts = {
            "birth": ColumnFacts("date", "date of birth; mid-month or 1 July where unknown"),
            "year_of_birth": ColumnFacts("numeric", "year of birth, from which ATLAS counts age"),
        }
        for column in (*_CONCEPTS, *_PLACES):
            values = self.table[column]
            if values.isna().all() and column != "sex":
                continue
            known = {int(v): str(int(v)) for v in values.dropna().unique()}
            if column in _CONCEPTS:
                known = {i: names.get(text, f"concept {text}") for i, text in known.items()}
            if column == "sex":
                known |= {i: sex for i, sex in SEXES.items() if i in known}
            patients[column] = values.map(known).astype("category")
            facts[column] = ColumnFacts("categorical", column.replace("_", " "))
        return patients, facts


def read_people(source: SourceTable, duck: Duck, bad: BadTableRows) -> People:
    """Read PERSON.

    Where only the year of birth is known, birth is on 1 July, and where the day is not, on the
    15th: at most half a year, or half a month, from the truth.
    """
    source.require(PERSON_REQUIRED)
    parts = [pd.DataFrame({name: [] for name in (*_WHOLE, "birth", "written", "number")})]
    for block in source.blocks([*PERSON_REQUIRED, *PERSON_OPTIONAL]):
        bad.note(source.file, block)
        reasons, query = _person_query(block.rows.schema, source.file)
        rows = typed_rows(duck, block.rows, query)
        reason = rows["reason"].to_numpy()
        bad.note_reasons(source.file, block.numbers, reason, reasons)
        good = rows.filter(pa.array(reason == 0)).drop_columns("reason").to_pandas()
        parts.append(good.assign(number=block.numbers[reason == 0]))
    return _people(pd.concat(parts[1:] or parts, ignore_index=True), source.file, bad)


def _person_query(schema: pa.Schema, file: str) -> tuple[list[str], str]:
    """Reasons why a row is no person, and the query that types rows and finds the first of them."""
    values = {name: whole(schema, column) for name, column in _WHOLE.items()}
    written = moment(schema, "birth_datetime", file)
    checks = [("person_id is empty", f"NOT {is_there(schema, 'person_id')}")]
    checks += [
        (f"{column} is not a whole number", is_wrong(schema, column, name))
        for name, column in _WHOLE.items()
    ]
    checks += [
        ("birth_datetime is not a date", is_wrong(schema, "birth_datetime", "written")),
        ("a date of birth that does not exist", "birth IS NULL AND year IS NOT NULL"),
    ]
    case = " ".join(f"WHEN {wrong} THEN {i}" for i, (_, wrong) in enumerate(checks, 1))
    typed = ", ".join(f"{value} AS {name}" for name, value in values.items())
    query = f"""
        WITH typed AS (SELECT *, {typed}, {written} AS written FROM block),
        born AS (SELECT *, coalesce(written, CAST(TRY(make_date(year, coalesce(month, 7),
            CASE WHEN month IS NULL THEN 1 ELSE coalesce(day, 15) END)) AS TIMESTAMP)) AS birth
            FROM typed)
        SELECT place, {", ".join(values)}, birth, written,
            CAST(CASE {case} ELSE 0 END AS INTEGER) AS reason
        FROM born"""
    return [reason for reason, _ in checks], query


def _people(rows: pd.DataFrame, file: str, bad: BadTableRows) -> People:
    again = rows["person"].duplicated().to_numpy()
    bad.add(file, "person_id stands in a row before", rows["number"].to_numpy()[again])
    rows = rows[~again]
    rows = rows.set_index(pd.Index(rows["person"].astype(np.int64).astype(str), dtype=object))
    rows = rows.sort_index().rename_axis("patient_id")
    birth = rows["birth"].astype("datetime64[us]")
    written = rows["written"].astype("datetime64[us]").dt.year
    table = pd.DataFrame({"birth": birth, "year_of_birth": rows["year"].astype(float)})
    table["year_of_birth"] = table["year_of_birth"].fillna(written)
    for name in (*_CONCEPTS, *_PLACES):
        values = rows[name].astype(float)
        table[name] = values.where(values != 0) if name in _CONCEPTS else values
    person = rows["person"].to_numpy(np.int64)
    order = np.argsort(person, kind="stable")
    other = int((written.notna() & (written != table["year_of_birth"])).sum())
    return People(table, other, person[order], order)


def read_periods(
    source: SourceTable, people: People, duck: Duck, bad: BadTableRows
) -> ObservationPeriods:
    """Read OBSERVATION_PERIOD; both days count whole, and periods that overlap or touch are one."""
    source.require(PERIOD_REQUIRED)
    parts = []
    for block in source.blocks(PERIOD_REQUIRED):
        bad.note(source.file, block)
        reasons, query = _period_query(block.rows.schema, source.file)
        rows = typed_rows(duck, block.rows, query)
        patient = people.rows(rows["person"])
        reason = rows["reason"].to_numpy().copy()
        reason[(reason == 0) & (patient < 0)] = len(reasons) + 1
        known = [*reasons, "person_id is not in PERSON"]
        bad.note_reasons(source.file, block.numbers, reason, known)
        good = reason == 0
        start, end = (rows[name].to_numpy()[good] for name in ("start", "stop"))
        parts.append(np.column_stack([patient[good].astype(np.int64), start, end]))
    rows = np.concatenate([np.zeros((0, 3), np.int64), *parts]).astype(np.int64)
    return merged_periods(rows[:, 0], rows[:, 1], rows[:, 2])


def _period_query(schema: pa.Schema, file: str) -> tuple[list[str], str]:
    person_id, start_date, end_date = PERIOD_REQUIRED
    checks = [(f"{c} is empty", f"NOT {is_there(schema, c)}") for c in PERIOD_REQUIRED]
    checks += [
        (f"{person_id} is not a whole number", is_wrong(schema, person_id, "person")),
        (f"{start_date} is not a date", is_wrong(schema, start_date, "first")),
        (f"{end_date} is not a date", is_wrong(schema, end_date, "last")),
        ("ends before it begins", "last < first"),
    ]
    case = " ".join(f"WHEN {wrong} THEN {i}" for i, (_, wrong) in enumerate(checks, 1))
    query = f"""
        WITH typed AS (SELECT *, {whole(schema, person_id)} AS person,
            {moment(schema, start_date, file)} AS first, {moment(schema, end_date, file)} AS last
            FROM block)
        SELECT place, person, epoch_us(first) AS start,
            epoch_us(last) + CASE WHEN last = date_trunc('day', last)
                THEN {DAY - 1} ELSE 0 END AS stop,
            CAST(CASE {case} ELSE 0 END AS INTEGER) AS reason
        FROM typed"""
    return [reason for reason, _ in checks], query


def merged_periods(patient: np.ndarray, start: np.ndarray, end: np.ndarray) -> ObservationPeriods:
    """Periods of one patient that overlap, or where one begins when the other has just ended.

    Parameters
    ----------
    patient
        Row of the patient, (period,) int.
    start, end
        First and last moment, (period,) int64 µs.

    Examples
    --------
    >>> merged_periods(np.array([0, 0]), np.array([0, 10]), np.array([9, 12])).end
    array([12])
    """
    order = np.lexsort((start, patient))
    patient, start, end = patient[order], start[order], end[order]
    if not len(patient):
        return ObservationPeriods(patient.astype(np.int32), start, end)
    new_patient = np.diff(patient, prepend=-1) != 0
    # The last moment seen so far of each patient: a running maximum that starts anew.
    reached = pd.Series(end).groupby(patient).cummax().to_numpy()
    before = np.concatenate([[0], reached[:-1]])
    begins = new_patient | (start > before + 1)
    at = np.flatnonzero(begins)
    last = np.append(at[1:], len(patient)) - 1
    return ObservationPeriods(patient[at].astype(np.int32), start[at], reached[last])
