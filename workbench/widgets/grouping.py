"""Groups of patients by one column: levels as they are, numbers cut where a person says."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from workbench.cohort.crossfilter import Clause, Levels, Range
from workbench.errors import CohortError

Cut = Literal["median", "tertiles", "quartiles", "value"]
MOST = 6
PARTS = {"median": 2, "tertiles": 3, "quartiles": 4}


@dataclass(frozen=True, eq=False)
class Groups:
    """Who is in which group.

    Parameters
    ----------
    labels
        What each group is called, in order, (group,).
    codes
        Group of each patient, -1 in none, (patient,) int.
    clauses
        What selects each group, (group,).
    """

    labels: tuple[str, ...]
    codes: np.ndarray
    clauses: tuple[Clause, ...]

    def masks(self) -> list[np.ndarray]:
        """Patients of each group, (patient,) bool each."""
        return [self.codes == at for at in range(len(self.labels))]


def group_by(
    values: pd.Series, *, cut: Cut = "median", at: float | None = None, title: str = ""
) -> Groups:
    """Groups of a column.

    Parameters
    ----------
    values
        One a patient; its name is the column's.
    cut
        How numbers become groups: equal parts, or at the value ``at``.
    at
        Of ``cut="value"``: patients below it, and from it on.
    title
        What the column is called in labels of numbers.

    Raises
    ------
    CohortError
        More than six levels, or a cut that leaves a group empty.

    Examples
    --------
    >>> group_by(pd.Series([30, 40, 50, 60], name="age"), title="Age").labels
    ('Age < 45', 'Age ≥ 45')
    """
    name = str(values.name)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _of_numbers(name, values.to_numpy(float, na_value=np.nan), cut, at, title or name)
    return _of_levels(name, values)


def _of_numbers(name: str, values: np.ndarray, cut: Cut, at: float | None, title: str) -> Groups:
    known = values[np.isfinite(values)]
    if not len(known):
        raise CohortError(f"{title}: no patient has a value")
    if cut == "value":
        if at is None:
            raise CohortError(f"{title}: say at which value to cut")
        edges = [float(at)]
    else:
        shares = np.arange(1, PARTS[cut]) / PARTS[cut]
        # Rounded, so that a label says exactly where the cut is.
        edges = sorted({float(f"{edge:.4g}") for edge in np.quantile(known, shares)})
    codes = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1)
    n_groups = len(edges) + 1
    if len(set(codes[codes >= 0].tolist())) < n_groups:
        raise CohortError(
            f"{title}: cut at {', '.join(f'{e:g}' for e in edges)} one group has no patient; "
            "choose another cut"
        )
    ends: list[float | None] = [None, *edges, None]
    labels, clauses = [], []
    for low, high in pairwise(ends):
        clauses.append(Range(name, low, high))
        if low is None:
            labels.append(f"{title} < {high:g}")
        elif high is None:
            labels.append(f"{title} ≥ {low:g}")
        else:
            labels.append(f"{title} {low:g} to < {high:g}")
    return Groups(tuple(labels), codes.astype(int), tuple(clauses))


def _of_levels(name: str, values: pd.Series) -> Groups:
    # The array and not the series: its index, of a million identifiers, is nobody's business here.
    coded = pd.Categorical(values.array)
    counts = np.bincount(coded.codes[coded.codes >= 0], minlength=len(coded.categories))
    kept = np.flatnonzero(counts)
    if len(kept) > MOST:
        raise CohortError(
            f"{name} has {len(kept)} levels: curves of more than {MOST} cannot be told apart"
        )
    place = np.full(len(counts) + 1, -1)
    place[kept] = np.arange(len(kept))
    levels = [coded.categories[at] for at in kept]
    levels = [level.item() if isinstance(level, np.generic) else level for level in levels]
    words = {True: "yes", False: "no"}
    return Groups(
        tuple(words[v] if isinstance(v, bool) else str(v) for v in levels),
        place[coded.codes],
        tuple(Levels(name, (level,)) for level in levels),
    )
