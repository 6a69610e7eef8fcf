"""Which counts of a picture give small ones away: totals, selected and rest of every bin.

A bin's total is the sum of its selected and its rest, so that two of the three give the third.
Sums over bins are known too: all patients, all selected, and those within a brush.

Each picture is protected by itself. Of a restricted dataset the display also rounds what is
selected to multiples of the minimum [2, chapter 5; 3], so that no count of one picture less the
same of another is certain to be of 1 to ``minimum`` - 1 patients. The rule is always the same, so
that nothing is gained by asking again, and may be known. It does not stop sums: several bars of
many pictures narrow each other down, as in any rounded table. Whoever may move a brush at will sees
many; what leaves the room should be a few pictures.

References
----------
[1] Denning, D. E., Denning, P. J. and Schwartz, M. D. "The tracker: a threat to statistical
    database security." ACM Transactions on Database Systems 1979;4:76-96: why comparing pictures
    gives counts away.
[2] Hundepool, A. et al. "Statistical Disclosure Control." Wiley, 2012, chapters 4 and 5.
[3] US Census Bureau, Disclosure Review Board. Rounding rules for counts from confidential data,
    2019.
"""

import numpy as np

from workbench.cohort.privacy import small, suppress


def hidden_totals(total: np.ndarray, minimum: int) -> np.ndarray:
    """Bins whose number of patients is withheld, (bin,) bool: small ones, and what hides them."""
    return suppress(total[:, None], minimum, row_totals=False)[:, 0]


def hidden_parts(
    selected: np.ndarray, rest: np.ndarray, hidden: np.ndarray, within: np.ndarray, minimum: int
) -> np.ndarray | None:
    """Bins in which selected and rest are withheld, (bin,) bool; None if that cannot hide them.

    It cannot where the brush holds too few bins to hide a small count among them: the number of
    all selected would give it away, and is not to be shown.

    Parameters
    ----------
    selected, rest
        Patients in each bin, (bin,) int.
    hidden
        Bins whose total is withheld, (bin,) bool.
    within
        Bins in the view's own brush, (bin,) bool, or all: their sum of selected is published.
    minimum
        Smallest count that may be shown.

    Examples
    --------
    Bin 1 is withheld for its 4 selected, and bin 2 to hide it:

    >>> hidden_parts(np.array([50, 4, 30]), np.array([90, 80, 60]), *np.zeros((2, 3), bool), 10)
    array([False,  True,  True])
    """
    parts = hidden | small(selected, minimum) | small(rest, minimum)
    inside = _with_complement(selected, rest, parts & within, within, minimum)
    outside = _with_complement(selected, rest, parts & ~within, ~within, minimum)
    if inside is None:
        # A withheld total hides its rest, but not a selected that the sum gives.
        given = small(selected, minimum) | (small(rest, minimum) & ~hidden)
        if (given & within).any() or within.all():
            return None
        inside = parts & within
    return inside | (~within if outside is None else outside)


def _with_complement(
    selected: np.ndarray, rest: np.ndarray, parts: np.ndarray, side: np.ndarray, minimum: int
) -> np.ndarray | None:
    """``parts`` and the fewest further bins, the least populous first, that hide them."""
    if not parts.any():
        return parts
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
        return None
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
