"""Do groups differ in survival?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from workbench.errors import SurvivalError
from workbench.survival.counting import distinct_labels
from workbench.survival.inputs import check_entry, check_labels, check_outcome
from workbench.survival.risk_table import Stratum, risk_tables

ROUNDING = 1e-11
"""An eigenvalue of the covariance that is smaller, against the largest, is 0 but for rounding."""


@dataclass(frozen=True)
class LogRank:
    """Result of a log-rank test.

    Parameters
    ----------
    statistic
        Chi-square with ``degrees_of_freedom`` = groups - 1.
    p_value
        Probability of a statistic at least as large if no group differs.
    observed, expected
        Events seen in each group, and expected if none differed, (group,), groups ascending;
        with rho or gamma each event counts its weight.
    covariance
        Of ``observed - expected``, (group, group).
    groups
        Labels, ascending, (group,).
    n_patients, n_events
        Of each group, (group,) int: what decides whether a p-value is fit to print.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: np.ndarray
    expected: np.ndarray
    covariance: np.ndarray
    groups: np.ndarray
    n_patients: np.ndarray
    n_events: np.ndarray


def log_rank(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    r"""Log-rank test of two or more groups, weighted and stratified where asked.

    With O and E the observed and expected events of each group and V the sum of the
    hypergeometric covariances over the event times, the statistic is

    .. math:: (O - E)^\top V^{-} (O - E), \qquad
        O_g = \sum_j w_j d_{gj}, \quad E_g = \sum_j w_j d_j \frac{n_{gj}}{n_j}, \quad
        w_j = \hat S(t_j-)^\rho \, (1 - \hat S(t_j-))^\gamma

    with :math:`\hat S` the Kaplan-Meier curve of all groups together. ``rho=1`` gives early
    differences more weight, ``gamma=1`` late ones; 0 and 0 is the log-rank test. The weights are
    to be chosen before the data are seen. With ``stratum`` O, E, V are summed over strata, each
    with its own curve and risk sets.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    group
        Label of each patient's group, (patient,).
    entry
        When each patient came under observation, (patient,): at risk in (entry, time].
    stratum
        Labels within which alone patients are compared, (patient,).
    rho, gamma
        Fleming and Harrington's exponents, not negative.

    Raises
    ------
    SurvivalError
        Fewer than two groups, no event while more than one group is at risk, an exponent that is
        negative, or an outcome, entry or label that is not valid.

    References
    ----------
    Mantel, Cancer Chemother Rep 1966;50:163-170. Peto and Peto, J R Stat Soc A
    1972;135:185-207. Harrington and Fleming, Biometrika 1982;69:553-566.

    Examples
    --------
    Events at 1 and 2 in group 0, at 3 and 4 in group 1: E of group 0 is 2/4 + 1/3 = 0.8333, and V
    is 1/4 + 2/9, so the statistic is 1.1667^2 / 0.4722 = 2.882.

    >>> every = np.array([True, True, True, True])
    >>> test = log_rank(np.array([1.0, 2.0, 3.0, 4.0]), every, np.array([0, 0, 1, 1]))
    >>> test.expected.round(4).tolist(), round(test.statistic, 3), round(test.p_value, 4)
    ([0.8333, 3.1667], 2.882, 0.0896)
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    labels, code = distinct_labels("group", group, len(time))
    if len(labels) < 2:
        raise SurvivalError("a log-rank test compares two or more groups, got 1: pass more groups")
    strata = risk_tables(
        time,
        event,
        code,
        len(labels),
        entry=entry,
        stratum=None if stratum is None else check_labels("stratum", stratum, len(time)),
    )
    return log_rank_of(strata, labels, np.bincount(code), rho=rho, gamma=gamma)


def log_rank_of(
    strata: Iterable[Stratum],
    labels: np.ndarray,
    n_patients: np.ndarray,
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """The test that the risk tables of ``strata`` make."""
    if not (rho >= 0 and gamma >= 0):
        raise SurvivalError(
            f"rho and gamma must not be negative, got {rho} and {gamma}: pass 0 for the log-rank"
        )
    parts = [_moments(stratum, len(labels), rho, gamma) for stratum in strata]
    n_events, observed, expected, covariance = (
        np.sum(part, axis=0) for part in zip(*parts, strict=True)
    )
    if not np.trace(covariance) > 0:
        raise SurvivalError(
            f"a log-rank test needs an event while two groups are at risk, got {n_events.sum()} "
            "events and none of that kind: join groups or leave the test out"
        )
    # Groups never at risk together with another add nothing; one row is redundant besides.
    gap = observed - expected
    values, vectors = np.linalg.eigh(covariance)
    seen = values > ROUNDING * values[-1]
    statistic = float((vectors[:, seen].T @ gap) ** 2 @ (1 / values[seen]))
    degrees_of_freedom = int(seen.sum())
    return LogRank(
        statistic,
        degrees_of_freedom,
        float(chdtrc(degrees_of_freedom, statistic)),
        observed,
        expected,
        covariance,
        labels,
        n_patients,
        n_events,
    )


def _moments(
    stratum: Stratum, n_groups: int, rho: float, gamma: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Events, weighted events and expected ones (group,), and the covariance (group, group)."""
    n_events = np.zeros(n_groups, dtype=np.int64)
    observed, expected = np.zeros(n_groups), np.zeros(n_groups)
    products, survival = np.zeros((n_groups, n_groups)), 1.0
    for at_risk, events in stratum:
        d, n = events.sum(0), at_risk.sum(0)
        share = at_risk / n
        scale = d * ((n - d) / np.maximum(n - 1, 1))
        own = events.sum(1)
        n_events += own
        if rho or gamma:
            after = np.cumprod(np.append(survival, 1 - d / n))
            before, survival = after[:-1], after[-1]
            weight = before**rho * (1 - before) ** gamma
            own, d, scale = events @ weight, weight * d, weight**2 * scale
        observed += own
        expected += share @ d
        products += (share * scale) @ share.T
    # Rows of the covariance sum to 0: its diagonal follows, and no large terms cancel in it.
    np.fill_diagonal(products, 0.0)
    return n_events, observed, expected, np.diag(products.sum(1)) - products
