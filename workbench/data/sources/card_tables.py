"""A card's tables as records: declared columns, event tables, and when images were taken.

The clock is each patient's own: day 0 is the card's index date.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.data.card import Card, EhrModality, EventTable
from workbench.data.columns import to_numbers, to_text
from workbench.data.events import DAY, MemoryEvents
from workbench.data.modalities import available_patients
from workbench.data.records import ColumnFacts, Records, SourceFacts
from workbench.data.store import read_patients, read_rows
from workbench.errors import DataCardError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard


def read_card(card: "DataCard") -> Records:
    """Read a card's patients and their events.

    Events are the rows of its event tables, and ``modality//<name>`` on the day on which a
    patient's matrix or image was observed; where the card assumes that it was in time, the event
    has no day.

    Raises
    ------
    DataCardError
        If a file cannot be read, or a day or value is not a number.
    """
    spec = card.spec
    typed = read_patients(card)
    patients = typed[list(spec.columns)]
    parts = [_table(card, name, table) for name, table in spec.events.items()]
    modalities = {}
    for name, modality in spec.modalities.items():
        if isinstance(modality, EhrModality):
            continue
        has = patients.index[patients.index.isin(available_patients(card, name))]
        when = modality.observed_at
        day = np.full(len(has), np.nan)
        if when.days is not None:
            day[:] = when.days
        elif when.column is not None:
            day = typed.loc[has, when.column].to_numpy(float)
        code = f"modality//{name}"
        parts.append(pd.DataFrame({"patient_id": has, "time": _moments(day), "code": code}))
        modalities[name] = (code,)
    known = [part[part["patient_id"].isin(patients.index)] for part in parts if len(part)]
    columns = ["patient_id", "time", "code"]
    events = pd.concat(known) if known else pd.DataFrame(columns=columns, dtype=object)
    return Records(
        source=SourceFacts("card", spec.name, spec.version, card.data_hash()),
        clock="relative",
        patients=patients,
        columns={name: _facts(spec, name) for name in patients},
        events=MemoryEvents.from_frame(events, patients.index),
        modalities=modalities,
        minimum_cell=spec.privacy.minimum_cell,
        warnings=_strangers(parts, patients),
    )


def _table(card: "DataCard", name: str, table: EventTable) -> pd.DataFrame:
    """The events of one table."""
    headers = [table.day, *table.values, *filter(None, (table.code, table.value, table.text))]
    rows = read_rows(card, table.file, dict.fromkeys(headers))
    nobody = int(rows.index.isna().sum())
    if nobody:
        raise DataCardError(
            f"events.{name}: {nobody} of {len(rows)} rows have no patient: mend the file or key"
        )
    time = _moments(_numbers(rows[table.day], name))
    if table.code is None:
        parts = []
        for header, code in table.values.items():
            value = _numbers(rows[header], name)
            part = {"patient_id": rows.index, "time": time, "code": code, "numeric_value": value}
            parts.append(pd.DataFrame(part)[~np.isnan(value)])
        return pd.concat(parts, ignore_index=True)
    coded = to_text(rows[table.code])
    without = int(coded.isna().sum())
    if without:
        raise DataCardError(f"events.{name}: {without} of {len(rows)} rows have no {table.code}")
    part = {"patient_id": rows.index, "time": time, "code": table.prefix + coded.to_numpy(object)}
    if table.value is not None:
        part["numeric_value"] = _numbers(rows[table.value], name)
    if table.text is not None:
        part["text_value"] = to_text(rows[table.text]).to_numpy(object)
    return pd.DataFrame(part)


def _numbers(values: pd.Series, table: str) -> np.ndarray:
    numbers, bad = to_numbers(values)
    if bad:
        raise DataCardError(f"events.{table}: {values.name}: {bad}")
    return numbers.to_numpy(float)


def _moments(days: np.ndarray) -> pd.Series:
    """Microseconds from day 0; missing where the day is."""
    whole = pd.array(np.where(np.isnan(days), 0, days * DAY).astype(np.int64), dtype="Int64")
    whole[np.isnan(days)] = pd.NA
    return pd.Series(whole)


def _facts(spec: Card, name: str) -> ColumnFacts:
    column = spec.columns[name]
    return ColumnFacts(column.type, column.meaning, column.unit)


def _strangers(parts: list[pd.DataFrame], patients: pd.DataFrame) -> tuple[str, ...]:
    """Events of whom the card does not count among its patients are told, not hidden."""
    n = sum(int((~part["patient_id"].isin(patients.index)).sum()) for part in parts)
    return (f"{n} events of people outside the population are left out",) if n else ()
