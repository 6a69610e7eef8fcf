"""What tables show, and what their columns most likely are: keys, times, events, matrices."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from workbench.data.card import did_you_mean
from workbench.data.tables import read_arrow
from workbench.errors import DataCardError

_PATIENT = re.compile(r"patient|subject|case|participant|barcode|mrn|^pid$", re.IGNORECASE)
_ID = re.compile(r"(^|_)id$", re.IGNORECASE)
_PART = re.compile(r"slide|image|sample|visit|^row", re.IGNORECASE)
_TIME = re.compile(r"time|days|months|years|weeks|follow_?up|futime|survival", re.IGNORECASE)
_EVENT = re.compile(r"event|status|death|dead|died|cens|^os$|^pfs$|^pfi$", re.IGNORECASE)
CLINICAL = re.compile(r"^(age|sex|gender|grade|stage)\b|_?(age|sex|grade|stage)$", re.IGNORECASE)
MISSING = ("", "NA", "NaN")
_WIDE = 100


@dataclass(frozen=True, eq=False)
class SeenTable:
    """What one file shows."""

    name: str
    path: str
    key: str
    repeats: bool
    columns: dict[str, pd.Series]
    matrices: dict[str, str] = field(default_factory=dict)
    sheet: str | None = None


@dataclass(frozen=True)
class Told:
    """What a person has told of files already; whatever is not told is guessed.

    Parameters
    ----------
    keys
        Path in the card → header of the column that identifies the patient.
    sheets
        Path in the card → sheet of the workbook.
    outcome
        Path in the card, header of the time, header of the event.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    sheets: Mapping[str, str] = field(default_factory=dict)
    outcome: tuple[str, str, str] | None = None


def inspect_table(file: Path, path: str, name: str, told: Told) -> SeenTable:
    """Look at one table.

    Parameters
    ----------
    file
        On disk.
    path, name
        In the card.
    told
        What need not be guessed.

    Raises
    ------
    DataCardError
        The file cannot be read, or lacks the key that was told.
    """
    sheet = told.sheets.get(path)
    try:
        table = read_arrow(file, sheet=sheet)
        key = told.keys.get(path) or likely_key(table)
        if key not in table.column_names:
            raise DataCardError(
                f"there is no column {key!r}{did_you_mean(key, table.column_names)}"
            )
        # Read again with the key as text, or it would lose its zeros.
        frame = read_arrow(file, sheet=sheet, missing=MISSING, text=(key,)).to_pandas()
    except DataCardError as error:
        raise DataCardError(f"{file.name}: {error}") from None
    repeats = bool(frame[key].duplicated().any())
    frame = frame.drop_duplicates(key)
    numbers = [c for c in frame.columns if c != key and pd.api.types.is_numeric_dtype(frame[c])]
    matrices = _matrices(numbers, list(frame.columns)) if len(numbers) >= _WIDE else {}
    patterns = [re.compile(pattern) for pattern in matrices.values()]
    columns = {
        c: frame[c] for c in frame.columns if c != key and not any(p.fullmatch(c) for p in patterns)
    }
    return SeenTable(name, path, key, repeats, columns, matrices, sheet)


def likely_key(table: pa.Table) -> str:
    """The likeliest identifier: by its name, then by having most values of its own."""

    def rank(column: str) -> tuple[int, int]:
        named = 2 * bool(_PATIENT.search(column)) + bool(_ID.search(column))
        return (-1 if _PART.search(column) else named), len(table[column].unique())

    # A number that is not called an identifier is a measurement.
    texts = [
        c
        for c in table.column_names
        if _PATIENT.search(c) or _ID.search(c) or pa.types.is_string(table[c].type)
    ]
    return max(texts or table.column_names, key=rank)


def _matrices(numbers: list[str], headers: list[str]) -> dict[str, str]:
    """Modality → regex: by suffixes that many columns share, as in ``EGFR_rnaseq``, else all."""
    suffixes = Counter(c.rsplit("_", 1)[1] for c in numbers if "_" in c)
    shared = [s for s, n in suffixes.items() if n >= 10 and s.isalpha()]
    if shared:
        return {s: f"(.+)_{s}" for s in shared}
    known = (CLINICAL, _TIME, _EVENT)
    others = [h for h in headers if h not in set(numbers) or any(p.search(h) for p in known)]
    return {"features": f"(?!(?:{'|'.join(map(re.escape, others))})$)(.+)" if others else "(.+)"}


def likely_outcome(tables: list[SeenTable], told: Told) -> tuple[str, str, str] | None:
    """(file, time, event): as told, else by the headers; None where there is no such pair.

    Raises
    ------
    DataCardError
        What was told is not there.
    """
    if told.outcome is None:
        return next((o for o in map(_outcome, tables) if o is not None), None)
    path, time, event = told.outcome
    for table in tables:
        if table.path == path and {time, event} <= table.columns.keys():
            return table.name, time, event
    raise DataCardError(f"the outcome that was told is not in {path}: look at its columns again")


def _outcome(table: SeenTable) -> tuple[str, str, str] | None:
    """(file, time, event) by the headers, if there is a pair."""
    times = [
        c
        for c, values in table.columns.items()
        if _TIME.search(c) and pd.api.types.is_numeric_dtype(values) and values.nunique() > 2
    ]
    events = [c for c, v in table.columns.items() if _EVENT.search(c) and v.nunique() == 2]
    return (table.name, times[0], events[0]) if times and events else None
