"""Complementary suppression: what is withheld cannot be had by subtraction.

A count from 1 to ``minimum`` - 1 is withheld (primary suppression). Totals are published, so
further counts are withheld until no withheld one can be computed.

A table with its totals is a graph: a node a row, a node a column, and each withheld count the edge
between its row and its column. What the totals say of the edges determines exactly the bridges of
that graph [1]: an edge on a cycle can be one higher or one lower, with its neighbours on the cycle
lower and higher in turn. Withheld zeros are left out of the graph, for a reader may know that a
combination cannot occur. So every withheld count that lies on a cycle can be at least one more and
one less than it is. How much wider its interval is, is not controlled; but what is withheld along
one total is never below the minimum together.

References
----------
[1] Gusfield, D. "A graph theoretic approach to statistical data security." SIAM Journal on
    Computing 1988;17:552-571.
[2] Hundepool, A. et al. "Statistical Disclosure Control." Wiley, 2012, chapter 4.
"""

from collections.abc import Sequence

import numpy as np

from workbench.cohort.privacy.bridges import bridges
from workbench.cohort.privacy.small_cells import small


def suppress(
    counts: np.ndarray, minimum: int, *, row_totals: bool, alone: np.ndarray | None = None
) -> np.ndarray:
    """Which counts of a table to withhold.

    Parameters
    ----------
    counts
        (row, column) int, without totals. The columns' totals are published.
    minimum
        Smallest count that may be shown; 0 or 1 withholds nothing.
    row_totals
        Whether each row's total is published beside the columns' totals.
    alone
        Where a patient can be in several cells: those who are in no other, (row, column) int, of
        whom what is withheld along one total is never below the minimum.

    Returns
    -------
    ndarray
        (row, column) bool. No withheld count can be computed from the others and the totals,
        unless every count that shares a total with it is withheld too.

    Examples
    --------
    >>> suppress(np.array([[40, 30], [5, 60], [20, 25]]), 10, row_totals=True).astype(int)
    array([[0, 0],
           [1, 1],
           [1, 1]])
    """
    known_rows = np.full(len(counts), row_totals)
    known_columns = np.ones(counts.shape[1], bool)
    alone = counts if alone is None else alone
    return _protect(counts, alone, small(counts, minimum), minimum, known_rows, known_columns)


