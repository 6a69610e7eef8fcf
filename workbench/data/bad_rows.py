"""Rows that could not be read: listed by file, place and reason, left out only with consent."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from workbench.errors import RecordsError, printable

LISTED = 20
"""How many are listed one by one; all are counted."""


@dataclass(frozen=True)
class BadRow:
    """One row that could not be read.

    ``place`` is a row of a table, counted from 1, or words such as ``line 7`` or a JSON path.
    ``reason`` says what was expected, and what came without its value, so that equal faults have
    equal reasons.
    """

    file: str
    place: int | str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.place}" if isinstance(self.place, int) else self.place
        return printable(f"{self.file}, {place}: {self.reason}").replace("\n", " ")


@dataclass
class BadRows:
    """Those that a reader has met so far: it adds to them, and settles them once, at its end.

    Examples
    --------
    >>> bad = BadRows()
    >>> bad.add("labs.csv", 7, "no patient_id")
    >>> bad.settle(skip_bad=True)
    ('1 row was left out: no patient_id',)
    """

    first: list[BadRow] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Reason → how many."""

    def __len__(self) -> int:
        return self.counts.total()

    def add(self, file: str, place: int | str, reason: str) -> None:
        """Note one."""
        self.add_all(file, (place,), reason)

    def add_all(self, file: str, places: Iterable[int | str], reason: str) -> None:
        """Note several that have one reason."""
        for place in places:
            if len(self.first) < LISTED:
                self.first.append(BadRow(file, place, reason))
            self.counts[reason] += 1

    def settle(self, *, skip_bad: bool) -> tuple[str, ...]:
        """What ``Records.warnings`` must say of those that are left out: one sentence a reason.

        The sentences name no file, for reports show them and file names may name patients.

        Raises
        ------
        RecordsError
            If there are any and nobody consented: the first of them, and how many of each reason.
        """
        if not self.counts:
            return ()
        if skip_bad:
            return tuple(
                f"{_rows(n)} {'was' if n == 1 else 'were'} left out: {reason}"
                for reason, n in self.counts.most_common()
            )
        more = len(self) - len(self.first)
        lines = [
            f"{_rows(len(self))} cannot be read:",
            *(f"  {row}" for row in self.first),
            *([f"  … and {more} more"] if more else []),
            *(f"{n} × {printable(reason)}" for reason, n in self.counts.most_common()),
            "correct the source, or pass skip_bad=True to read the others without these",
        ]
        raise RecordsError("\n".join(lines))


def _rows(n: int) -> str:
    return f"{n} row" if n == 1 else f"{n} rows"
