"""Which groups differ: every two of them tested, with the number of tests allowed for."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.counting import distinct_labels
from workbench.survival.inputs import check_entry, check_labels, check_outcome
from workbench.survival.logrank import LogRank, log_rank_of
from workbench.survival.risk_table import risk_tables


@dataclass(frozen=True)
class PairTest:
    """Two groups compared, among others.

    Parameters
    ----------
    first, second
        Labels of the groups.
    test
        Their log-rank test, with n and events of both; None where there can be none.
    p_adjusted
        Its p-value by Holm's method over all pairs tested; None without a test.
    refusal
        Why there is no test; empty where there is one.
    """

    first: object
    second: object
    test: LogRank | None
    p_adjusted: float | None
    refusal: str


def pairwise_log_rank(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> list[PairTest]:
    r"""Log-rank tests of every two groups, p-values adjusted by Holm's method.

    Each test is that of :func:`workbench.survival.log_rank` on the patients of its two groups
    alone (R's ``pairwise_survdiff``). Of m p-values in ascending order the i-th becomes

    .. math:: \max_{k \le i} \min(1, (m - k + 1)\, p_{(k)})

    which keeps the chance of any false finding below the level, whatever the dependence.

    Parameters
    ----------
    time, event, group, entry, stratum, rho, gamma
        As of :func:`workbench.survival.log_rank`.

    Returns
    -------
    list
        Pairs in the order of their labels.

    Raises
    ------
    SurvivalError
        As of ``log_rank``, except that a pair without an event while both are at risk is no
        error: it has no test, and says why.

    References
    ----------
    Holm, Scand J Stat 1979;6:65-70.

    Examples
    --------
    Three groups, each pair fully apart, so each p-value is 0.0246, and three times that adjusted.

    >>> time = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    >>> pairs = pairwise_log_rank(time, time > 0, np.repeat(["a", "b", "c"], 3))
    >>> [(pair.first, pair.second, round(pair.p_adjusted, 3)) for pair in pairs]
    [('a', 'b', 0.074), ('a', 'c', 0.074), ('b', 'c', 0.074)]
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    labels, code = distinct_labels("group", group, len(time))
    if len(labels) < 2:
        raise SurvivalError("pairs need two or more groups, got 1: pass more groups")
    strata = None if stratum is None else check_labels("stratum", stratum, len(time))
    tables = risk_tables(time, event, code, len(labels), entry=entry, stratum=strata)
    every = [list(pieces) for pieces in tables]
    n_patients = np.bincount(code)
    found: list[tuple[list[object], LogRank | None, str]] = []
    for pair in combinations(range(len(labels)), 2):
        two, names = list(pair), labels[list(pair)].tolist()
        try:
            own = [[piece.of(two) for piece in pieces] for pieces in every]
            test = log_rank_of(own, labels[two], n_patients[two], rho=rho, gamma=gamma)
        except SurvivalError as refusal:
            found.append((names, None, str(refusal)))
        else:
            found.append((names, test, ""))
    adjusted = iter(holm(np.array([test.p_value for _, test, _ in found if test is not None])))
    return [
        PairTest(
            first,
            second,
            test,
            None if test is None else float(next(adjusted)),
            refusal,
        )
        for (first, second), test, refusal in found
    ]


def holm(p_value: np.ndarray) -> np.ndarray:
    """P-values (test,) adjusted for their number, in the order given.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_value)
    remaining = np.arange(len(p_value), 0, -1)
    adjusted = np.empty(len(p_value))
    adjusted[order] = np.minimum(np.maximum.accumulate(remaining * p_value[order]), 1)
    return adjusted
