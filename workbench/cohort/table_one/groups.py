"""What every variable of a table shares: the groups, their sizes, and what of them is withheld."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from workbench.cohort.privacy.suppression import suppress_sizes
from workbench.cohort.table_one.earlier import NOTHING_EARLIER, Earlier
from workbench.cohort.table_one.grouping import ALL, Division, blocks_of
from workbench.cohort.table_one.levels import count_levels
from workbench.cohort.table_one.numbers import Order
from workbench.cohort.table_one.people import People, people_of
from workbench.cohort.table_one.record import Count, Group


@dataclass(frozen=True, eq=False)
class Groups:
    """Everyone, then the groups of each division: ``column`` below.

    Parameters
    ----------
    divisions
        As compared.
    blocks
        Columns of each division.
    orders
        Rows sorted by each division; one order of everyone where there is none.
    owner
        Whose each row is, (row,) int, where a patient may have several; else None.
    weights
        (row,) float64 or None.
    sizes, weight
        Rows, and the sum of their weights if there are any, (column,).
    hidden
        Columns whose size is withheld, (column,) bool.
    minimum
        Fewest patients of whom a count is shown.
    earlier
        What tables that were shown before tell beside this one.
    """

    divisions: tuple[Division, ...]
    blocks: tuple[slice, ...]
    orders: tuple[Order, ...]
    owner: np.ndarray | None
    weights: np.ndarray | None
    sizes: np.ndarray
    weight: np.ndarray | None
    hidden: np.ndarray
    minimum: int
    earlier: Earlier

    @classmethod
    def of(
        cls,
        divisions: Sequence[Division],
        n_patients: int,
        weights: np.ndarray | None,
        minimum: int,
        earlier: Earlier = NOTHING_EARLIER,
        owner: np.ndarray | None = None,
    ) -> Self:
        """Sort and count the patients once, for all variables."""
        orders = [Order(d, n_patients) for d in divisions] or [Order(None, n_patients)]
        blocks, everyone = blocks_of(divisions), np.zeros(n_patients, np.int8)
        counts = count(divisions, everyone, 1, None)
        people = _people(counts, everyone, 1, divisions, owner)
        return cls(
            tuple(divisions),
            blocks,
            tuple(orders),
            owner,
            weights,
            counts[0],
            None if weights is None else count(divisions, everyone, 1, weights)[0],
            suppress_sizes(people.inside[0], blocks, minimum, people.alone[0]),
            minimum,
            earlier,
        )

    @property
    def titles(self) -> list[str]:
        """What the columns are called."""
        return [ALL, *(title for d in self.divisions for title in d.titles)]

    def people(self, counts: np.ndarray, codes: np.ndarray, n_levels: int) -> People:
        """The patients behind ``counts`` of rows, which :func:`count` made of the same codes."""
        return _people(counts, codes, n_levels, self.divisions, self.owner)

    def described(self) -> tuple[Group, ...]:
        """The columns as the table has them."""
        paths = [(), *(path for d in self.divisions for path in d.paths)]
        effective = self._effective_n()
        return tuple(
            Group(title, path, self.share(k, self.sizes, self.weight, of=0), n)
            for k, (title, path, n) in enumerate(zip(self.titles, paths, effective, strict=True))
        )

    def _effective_n(self) -> list[float | None]:
        if self.weight is None or self.weights is None:
            return [None] * len(self.sizes)
        everyone = np.zeros(self.sizes[0], np.int8)
        squared = count(self.divisions, everyone, 1, self.weights**2)[0]
        return [
            None if hide else float(total**2 / square) if square > 0 else 0.0
            for total, square, hide in zip(self.weight, squared, self.hidden, strict=True)
        ]

    def share(
        self, k: int, counts: np.ndarray, weight: np.ndarray | None, *, of: int | None = None
    ) -> Count:
        """The count of column ``k``, as a share of its own patients, or of column ``of``."""
        if self.hidden[k]:
            return Count(None, suppressed=True)
        whole = self.sizes if self.weight is None else self.weight
        part = counts if weight is None else weight
        all_of = whole[k if of is None else of]
        percent = float(100 * part[k] / all_of) if all_of > 0 else None
        return Count(int(counts[k]), percent, None if weight is None else float(weight[k]))

    def shares(
        self, counts: np.ndarray, weight: np.ndarray | None, hidden: np.ndarray
    ) -> tuple[Count, ...]:
        """One count a column, those that are hidden withheld."""
        return tuple(
            Count(None, suppressed=True) if hide else self.share(k, counts, weight)
            for k, hide in enumerate(hidden)
        )


def _people(
    counts: np.ndarray,
    codes: np.ndarray,
    n_levels: int,
    divisions: Sequence[Division],
    owner: np.ndarray | None,
) -> People:
    if owner is None:
        return People.of_rows(counts)
    return people_of(codes, n_levels, divisions, owner)


def count(
    divisions: Sequence[Division], codes: np.ndarray, n_levels: int, weights: np.ndarray | None
) -> np.ndarray:
    """Patients, or their weights, (level + 1, column): the last row counts the missing."""
    parts = [count_levels(codes, n_levels, d, weights) for d in divisions]
    if not parts:
        return count_levels(codes, n_levels, None, weights)
    return np.hstack([parts[0].sum(axis=1, keepdims=True), *parts])
