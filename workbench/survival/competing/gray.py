"""Do groups differ in the cumulative incidence of one of several competing events?"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from workbench.errors import SurvivalError
from workbench.survival.competing.counts import cause_seen
from workbench.survival.inputs import check_cause, check_labels


@dataclass(frozen=True)
class GrayTest:
    """Result of Gray's test for one cause.

    Parameters
    ----------
    statistic
        Chi-square with ``degrees_of_freedom`` = groups - 1.
    p_value
        Probability of a statistic at least as large if no group differs.
    observed, expected
        Events of the cause in each group while another was at risk, and expected if none
        differed, both weighted by (1 - F)^rho, (group,), groups ascending.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: np.ndarray
    expected: np.ndarray


def gray_test(
    time: np.ndarray,
    cause: np.ndarray,
    group: np.ndarray,
    *,
    of: int = 1,
    stratum: np.ndarray | None = None,
    rho: float = 0.0,
) -> GrayTest:
    r"""Gray's test of equal cumulative incidence of one cause in two or more groups.

    A log-rank test on the subdistribution hazard. With Y the patients at risk in a group, S its
    event-free probability and F its incidence of the cause, all just before t, its risk set is
    completed by those whom a competing event took, and the score adds, over the event times,

    .. math:: R_g = Y_g \frac{1 - \hat F_g}{\hat S_g}, \qquad
        (1 - \hat F_0)^\rho \left( d_g - d \frac{R_g}{\sum_h R_h} \right)

    where F_0 is the incidence if no group differs. The variance is that of Gray's paper, as
    R's cmprsk::cuminc computes it (hypergeometric at tied times). Patients are compared within
    strata, and scores and variances are added over strata. At a tied time events come before
    censorings. Times with one group at risk compare nothing and are left out.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    cause
        What happened, (patient,) int: 0 censored, 1, 2, ... the competing events.
    group
        Label of each patient's group, (patient,).
    of
        The cause that is tested.
    stratum
        Labels within which groups are compared, (patient,); None: all together.
    rho
        Power of the weight: 0 weighs all times equally, above 0 early differences more.

    Raises
    ------
    SurvivalError
        Fewer than two groups, no event of the cause, a group that never is at risk together
        with others when the cause strikes, or so few patients with so many ties that the
        variance is not positive.

    References
    ----------
    Gray, Ann Stat 1988;16:1141-1154.

    Examples
    --------
    Cause 1 at 1 and 2 in group 0, at 3 and 4 in group 1, and nothing competes: the expected
    events are those of the log-rank test, 2/4 + 1/3 in group 0. From 3 on nobody of group 0 is
    at risk.

    >>> test = gray_test(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 1]),
    ...                  np.array([0, 0, 1, 1]))
    >>> test.observed.tolist(), test.expected.round(4).tolist()
    ([2.0, 0.0], [0.8333, 1.1667])
    """
    time, cause = check_cause(time, cause)
    code = check_labels("group", group, len(time))
    layer = check_labels("stratum", stratum, len(time))
    n_groups = int(code.max()) + 1
    if n_groups < 2:
        raise SurvivalError("Gray's test compares two or more groups, got 1: pass more groups")
    if not np.isfinite(rho):
        raise SurvivalError(f"rho must be finite, got {rho}: 0 weighs all times equally")
    kind = np.where(cause_seen(cause, of), 1, np.where(cause > 0, 2, 0))

    observed, expected = np.zeros(n_groups), np.zeros(n_groups)
    covariance = np.zeros((n_groups, n_groups))
    for one in range(int(layer.max()) + 1):
        member = layer == one
        if (kind[member] == 1).any():
            paths = _group_paths(time[member], kind[member], code[member], n_groups)
            weight = (1 - paths.incidence_before) ** rho
            observed += weight @ paths.n_events
            expected += (weight * paths.n_events.sum(1)) @ paths.share
            covariance += _covariance(paths, weight)

    # The scores of all groups sum to 0: the last is redundant.
    gap, reduced = (observed - expected)[:-1], covariance[:-1, :-1]
    if not _positive_definite(reduced):
        raise SurvivalError(
            f"Gray's test needs each of {n_groups} groups at risk together with another when "
            f"cause {of} strikes, with patients left where several have it at once, and that is "
            "not so: join groups or leave the test out"
        )
    statistic = float(gap @ np.linalg.solve(reduced, gap))
    p_value = float(chdtrc(n_groups - 1, statistic))
    return GrayTest(statistic, n_groups - 1, p_value, observed, expected)


def _positive_definite(covariance: np.ndarray) -> bool:
    variance = np.diag(covariance)
    if not (variance > 0).all():
        return False
    scale = np.sqrt(variance)
    return bool(np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] > 1e-12)


