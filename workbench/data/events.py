"""Events in time: what happened to whom, when, and how much of it.

The shape is that of MEDS [1]: patient, time, code, numeric value, text value. Times are int64
microseconds on the patient's clock; a day is a day of that clock, as the clinic wrote it down.

References
----------
[1] Arnrich, B. et al. "Medical Event Data Standard (MEDS): Facilitating Machine Learning for
    Health." ICLR 2024 Workshop on Learning from Time Series for Health.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

import numpy as np
import pandas as pd

from workbench.errors import RecordsError

Clock = Literal["calendar", "relative"]
"""``calendar``: microseconds since 1970-01-01 00:00. ``relative``: since the patient's own zero."""

DAY = 86_400_000_000
"""Microseconds."""
STATIC = np.iinfo(np.int64).min
"""Time of an event that has none, such as an eye colour: it lies before every other."""
LATEST = 10_000 * 366 * DAY
"""No time lies further from zero: nanoseconds do."""

BIRTH, DEATH = "MEDS_BIRTH", "MEDS_DEATH"
"""The two codes that MEDS fixes; every source writes them so."""
FIXED_NAMES = {BIRTH: "birth", DEATH: "death"}
"""What a sentence calls them: code → name."""


@dataclass(frozen=True, eq=False)
class EventRows:
    """Some events, sorted by patient, then time.

    Parameters
    ----------
    patient
        Row of the patient in the records, (event,) int32.
    time
        When it happened, or began, (event,) int64 µs; ``STATIC`` where it has no time.
    end
        When it ended, (event,) int64 µs; ``time`` where no end is recorded.
    code
        What happened, (event,) Categorical.
    number
        Its value, (event,) float64; NaN where there is none.
    text
        Its value in words, or its unit, (event,) Categorical; missing where there is none.
    """

    patient: np.ndarray
    time: np.ndarray
    end: np.ndarray
    code: pd.Categorical
    number: np.ndarray
    text: pd.Categorical

    def __len__(self) -> int:
        return len(self.patient)

    def __getitem__(self, where: np.ndarray) -> "EventRows":
        """The events where a mask is True, or at some positions; order is kept as given."""
        return EventRows(
            self.patient[where],
            self.time[where],
            self.end[where],
            self.code[where],
            self.number[where],
            self.text[where],
        )

    @property
    def day(self) -> np.ndarray:
        """Day of the patient's clock, (event,) int64; meaningless where the time is ``STATIC``."""
        return np.floor_divide(self.time, DAY)


class EventSource(Protocol):
    """Where events come from: memory, Parquet files, a database."""

    def code_counts(self) -> "pd.Series[int]":
        """How many events each code has; index ``code`` (str, sorted)."""
        ...

    def rows(self, codes: Collection[str]) -> EventRows:
        """The events of some codes; those that do not occur have none."""
        ...

    def last_times(self, n_patients: int) -> np.ndarray:
        """When each patient's last event of any code ended, (patient,) int64 µs.

        ``STATIC`` for a patient without an event that has a time.
        """
        ...


