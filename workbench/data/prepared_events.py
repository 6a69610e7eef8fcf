"""Events on disk, sorted by code: fetching those of a code touches nothing else.

A criterion asks for the events of a few codes, while files lie by patient or by table. So events
are sorted once, in parts that fit into memory, into plain columns that are mapped into memory: the
operating system keeps what was read of them for as long as there is room, and no longer.
"""

import itertools
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.event_order import patient_time_order
from workbench.data.events import STATIC, EventRows
from workbench.errors import RecordsError

_COLUMNS = {
    "patient": np.dtype("<i4"),
    "time": np.dtype("<i8"),
    "end": np.dtype("<i8"),
    "number": np.dtype("<f8"),
    "text": np.dtype("<i4"),
}
_ALWAYS = ("patient", "time")
_PART = 4_000_000
"""Events that are sorted at a time; of one code all at once."""


class EventBatch(NamedTuple):
    """Some events in any order; as in :class:`EventRows`, with words as Arrow dictionaries.

    ``end`` is None where no event has one; null texts are missing, no code is null.
    """

    patient: np.ndarray
    time: np.ndarray
    end: np.ndarray | None
    code: pa.DictionaryArray
    number: np.ndarray
    text: pa.DictionaryArray


@dataclass(frozen=True, eq=False, repr=False)
class PreparedEvents:
    """Events of a prepared folder; an :class:`~workbench.data.events.EventSource`."""

    starts: np.ndarray
    """Where the events of each code begin, with the end of the last one."""
    columns: dict[str, np.ndarray]
    """Sorted by code, patient, time. A column that says nothing is not there."""
    _last_times: np.ndarray = field(repr=False)
    _counts: "pd.Series[int]" = field(repr=False)
    _codes: pd.CategoricalDtype = field(repr=False)
    _texts: pd.CategoricalDtype = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> "PreparedEvents":
        """Open what :func:`write_events` wrote.

        Raises
        ------
        RecordsError
            If a file of the folder is missing or damaged.
        """
        try:
            codes = json.loads((folder / "codes.json").read_text("utf-8"))
            texts = pq.read_table(folder / "texts.parquet")["text"].to_pylist()
            columns = {
                name: np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
                for name in _COLUMNS
                if (path := folder / f"{name}.npy").is_file() or name in _ALWAYS
            }
            last = np.load(folder / "last.npy", allow_pickle=False)
        except (OSError, ValueError, pa.ArrowException):
            raise RecordsError(
                f"prepared events are damaged: remove {folder} and read the source again"
            ) from None
        index = pd.Index(list(codes), dtype=object, name="code")
        counts = np.array(list(codes.values()), np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        if any(len(column) != starts[-1] for column in columns.values()):
            raise RecordsError(
                f"prepared events are damaged: remove {folder} and read the source again"
            )
        return cls(
            starts,
            columns,
            last,
            pd.Series(counts, index, name="n_events"),
            pd.CategoricalDtype(list(codes)),
            pd.CategoricalDtype(texts),
        )

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __repr__(self) -> str:
        return f"PreparedEvents({len(self)} events, {len(self._counts)} codes)"

    @property
    def texts(self) -> "pd.Index[str]":
        """Every text that occurs, sorted."""
        return self._texts.categories

    def code_counts(self) -> "pd.Series[int]":
        """How many events each code has; index ``code`` (str, sorted)."""
        return self._counts

    def rows(self, codes: Collection[str]) -> EventRows:
        """The events of some codes; those that do not occur have none."""
        at = self._counts.index.get_indexer(pd.Index(sorted(set(codes)), dtype=object))
        at = at[at >= 0]
        slices = [slice(self.starts[i], self.starts[i + 1]) for i in at]
        patient, time = self._values("patient", slices), self._values("time", slices)
        code = np.repeat(at.astype(np.int32), np.diff(self.starts)[at])
        n = len(patient)
        end = self._values("end", slices) if "end" in self.columns else time
        number = self._values("number", slices) if "number" in self.columns else np.full(n, np.nan)
        text = self._values("text", slices) if "text" in self.columns else np.full(n, -1, np.int32)
        rows = EventRows(
            patient,
            time,
            end,
            pd.Categorical.from_codes(code, dtype=self._codes, validate=False),
            number,
            pd.Categorical.from_codes(text, dtype=self._texts, validate=False),
        )
        return rows if len(at) < 2 else rows[patient_time_order(patient, time)]

    def last_times(self, n_patients: int) -> np.ndarray:
        """When each patient's last event of any code ended, (patient,) int64 µs."""
        last = np.full(n_patients, STATIC)
        last[: len(self._last_times)] = self._last_times
        return last

    def _values(self, name: str, slices: list[slice]) -> np.ndarray:
        column = self.columns[name]
        if len(slices) == 1:
            return column[slices[0]]
        return np.concatenate([column[:0], *(column[s] for s in slices)])


def write_events(batches: Iterable[EventBatch], folder: Path) -> None:
    """Sort events by code, patient and time into the files of a folder.

    Parameters
    ----------
    batches
        Events in any order; only one batch, and then one code, is held in memory.
    folder
        An empty folder.
    """
    codes, texts = _Numbering(), _Numbering()
    spool = folder / "spool"
    spool.mkdir()
    segments = [_append(batch, spool, codes, texts) for batch in batches if len(batch.patient)]
    places = np.concatenate([np.zeros((0, 2), np.int64), *segments])
    _write_sorted(places, codes, texts, spool, folder)
    for name in _COLUMNS:
        (spool / name).unlink(missing_ok=True)
    spool.rmdir()


class _Numbering:
    """Numbers words in the order in which they come."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def numbers(self, words: pa.DictionaryArray) -> np.ndarray:
        """int32 number of each word; -1 where it is null."""
        known = words.dictionary.to_pylist()
        # An Arrow dictionary may hold words that no row has: they get no number here.
        index = words.indices.fill_null(-1).to_numpy().astype(np.int64)
        used = np.flatnonzero(np.bincount(index[index >= 0], minlength=len(known)))
        table = np.full(len(known) + 1, -1, np.int32)  # the last one is for -1
        for i in used:
            if known[i] is not None:
                table[i] = self.of.setdefault(known[i], len(self.of))
        return table[index]

    def in_order(self) -> tuple[list[str], np.ndarray]:
        """Words sorted, and the place of each number among them; -1 stays at the end."""
        words = sorted(self.of)
        place = np.full(len(words) + 1, -1, np.int32)
        place[[self.of[word] for word in words]] = np.arange(len(words))
        return words, place


def _append(batch: EventBatch, spool: Path, codes: _Numbering, texts: _Numbering) -> np.ndarray:
    """Write a batch behind the others, sorted by code; a row a code: its number, its events."""
    code = codes.numbers(batch.code)
    order = _stable_order(code)
    end = batch.time if batch.end is None else batch.end
    values = (batch.patient, batch.time, end, batch.number, texts.numbers(batch.text))
    for (name, kind), column in zip(_COLUMNS.items(), values, strict=True):
        with (spool / name).open("ab") as file:
            column[order].astype(kind, copy=False).tofile(file)
    n_events = np.bincount(code)
    present = np.flatnonzero(n_events)
    return np.column_stack([present, n_events[present]])


def _write_sorted(
    places: np.ndarray, codes: _Numbering, texts: _Numbering, spool: Path, folder: Path
) -> None:
    names, rank = codes.in_order()
    words, text_place = texts.in_order()
    code, n_events = rank[places[:, 0]], places[:, 1]
    start = np.cumsum(n_events) - n_events
    counts = np.bincount(code, n_events, len(names)).astype(np.int64)
    (folder / "codes.json").write_text(
        json.dumps(dict(zip(names, counts.tolist(), strict=True))), "utf-8"
    )
    pq.write_table(pa.table({"text": pa.array(words, pa.string())}), folder / "texts.parquet")
    total = int(counts.sum())
    columns = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (total,))
        for name, kind in _COLUMNS.items()
    }
    spooled: dict[str, np.ndarray] = {
        name: np.memmap(spool / name, kind, "r") if total else np.zeros(0, kind)
        for name, kind in _COLUMNS.items()
    }
    by_code = np.argsort(code, kind="stable")
    informative = dict.fromkeys(_COLUMNS, False) | dict.fromkeys(_ALWAYS, True)
    at, last = 0, np.full(0, STATIC)
    for part in _parts(counts, code[by_code]):
        segment = by_code[part]
        where = _ranges(start[segment], n_events[segment])
        values = {name: np.asarray(column[where]) for name, column in spooled.items()}
        values["text"] = text_place[values["text"]]
        order = _order(np.repeat(code[segment], n_events[segment]), values)
        for name, column in values.items():
            columns[name][at : at + len(where)] = column if order is None else column[order]
        informative["end"] |= bool((values["end"] != values["time"]).any())
        informative["number"] |= not np.isnan(values["number"]).all()
        informative["text"] |= bool((values["text"] >= 0).any())
        at += len(where)
        last = _later(last, values["patient"], values["end"])
    np.save(folder / "last.npy", last)
    for name, column in columns.items():
        column.flush()
        if not informative[name]:
            (folder / f"{name}.npy").unlink()


def _later(last: np.ndarray, patient: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The last end of each patient, these events included."""
    missing = int(patient.max(initial=-1)) + 1 - len(last)
    last = np.pad(last, (0, max(missing, 0)), constant_values=STATIC)
    np.maximum.at(last, patient, end)
    return last


def _parts(counts: np.ndarray, segment_code: np.ndarray) -> Iterator[slice]:
    """Runs of segments that are sorted together: whole codes, about ``_PART`` events."""
    part_of_code = (np.cumsum(counts) - counts) // _PART
    part = part_of_code[segment_code]
    edges = np.flatnonzero(np.diff(part, prepend=-1, append=-1))
    for first, last in itertools.pairwise(edges):
        yield slice(int(first), int(last))


def _ranges(start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """``start[0] … start[0] + length[0] - 1, start[1] …``, one after another."""
    behind = np.cumsum(length) - length
    return np.repeat(start - behind, length) + np.arange(int(length.sum()))


def _order(code: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray | None:
    """By code, patient, time; None where events lie so already, as they mostly do."""
    patient, time = values["patient"], values["time"]
    same_code = code[1:] == code[:-1]
    same = same_code & (patient[1:] == patient[:-1])
    wrong = (same_code & (patient[1:] < patient[:-1])) | (same & (time[1:] < time[:-1]))
    if not wrong.any():
        return None
    order = patient_time_order(patient, time)
    return order[_stable_order(code[order] - code.min())]


def _stable_order(code: np.ndarray) -> np.ndarray:
    """Order of small numbers; of 16 bits it takes one pass instead of a sort."""
    return np.argsort(code.astype(np.uint16) if code.max() < 2**16 else code, kind="stable")
