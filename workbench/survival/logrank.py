"""Do groups differ in survival?"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_labels, check_outcome


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
        Events seen in each group, and expected if none differed, (group,), groups ascending.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: np.ndarray
    expected: np.ndarray


def log_rank(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> LogRank:
    r"""Log-rank test of two or more groups.

    With O and E the observed and expected events of each group and V the sum of the
    hypergeometric covariances over the event times, the statistic is

    .. math:: (O - E)^\top V^{-} (O - E), \qquad
        E_g = \sum_j d_j \frac{n_{gj}}{n_j}

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    group
        Label of each patient's group, (patient,).

    Raises
    ------
    SurvivalError
        Fewer than two groups, or no event while more than one group is at risk.

    References
    ----------
    Mantel, Cancer Chemother Rep 1966;50:163-170. Peto and Peto, J R Stat Soc A
    1972;135:185-207.

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
    code = check_labels("group", group, len(time))
    n_groups = code.max() + 1
    if n_groups < 2:
        raise SurvivalError("a log-rank test compares two or more groups, got 1: pass more groups")
    event_times = np.unique(time[event])
    member = code[:, None] == np.arange(n_groups)
    at_risk = (time >= event_times[:, None]).astype(float) @ member  # time group
    happening = (time == event_times[:, None]) & event
    n_events = happening.sum(1)
    n_at_risk = at_risk.sum(1)

    share = at_risk / n_at_risk[:, None]
    observed = member[event].sum(0).astype(float)
    expected = n_events @ share
    ties = (n_at_risk - n_events) / np.maximum(n_at_risk - 1, 1)
    scale = n_events * ties
    covariance = np.diag(scale @ share) - (share * scale[:, None]).T @ share
    if not np.trace(covariance) > 0:
        raise SurvivalError(
            f"a log-rank test needs an event while two groups are at risk, got {event.sum()} "
            "events and none of that kind: join groups or leave the test out"
        )
    # Groups never at risk together with another add nothing; one row is redundant besides.
    gap = observed - expected
    statistic = float(gap @ np.linalg.pinv(covariance, hermitian=True) @ gap)
    degrees_of_freedom = int(np.linalg.matrix_rank(covariance, hermitian=True))
    return LogRank(
        statistic,
        degrees_of_freedom,
        float(chdtrc(degrees_of_freedom, statistic)),
        observed,
        expected,
    )
