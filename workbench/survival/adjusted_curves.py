"""Survival as if groups had been alike: patients weighted by their inverse propensity."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.counting import EventCounts, count_events, distinct_labels, rows_by_code
from workbench.survival.inputs import (
    check_entry,
    check_numbers,
    check_outcome,
)
from workbench.survival.kaplan_meier import KaplanMeier
from workbench.survival.limits import (
    Limits,
    check_limits,
    normal_quantile,
)


@dataclass(frozen=True)
class AdjustedCurves:
    """Weighted Kaplan-Meier curves of groups, each standing for all patients.

    Parameters
    ----------
    groups
        Labels, ascending, (group,).
    curves
        One curve a group, with robust standard errors; its counts are sums of weights.
    weights
        How much each patient counted, (patient,): look at the largest.
    n_patients
        Of each group, (group,) int.
    effective_n
        (sum of weights)^2 / sum of squared weights of each group, (group,): how many patients of
        equal weight would tell as much.
    """

    groups: np.ndarray
    curves: tuple[KaplanMeier, ...]
    weights: np.ndarray
    n_patients: np.ndarray
    effective_n: np.ndarray


def propensity_weights(
    group: np.ndarray, propensity: np.ndarray, *, stabilised: bool = True
) -> np.ndarray:
    r"""Inverse probability of treatment weights, (patient,).

    .. math:: w_i = \frac{\Pr(G = g_i)}{\Pr(G = g_i \mid x_i)}

    with the share of the patient's group above the line, or 1 if not ``stabilised``. Within a
    group that is one constant, so a curve and its robust limits are the same; the counts of
    stabilised weights add up to about the patients there are.

    Parameters
    ----------
    group
        Label of each patient's group, (patient,).
    propensity
        Probability of each group given what was known before it: (patient, group), columns in
        the order of the sorted labels; of two groups also (patient,), that of the second.

    Raises
    ------
    SurvivalError
        A propensity not above 0 and below 1, rows that do not sum to 1, or a wrong shape.

    References
    ----------
    Rosenbaum and Rubin, Biometrika 1983;70:41-55. Robins, Hernan and Brumback, Epidemiology
    2000;11:550-560.

    Examples
    --------
    Half are in group 1. One of them was there with probability .8 and counts .5 / .8.

    >>> propensity_weights(np.array([0, 1]), np.array([0.5, 0.8])).tolist()
    [1.0, 0.625]
    """
    labels, code = distinct_labels("group", group, len(group))
    own = _own_propensity(len(labels), code, propensity)
    return np.bincount(code)[code] / len(code) / own if stabilised else 1 / own


def _own_propensity(n_groups: int, code: np.ndarray, propensity: np.ndarray) -> np.ndarray:
    propensity = np.asarray(propensity)
    if propensity.ndim == 1 and n_groups == 2:
        second = check_numbers("propensity", propensity, code.shape)
        propensity = np.column_stack([1 - second, second])
    table = check_numbers("propensity", propensity, (len(code), n_groups))
    outside = (table <= 0) | (table >= 1)
    if outside.any():
        raise SurvivalError(
            f"propensity must lie above 0 and below 1, got {int(outside.any(1).sum())} patients of "
            "whom it does not: leave out patients who could only be in one group, and say so"
        )
    off = ~np.isclose(table.sum(1), 1)
    if off.any():
        raise SurvivalError(
            f"propensities must sum to 1 over the groups, got {int(off.sum())} patients of whom "
            "they do not: pass one column a group"
        )
    return table[np.arange(len(code)), code]


def adjusted_kaplan_meier(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    propensity: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    stabilised: bool = True,
    confidence: float = 0.95,
    limits: Limits = "log-log",
) -> AdjustedCurves:
    r"""Kaplan-Meier curves weighted by the inverse propensity, with robust limits.

    Each group's curve estimates the survival of all patients had they been in it, if ``propensity``
    is right and holds every common cause of group and outcome. The variance is that of the sum of
    the patients' influences (infinitesimal jackknife, R's ``survfit(..., robust = TRUE)``):

    .. math:: \hat\sigma^2(t) = \sum_i w_i^2 \left( \frac{1[T_i \le t, \text{event}]}
        {n(T_i) - d(T_i)} - \sum_{t_j \in (e_i,\, T_i \wedge t]}
        \frac{d_j}{n_j (n_j - d_j)} \right)^2

    for log survival, n and d being sums of weights. It takes the weights as known; with an
    estimated propensity it is on the careful side. A patient is one row.

    Parameters
    ----------
    time, event, entry, confidence, limits
        As of :func:`workbench.survival.kaplan_meier`.
    group, propensity, stabilised
        As of :func:`propensity_weights`.

    Raises
    ------
    SurvivalError
        As of ``kaplan_meier`` and ``propensity_weights``, or fewer than two groups.

    References
    ----------
    Xie and Liu, Stat Med 2005;24:3089-3110. Cole and Hernan, Comput Methods Programs Biomed
    2004;75:45-49.

    Examples
    --------
    Equal propensities change nothing but the errors:

    >>> time, event = np.array([1.0, 2, 3, 4]), np.array([True, True, True, True])
    >>> found = adjusted_kaplan_meier(time, event, np.array([0, 1, 0, 1]), np.full(4, 0.5))
    >>> [curve.survival.tolist() for curve in found.curves], found.effective_n.tolist()
    ([[0.5, 0.0], [0.5, 0.0]], [2.0, 2.0])
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    check_limits(limits)
    normal_quantile(confidence)  # refuses what is no coverage
    labels, code = distinct_labels("group", group, len(time))
    if len(labels) < 2:
        raise SurvivalError("adjusted curves compare two or more groups, got 1: pass more groups")
    weights = propensity_weights(code, propensity, stabilised=stabilised)
    curves, effective = [], []
    for rows in rows_by_code(code, len(labels)):
        own = weights[rows]
        late = None if entry is None else entry[rows]
        curves.append(robust_curve(time[rows], event[rows], late, own, confidence, limits))
        effective.append(own.sum() ** 2 / np.sum(own**2))
    return AdjustedCurves(labels, tuple(curves), weights, np.bincount(code), np.array(effective))


