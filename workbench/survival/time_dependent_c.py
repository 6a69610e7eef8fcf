"""How often a patient is predicted less survival at the own event than those who outlive it."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from workbench.survival.concordance import concordance, within
from workbench.survival.concordance_interval import Concordance, from_pair_sums
from workbench.survival.concordant_counts import PairSums, order_by_score, order_by_time
from workbench.survival.inputs import check_horizons, check_outcome, check_survival
from workbench.survival.pair_weights import Pairs

SurvivalPairs = Iterator[tuple[np.ndarray, Pairs]]
"""Positions of some patients, and pairs among them; together all comparable pairs, once each."""


def antolini_c(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    fold: np.ndarray | None = None,
) -> float:
    r"""Antolini's time-dependent concordance of predicted survival curves.

    .. math:: \frac{\sum_{ij} c_{ij}\, 1(\hat S_i(T_i) < \hat S_j(T_i))}{\sum_{ij} c_{ij}}

    over the comparable pairs of ``harrell_c``; equal survival counts one half. It equals
    Harrell's C where the curves do not cross.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    survival
        Predicted probability of no event by each horizon, (patient, horizon) in [0, 1].
    horizons
        Ascending times, (horizon,). A curve is 1 before the first and keeps its value until the
        next: let the first lie before the first event, else all curves are equal there.
    fold
        As in ``harrell_c``.

    Raises
    ------
    SurvivalError
        No pair is comparable, or the input is not valid.

    References
    ----------
    Antolini, Boracchi and Biganzoli, Stat Med 2005;24:3927-3944.

    Examples
    --------
    At the event at 1 the first patient has the lowest survival (two pairs); at the event at 2 the
    second has the higher one of two, as the curves crossed: 2 of 3.

    >>> survival = np.array([[0.2, 0.1], [0.5, 0.4], [0.6, 0.3]])
    >>> outcome = np.array([1.0, 2.0, 3.0]), np.array([True, True, False])
    >>> round(antolini_c(*outcome, survival, horizons=np.array([1.0, 2.0])), 4)
    0.6667
    """
    time, event = check_outcome(time, event)
    among = within(len(time), fold)
    sums = [pairs.totals() for _, pairs in _pairs(time, event, survival, horizons, among)]
    return concordance(PairSums(*(np.sum(each) for each in zip(*sums, strict=True))), among)


def antolini_c_interval(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    fold: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    confidence: float = 0.95,
) -> Concordance:
    """Antolini's concordance with its infinitesimal-jackknife interval.

    Parameters
    ----------
    time, event, survival, horizons, fold
        As in ``antolini_c``.
    cluster, confidence
        As in ``harrell_c_interval``.

    Raises
    ------
    SurvivalError
        As in ``antolini_c``; or fewer than two clusters.

    References
    ----------
    As of ``antolini_c`` and ``harrell_c_interval``.

    Examples
    --------
    >>> survival = np.array([[0.2, 0.1], [0.5, 0.4], [0.6, 0.3]])
    >>> outcome = np.array([1.0, 2.0, 3.0]), np.array([True, True, False])
    >>> found = antolini_c_interval(*outcome, survival, horizons=np.array([1.0, 2.0]))
    >>> round(found.estimate, 4), round(found.standard_error**2 * 81, 9)
    (0.6667, 6.0)
    """
    time, event = check_outcome(time, event)
    among = within(len(time), fold)
    sums = PairSums(*np.zeros((3, len(time))))
    for index, pairs in _pairs(time, event, survival, horizons, among):
        for total, part in zip(sums, pairs.of_each(), strict=True):
            total[index] += part
    return from_pair_sums(sums, event, among, cluster, confidence)


def _pairs(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    horizons: np.ndarray,
    among: np.ndarray,
) -> SurvivalPairs:
    """Pairs of the events between two horizons, first with those who outlived the second.

    There only the scores are to be compared; for who left between the horizons too, time is.
    """
    horizons = check_horizons(horizons)
    survival = check_survival(survival, len(time), len(horizons))
    interval = np.searchsorted(horizons, time, side="right")
    by_interval = np.argsort(interval, kind="stable")
    starts = np.searchsorted(interval[by_interval], np.arange(len(horizons) + 2))
    for number, (first, end) in enumerate(pairwise(starts)):
        here, beyond = by_interval[first:end], by_interval[end:]
        died = here[event[here]]
        if not len(died):
            continue
        score = -survival[:, number - 1] if number else np.zeros(len(time))
        order = order_by_time(time[here], event[here], score[here], among[here])
        yield here, Pairs(order, event[here][None] * 1.0, np.ones((1, len(here))))
        both = np.concatenate([died, beyond])
        is_row = np.arange(len(both)) < len(died)
        order = order_by_score(score[both], among[both])
        yield both, Pairs(order, is_row[None] * 1.0, ~is_row[None] * 1.0)
