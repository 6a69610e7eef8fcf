"""What a table shows to somebody who may not see its values: headers, kinds, counts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.data.columns import to_text
from workbench.data.draft import MISSING, likely_key, unique_name
from workbench.data.tables import read_arrow, sheet_names
from workbench.errors import DataCardError

MOST_VALUES = 20
"""Distinct values up to which a column is one of levels, and not of text."""


@dataclass(frozen=True, eq=False)
class TableFacts:
    """One table of a folder.

    Parameters
    ----------
    name
        As the card calls it.
    path
        Its file.
    sheets, sheet
        Sheets of a workbook, and which of them is read; none for other files.
    key
        Header of the column that identifies the patient.
    frame
        The rows, as the file has them; the key is text.
    """

    name: str
    path: str
    sheets: tuple[str, ...]
    sheet: str
    key: str
    frame: pd.DataFrame

    @property
    def headers(self) -> tuple[str, ...]:
        """Names of the columns, as the file has them."""
        return tuple(map(str, self.frame.columns))

    @property
    def n_repeated(self) -> int:
        """Patients who have several rows."""
        keys = self.frame[self.key].dropna()
        return int(keys[keys.duplicated(keep=False)].nunique())

    def is_number(self, header: str) -> bool:
        """Whether every value that is there is a number."""
        values = self.frame[header]
        return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)

    def counts(self, header: str) -> dict[str, int]:
        """Value → rows that have it, of a column with few values; else nothing."""
        values = to_text(self.frame[header]).dropna()
        if values.nunique() > MOST_VALUES:
            return {}
        return {str(value): int(n) for value, n in values.value_counts().sort_index().items()}

    def kind(self, header: str) -> str:
        """What its values are like, in words and counts."""
        values = self.frame[header]
        missing = int(values.isna().sum())
        n = values.nunique()
        rest = f"; {missing:,} missing" if missing else ""
        if not n:
            return "empty"
        if self.is_number(header) and n > 2:
            whole = (values.dropna() % 1 == 0).all()
            return f"{'whole numbers' if whole else 'numbers'}{rest}"
        if n <= MOST_VALUES:
            return f"{n} different {'value' if n == 1 else 'values'}{rest}"
        text = to_text(values.dropna())
        numbers = int(pd.to_numeric(text.str.replace(",", "."), errors="coerce").notna().sum())
        if numbers > len(text) / 2:
            return f"numbers, but {len(text) - numbers:,} values are none, or have commas{rest}"
        return f"text, {n:,} different values{rest}"

    def likely_time(self, event: str) -> str:
        """The likeliest time beside an event; empty if there is none."""
        named = re.compile(r"time|days|months|years|weeks|follow_?up|survival", re.IGNORECASE)
        found = [h for h in self.headers if h not in (event, self.key) and self.is_number(h)]
        return next(iter([h for h in found if named.search(h)] or found), "")

    def likely_event(self, time: str) -> str:
        """The likeliest event beside a time; empty if there is none."""
        named = re.compile(r"event|status|death|dead|died|cens", re.IGNORECASE)
        found = [
            h
            for h in self.headers
            if h not in (time, self.key) and 1 < self.frame[h].nunique() <= MOST_VALUES
        ]
        return next(iter([h for h in found if named.search(h)] or found), "")


def table_facts(
    folder: Path,
    files: Iterable[str],
    sheets: Mapping[str, str],
    patient_ids: Mapping[str, str],
) -> dict[str, TableFacts]:
    """Facts of each file, under the names that a drafted card gives them.

    A sheet or a patient that a file does not have is guessed again.

    Raises
    ------
    DataCardError
        A file cannot be read as a table.
    """
    taken: set[str] = set()
    found = {}
    for path in files:
        name = unique_name(path.split(".")[0], taken)
        try:
            known = sheet_names(folder / path)
            sheet = sheets.get(name, "") if sheets.get(name) in known else next(iter(known), "")
            table = read_arrow(folder / path, sheet=sheet or None)
            key = patient_ids.get(name, "")
            if key not in table.column_names:
                key = likely_key(table)
            table = read_arrow(folder / path, sheet=sheet or None, missing=MISSING, text=(key,))
        except DataCardError as error:
            raise DataCardError(f"{path}: {error}") from None
        frame = table.to_pandas()
        frame[key] = to_text(frame[key])
        found[name] = TableFacts(name, path, known, sheet, key, frame)
    return found
