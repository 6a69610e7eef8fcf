"""Who a criterion is asked of: one row a record, each with its patient and its index date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from workbench.data.events import DAY, EventRows
from workbench.data.records import Records
from workbench.errors import CohortError

FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
"""Before and after every moment."""


INDEX_DATE = "the index date"
"""What a sentence calls the moment that windows are counted from."""


@dataclass(frozen=True, eq=False)
class Population:
    """Records that a criterion holds for, or not.

    A record is a patient with an index date; a patient whose entry event happened three times may
    stand in three records. In a card's cohort each patient is one record, and there are no events.

    Parameters
    ----------
    table
        Columns that do not change, and those that depend on the index date; one row a record.
    available
        Modality → whether the patient has it at all, (record,) bool.
    patient
        Row of the patient in ``records``, (record,) int32.
    index
        Index date, (record,) int64 µs on the patient's clock.
    exit
        Last moment of follow-up, (record,) int64 µs.
    observed_from, observed_to
        The observation period that holds the index date, (record,) int64 µs.
    records
        Where events are; None in a card's cohort.
    """

    table: pd.DataFrame
    available: Mapping[str, np.ndarray] = field(default_factory=dict)
    patient: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    exit: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    observed_from: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    observed_to: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    records: Records | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def with_events(self) -> Records:
        """The records, if there are any.

        Raises
        ------
        CohortError
            If patients come from a card, which has columns but no events.
        """
        if self.records is None:
            raise CohortError(
                "these patients have no events: ask for columns or modalities, or read records "
                "(OMOP, MEDS, FHIR, cBioPortal)"
            )
        return self.records

    @cached_property
    def _record_of(self) -> np.ndarray | None:
        """Record of each patient, -1 for none; None where a patient stands in several."""
        record_of = np.full(len(self.with_events.patients), -1, np.int32)
        record_of[self.patient] = np.arange(len(self.patient), dtype=np.int32)
        n_patients = int((record_of >= 0).sum())
        return record_of if n_patients == len(self.patient) else None

    def pair(self, rows: EventRows) -> tuple[np.ndarray, np.ndarray]:
        """Every record beside every event of its patient: positions of both, (pair,) int."""
        if self._record_of is not None:
            record = self._record_of[rows.patient]
            event = np.flatnonzero(record >= 0)
            return record[event], event
        n_patients = len(self.with_events.patients)
        counts = np.bincount(rows.patient, minlength=n_patients)
        starts = np.cumsum(counts) - counts
        n_events = counts[self.patient]
        record = np.repeat(np.arange(len(self.patient)), n_events)
        first = np.repeat(starts[self.patient] - (np.cumsum(n_events) - n_events), n_events)
        return record, first + np.arange(len(record))


def records_at(records: Records, patient: np.ndarray, index: np.ndarray) -> Population:
    """Patients at index dates, with their characteristics on that day.

    Parameters
    ----------
    records
        Patients and events.
    patient
        Row of each patient, (record,) int32.
    index
        Index date, (record,) int64 µs.
    """
    start, end = _observation(records, patient, index)
    return Population(
        table=_characteristics(records, patient, index),
        available=_available(records, patient),
        patient=patient,
        index=index,
        exit=end,
        observed_from=start,
        observed_to=end,
        records=records,
    )


def _characteristics(records: Records, patient: np.ndarray, index: np.ndarray) -> pd.DataFrame:
    table = records.patients.iloc[patient].reset_index(drop=True)
    if records.clock == "relative":
        return table
    day = pd.Series(index.view("datetime64[us]"))
    dated = {"index_year": day.dt.year.to_numpy(float)}
    if "birth" in table:
        dated["age"] = completed_years(table["birth"], day)
        # As ATLAS counts age: it reads no more of a birth than its year.
        dated["age_by_year"] = (day.dt.year - table["birth"].dt.year).to_numpy(float)
    return table.assign(**dated)


def completed_years(birth: pd.Series, day: pd.Series) -> np.ndarray:
    """Age in completed years, float64; NaN where the birth is unknown.

    Whoever is born on 29 February has their birthday on 1 March of a common year.
    """
    before_birthday = (day.dt.month < birth.dt.month) | (
        (day.dt.month == birth.dt.month) & (day.dt.day < birth.dt.day)
    )
    years = (day.dt.year - birth.dt.year - before_birthday).astype(float)
    return years.where(birth.notna()).to_numpy()


def _available(records: Records, patient: np.ndarray) -> dict[str, np.ndarray]:
    available = {}
    for name, codes in records.modalities.items():
        has = np.zeros(len(records.patients), bool)
        has[records.events.rows(codes).patient] = True
        available[name] = has[patient]
    return available


def _observation(
    records: Records, patient: np.ndarray, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First and last moment of the period that holds each index date.

    Where the source has no periods, everything is observed. Outside every period the first moment
    lies after the last, so that nothing is.
    """
    start, end = np.full(len(patient), FIRST), np.full(len(patient), LAST)
    periods = records.observation
    if periods is None:
        return start, end
    start[:], end[:] = LAST, FIRST
    n_patients = len(records.patients)
    counts = np.bincount(periods.patient, minlength=n_patients)
    first = np.cumsum(counts) - counts
    for turn in range(int(counts.max(initial=0))):
        has = counts[patient] > turn
        at = first[patient[has]] + turn
        inside = (periods.start[at] <= index[has]) & (index[has] <= periods.end[at])
        where = np.flatnonzero(has)[inside]
        start[where], end[where] = periods.start[at][inside], periods.end[at][inside]
    return start, end


def day_of(moment: np.ndarray) -> np.ndarray:
    """Day of the patient's clock, int64."""
    return np.floor_divide(moment, DAY)
