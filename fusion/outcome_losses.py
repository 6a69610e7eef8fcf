"""Losses of outcomes other than Cox's, and what they need to know of the training outcome.

Every loss is a sum over patients, so it may be added up from any parts of a cohort.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


def event_quantile_cuts(time: np.ndarray, event: np.ndarray, n_intervals: int) -> np.ndarray:
    r"""Ends of time intervals over which Kaplan–Meier falls by about the same amount.

    Interval k is :math:`(\tau_{k-1}, \tau_k]` with :math:`\tau_0 = 0`. Each end is an event time,
    the last one the last event time.

    Parameters
    ----------
    time, event
        Of the training patients, (patient,) float64 and bool.
    n_intervals
        At least 1.

    Returns
    -------
    array
        (interval,), ascending, in the unit of ``time``.

    Raises
    ------
    ValueError
        With fewer distinct event times than intervals.

    References
    ----------
    Kvamme, H. and Borgan, Ø. (2021). Continuous and discrete-time survival prediction with neural
    networks. Lifetime Data Analysis 27.

    Examples
    --------
    Four events without censoring: half of the fall has happened at the second.

    >>> event_quantile_cuts(np.array([1.0, 2, 5, 9]), np.ones(4, dtype=bool), 2).tolist()
    [2.0, 9.0]
    """
    times = np.unique(time[event])
    if len(times) < n_intervals:
        raise ValueError(
            f"{n_intervals} intervals need as many distinct event times, the training patients "
            f"have {len(times)}: choose fewer intervals"
        )
    survival = _kaplan_meier(time, event, times)
    levels = 1 - (1 - survival[-1]) * np.arange(1, n_intervals + 1) / n_intervals
    # The first event time at which survival has fallen to the level, but for rounding.
    position = np.searchsorted(-survival, -levels - 1e-12)
    # Where one event makes survival fall past several levels, those after it take the next times.
    interval = np.arange(n_intervals)
    position = np.maximum.accumulate(position - interval) + interval
    return times[np.minimum(position, len(times) - n_intervals + interval)]


def _kaplan_meier(time: np.ndarray, event: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Survival at each of the distinct event ``times``."""
    n_at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    n_events = np.unique(time[event], return_counts=True)[1]
    return np.cumprod(1 - n_events / n_at_risk)


