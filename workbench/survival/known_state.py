"""Whose state at a horizon is known, and for how many patients each stands in."""

from typing import NamedTuple

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.brier import observed_weights
from workbench.survival.censoring import CensoringCurve, censoring_curve, free_until


class KnownState(NamedTuple):
    """State of each patient at one horizon, all (patient,).

    Parameters
    ----------
    outcome
        True if the event (of the cause asked for) came by the horizon.
    weight
        Inverse probability of censoring weight; 0 where censored before the horizon.
    """

    outcome: np.ndarray
    weight: np.ndarray


def known_state(
    time: np.ndarray,
    cause: np.ndarray,
    *,
    of: int,
    horizon: float,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> KnownState:
    r"""State and weight of each patient at a horizon.

    .. math:: w_i = \frac{1(\text{any event}, T_i \le t)}{\hat G(T_i-)} +
        \frac{1(T_i > t\ \text{or censored at}\ t)}{\hat G(t-)}

    At a tied time events come before censorings: whoever is censored at t is event-free there.
    A patient who had a competing event is known to be without the event asked for. With the
    censoring curve of the same patients the weights sum to their number, and the weighted share
    with the event is 1 - Kaplan-Meier, with competing causes the Aalen-Johansen incidence.

    Parameters
    ----------
    time, cause
        Checked by ``check_cause``, (patient,).
    of
        The cause asked for.
    horizon
        Time, above 0.
    censoring, stratum
        Censoring curve and each patient's stratum in it; None estimates one from these patients.

    Raises
    ------
    SurvivalError
        No patient had the event by the horizon, or none is known to be without it.
    """
    happened = time <= horizon
    outcome = (cause == of) & happened
    if censoring is None and stratum is None:
        weight = _own_weights(time, cause > 0, horizon)
    else:
        censoring = censoring or censoring_curve(time, cause > 0, stratum=stratum)
        horizons = np.array([horizon])
        weight = observed_weights(
            time, cause > 0, horizons=horizons, censoring=censoring, stratum=stratum
        )[:, 0]
    n_events, n_free = int(outcome.sum()), int((~outcome & (weight > 0)).sum())
    if not n_events or not n_free:
        raise SurvivalError(
            f"both states must be known at {horizon:g}, got {n_events} events and {n_free} "
            "event-free patients: choose another horizon"
        )
    return KnownState(outcome, weight)


def _own_weights(time: np.ndarray, event: np.ndarray, horizon: float) -> np.ndarray:
    """Weights by the patients' own censoring curve, from one sort of those not free at the horizon.

    The same as ``observed_weights``, whose search of every time takes longer at a million.
    """
    left = free_until(time, event) <= horizon
    had_event = np.flatnonzero(left & event)
    had_event = had_event[np.argsort(time[had_event])]
    event_time = time[had_event]
    censored_time, n_censored = np.unique(time[left & ~event], return_counts=True)
    earlier = np.searchsorted(event_time, censored_time, "left")
    n_events = np.searchsorted(event_time, censored_time, "right") - earlier
    gone = earlier + np.cumsum(n_censored) - n_censored
    # At a tied time events leave first; a curve that ends at 0 is nobody's weight.
    share = n_censored / (len(time) - gone - n_events)
    curve = np.append(1.0, np.cumprod(1 - share))
    weight = np.zeros(len(time))
    weight[had_event] = 1 / curve[np.searchsorted(censored_time, event_time, "left")]
    if not left.all():
        weight[~left] = 1 / curve[-1]
    return weight