class _Paths(NamedTuple):
    """What each group has lived through at each time of an event of any cause.

    ``n_at_risk``, ``n_events``, ``n_competing``, ``before`` and ``after`` (event-free just before
    and at), ``share`` (of the completed risk set): (time, group). ``incidence_before`` and
    ``incidence``, under no difference between groups: (time,).
    """

    n_at_risk: np.ndarray
    n_events: np.ndarray
    n_competing: np.ndarray
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    incidence_before: np.ndarray
    incidence: np.ndarray


def _group_paths(time: np.ndarray, kind: np.ndarray, code: np.ndarray, n_groups: int) -> _Paths:
    event_times = np.unique(time[kind > 0])

    def count(chosen: np.ndarray) -> np.ndarray:
        cell = np.searchsorted(event_times, time[chosen]) * n_groups + code[chosen]
        return np.bincount(cell, minlength=len(event_times) * n_groups).reshape(-1, n_groups)

    n_events, n_competing = count(kind == 1), count(kind == 2)
    left_before = [
        np.searchsorted(np.sort(time[code == one]), event_times) for one in range(n_groups)
    ]
    n_at_risk = np.bincount(code, minlength=n_groups) - np.stack(left_before, axis=1)
    exposed = n_at_risk > 0

    hazard = _ratio(n_events + n_competing, n_at_risk, exposed)
    after = np.cumprod(1 - hazard, axis=0)
    before = _lagged(after, 1.0)
    own = np.cumsum(before * _ratio(n_events, n_at_risk, exposed), axis=0)
    scaled = _ratio(n_at_risk, before, exposed)
    completed = scaled * (1 - _lagged(own, 0.0))
    total = completed.sum(1, keepdims=True)
    share = _ratio(completed, total, np.broadcast_to(total > 0, completed.shape))
    incidence = np.cumsum(n_events.sum(1) / scaled.sum(1))
    incidence_before = np.append(0.0, incidence[:-1])
    # Once groups have left, F_0 may pass 1: from there on the weight has no meaning.
    compared = (exposed.sum(1) > 1) & (incidence_before < 1 - 1e-12)
    path = (n_at_risk, n_events, n_competing, before, after, share, incidence_before, incidence)
    return _Paths(*(part[compared] for part in path))


def _covariance(paths: _Paths, weight: np.ndarray) -> np.ndarray:
    """Gray's variance of the score: what the events of each group in turn do to all scores."""
    exposed = paths.n_at_risk > 0
    n_events = paths.n_events.sum(1)
    scaled = _ratio(paths.n_at_risk, paths.before, exposed)
    total = scaled.sum(1)
    step = n_events / (total * (1 - paths.incidence_before))
    survivors = paths.after > 0
    free = np.broadcast_to(1 - paths.incidence[:, None], survivors.shape)
    kept = _ratio(free, paths.after, survivors)
    taken = np.where(survivors, 1 - kept, 1.0)
    by_cause, by_others = _event_variances(paths, total, exposed, survivors)

    covariance = np.zeros((scaled.shape[1],) * 2)
    for one in range(scaled.shape[1]):
        share = weight * scaled[:, one]
        spread = -(share / total)[:, None] * scaled  # time group
        spread[:, one] += share
        drift = np.cumsum(spread * step[:, None], axis=0)
        to_come = drift[-1:] - drift
        spread += taken[:, one, None] * to_come
        covariance += spread.T @ (spread * by_cause[:, one, None])
        to_come *= kept[:, one, None]
        covariance += to_come.T @ (to_come * by_others[:, one, None])
    return covariance


def _event_variances(
    paths: _Paths, total: np.ndarray, exposed: np.ndarray, survivors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of events of the cause and of others in each group, hypergeometric, (time, group) each."""
    n_events = np.broadcast_to(paths.n_events.sum(1, keepdims=True), exposed.shape)
    own = exposed & (n_events > 0)
    ties = _ratio(n_events - 1, total[:, None] * paths.before - 1, own & (n_events > 1))
    by_cause = _ratio(paths.before * n_events, total[:, None] * paths.n_at_risk, own)

    other = survivors & (paths.n_competing > 0)
    ties_other = _ratio(paths.n_competing - 1, paths.n_at_risk - 1, other & (paths.n_competing > 1))
    by_others = _ratio(paths.before**2 * paths.n_competing, paths.n_at_risk**2, other)
    return (1 - ties) * by_cause, (1 - ties_other) * by_others


def _ratio(top: np.ndarray, bottom: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.zeros(where.shape), where=where)


def _lagged(values: np.ndarray, start: float) -> np.ndarray:
    return np.vstack([np.full(values.shape[1], start), values[:-1]])
