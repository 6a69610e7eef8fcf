"""Table one of any patients.

References
----------
[1] Austin, P. C. "Balance diagnostics for comparing the distribution of baseline covariates
    between treatment groups in propensity-score matched samples." Statistics in Medicine
    2009;28:3083-3107.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from workbench.cohort.table_one.earlier import NOTHING_EARLIER, Earlier
from workbench.cohort.table_one.grouping import Arrangement, Division, divide
from workbench.cohort.table_one.groups import Groups
from workbench.cohort.table_one.record import Kind, TableOne
from workbench.cohort.table_one.variables import Asked, describe_variable
from workbench.data.card import did_you_mean
from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.errors import CohortError

WORTH_THREADS = 2_000_000
"""From so many values on, columns are described in several threads."""

Ask = Callable[[Sequence[Division]], Earlier]


def _ask_nobody(divisions: Sequence[Division]) -> Earlier:
    return NOTHING_EARLIER


def describe(
    patients: pd.DataFrame,
    *,
    by: str | Sequence[str] = (),
    arrangement: Arrangement = "nested",
    columns: Sequence[str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    titles: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    weights: np.ndarray | None = None,
    minimum_cell: int = MINIMUM_CELL,
    p_values: bool = False,
    title: str = "Patients",
    owner: np.ndarray | None = None,
    ask: Ask = _ask_nobody,
) -> TableOne:
    """Describe patients, all together and by groups.

    A number is described by mean and SD, or by median and quartiles where its skewness exceeds 1 in
    size; other columns by how many patients have each level, of all in the group. A date is
    described by median and range, or by quartiles where small cells are withheld, since the ends of
    a range are those of one patient. Groups are compared by standardised mean differences [1].

    Parameters
    ----------
    patients
        One row a patient, or a record where ``owner`` says whose.
    by
        Columns whose levels are compared.
    arrangement
        Of several columns in ``by``: ``nested`` compares their combinations, ``side by side`` the
        levels of each.
    columns
        What to describe; every column but ``by``, if not given.
    kinds
        Of columns whose type says something else, such as numbers that code levels.
    titles, units
        How a reader knows a column, and its unit.
    weights
        (patient,) not negative, such as those of inverse probability of treatment.
    minimum_cell
        Counts from 1 to this - 1 are withheld, with what would give them away, and so are
        summaries of fewer patients; 0 or 1 withholds nothing.
    p_values
        Ask for a hypothesis test of each variable. Of a described cohort it answers no question
        that anybody asked, so it is off.
    title
        What the table is called.
    owner
        Whose record each row is, (row,) int from 0, where a patient can have several. Counts are
        then of records, and what is withheld is judged by the patients behind them.
    ask
        Given the groups, asks whoever remembers what was shown of these patients, such as
        :func:`~workbench.cohort.table_one.require_tables`. Without it the table knows no other.

    Returns
    -------
    TableOne

    Raises
    ------
    CohortError
        If there are no patients, a column does not exist or fits no kind, weights are not fit to
        use, or p values are asked for of weighted patients.

    Examples
    --------
    >>> import pandas as pd
    >>> patients = pd.DataFrame({"arm": ["a"] * 3 + ["b"] * 3, "age": [50, 60, 70, 40, 60, 80]})
    >>> table = describe(patients, by="arm", minimum_cell=0)
    >>> [(cell.estimate, cell.spread) for cell in table["age"].rows[0].cells][1:]
    [(60.0, 10.0), (60.0, 20.0)]
    """
    by = [by] if isinstance(by, str) else list(by)
    kinds, titles, units = kinds or {}, titles or {}, units or {}
    described = [c for c in patients if c not in by] if columns is None else list(columns)
    for name in (*described, *kinds, *titles, *units):
        if name not in patients:
            near = did_you_mean(str(name), [str(c) for c in patients])
            raise CohortError(f"table one: no column is called {name!r}{near}")
    divisions = divide(patients, by, arrangement)
    return describe_divisions(
        [Asked(patients[n], kinds.get(n), titles.get(n, str(n)), units.get(n)) for n in described],
        divisions,
        n_patients=len(patients),
        weights=weights,
        minimum_cell=minimum_cell,
        p_values=p_values,
        title=title,
        owner=owner,
        earlier=ask(divisions),
    )


def describe_divisions(
    asked: Sequence[Asked],
    divisions: Sequence[Division],
    *,
    n_patients: int,
    weights: np.ndarray | None = None,
    minimum_cell: int = MINIMUM_CELL,
    p_values: bool = False,
    title: str = "Patients",
    owner: np.ndarray | None = None,
    earlier: Earlier = NOTHING_EARLIER,
) -> TableOne:
    """As :func:`describe`, of columns and divisions that are made already."""
    if n_patients == 0:
        raise CohortError("table one describes patients, got none")
    if p_values and weights is not None:
        raise CohortError(
            "p values of weighted patients need their sampling model, which table one does not "
            "know: leave p_values out, and judge balance by the standardised differences"
        )
    weights = None if weights is None else _checked(weights, n_patients)
    groups = Groups.of(divisions, n_patients, weights, minimum_cell, earlier, owner)
    n_threads = (os.cpu_count() or 1) if n_patients * len(asked) >= WORTH_THREADS else 1
    with ThreadPoolExecutor(n_threads) as pool:
        describing = pool.map(lambda column: describe_variable(column, groups, p_values), asked)
        variables = tuple(describing)
    weighted, beside = weights is not None, any(map(len, earlier.apart.differences.values()))
    rows = "patients" if owner is None else "records"
    return TableOne(title, groups.described(), variables, weighted, minimum_cell, beside, rows)


def _checked(weights: np.ndarray, n_patients: int) -> np.ndarray:
    weights = np.asarray(weights, np.float64)
    if weights.shape != (n_patients,):
        raise CohortError(f"weights: one a patient, {n_patients}; got shape {weights.shape}")
    unfit = int((~np.isfinite(weights) | (weights < 0)).sum())
    if unfit or weights.sum() == 0:
        raise CohortError(
            f"weights are finite, not negative and not all zero; {unfit} of {n_patients} are unfit"
        )
    return weights
