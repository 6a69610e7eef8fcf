"""How many patients stand in the cells of a table whose rows may be records of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from workbench.cohort.table_one.grouping import Division


@dataclass(frozen=True, eq=False)
class People:
    """Patients of each cell; those of a level, and of a group, can be the same ones.

    Parameters
    ----------
    inside
        Patients with a row in the cell, (level, column) int.
    alone
        Of them, those all of whose rows are in it, (level, column) int: however many cells are put
        together, at least as many patients as these add up to are in them.
    """

    inside: np.ndarray
    alone: np.ndarray

    @classmethod
    def of_rows(cls, counts: np.ndarray) -> Self:
        """Where each row is a patient."""
        return cls(counts, counts)


def people_of(
    codes: np.ndarray, n_levels: int, divisions: Sequence[Division], owner: np.ndarray
) -> People:
    """Patients by level and column: everyone, then the groups of each division.

    Parameters
    ----------
    codes
        (row,) int, -1 where missing.
    n_levels
        Number of levels; the missing come after them.
    divisions
        Of the rows.
    owner
        Whose each row is, (row,) int from 0.

    Examples
    --------
    >>> people = people_of(np.array([0, 0, 1, 1]), 2, [], np.array([0, 0, 0, 1]))
    >>> people.inside[:, 0], people.alone[:, 0]
    (array([1, 2, 0]), array([0, 1, 0]))
    """
    each = [_people(codes, n_levels, division, owner) for division in (None, *divisions)]
    return People(*(np.hstack(parts) for parts in zip(*each, strict=True)))


def _people(
    codes: np.ndarray, n_levels: int, division: Division | None, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n_cells = (n_levels + 1) * (1 if division is None else len(division))
    cell = codes.astype(np.int64) % (n_levels + 1)
    if division is not None:
        cell += division.codes * (n_levels + 1)
    _, where, single = cells_of_patients(cell, n_cells, owner)
    shape = (-1, n_levels + 1)
    inside, alone = (
        np.bincount(found, minlength=n_cells).reshape(shape).T for found in (where, where[single])
    )
    return inside, alone


def cells_of_patients(
    cell: np.ndarray, n_cells: int, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each patient in each cell once: whose, which cell, and whether it is the patient's only one.

    Parameters
    ----------
    cell
        Of each row, (row,) int from 0.
    n_cells
        Cells there are.
    owner
        Whose each row is, (row,) int from 0.
    """
    found = np.sort(owner * n_cells + cell)
    found = found[np.diff(found, prepend=-1) > 0]
    whose, where = np.divmod(found, n_cells)
    return whose, where, np.bincount(whose)[whose] == 1
