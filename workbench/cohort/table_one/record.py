"""Table one as numbers: what every rendering shows, and nothing that it must compute."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from os import PathLike
from typing import Any, Literal

import pandas as pd

Kind = Literal["normal", "skewed", "categorical", "boolean", "date"]
Statistic = Literal["mean (SD)", "median [IQR]", "median [range]", "n (%)"]
Value = float | datetime


@dataclass(frozen=True)
class Count:
    """How many patients, or records of them, of all in the group.

    ``n`` is a number of patients also where patients are weighted; ``weight`` is then the sum of
    their weights, of which ``percent`` is taken. All are None where the count is withheld.
    """

    n: int | None
    percent: float | None = None
    weight: float | None = None
    suppressed: bool = False


@dataclass(frozen=True)
class Summary:
    """A number in one group: ``estimate`` with ``spread``, or with ``lower`` and ``upper``.

    ``n`` is how many patients have a value; None where that count is withheld. ``suppressed`` says
    that the estimate is withheld. An estimate that is not defined is None and not suppressed.
    """

    n: int | None
    estimate: Value | None = None
    spread: float | None = None
    lower: Value | None = None
    upper: Value | None = None
    suppressed: bool = False


@dataclass(frozen=True)
class Row:
    """A level of a variable, or the variable itself (``level`` empty); one cell a group."""

    level: str
    cells: tuple[Count, ...] | tuple[Summary, ...]


@dataclass(frozen=True)
class Difference:
    """Absolute standardised mean difference of two groups."""

    first: str
    second: str
    smd: float


@dataclass(frozen=True)
class Test:
    """A hypothesis test of no difference between the groups that ``by`` makes."""

    by: str
    name: str
    p: float


@dataclass(frozen=True)
class Variable:
    """One described column.

    Parameters
    ----------
    name, title, unit
        The column, how a reader knows it, and its unit, which may be None.
    kind, statistic
        What it is taken for, and what its cells hold.
    rows
        One row, or one a level.
    missing
        Patients without a value, one count a group.
    differences
        Of every pair of groups of one division, where defined; None where they are withheld.
    tests
        One a division, if asked for; None where they are withheld.
    """

    name: str
    title: str
    unit: str | None
    kind: Kind
    statistic: Statistic
    rows: tuple[Row, ...]
    missing: tuple[Count, ...]
    differences: tuple[Difference, ...] | None = ()
    tests: tuple[Test, ...] | None = ()

    @property
    def largest_difference(self) -> Difference | None:
        """The pair of groups that differ most; None where there is none to show."""
        return max(self.differences or (), key=lambda pair: pair.smd, default=None)

    @property
    def some_missing(self) -> bool:
        """Whether anybody lacks a value; that so few do that it is withheld counts too."""
        return self.missing[0].suppressed or self.missing[0].n != 0


@dataclass(frozen=True)
class Group:
    """A column of the table.

    Parameters
    ----------
    title
        Unique in the table; ``all`` for everyone.
    path
        Column and level that make the group, outermost first; empty for everyone.
    size
        How many patients; as a percentage of all.
    effective_n
        Of weighted patients: how many unweighted ones tell as much [1]; else None.

    References
    ----------
    [1] Kish, L. "Survey Sampling." Wiley, 1965.
    """

    title: str
    path: tuple[tuple[str, str], ...]
    size: Count
    effective_n: float | None = None


@dataclass(frozen=True)
class TableOne:
    """A description of patients by groups.

    Parameters
    ----------
    title
        What the table is called.
    groups
        Its columns, everyone first.
    variables
        What is described.
    weighted
        Whether patients are weighted: means, spreads, quantiles, percentages and differences then
        are those of the weighted patients.
    minimum_cell
        Smallest count that is shown.
    beside_earlier
        Whether tables that were shown before withhold cells of this one.
    rows
        What is counted. Of records, a count is withheld where fewer patients than ``minimum_cell``
        are behind it.
    """

    title: str
    groups: tuple[Group, ...]
    variables: tuple[Variable, ...]
    weighted: bool
    minimum_cell: int
    beside_earlier: bool = False
    rows: Literal["patients", "records"] = "patients"

    def __getitem__(self, name: str) -> Variable:
        """The variable of a column.

        Raises
        ------
        KeyError
            If the table does not describe it.
        """
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(f"table one does not describe {name!r}")

    def frame(self, *, missing: Literal["of all", "by group"] = "of all") -> pd.DataFrame:
        """The table as text; see :func:`workbench.cohort.table_one.frame.frame`."""
        from workbench.cohort.table_one.frame import frame

        return frame(self, missing=missing)

    def to_html(self) -> str:
        """One self-contained page, readable in light and dark, on paper and by a screen reader."""
        from workbench.cohort.sheet_html import sheet_html
        from workbench.cohort.table_one.layout import layout

        return sheet_html(layout(self))

    def _repr_html_(self) -> str:
        """What a notebook shows, in the notebook's own colours."""
        table = self.frame().to_html(index=False, border=0, escape=True)
        return f"<p><strong>{escape(self.title)}</strong></p>\n{table}"

    def to_docx(self, path: str | PathLike[str]) -> None:
        """Write a Word document that holds the table; needs the extra ``docx``."""
        from workbench.cohort.sheet_docx import write_docx
        from workbench.cohort.table_one.layout import layout

        write_docx(layout(self), path)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the table as text, missing values by group, as UTF-8 that a spreadsheet knows."""
        frame = self.frame(missing="by group")
        frame.map(_not_a_formula).to_csv(path, index=False, encoding="utf-8-sig")

    def to_json(self) -> dict[str, Any]:
        """Every number, of JSON's own types only; a date is ISO text."""
        return _plain(dataclasses.asdict(self))


def _not_a_formula(text: str) -> str:
    """A level that a spreadsheet would run is kept as text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _plain(value: Any) -> Any:
    plain: dict[type, Callable[[Any], Any]] = {
        dict: lambda v: {key: _plain(inner) for key, inner in v.items()},
        tuple: lambda v: [_plain(inner) for inner in v],
        datetime: lambda v: v.isoformat(),
        float: lambda v: v if math.isfinite(v) else None,
    }
    return plain.get(type(value), lambda v: v)(value)
