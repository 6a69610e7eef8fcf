"""Events of MEDS-shaped Parquet files, of any number, without loading them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.data.events import STATIC
from workbench.data.fingerprint import sha256_of
from workbench.data.prepared import key_of, prepared_folder
from workbench.data.prepared_events import EventBatch, PreparedEvents, write_events
from workbench.errors import RecordsError, printable

_OPTIONAL = ("end", "numeric_value", "text_value")
_BATCH = 1 << 20


def parquet_events(
    files: Sequence[Path], patients: pd.Index, *, patient_column: str = "patient_id"
) -> PreparedEvents:
    """Events of Parquet files, sorted by code in the cache folder the first time they are read.

    Parameters
    ----------
    files
        Each with ``time`` (timestamp, date or int64 µs; null has no time), ``code`` (str), the
        patient, and if there are any ``end``, ``numeric_value``, ``text_value``. Their order and
        that of their rows do not matter.
    patients
        Identifiers of the records' patients, str.
    patient_column
        Column of the patient: whole numbers or str.

    Raises
    ------
    RecordsError
        If a file is damaged or lacks a column, or a row has no code, ends before it begins or
        belongs to nobody in ``patients``: with the file, how many rows, and the first of them.
    """
    who = _Patients(patients)

    def build(folder: Path) -> None:
        write_events(
            (batch for path in files for batch in _batches(path, who, patient_column)), folder
        )

    key = key_of("events 1", patient_column, who.key, *sha256_of(files))
    return PreparedEvents.open(prepared_folder("events", key, build))


class _Patients:
    """Rows of patients by identifier, whole numbers or text."""

    def __init__(self, patients: pd.Index) -> None:
        self.names = pd.Index(patients.astype(str), dtype=object)
        self.key = key_of("\0".join(self.names))
        text = pa.array(self.names, pa.string())
        whole = pc.match_substring_regex(text, r"^-?\d{1,18}$").to_numpy(zero_copy_only=False)
        number = text.filter(pa.array(whole)).cast(pa.int64()).to_numpy()
        order = np.argsort(number, kind="stable")
        self._rows, self._numbers = np.flatnonzero(whole)[order], number[order]

    def rows(self, column: pa.Array) -> np.ndarray:
        """int32 row of each; -1 for nobody."""
        if pa.types.is_integer(column.type):
            return self._of_numbers(column)
        words = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        known = self.names.get_indexer(pd.Index(words.dictionary.to_pylist(), dtype=object))
        table = np.append(known, -1).astype(np.int32)
        return table[words.indices.fill_null(-1).to_numpy()]

    def _of_numbers(self, column: pa.Array) -> np.ndarray:
        if not len(self._numbers):
            return np.full(len(column), -1, np.int32)
        wanted = column.cast(pa.int64()).fill_null(0).to_numpy()
        at = np.minimum(np.searchsorted(self._numbers, wanted), len(self._numbers) - 1)
        found = (self._numbers[at] == wanted) & column.is_valid().to_numpy(zero_copy_only=False)
        return np.where(found, self._rows[at], -1).astype(np.int32)


def _batches(path: Path, who: _Patients, patient_column: str) -> Iterator[EventBatch]:
    shown = printable(path.name)
    try:
        present = pq.read_schema(path).names
        needed = (patient_column, "time", "code")
        missing = [name for name in needed if name not in present]
        if missing:
            raise RecordsError(
                f"{shown}: no column {missing[0]!r}; there are {', '.join(map(printable, present))}"
            )
        words = [name for name in ("code", "text_value") if name in present]
        columns = [*needed, *(name for name in _OPTIONAL if name in present)]
        first = 1
        with pq.ParquetFile(path, read_dictionary=words) as file:
            for batch in file.iter_batches(_BATCH, columns=columns):
                yield _batch(batch, who, patient_column, shown, first)
                first += len(batch)
    except (pa.ArrowException, OSError):
        raise RecordsError(
            f"{shown}: not a Parquet file, or damaged or cut short: fetch or save it again"
        ) from None


def _batch(
    batch: pa.RecordBatch, who: _Patients, patient_column: str, shown: str, first: int
) -> EventBatch:
    n = len(batch)
    patient = who.rows(batch[patient_column])
    _refuse(patient < 0, shown, first, "belong to a patient who is not among the patients")
    code = _words(batch["code"])
    _refuse(~batch["code"].is_valid().to_numpy(zero_copy_only=False), shown, first, "have no code")
    time = _times(batch["time"], shown)
    end = None
    if "end" in batch.schema.names:
        end = _times(batch["end"], shown)
        end = np.where(end == STATIC, time, end)
        _refuse(end < time, shown, first, "end before they begin")
    number = np.full(n, np.nan)
    if "numeric_value" in batch.schema.names:
        values = batch["numeric_value"].cast(pa.float64())
        number = values.to_numpy(zero_copy_only=False)
    text = (
        _words(batch["text_value"])
        if "text_value" in batch.schema.names
        else pa.nulls(n, pa.string()).dictionary_encode()
    )
    return EventBatch(patient, time, end, code, number, text)


def _refuse(wrong: np.ndarray, shown: str, first: int, what: str) -> None:
    if wrong.any():
        at = first + int(np.argmax(wrong))
        raise RecordsError(f"{shown}: {int(wrong.sum())} rows {what}, the first in row {at}")


def _words(column: pa.Array) -> pa.DictionaryArray:
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def _times(column: pa.Array, shown: str) -> np.ndarray:
    """int64 µs, STATIC where null."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        raise RecordsError(
            f"{shown}: times carry a time zone: drop it, so that a day is the day that the "
            "clinic wrote"
        )
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    elif not pa.types.is_integer(kind) and not pa.types.is_null(kind):
        raise RecordsError(f"{shown}: times are {kind}: give timestamps or int64 microseconds")
    return column.cast(pa.int64()).fill_null(int(STATIC)).to_numpy()
