"""Rows of tables that cannot be used, by the million: their numbers, by file and reason."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.data.sources.csv_rows import RowBlock
from workbench.errors import RecordsError

_SHOWN = 20


@dataclass(eq=False)
class BadTableRows:
    """Gathers rows that cannot be used while files are read.

    ``numbers`` holds by file and reason what :class:`~workbench.data.sources.csv_rows.RowBlock`
    calls their numbers; ``n_rows`` how many rows each file has in all.
    """

    numbers: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=dict)
    n_rows: dict[str, int] = field(default_factory=dict)

    def add(self, file: str, reason: str, numbers: np.ndarray) -> None:
        """Note rows of a file."""
        if len(numbers):
            self.numbers.setdefault((file, reason), []).append(numbers)

    def note(self, file: str, block: RowBlock) -> None:
        """Note what of a block is no row, and how many rows the file has."""
        n_rows = len(block.numbers) + sum(len(numbers) for numbers in block.bad.values())
        self.n_rows[file] = self.n_rows.get(file, 0) + n_rows
        for reason, numbers in block.bad.items():
            self.add(file, reason, numbers)

    def note_reasons(
        self, file: str, numbers: np.ndarray, reason: np.ndarray, reasons: list[str]
    ) -> None:
        """Note rows by the number of their reason, from 1; 0 is a good row."""
        for i in np.unique(reason[reason > 0]):
            self.add(file, reasons[i - 1], numbers[reason == i])

    def to_frame(self) -> pd.DataFrame:
        """One line a bad row: ``file``, ``row``, ``reason``."""
        parts = [
            pd.DataFrame({"file": file, "row": np.concatenate(numbers), "reason": reason})
            for (file, reason), numbers in self.numbers.items()
        ]
        columns = ["file", "row", "reason"]
        if not parts:
            return pd.DataFrame({"file": [], "row": np.zeros(0, np.int64), "reason": []})[columns]
        return pd.concat(parts, ignore_index=True).sort_values(columns, ignore_index=True)

    def include(self, frame: pd.DataFrame) -> None:
        """Take over what :meth:`to_frame` gave."""
        for (file, reason), rows in frame.groupby(["file", "reason"], observed=True)["row"]:
            self.add(str(file), str(reason), rows.to_numpy())

    def sentences(self) -> list[str]:
        """One for each file and reason: how many rows, and the first of them."""
        return [
            _sentence(file, reason, np.sort(np.concatenate(numbers)), self.n_rows.get(file))
            for (file, reason), numbers in sorted(self.numbers.items())
        ]

    def settle(self, *, skip_bad: bool) -> tuple[str, ...]:
        """What a reader must know of them.

        Raises
        ------
        RecordsError
            Unless they may be left out, or there are none.
        """
        sentences = self.sentences()
        if not sentences or skip_bad:
            return tuple(f"left out: {sentence}" for sentence in sentences)
        way_out = "mend them, or pass skip_bad=True to leave them out and say so"
        if len(sentences) == 1:
            raise RecordsError(f"{sentences[0]}; {way_out}")
        n = sum(len(part) for numbers in self.numbers.values() for part in numbers)
        raise RecordsError("\n".join([f"{n:,} rows cannot be used: {way_out}", *sentences]))


def _sentence(file: str, reason: str, rows: np.ndarray, n_rows: int | None) -> str:
    if len(rows) == 1:
        return f"{file}: row {rows[0]}: {reason}"
    of = f" of {n_rows:,}" if n_rows is not None else ""
    return f"{file}: {len(rows):,}{of} rows: {reason}: rows {_listed(rows)}"


def _listed(rows: Iterable[int]) -> str:
    rows = list(rows)
    more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    return ", ".join(map(str, rows[:_SHOWN])) + more
