"""Mean time alive up to a horizon: the area under the survival curve."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from workbench.errors import SurvivalError
from workbench.survival.counting import distinct_labels, rows_by_code
from workbench.survival.inputs import (
    Estimate,
    check_entry,
    check_observed,
    check_outcome,
    check_weights,
)
from workbench.survival.kaplan_meier import KaplanMeier, kaplan_meier
from workbench.survival.limits import normal_quantile


@dataclass(frozen=True)
class RestrictedMean:
    """Restricted mean survival time of one group.

    Parameters
    ----------
    tau
        Until when, in the unit of time.
    mean
        Mean time without event up to ``tau``, in [0, tau], with its normal limits.
    standard_error
        Of the mean.
    n_patients, n_events
        Patients, and events up to ``tau``, both not weighted.
    """

    tau: float
    mean: Estimate
    standard_error: float
    n_patients: int
    n_events: int


@dataclass(frozen=True)
class RestrictedMeanComparison:
    """Two groups' restricted means against each other.

    Parameters
    ----------
    groups
        Labels, ascending, (2,).
    means
        Of the first and the second group.
    difference, ratio
        Second minus first, and second over first, with limits (the ratio's on the log scale).
    difference_p, ratio_p
        Two-sided p-values of no difference and of a ratio of 1, by the normal distribution.
    """

    groups: np.ndarray
    means: tuple[RestrictedMean, RestrictedMean]
    difference: Estimate
    ratio: Estimate
    difference_p: float
    ratio_p: float


def rmst(
    time: np.ndarray,
    event: np.ndarray,
    *,
    tau: float,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
) -> RestrictedMean:
    r"""Restricted mean survival time: the area under the Kaplan-Meier curve up to ``tau``.

    .. math:: \hat\mu = \int_0^\tau \hat S(t)\,dt, \qquad
        \widehat{\operatorname{var}} = \sum_{t_j \le \tau}
        \left(\int_{t_j}^\tau \hat S(t)\,dt\right)^2 \frac{d_j}{n_j (n_j - d_j)}

    as R's ``print(survfit(...), rmean = tau)``. Ties, entry and weights are those of
    :func:`workbench.survival.kaplan_meier`.

    Parameters
    ----------
    time, event, entry, weights
        As of ``kaplan_meier``.
    tau
        Until when, positive and not beyond the last observed time: after it nothing is known.
    confidence
        Coverage of the limits, in (0, 1).

    Raises
    ------
    SurvivalError
        ``tau`` is not positive or beyond follow-up, or as of ``kaplan_meier``.

    References
    ----------
    Irwin, J Hyg 1949;47:188-189. Royston and Parmar, BMC Med Res Methodol 2013;13:152.

    Examples
    --------
    Survival is 1 until 1, 3/4 until 3, then 3/8: up to 4 that is 1 + 3/2 + 3/8. After the event
    at 1 it is 15/8, after that at 3 it is 3/8, so the variance is (15/8)^2 / 12 + (3/8)^2 / 2.

    >>> found = rmst(
    ...     np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True]), tau=4
    ... )
    >>> found.mean.estimate, round(found.standard_error**2, 4)
    (2.875, 0.3633)
    """
    time, event, entry, weights = check_observed(time, event, entry=entry, weights=weights)
    z = normal_quantile(confidence)
    _check_tau(tau, [time])
    curve = kaplan_meier(time, event, entry=entry, weights=weights)
    mean, variance = area(curve, tau)
    error = float(np.sqrt(variance))
    return RestrictedMean(
        float(tau),
        Estimate(mean, mean - z * error, mean + z * error),
        error,
        len(time),
        int(np.sum(event & (time <= tau))),
    )


def rmst_comparison(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    *,
    tau: float,
    entry: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
) -> RestrictedMeanComparison:
    r"""Difference and ratio of two groups' restricted mean survival times.

    .. math:: \operatorname{var}(\hat\mu_2 - \hat\mu_1) = \hat\sigma_1^2 + \hat\sigma_2^2, \qquad
        \operatorname{var}\left(\log \frac{\hat\mu_2}{\hat\mu_1}\right)
        = \frac{\hat\sigma_1^2}{\hat\mu_1^2} + \frac{\hat\sigma_2^2}{\hat\mu_2^2}

    as ``survRM2::rmst2``. It needs no proportional hazards; ``tau`` is to be chosen beforehand.

    Parameters
    ----------
    time, event, tau, entry, weights, confidence
        As of :func:`rmst`; ``tau`` must not lie beyond the last observed time of either group.
    group
        Label of each patient's group, (patient,), two in all.

    Raises
    ------
    SurvivalError
        Not two groups, no event up to ``tau`` in either, a group of mean 0, or as of ``rmst``.

    References
    ----------
    Uno et al., J Clin Oncol 2014;32:2380-2385.

    Examples
    --------
    Means up to 2 are 3/2 (alive until 1 or 2) and 2 (nobody dies before 2).

    >>> time, event = np.array([1.0, 2, 2, 3]), np.array([True, False, False, True])
    >>> found = rmst_comparison(time, event, np.array(["a", "a", "b", "b"]), tau=2)
    >>> found.difference.estimate, round(found.ratio.estimate, 4)
    (0.5, 1.3333)
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    labels, code = distinct_labels("group", group, len(time))
    kept = check_weights(weights, len(time)) > 0
    members = [rows[kept[rows]] for rows in rows_by_code(code, len(labels))]
    labels = labels[[len(rows) > 0 for rows in members]]
    members = [rows for rows in members if len(rows)]
    if len(labels) != 2:
        raise SurvivalError(
            f"restricted means are compared between two groups, got {len(labels)}: "
            "compare two at a time"
        )
    _check_tau(tau, [time[rows] for rows in members])
    first, second = (
        rmst(
            time[rows],
            event[rows],
            tau=tau,
            entry=None if entry is None else entry[rows],
            weights=None if weights is None else weights[rows],
            confidence=confidence,
        )
        for rows in members
    )
    return _compare(labels, first, second, normal_quantile(confidence))