def robust_curve(
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None,
    weights: np.ndarray,
    confidence: float,
    limits: Limits,
) -> KaplanMeier:
    """Weighted Kaplan-Meier curve of checked arrays whose error is robust."""
    counts = count_events(time, event, entry=entry, weights=weights)
    happens = counts.n_events > 0
    n = np.where(happens, counts.n_at_risk, 1.0)
    survival = np.cumprod((n - counts.n_events) / n)
    log_error = np.sqrt(_robust_variance(counts, time, event, entry, weights))
    error = np.where(survival > 0, survival * log_error, np.nan)
    return KaplanMeier(*counts, survival, error, confidence, limits)


def _robust_variance(
    counts: EventCounts,
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None,
    weights: np.ndarray,
) -> np.ndarray:
    """Variance of log survival at each time, from the patients' influences on it."""
    d = counts.n_events
    n = np.where(d > 0, counts.n_at_risk, 1.0)
    stay = np.where(n > d, n - d, np.inf)  # survival is 0 from there on
    hazard = np.cumsum(d / (n * stay))  # what a patient at risk has taken off by then
    end = np.searchsorted(counts.time, time)
    start = np.zeros(len(time))
    square = weights**2
    first = np.zeros(len(time), dtype=np.int64)
    if entry is not None:
        first = np.searchsorted(counts.time, entry, side="right")
        start = np.append(0.0, hazard)[first]
        first = np.minimum(first, end)
    done = np.where(event, 1 / stay[end], 0) - (hazard[end] - start)

    def running(where: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.cumsum(np.bincount(where, values, minlength=len(hazard)))

    def open_sum(values: np.ndarray) -> np.ndarray:
        return running(first, values) - running(end, values)

    still = (
        hazard**2 * open_sum(square)
        - 2 * hazard * open_sum(square * start)
        + open_sum(square * start**2)
    )
    return running(end, square * done**2) + np.maximum(still, 0)
