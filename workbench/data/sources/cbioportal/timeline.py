"""Timeline files: what happened to a patient, in days from the date of diagnosis.

Day 0 is the day of diagnosis; the day before it is -1. A stop date counts to its end.
"""

import re
from dataclasses import dataclass

from workbench.data.bad_rows import BadRows
from workbench.data.events import DAY
from workbench.data.sources.cbioportal.study import DataFile
from workbench.data.sources.cbioportal.tables import read_table
from workbench.data.sources.span import MOST_DAYS

_DETAIL = {
    "TREATMENT": ("TREATMENT_TYPE", "SUBTYPE", "AGENT"),
    "LAB_TEST": ("TEST",),
    "IMAGING": ("DIAGNOSTIC_TYPE",),
    "DIAGNOSTIC": ("DIAGNOSTIC_TYPE",),
    "STATUS": ("STATUS",),
    "SURGERY": ("SUBTYPE",),
}
"""Columns that refine a code, by type of event."""
_VALUE = {
    "LAB_TEST": "RESULT",
    "IMAGING": "RESULT",
    "DIAGNOSTIC": "RESULT",
    "SPECIMEN": "SPECIMEN_SITE",
}
_SPECIMENS = ("SPECIMEN", "SAMPLE ACQUISITION", "SEQUENCING")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(?:\.0+)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True)
class TimelineEvent:
    """One row. ``path`` is what it is, from general to special; times are µs from day 0.

    ``sample`` is the sample that was taken then, if the row is of one.
    """

    file: str
    line: int
    patient_id: str
    time: int
    end: int
    path: tuple[str, ...]
    number: float | None
    text: str | None
    sample: str | None


def read_timeline(data: DataFile, bad: BadRows) -> tuple[list[TimelineEvent], set[str]]:
    """Events of one file, and the columns that are not read.

    Rows without a patient, a type or a whole number of days are noted in ``bad``.
    """
    table = read_table(data.file, data.name, ("PATIENT_ID", "START_DATE", "EVENT_TYPE"), bad)
    events, read = [], {"PATIENT_ID", "START_DATE", "STOP_DATE", "EVENT_TYPE"}
    for line, cells in table.rows:
        patient_id, kind = cells["PATIENT_ID"], cells["EVENT_TYPE"]
        if patient_id is None or kind is None:
            bad.add(data.name, f"line {line}", "no PATIENT_ID, or no EVENT_TYPE")
            continue
        start, stop = cells["START_DATE"], cells.get("STOP_DATE")
        first, last = _day(start), _day(start if stop is None else stop)
        if first is None or last is None:
            bad.add(data.name, f"line {line}", f"expected whole days within {MOST_DAYS} of day 0")
            continue
        if last < first:
            bad.add(data.name, f"line {line}", "stops before it starts")
            continue
        kind = kind.upper()
        detail, value = _DETAIL.get(kind, ()), _VALUE.get(kind)
        read |= {*detail, *((value,) if value else ())}
        sample = cells.get("SAMPLE_ID") if kind in _SPECIMENS else None
        read |= {"SAMPLE_ID"} if kind in _SPECIMENS else set()
        path = (kind, *(part for name in detail if (part := cells.get(name)) is not None))
        number, text = _value(cells.get(value) if value else None)
        end = first * DAY if stop is None else (last + 1) * DAY - 1
        events.append(
            TimelineEvent(data.name, line, patient_id, first * DAY, end, path, number, text, sample)
        )
    return events, set(table.columns) - read


def _day(cell: str | None) -> int | None:
    if cell is None or not _WHOLE.fullmatch(cell):
        return None
    day = int(float(cell))
    return day if abs(day) <= MOST_DAYS else None


def _value(cell: str | None) -> tuple[float | None, str | None]:
    if cell is not None and _DECIMAL.fullmatch(cell):
        return float(cell), None
    return None, cell
