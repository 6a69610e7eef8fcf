"""Small cells: counts that could point at a person are withheld, and so is what gives them away.

A count from 1 to ``minimum`` - 1 is withheld (primary suppression). Totals are published, so a
withheld count could be had by subtraction; further counts are withheld until none can
(complementary suppression). Zero is no small cell, and what is withheld is never shown as zero.

References
----------
[1] Hundepool, A. et al. "Statistical Disclosure Control." Wiley, 2012, chapter 4.
"""

import numpy as np
import pandas as pd

SUPPRESSED = "suppressed"


def small(counts: np.ndarray, minimum: int) -> np.ndarray:
    """Which counts are too small to show, bool of the same shape."""
    return (counts > 0) & (counts < minimum)


def suppress(counts: np.ndarray, minimum: int, *, row_totals: bool) -> np.ndarray:
    """Which counts of a table to withhold.

    Parameters
    ----------
    counts
        (row, column) int, without totals.
    minimum
        Smallest count that may be shown; 0 or 1 withholds nothing.
    row_totals
        Whether each row's total is published beside the columns' totals.

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
    hidden = small(counts, minimum)
    while hidden.any():
        exposed = _exposed(counts, hidden, minimum, row_totals)
        candidates = [cell for at in exposed for cell in _beside(hidden, at, row_totals)]
        if not candidates:
            break
        hidden[min(candidates, key=lambda cell: _cost(counts, hidden, cell))] = True
    return hidden


def _cost(counts: np.ndarray, hidden: np.ndarray, cell: tuple[int, int]) -> tuple[float, ...]:
    """How much it costs to withhold a cell as well: the order in which they are taken.

    First cells that hide with withheld ones both in their row and in their column, so that the
    search ends; then the smallest count that is not zero, which the reader misses least.
    """
    alone = not (hidden[cell[0]].any() and hidden[:, cell[1]].any())
    return (alone, counts[cell] == 0, counts[cell], *cell)


def _exposed(
    counts: np.ndarray, hidden: np.ndarray, minimum: int, row_totals: bool
) -> list[tuple[int, int]]:
    """Withheld cells that the totals determine, or that only hide in a sum which is small."""
    cells = np.argwhere(hidden)
    lines = [hidden & (np.arange(counts.shape[1]) == j) for j in range(counts.shape[1])]
    if row_totals:
        lines += [hidden & (np.arange(counts.shape[0])[:, None] == i) for i in range(len(counts))]
    lines = [line for line in lines if line.any()]
    equations = np.array([[line[tuple(cell)] for cell in cells] for line in lines], float)
    # A cell is determined if no solution of the homogeneous equations moves it.
    _, singular, directions = np.linalg.svd(equations)
    free = directions[int((singular > 1e-9).sum()) :]
    determined = (np.abs(free) < 1e-9).all(axis=0)
    in_small_sum = np.zeros(len(cells), bool)
    for line, equation in zip(lines, equations, strict=True):
        if 0 < counts[line].sum() < minimum:
            in_small_sum |= equation > 0
    return [(int(i), int(j)) for i, j in cells[determined | in_small_sum]]


def _beside(hidden: np.ndarray, at: tuple[int, int], row_totals: bool) -> list[tuple[int, int]]:
    """Shown cells that share a total with the cell ``at``."""
    row, column = at
    beside = [(i, column) for i in range(hidden.shape[0]) if not hidden[i, column]]
    if row_totals:
        beside += [(row, j) for j in range(hidden.shape[1]) if not hidden[row, j]]
    return beside


def suppress_attrition(attrition: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The attrition as it may leave the room.

    Small losses are withheld with one more loss, so that they hide in each other, and with them
    the counts between. Where there is no other loss, the counts before it are withheld instead.

    Parameters
    ----------
    attrition
        As :class:`~workbench.cohort.cohort.Cohort` has it.
    minimum
        Smallest count that may be shown; with 0 or 1 the table comes back as it is.
    """
    if minimum <= 1:
        return attrition
    shown = attrition.astype(object)
    removed, after = _withheld_losses(attrition["n_removed"].to_numpy(), minimum)
    shown.loc[removed, "n_removed"] = SUPPRESSED
    shown.loc[after, "n_after"] = SUPPRESSED
    # The count before a step is the count after the step before it.
    shown.loc[np.concatenate([after[:1], after[:-1]]), "n_before"] = SUPPRESSED
    unknown = small(attrition["n_unknown"].to_numpy(), minimum)
    shown.loc[unknown | removed, "n_unknown"] = SUPPRESSED
    if "n_regained" in attrition:
        regained = attrition["n_regained"].fillna(0).to_numpy(int)
        shown.loc[small(regained, minimum), "n_regained"] = SUPPRESSED
    events, others = attrition["events_after"], attrition["n_after"] - attrition["events_after"]
    events_removed = attrition["events_removed"]
    others_removed = attrition["n_removed"] - events_removed
    counts = np.concatenate([events, others, events_removed, others_removed])
    if removed.any() or small(counts, minimum).any():
        # Events and patients determine each other too often to be withheld one by one.
        shown[["events_removed", "events_after"]] = SUPPRESSED
    return shown


def _withheld_losses(losses: np.ndarray, minimum: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps whose loss, and steps whose remaining count, are withheld."""
    removed = suppress(losses[:, None], minimum, row_totals=False)[:, 0]
    step = np.arange(len(losses))
    if not removed.any():
        return removed, removed
    if losses[removed].sum() < minimum:
        # All losses together are small: only the counts that follow the last may be shown.
        return removed, step < np.flatnonzero(removed)[-1]
    first, last = np.flatnonzero(removed)[[0, -1]]
    return removed, (step >= first) & (step < last)
