"""A new origin for time, so that what was seen before it may define groups."""

from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.inputs import check_entry, check_outcome


@dataclass(frozen=True)
class Landmark:
    """The patients at risk at the landmark, and how many were not.

    Parameters
    ----------
    at
        The landmark, in the unit of time, from the old origin.
    at_risk
        Who is kept, (patient,) bool of all patients: select groups and features with it.
    time, event
        Outcome of those kept, time counted from the landmark, (kept,).
    n_events_before, n_censored_before
        Patients left out because of an event, or the end of observation, up to the landmark.
    n_not_entered
        Patients left out because they came under observation only after the landmark.
    """

    at: float
    at_risk: np.ndarray
    time: np.ndarray
    event: np.ndarray
    n_events_before: int
    n_censored_before: int
    n_not_entered: int


def landmark(
    time: np.ndarray, event: np.ndarray, *, at: float, entry: np.ndarray | None = None
) -> Landmark:
    """Outcome from the landmark ``at`` on, of the patients still at risk just after it.

    Patients grouped by something that happens later (response, a transplant) are sure to live
    until then: their survival from the first day on is better by that alone (immortal time).
    Choose the landmark before seeing the data, group by what is known at it, and compare from it.
    An event or censoring at exactly the landmark counts as before it.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    at
        The landmark, positive, in the unit of time.
    entry
        When each patient came under observation, (patient,). Who enters after the landmark was
        not seen at it and is left out.

    Raises
    ------
    SurvivalError
        The outcome, an entry or the landmark is not valid, or nobody is at risk after it.

    References
    ----------
    Anderson, Cain and Gelber, J Clin Oncol 1983;1:710-719.

    Examples
    --------
    >>> rest = landmark(np.array([1.0, 2, 3, 5]), np.array([True, False, True, False]), at=2.0)
    >>> rest.time.tolist(), rest.at_risk.tolist(), rest.n_events_before, rest.n_censored_before
    ([1.0, 3.0], [False, False, True, True], 1, 1)
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    if not (np.isfinite(at) and at > 0):
        raise SurvivalError(
            f"a landmark must be a positive time, got {at}: pass its distance from the index date"
        )
    gone = time <= at
    entered = np.ones(len(time), dtype=bool) if entry is None else entry <= at
    at_risk = ~gone & entered
    if not at_risk.any():
        raise SurvivalError(
            f"a landmark needs patients at risk after it, got 0 of {len(time)}: choose one earlier"
        )
    return Landmark(
        float(at),
        at_risk,
        time[at_risk] - at,
        event[at_risk],
        int((gone & event).sum()),
        int((gone & ~event).sum()),
        int((~gone & ~entered).sum()),
    )