def suppress_blocks(
    counts: np.ndarray,
    blocks: Sequence[slice],
    minimum: int,
    apart: Sequence[tuple[int, np.ndarray, np.ndarray]] = (),
    *,
    alone: np.ndarray | None = None,
    hidden_sizes: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Which counts of a table with totals to withhold, and which of its totals.

    Each block is a complete division of the patients into groups, as by sex or by site; all blocks
    stand side by side over the same levels. Shown are the counts, each level's total over all
    patients, each group's size, and the number of patients.

    Parameters
    ----------
    counts
        (level, 1 + group) int. The first column holds the totals; each patient is in one level.
    blocks
        Columns of each block.
    minimum
        Smallest count that may be shown.
    apart
        A column, and (level,) int of patients whose counts a reader has by subtracting the column
        from a table that was shown before, or that from the column; then those of them who are in
        one level alone. What is small among them is withheld in the column, and what would give it
        away; so are the same levels in the other groups of its block, whose differences add up to
        that of everyone.
    alone
        As :func:`suppress` has it; ``counts`` then do not add up to sizes.
    hidden_sizes
        What :func:`suppress_sizes` says of the groups, if their sizes are not the sums of
        ``counts``.

    Returns
    -------
    hidden : ndarray
        (level, 1 + group) bool. A level whose total is withheld is withheld in every group, so that
        no block gives away a total that another needs.
    hidden_sizes : ndarray
        (1 + group,) bool: groups whose size is withheld, and with it all they contain.
    """
    alone = counts if alone is None else alone
    if hidden_sizes is None:
        hidden_sizes = suppress_sizes(counts.sum(axis=0), blocks, minimum)
    hidden, n_hidden = np.zeros(counts.shape, bool) | hidden_sizes, -1
    beside = {column: block for block in blocks for column in range(block.start, block.stop)}
    beside[0] = slice(None)
    while hidden.sum() > n_hidden:
        n_hidden = hidden.sum()
        for column, difference, single in apart:
            rows = _protect_column(difference, single, hidden[:, column], minimum)
            hidden[rows, beside[column]] = True
        hidden |= _protect_column(counts[:, 0], alone[:, 0], hidden[:, 0], minimum)[:, None]
        for block in blocks:
            body = counts[:, block]
            first, known = hidden[:, block] | small(body, minimum), ~hidden_sizes[block]
            single, rows = alone[:, block], ~hidden[:, 0]
            hidden[:, block] = _protect(body, single, first, minimum, rows, known)
    return hidden, hidden_sizes


def suppress_sizes(
    sizes: np.ndarray, blocks: Sequence[slice], minimum: int, alone: np.ndarray | None = None
) -> np.ndarray:
    """Groups whose size is withheld, (1 + group,) bool; as :func:`suppress_blocks` has them."""
    alone, hidden = sizes if alone is None else alone, small(sizes, minimum)
    for block in blocks:
        within, single = sizes[block, None], alone[block, None]
        hidden[block] = suppress(within, minimum, row_totals=False, alone=single)[:, 0]
    return hidden


def _protect_column(
    counts: np.ndarray, alone: np.ndarray, hidden: np.ndarray, minimum: int
) -> np.ndarray:
    """``hidden``, the small ones, and what hides them, (level,) bool: the sum is known."""
    first, unknown = hidden | small(counts, minimum), np.zeros(len(counts), bool)
    column = counts[:, None], alone[:, None], first[:, None]
    return _protect(*column, minimum, unknown, np.ones(1, bool))[:, 0]


def _protect(
    counts: np.ndarray,
    alone: np.ndarray,
    hidden: np.ndarray,
    minimum: int,
    known_rows: np.ndarray,
    known_columns: np.ndarray,
) -> np.ndarray:
    """``hidden``, and what must be withheld besides, where some totals may not be known.

    Rows are taken in the order of what they hold, so that the same is withheld however they stand.
    """
    order = np.lexsort((*hidden.T, *counts.T, known_rows))
    rows = counts[order], alone[order], hidden[order], minimum, known_rows[order]
    protected = np.empty_like(hidden)
    protected[order] = _protect_in_order(*rows, known_columns)
    return protected


def _protect_in_order(
    counts: np.ndarray,
    alone: np.ndarray,
    hidden: np.ndarray,
    minimum: int,
    known_rows: np.ndarray,
    known_columns: np.ndarray,
) -> np.ndarray:
    hidden = hidden.copy()
    while hidden.any():
        n_hidden = hidden.sum()
        _fill_rows(counts, alone, hidden, minimum, known_rows)
        _fill_rows(counts.T, alone.T, hidden.T, minimum, known_columns)
        if hidden.sum() > n_hidden:
            continue
        cells = _beside_bridges(counts, hidden, known_rows, known_columns)
        if not cells:
            break
        hidden[tuple(zip(*cells, strict=True))] = True
    return hidden


def _fill_rows(
    counts: np.ndarray, alone: np.ndarray, hidden: np.ndarray, minimum: int, known: np.ndarray
) -> None:
    """Withhold more in rows that withhold one count alone, or few patients together; in place."""
    inside = hidden & (counts > 0)
    few = np.where(inside, alone, 0).sum(axis=1) < minimum
    exposed = known & inside.any(axis=1) & (few | (inside.sum(axis=1) == 1))
    for row in np.flatnonzero(exposed):
        inside = hidden[row] & (counts[row] > 0)
        while not hidden[row].all() and (inside.sum() == 1 or alone[row, inside].sum() < minimum):
            shown = np.flatnonzero(~hidden[row])
            hidden[row, shown[_order(counts, hidden, np.full_like(shown, row), shown)[0]]] = True
            inside = hidden[row] & (counts[row] > 0)


def _beside_bridges(
    counts: np.ndarray, hidden: np.ndarray, known_rows: np.ndarray, known_columns: np.ndarray
) -> list[tuple[int, int]]:
    """A further cell beside each count that the totals determine, in rows and columns apart.

    Totals that are not known are edges too, which join all rows, or all columns.
    """
    n_rows, n_columns = counts.shape
    edges = np.zeros((n_rows + 1, n_columns + 1), bool)
    edges[:-1, :-1] = hidden & (counts > 0)
    edges[:-1, -1] = ~known_rows & (counts.sum(axis=1) > 0)
    edges[-1, :-1] = ~known_columns & (counts.sum(axis=0) > 0)
    chosen, taken_rows, taken_columns = [], set(), set()
    for row, column in np.argwhere(bridges(edges)[:-1, :-1]):
        beside = np.zeros_like(hidden)
        beside[:, column] = True
        beside[row] = known_rows[row]
        rows, columns = np.nonzero(beside & ~hidden)
        if not len(rows):
            continue
        first = _order(counts, hidden, rows, columns)[0]
        cell = int(rows[first]), int(columns[first])
        if not ({cell[0], row} & taken_rows or {cell[1], column} & taken_columns):
            chosen.append(cell)
            taken_rows |= {cell[0], int(row)}
            taken_columns |= {cell[1], int(column)}
    return chosen


def _order(
    counts: np.ndarray, hidden: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Cells in the order in which they are taken.

    First those that hide with withheld ones both in their row and in their column, so that the
    search ends; then the smallest count that is not zero, which the reader misses least.
    """
    in_row, in_column = np.any(hidden, axis=1), np.any(hidden, axis=0)
    beside_none = ~(in_row[rows] & in_column[columns])
    values = counts[rows, columns]
    return np.lexsort((columns, values, values == 0, beside_none))
