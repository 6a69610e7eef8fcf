"""How long patients were followed: the curve of what ended their observation."""

import numpy as np

from workbench.survival.inputs import check_outcome
from workbench.survival.kaplan_meier import KaplanMeier, kaplan_meier
from workbench.survival.limits import Limits


def follow_up(
    time: np.ndarray,
    event: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    confidence: float = 0.95,
    limits: Limits = "log-log",
) -> KaplanMeier:
    """Reverse Kaplan-Meier curve: the share still followed, if no patient had had the event.

    The end of observation is the event, and the event ends observation early. Its ``median`` and
    ``quantile`` are the follow-up that a report prints; the median of the observed times would be
    shorter the more patients died early. Its ``n_events`` are censorings.

    Events and censorings change places, ties and all: a patient with the event at t is at risk
    of censoring at t, as in R's ``survfit(Surv(time, 1 - event) ~ 1)``. The weights of
    :func:`workbench.survival.censoring_curve` need the other order.

    Parameters
    ----------
    time, event, entry, confidence, limits
        As of :func:`workbench.survival.kaplan_meier`.

    Raises
    ------
    SurvivalError
        As of ``kaplan_meier``.

    References
    ----------
    Schemper and Smith, Control Clin Trials 1996;17:343-346.

    Examples
    --------
    Deaths at 1 and 2, censored at 3, 4 and 5: half of the censorings have come by 4.

    >>> time, event = np.array([1.0, 2, 3, 4, 5]), np.array([True, True, False, False, False])
    >>> follow_up(time, event).median.estimate
    4.0
    """
    time, event = check_outcome(time, event)
    return kaplan_meier(time, ~event, entry=entry, confidence=confidence, limits=limits)
