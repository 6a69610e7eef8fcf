"""Who a criterion is asked of: one row a record, each with its patient and its index date."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd

from workbench.cohort.values import Table
from workbench.data.events import DAY, EventRows
from workbench.data.records import Records
from workbench.errors import CohortError

T = TypeVar("T")

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

    table: Table
    available: Mapping[str, np.ndarray] = field(default_factory=dict)
    patient: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    exit: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    observed_from: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    observed_to: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    records: Records | None = None

    def __len__(self) -> int:
        return len(self.table) if isinstance(self.table, pd.DataFrame) else len(self.patient)

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
    def has_record(self) -> np.ndarray:
        """Which patients stand in a record, (patient,) bool."""
        has = np.zeros(len(self.with_events.patients), bool)
        has[self.patient] = True
        return has

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


class OnDemand(Mapping[str, T]):
    """Values by name, each made when it is first asked for: most are never."""

    def __init__(self, names: Iterable[str], make: Callable[[str], T]) -> None:
        self._names, self._make = tuple(names), make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _characteristics(
    records: Records, patient: np.ndarray, index: np.ndarray
) -> OnDemand[pd.Series]:
    own = records.patients
    dated = [] if records.clock == "relative" else ["index_year"]
    dated += ["age", "age_by_year"] if dated and "birth" in own else []

    def make(name: str) -> pd.Series:
        if name not in dated:
            return own[name].iloc[patient].reset_index(drop=True)
        day = index.view("datetime64[us]").astype("datetime64[D]")
        if name == "index_year":
            return pd.Series(_year(day).astype(float))
        birth = own["birth"].to_numpy("datetime64[D]")[patient]
        if name == "age":
            return pd.Series(completed_years(birth, day))
        # As ATLAS counts age: it reads no more of a birth than its year.
        years = (_year(day) - _year(birth)).astype(float)
        return pd.Series(np.where(np.isnat(birth), np.nan, years))

    return OnDemand([name for name in own if name not in dated] + dated, make)


def completed_years(birth: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Age in completed years, float64; NaN where the birth is unknown. Both are days.

    Whoever is born on 29 February has their birthday on 1 March of a common year.
    """
    born, now = birth.astype("datetime64[M]"), day.astype("datetime64[M]")
    before_birthday = (day - now).view(np.int64) < (birth - born).view(np.int64)
    months = (now - born).view(np.int64) - before_birthday
    return np.where(np.isnat(birth), np.nan, np.floor_divide(months, 12))


def _year(day: np.ndarray) -> np.ndarray:
    return day.astype("datetime64[Y]").view(np.int64) + 1970


def _available(records: Records, patient: np.ndarray) -> OnDemand[np.ndarray]:
    def make(name: str) -> np.ndarray:
        has = np.zeros(len(records.patients), bool)
        has[records.events.rows(records.modalities[name]).patient] = True
        return has[patient]

    return OnDemand(records.modalities, make)


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