def intervals_survived(time: np.ndarray, event: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """How many intervals each patient is known to have survived, (patient,) int64.

    A patient with an event has it in the interval that follows those. A censored patient counts
    for the intervals that ended by then, and for no part of the one left open: Kaplan–Meier's
    convention, which is exact on the grid. Whoever is followed past the last cut survived all.
    """
    before = np.searchsorted(cuts, time, side="left")
    through = np.searchsorted(cuts, time, side="right")
    return np.where(event, before, through)


def discrete_hazard_loss(
    logits: Float[Tensor, "patient interval"],
    n_survived: Int[Tensor, " patient"],
    event: Bool[Tensor, " patient"],
) -> Float[Tensor, ""]:
    r"""Negative log-likelihood of discrete-time hazards, summed over patients.

    .. math:: -\sum_i \Big[ \sum_{k < s_i} \log(1 - h_{ik}) + \delta_i \log h_{i s_i} \Big]

    Parameters
    ----------
    logits
        Logit of the hazard h.
    n_survived, event
        Intervals survived, s, and whether the event came in the one after them
        (:func:`intervals_survived`). An event after the last interval must be passed as none.

    References
    ----------
    Gensheimer, M. and Narasimhan, B. (2019). A scalable discrete-time survival model for neural
    networks. PeerJ 7:e6257.
    Kvamme, H. and Borgan, Ø. (2021). Lifetime Data Analysis 27.

    Examples
    --------
    Hazard 1/2 in both intervals; the event comes in the second: 1/2 · 1/2.

    >>> loss = discrete_hazard_loss(torch.zeros(1, 2), torch.tensor([1]), torch.tensor([True]))
    >>> round(float(torch.exp(-loss)), 6)
    0.25
    """
    return competing_risks_loss(logits[:, None], n_survived, event.long())


def competing_risks_loss(
    logits: Float[Tensor, "patient cause interval"],
    n_survived: Int[Tensor, " patient"],
    cause: Int[Tensor, " patient"],
) -> Float[Tensor, ""]:
    r"""Negative log-likelihood of discrete competing risks, summed over patients.

    In each interval a patient who reached it survives or has the event from one cause: a softmax
    over the causes' logits and a 0 for survival. Censored patients add the intervals that they
    survived.

    .. math:: -\sum_i \Big[ \sum_{k < s_i} \log h_{ik0} + 1(c_i > 0) \log h_{i s_i c_i} \Big],
              \qquad h_{ikc} = \frac{e^{\eta_{ikc}}}{1 + \sum_b e^{\eta_{ikb}}}

    Parameters
    ----------
    logits
        η of each cause in each interval.
    n_survived
        Intervals survived, s (:func:`intervals_survived`).
    cause
        Cause of the event in the interval after those, from 1; 0 where censored.

    References
    ----------
    Tutz, G. and Schmid, M. (2016). Modeling Discrete Time-to-Event Data, chapter 8. Springer.
    Lee, C. et al. (2018). DeepHit. AAAI.

    Examples
    --------
    Two causes and survival, 1/3 each; one interval survived, then the second cause: 1/9.

    >>> loss = competing_risks_loss(torch.zeros(1, 2, 2), torch.tensor([1]), torch.tensor([2]))
    >>> round(float(torch.exp(-loss)), 6)
    0.111111
    """
    n_intervals = logits.shape[-1]
    outcome = functional.pad(logits, (0, 0, 1, 0)).log_softmax(dim=1)
    interval = torch.arange(n_intervals, device=logits.device)
    survived = (outcome[:, 0] * (interval < n_survived[:, None])).sum()
    happened = cause > 0
    own = outcome[happened, cause[happened], n_survived[happened]]
    return -(survived + own.sum())


@dataclass(frozen=True)
class CensoringCurve:
    """Probability G of still being under observation (reverse Kaplan–Meier).

    Parameters
    ----------
    times
        Distinct censoring times, ascending, (time,).
    probability
        G from each of them on, (time,).
    """

    times: np.ndarray
    probability: np.ndarray

    def before(self, time: np.ndarray) -> np.ndarray:
        """G(t−): not censored before t."""
        return np.append(1.0, self.probability)[np.searchsorted(self.times, time, side="left")]


def censoring_curve(time: np.ndarray, event: np.ndarray) -> CensoringCurve:
    """Reverse Kaplan–Meier; at a tied time events come first and are not at risk of censoring.

    Parameters
    ----------
    time, event
        Of the training patients, (patient,) float64 and bool.

    References
    ----------
    Graf, E. et al. (1999). Assessment and comparison of prognostic classification schemes for
    survival data. Statistics in Medicine 18.

    Examples
    --------
    At 2 the event leaves first, so one of two is censored there.

    >>> curve = censoring_curve(np.array([1.0, 2, 2, 3]), np.array([True, False, True, False]))
    >>> curve.before(np.array([2.0, 3, 4])).tolist()
    [1.0, 0.5, 0.0]
    """
    times, n_censored = np.unique(time[~event], return_counts=True)
    n_gone = np.searchsorted(np.sort(time), times, side="left")
    events = np.sort(time[event])
    n_events = np.searchsorted(events, times, side="right") - np.searchsorted(events, times)
    n_at_risk = len(time) - n_gone - n_events
    return CensoringCurve(times, np.cumprod(1 - n_censored / n_at_risk))


def free_until(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Each patient is known to be event-free at every horizon below this, (patient,).

    At a tied time events come first, so whoever is censored at a horizon had no event by then.

    Examples
    --------
    >>> (free_until(np.array([5.0, 5, 6]), np.array([True, False, True])) > 5).tolist()
    [False, True, True]
    """
    return np.where(event, time, np.nextafter(time, np.inf))


def horizon_weights(
    time: np.ndarray, event: np.ndarray, horizon: float, curve: CensoringCurve
) -> np.ndarray:
    """Inverse probability that the state at the horizon is known, (patient,).

    1 / G(t−) for an event at t ≤ horizon, 1 / G(horizon−) for a patient followed to it without one
    (at a tied time events come before censorings), 0 for one censored before. Their mean is about
    1.

    Raises
    ------
    ValueError
        If G(horizon−) is 0: nobody is followed as long, so nothing is known of survivors.

    References
    ----------
    Graf, E. et al. (1999). Statistics in Medicine 18.
    Vock, D. et al. (2016). Adapting machine learning techniques to censored time-to-event health
    record data. Journal of Biomedical Informatics 61.

    Examples
    --------
    One of three is censored at 1; the two who remain stand for three.

    >>> time, event = np.array([1.0, 2, 5]), np.array([False, True, True])
    >>> horizon_weights(time, event, 3.0, censoring_curve(time, event)).round(6).tolist()
    [0.0, 1.5, 1.5]
    """
    followed = curve.before(np.array([horizon]))[0]
    if not followed > 0:
        raise ValueError(
            f"no training patient is under observation at the horizon {horizon:g}, so survivors "
            "have no weight: choose an earlier horizon"
        )
    case = event & (time <= horizon)
    weight = np.where(free_until(time, event) > horizon, 1 / followed, 0.0)
    weight[case] = 1 / curve.before(time[case])
    return weight


def weighted_binary_cross_entropy(
    logit: Float[Tensor, " patient"],
    label: Bool[Tensor, " patient"],
    weight: Float[Tensor, " patient"],
) -> Float[Tensor, ""]:
    """Negative log-likelihood of a binary outcome, weighted and summed over patients.

    Examples
    --------
    >>> loss = weighted_binary_cross_entropy(
    ...     torch.zeros(2), torch.tensor([True, False]), torch.tensor([1.0, 3.0]))
    >>> round(float(loss), 4)  # 4 log 2
    2.7726
    """
    return functional.binary_cross_entropy_with_logits(
        logit, label.to(logit.dtype), weight.to(logit.dtype), reduction="sum"
    )


def squared_error(
    mean: Float[Tensor, " patient"], value: Float[Tensor, " patient"]
) -> Float[Tensor, ""]:
    """Squared difference, summed over patients."""
    return (mean - value.to(mean.dtype)).square().sum()
