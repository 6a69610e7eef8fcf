"""The hazard of each cause by itself, and what the hazards of all causes make together."""

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.competing.counts import cause_seen
from workbench.survival.inputs import check_cause, check_horizons


def cause_specific(time: np.ndarray, cause: np.ndarray, of: int) -> tuple[np.ndarray, np.ndarray]:
    """Time and event of one cause, the others censored: what a cause-specific Cox model takes.

    Its hazard ratios say how a feature changes the rate of the cause among those still
    event-free. They say nothing by themselves of the risk (cumulative incidence): for that,
    combine the hazards of all causes with :func:`incidence_from_hazards`.

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    cause
        What happened, (patient,) int: 0 censored, 1, 2, ... the competing events.
    of
        The cause of interest.

    Returns
    -------
    tuple
        Time, (patient,), and event, (patient,) bool.

    Raises
    ------
    SurvivalError
        The input is not valid, or nobody had the cause.

    References
    ----------
    Prentice et al., Biometrics 1978;34:541-554.

    Examples
    --------
    >>> time, event = cause_specific(np.array([1.0, 2.0, 3.0]), np.array([1, 2, 0]), 2)
    >>> event.tolist()
    [False, True, False]
    """
    time, cause = check_cause(time, cause)
    return time, cause_seen(cause, of)


def incidence_from_hazards(
    times: np.ndarray, cumulative_hazard: np.ndarray, horizons: np.ndarray | list[float]
) -> np.ndarray:
    r"""Cumulative incidence of every cause from the cumulative hazards of all causes.

    .. math:: F_k(t) = \sum_{t_j \le t} S(t_j-)\, \Delta\Lambda_k(t_j), \qquad
        S(t) = \prod_{t_j \le t} \left(1 - \sum_k \Delta\Lambda_k(t_j)\right)

    With Nelson-Aalen hazards this is the Aalen-Johansen estimate; with those of cause-specific
    Cox models it is each patient's predicted incidence (riskRegression's CSC with product.limit).
    Where the hazards of a time add to more than 1, as a model may say of a patient at very high
    risk, they are scaled to 1: nobody is event-free after it, and incidences add to 1.

    Parameters
    ----------
    times
        Ascending times, those of all causes, (time,), not negative.
    cumulative_hazard
        Of each cause at each time, (..., cause, time): leading axes are patients, or none. For
        proportional hazards, ``np.exp(risk_score)[:, :, None] * baseline``.
    horizons
        Ascending times, (horizon,); at most the last of ``times`` is known, so none beyond.

    Returns
    -------
    array
        (..., cause, horizon) in [0, 1].

    Raises
    ------
    SurvivalError
        Shapes that do not fit, a hazard that is missing, infinite, negative or decreasing, or a
        horizon beyond ``times``.

    References
    ----------
    Benichou and Gail, Biometrics 1990;46:813-826. Ozenne et al., R Journal 2017;9:440-460.

    Examples
    --------
    At 1 one half of the patients leave, equally for both causes; at 2 one half of the rest leave
    for cause 1.

    >>> hazards = np.array([[0.25, 0.75], [0.25, 0.25]])
    >>> incidence_from_hazards(np.array([1.0, 2.0]), hazards, [1.0, 2.0]).tolist()
    [[0.25, 0.5], [0.25, 0.25]]
    """
    times, horizons = np.asarray(times, dtype=np.float64), check_horizons(horizons)
    hazard = np.asarray(cumulative_hazard, dtype=np.float64)
    ascending = times.ndim == 1 and len(times) > 0 and (np.diff(times) > 0).all()
    if not (ascending and np.isfinite(times).all() and times[0] >= 0):
        raise SurvivalError(
            f"times must be ascending and not negative, got {times.size} values that are not: "
            "sort them and leave out repeats"
        )
    if hazard.ndim < 2 or hazard.shape[-1] != len(times):
        raise SurvivalError(
            f"cumulative_hazard must have shape (..., cause, {len(times)}), got {hazard.shape}: "
            "pass every cause at every time"
        )
    step = np.diff(hazard, axis=-1, prepend=0.0)
    wrong = ~np.isfinite(hazard) | (step < 0)
    if wrong.any():
        raise SurvivalError(
            f"cumulative_hazard must be finite, not negative and never decrease, got "
            f"{int(wrong.sum())} values that are or do not: pass cumulative hazards"
        )
    if horizons[-1] > times[-1]:
        raise SurvivalError(
            f"the hazards end at {times[-1]:g}, before the horizon {horizons[-1]:g}: choose an "
            "earlier one, or carry the hazards on"
        )
    total = step.sum(-2, keepdims=True)
    step = step / np.maximum(total, 1.0)
    event_free = np.cumprod(1 - np.minimum(total, 1.0), axis=-1)
    before = np.concatenate([np.ones_like(event_free[..., :1]), event_free[..., :-1]], axis=-1)
    incidence = np.cumsum(before * step, axis=-1)
    padded = np.concatenate([np.zeros_like(incidence[..., :1]), incidence], axis=-1)
    return padded[..., np.searchsorted(times, horizons, side="right")]