def _compare(
    labels: np.ndarray, first: RestrictedMean, second: RestrictedMean, z: float
) -> RestrictedMeanComparison:
    means = np.array([first.mean.estimate, second.mean.estimate])
    errors = np.array([first.standard_error, second.standard_error])
    if not (errors > 0).any() or not (means > 0).all():
        raise SurvivalError(
            f"restricted means need an event before tau and time without event in each group, got "
            f"{first.n_events} and {second.n_events} events: choose another tau"
        )
    gap, log_ratio = means[1] - means[0], np.log(means[1] / means[0])
    gap_error, log_error = np.hypot(*errors), np.hypot(*(errors / means))
    return RestrictedMeanComparison(
        labels,
        (first, second),
        Estimate(float(gap), float(gap - z * gap_error), float(gap + z * gap_error)),
        Estimate(*(float(np.exp(log_ratio + side * z * log_error)) for side in (0, -1, 1))),
        float(2 * ndtr(-abs(gap / gap_error))),
        float(2 * ndtr(-abs(log_ratio / log_error))),
    )


def area(curve: KaplanMeier, tau: float) -> tuple[float, float]:
    """Area under ``curve`` from 0 to ``tau``, and its variance."""
    until = int(np.searchsorted(curve.time, tau, side="right"))
    knots = np.concatenate([[0.0], curve.time[:until], [tau]])
    survival = np.append(1.0, curve.survival[:until])
    pieces = np.diff(knots) * survival
    after = np.cumsum(pieces[:0:-1])[::-1]  # from each time to tau
    d = curve.n_events[:until]
    n = np.where(d > 0, curve.n_at_risk[:until], 1).astype(np.float64)
    # At the last step to 0 nobody stays at risk, and no area is left to vary.
    stay = np.where(n > d, n - d, np.inf)
    return float(pieces.sum()), float(np.sum(after**2 * d / (n * stay)))


def _check_tau(tau: float, times: list[np.ndarray]) -> None:
    beyond = sum(tau > group.max() for group in times)
    if not 0 < tau < np.inf or beyond:
        raise SurvivalError(
            f"tau must be positive and within the follow-up of every group, got {tau}, beyond the "
            f"last observed time of {beyond} of {len(times)}: choose it within the shared follow-up"
        )
