"""From a table of characteristics to the columns of a regression, reference levels kept in mind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_numbers
from workbench.survival.splines import restricted_cubic_spline, spline_columns

if TYPE_CHECKING:
    import pandas as pd


PRIME = "'"  # one for each bend of a spline, as Harrell writes them


@dataclass(frozen=True)
class Term:
    """One characteristic and its columns in the design.

    Parameters
    ----------
    name
        What the reader calls it.
    columns
        Positions of its columns.
    reference
        Level that the others are compared with; None for a number.
    levels
        Levels of the columns, in their order, without the reference; empty for a number.
    knots
        Knots of a restricted cubic spline, in the characteristic's unit; empty without one.
    """

    name: str
    columns: tuple[int, ...]
    reference: str | None = None
    levels: tuple[str, ...] = ()
    knots: tuple[float, ...] = ()


@dataclass(frozen=True)
class Design:
    """Columns of a regression and the characteristics that they stand for.

    Parameters
    ----------
    features
        (patient, column) float64.
    names
        Name of each column.
    terms
        Characteristics in order.
    """

    features: np.ndarray
    names: tuple[str, ...]
    terms: tuple[Term, ...]

    def columns_of(self, frame: "pd.DataFrame") -> np.ndarray:
        """The same columns for other patients, (patient, column).

        Raises
        ------
        SurvivalError
            Characteristics or values missing, or levels that the design does not know.
        """
        _check_complete(frame, [term.name for term in self.terms])
        return np.column_stack([_columns(frame, term) for term in self.terms])


def design(
    frame: "pd.DataFrame",
    *,
    reference: Mapping[str, str] | None = None,
    splines: Mapping[str, int] | None = None,
) -> Design:
    """Columns for each characteristic of a table: numbers as they are, levels as indicators.

    Boolean columns count as 0 and 1. Levels keep the order of a categorical column, else are
    sorted.

    Parameters
    ----------
    frame
        One row a patient, one column a characteristic, nothing missing.
    reference
        Reference level of every column that is not of numbers.
    splines
        Number of knots of columns that enter as a restricted cubic spline.

    Raises
    ------
    SurvivalError
        Missing values (counted by column), a column of levels without a reference, a level
        without patients, a name that is not a column.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [61, 70, 58], "stage": ["II", "I", "III"]})
    >>> made = design(table, reference={"stage": "I"})
    >>> made.names, made.features.tolist()
    (('age', 'stage: II', 'stage: III'), [[61.0, 1.0, 0.0], [70.0, 0.0, 0.0], [58.0, 0.0, 1.0]])
    """
    reference, splines = dict(reference or {}), dict(splines or {})
    _check_named(frame, reference, splines)
    _check_complete(frame, list(frame.columns))
    terms: list[Term] = []
    names: list[str] = []
    for name in map(str, frame.columns):
        term = _term(frame[name], name, len(names), reference.get(name), splines.get(name))
        terms.append(term)
        names += _column_names(term)
    return Design(
        np.column_stack([_columns(frame, term) for term in terms]), tuple(names), tuple(terms)
    )


def as_design(features: np.ndarray | Design, names: Sequence[str] | None, n_rows: int) -> Design:
    """What a regression was passed, as a design of ``n_rows`` checked rows.

    Plain columns are each a characteristic of their own, called ``names``, else "x1", "x2", ...;
    ``names`` also rename the columns of a design.

    Raises
    ------
    SurvivalError
        Features that are not numbers of ``n_rows`` rows, no column, or names that do not fit.
    """
    terms = None
    if isinstance(features, Design):
        names = features.names if names is None else names
        features, terms = features.features, features.terms
    columns = check_numbers("features", features, (n_rows, -1))
    names = _check_names(names, columns.shape[1])
    if terms is None:
        terms = tuple(Term(name, (position,)) for position, name in enumerate(names))
    return Design(columns, names, terms)


def _check_names(names: Sequence[str] | None, n_columns: int) -> tuple[str, ...]:
    """Distinct names, one a column; "x1", "x2", ... where None."""
    if n_columns == 0:
        raise SurvivalError(
            "features must have a column or more, got none: pass what to regress on"
        )
    if names is None:
        return tuple(f"x{position + 1}" for position in range(n_columns))
    names = tuple(map(str, names))
    if len(names) != n_columns or len(set(names)) != n_columns:
        raise SurvivalError(
            f"names must be {n_columns} distinct names, one a column, got {len(set(names))}"
        )
    return names


def _is_number(column: "pd.Series") -> bool:
    return column.dtype.kind in "fiub"


def _term(
    column: "pd.Series", name: str, start: int, reference: str | None, n_knots: int | None
) -> Term:
    if n_knots is not None:
        knots = restricted_cubic_spline(column.to_numpy(np.float64), n_knots).knots
        width = len(knots) - 1
        return Term(name, tuple(range(start, start + width)), knots=tuple(knots.tolist()))
    if _is_number(column):
        return Term(name, (start,))
    levels = _levels(column)
    if reference not in levels:
        raise SurvivalError(
            f"reference of '{name}' must be one of its {len(levels)} levels, got another: write it "
            "as the column does"
        )
    others = tuple(level for level in levels if level != reference)
    return Term(name, tuple(range(start, start + len(others))), reference, others)


def _levels(column: "pd.Series") -> list[str]:
    if column.dtype.name != "category":
        return sorted(map(str, column.unique()))
    empty = int((column.value_counts() == 0).sum())
    if empty:
        raise SurvivalError(
            f"every level of '{column.name}' needs patients, {empty} have none: remove unused "
            "categories first"
        )
    return [str(level) for level in column.cat.categories]


def _column_names(term: Term) -> list[str]:
    if term.levels:
        return [f"{term.name}: {level}" for level in term.levels]
    return [term.name] + [f"{term.name}{PRIME * bend}" for bend in range(1, len(term.columns))]


def _columns(frame: "pd.DataFrame", term: Term) -> np.ndarray:
    """Columns of a term for the patients of ``frame``, (patient, column)."""
    column = frame[term.name]
    if term.reference is None:
        if not _is_number(column):
            raise SurvivalError(f"'{term.name}' must be numbers, got {column.dtype}")
        values = column.to_numpy(np.float64)
        return spline_columns(values, np.array(term.knots)) if term.knots else values[:, None]
    labels = column.astype(str).to_numpy()
    unknown = ~np.isin(labels, [term.reference, *term.levels])
    if unknown.any():
        raise SurvivalError(
            f"'{term.name}' has levels that the design does not know in {int(unknown.sum())} rows "
            f"(first in row {int(np.flatnonzero(unknown)[0])}): join them to known levels"
        )
    return (labels[:, None] == np.array(term.levels)).astype(np.float64)


def _check_named(
    frame: "pd.DataFrame", reference: Mapping[str, str], splines: Mapping[str, int]
) -> None:
    if frame.shape[1] == 0 or not frame.columns.is_unique:
        raise SurvivalError(
            f"a design needs one or more columns of distinct names, got {frame.shape[1]}"
        )
    absent = [name for name in (*reference, *splines) if name not in frame.columns]
    if absent:
        raise SurvivalError(f"reference and splines must name columns, {absent} are none")
    levels = [name for name in frame.columns if not _is_number(frame[name])]
    unstated = [name for name in levels if name not in reference]
    if unstated:
        raise SurvivalError(
            f"columns of levels need a stated reference, {unstated} have none: pass "
            f'reference={{"{unstated[0]}": its usual level}}'
        )
    confused = [name for name in reference if name not in levels]
    confused += [name for name in splines if name in levels]
    if confused:
        raise SurvivalError(
            f"numbers have no reference and levels no spline, got one for {confused}: turn codes "
            "into strings first"
        )


def _check_complete(frame: "pd.DataFrame", names: list[str]) -> None:
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise SurvivalError(f"the table lacks the columns {absent}: pass what the design holds")
    missing = frame[names].isna().sum()
    missing = missing[missing > 0]
    if len(missing):
        counts = ", ".join(f"'{name}' {count}" for name, count in missing.items())
        raise SurvivalError(
            f"a regression needs complete columns, missing are {counts} of {len(frame)} rows: "
            "leave those patients out or impute, and say so"
        )
