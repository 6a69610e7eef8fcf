"""Which counts of a picture give small ones away: totals, selected and rest of every bin.

A bin's total is the sum of its selected and its rest, so that two of the three give the third.
Sums over bins are known too: all patients, all selected, and those within a brush.

Each picture is protected by itself. Whoever may move a brush at will can compare pictures, and no
suppression of cells stops that: let only those brush who may see the rows.

References
----------
Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4. Denning, Denning and
Schwartz, ACM Trans Database Syst 1979;4:76-96 (why comparing pictures gives counts away).
"""

import numpy as np

from workbench.cohort.privacy import small, suppress


def hidden_totals(total: np.ndarray, minimum: int) -> np.ndarray:
    """Bins whose number of patients is withheld, (bin,) bool: small ones, and what hides them."""
    return suppress(total[:, None], minimum, row_totals=False)[:, 0]


def hidden_parts(
    selected: np.ndarray, rest: np.ndarray, hidden: np.ndarray, within: np.ndarray, minimum: int
) -> np.ndarray:
    """Bins in which selected and rest are withheld, (bin,) bool.

    A withheld count could be any of at least ``minimum`` + 1 numbers, or its bin's total is
    withheld as well, or nothing of its side of the brush is shown.

    Parameters
    ----------
    selected, rest
        Patients in each bin, (bin,) int.
    hidden
        Bins whose total is withheld, (bin,) bool.
    within
        Bins in the view's own brush, (bin,) bool; their sum is published.
    minimum
        Smallest count that may be shown.

    Examples
    --------
    Bin 1 is withheld for its 4 selected, and bin 2 to hide it:

    >>> hidden_parts(np.array([50, 4, 30]), np.array([90, 80, 60]), *np.zeros((2, 3), bool), 10)
    array([False,  True,  True])
    """
    parts = hidden | small(selected, minimum) | small(rest, minimum)
    for side in (within, ~within):
        if (parts & side).any():
            parts |= _with_complement(selected, rest, parts & side, side, minimum)
    return parts


def _with_complement(
    selected: np.ndarray, rest: np.ndarray, parts: np.ndarray, side: np.ndarray, minimum: int
) -> np.ndarray:
    """``parts`` and the fewest further bins, the least populous first, that hide them."""
    total = selected + rest
    helps = np.flatnonzero(side & ~parts & (total > 0))
    order = np.lexsort((total[helps], np.minimum(selected[helps], rest[helps]) == 0))
    helps = helps[order]
    n_hidden = parts.sum() + np.arange(len(helps) + 1)
    enough = n_hidden >= 2
    for counts in (selected, rest):
        within = counts[parts].sum() + np.append(0, np.cumsum(counts[helps]))
        enough &= ~small(within, minimum)
    if not enough.any():
        return side
    hiding = parts.copy()
    hiding[helps[: int(np.argmax(enough))]] = True
    return hiding


def total_given_away(
    total: np.ndarray, hidden: np.ndarray, within: np.ndarray, minimum: int
) -> bool:
    """Whether the number in a brush gives a withheld total away, that of no other clause standing.

    The brush then holds the patients of its bins: with one withheld total among them, or withheld
    totals whose sum is small, subtraction gives it. The same holds outside the brush.
    """
    for side in (within, ~within):
        at = hidden & side
        if at.any() and (at.sum() < 2 or 0 < total[at].sum() < minimum):
            return True
    return False