@dataclass(frozen=True, eq=False, repr=False)
class MemoryEvents:
    """Events held in memory, sorted by code, so that those of one code lie together."""

    sorted_rows: EventRows
    """By code, then patient, then time."""
    starts: np.ndarray
    """Where the events of each category of the code begin, with the end of the last one."""
    _counts: "pd.Series[int]" = field(repr=False)

    @classmethod
    def from_frame(cls, events: pd.DataFrame, patients: pd.Index) -> Self:
        """Take a MEDS-shaped table.

        Parameters
        ----------
        events
            ``patient_id``, ``time`` (int64 µs or datetime; NA has no time), ``code`` (str), and if
            there are any ``end``, ``numeric_value``, ``text_value``. Order does not matter;
            events that stand twice count twice.
        patients
            Identifiers of the records' patients.

        Raises
        ------
        RecordsError
            If a column is missing, an event belongs to nobody, has no code or ends before it
            begins, or a time or value is none.
        """
        _check_columns(events)
        patient = patients.get_indexer(events["patient_id"].astype(patients.dtype))
        nobody = int((patient < 0).sum())
        if nobody:
            raise RecordsError(
                f"{nobody} of {len(events)} events belong to a patient who is not in the records: "
                "read the patients from the same source"
            )
        if events["code"].isna().any():
            raise RecordsError(f"{int(events['code'].isna().sum())} events have no code")
        time = _microseconds(events["time"])
        end = _microseconds(events["end"]) if "end" in events else time
        end = np.where(end == STATIC, time, end)
        backwards = int((end < time).sum())
        if backwards:
            raise RecordsError(f"{backwards} events end before they begin")
        code = _sorted_categories(events["code"])
        order = np.lexsort((time, patient, code.codes))
        rows = EventRows(
            patient.astype(np.int32),
            time,
            end,
            code,
            _numbers(events),
            _sorted_categories(_texts(events)),
        )[order]
        counts = np.bincount(code.codes, minlength=len(code.categories))
        starts = np.concatenate([[0], np.cumsum(counts)])
        index = pd.Index(code.categories, dtype=object, name="code")
        return cls(rows, starts, pd.Series(counts, index, name="n_events"))

    def __len__(self) -> int:
        return len(self.sorted_rows)

    def __repr__(self) -> str:
        return f"MemoryEvents({len(self)} events, {len(self._counts)} codes)"

    def code_counts(self) -> "pd.Series[int]":
        """How many events each code has; index ``code`` (str, sorted)."""
        return self._counts

    def rows(self, codes: Collection[str]) -> EventRows:
        """The events of some codes; those that do not occur have none."""
        starts = self.starts.tolist()
        at = self._counts.index.get_indexer(pd.Index(sorted(set(codes)), dtype=object))
        slices = [np.arange(int(starts[i]), int(starts[i + 1])) for i in at if i >= 0]
        where = np.concatenate(slices) if slices else np.zeros(0, np.int64)
        if len(slices) > 1:
            time, patient = self.sorted_rows.time[where], self.sorted_rows.patient[where]
            where = where[np.lexsort((time, patient))]
        return self.sorted_rows[where]

    def last_times(self, n_patients: int) -> np.ndarray:
        """When each patient's last event of any code ended, (patient,) int64 µs."""
        last = np.full(n_patients, STATIC)
        np.maximum.at(last, self.sorted_rows.patient, self.sorted_rows.end)
        return last


def no_events() -> MemoryEvents:
    """A source without events."""
    empty = pd.DataFrame({"patient_id": [], "time": [], "code": []}, dtype=object)
    return MemoryEvents.from_frame(empty, pd.Index([], dtype=object))


def _check_columns(events: pd.DataFrame) -> None:
    missing = [name for name in ("patient_id", "time", "code") if name not in events]
    if missing:
        raise RecordsError(
            f"events need patient_id, time and code; {', '.join(missing)} not among "
            f"{', '.join(map(str, events.columns)) or 'no columns'}"
        )


def _microseconds(times: pd.Series) -> np.ndarray:
    """int64 µs, STATIC where missing."""
    if pd.api.types.is_datetime64_any_dtype(times.dtype):
        if times.dt.tz is not None:
            raise RecordsError(
                "times carry a time zone: drop it, so that a day is the day that the clinic wrote"
            )
        whole = times.astype("datetime64[us]").astype("int64").to_numpy().copy()
        whole[times.isna().to_numpy()] = STATIC
        return whole
    missing = times.isna().to_numpy()
    known = times[~missing].infer_objects()
    if len(known) and not pd.api.types.is_integer_dtype(known.dtype):
        raise RecordsError(
            f"times are {known.dtype}: give int64 microseconds or datetimes without a time zone"
        )
    whole = np.full(len(times), STATIC)
    whole[~missing] = known.to_numpy(np.int64)
    n = int((np.abs(whole[~missing]) > LATEST).sum())
    if n:
        raise RecordsError(
            f"{n} times lie more than 10,000 years from 1970: give microseconds, not nanoseconds"
        )
    return whole


def _numbers(events: pd.DataFrame) -> np.ndarray:
    if "numeric_value" not in events:
        return np.full(len(events), np.nan)
    values = events["numeric_value"]
    numbers = pd.to_numeric(values, errors="coerce")
    n = int((numbers.isna() & values.notna()).sum())
    if n:
        raise RecordsError(f"{n} numeric values are no numbers: put words into text_value")
    return numbers.to_numpy(float, na_value=np.nan)


def _texts(events: pd.DataFrame) -> pd.Series:
    if "text_value" in events:
        return events["text_value"]
    return pd.Series([None] * len(events), events.index, dtype=object)


def _sorted_categories(values: pd.Series) -> pd.Categorical:
    """Categories are the values that occur, sorted."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        names = values.cat.categories.astype("string").astype(object)
        if names.is_unique:
            known = pd.Categorical.from_codes(values.cat.codes, names).remove_unused_categories()
            return known.reorder_categories(sorted(known.categories))
    text = pd.Categorical(values.astype("string").astype(object))
    return text.remove_unused_categories()
