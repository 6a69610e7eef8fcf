"""How far predicted survival lies from what happened."""

from typing import NamedTuple

import numpy as np

from workbench.survival.censoring import (
    CensoringCurve,
    censoring_curve,
    free_until,
    inverse_probability,
)
from workbench.survival.inputs import check_horizons, check_outcome, check_survival

BLOCK = 2**12
"""Patients whose scores are computed at once."""


def observed_weights(
    time: np.ndarray,
    event: np.ndarray,
    *,
    horizons: np.ndarray,
    censoring: CensoringCurve,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    """Inverse probability that the state at each horizon is known, (patient, horizon).

    1 / G(T-) for an event by the horizon, 1 / G(t-) for a patient known to be event-free at it
    (one censored at t is, as events come first), 0 for one censored before it.
    """
    until = free_until(time, event)
    known = _known(time, event, until, horizons, censoring, stratum)
    return _weights(until, known.own, known.then[known.curve], horizons)


def brier_parts(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """What each patient adds to the Brier score (their mean), (patient, horizon)."""
    free = free_until(time, event)[:, None] > horizons
    return weight * (free - survival) ** 2


def integrated_parts(parts: np.ndarray, *, horizons: np.ndarray) -> np.ndarray:
    """Mean of ``parts`` over the time from 0 to the last horizon, (patient,).

    Trapezoids between horizons; at 0 every patient is event-free and predicted so, and adds 0.
    """
    grid = np.append(0.0, horizons)
    values = np.column_stack([np.zeros(len(parts)), parts])
    return np.trapezoid(values, grid, axis=1) / grid[-1]


def brier_score(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    r"""Brier score of predicted survival at each horizon, weighted for censoring.

    .. math:: \frac1n \sum_i \left[
        \frac{\delta_i 1(T_i \le t)\, \hat S_i(t)^2}{\hat G(T_i-)} +
        \frac{1(T_i > t\ \text{or}\ T_i = t, \delta_i = 0)\, (1 - \hat S_i(t))^2}
        {\hat G(t-)} \right]

    At a tied time events come before censorings: whoever is censored at t is known to be event-free
    there, and G(t-) is the chance to be followed to t. Where none is censored at t, this is the
    form of Graf et al., with T > t and G(t).

    Parameters
    ----------
    time
        From index date to event or censoring, (patient,), not negative.
    event
        True if the event was observed, (patient,) bool.
    survival
        Predicted probability of no event by each horizon, (patient, horizon) in [0, 1]; with one
        horizon also (patient,).
    horizons
        Ascending times, (horizon,).
    censoring
        Censoring curve; None estimates it from these patients.
    stratum
        Stratum of each patient in the censoring curve, (patient,).

    Returns
    -------
    array
        (horizon,); 0 is perfect, 0.25 is what survival 1/2 for everyone scores.

    Raises
    ------
    SurvivalError
        The input is not valid.

    References
    ----------
    Graf, Schmoor, Sauerbrei and Schumacher, Stat Med 1999;18:2529-2545.

    Examples
    --------
    No censoring: at 2 the first patient is dead (predicted survival .2), the second alive (.7), so
    the score is (.04 + .09) / 2.

    >>> score = brier_score(np.array([1.0, 3]), np.array([True, True]), np.array([0.2, 0.7]),
    ...                     horizons=np.array([2.0]))
    >>> score.round(4).tolist()
    [0.065]
    """
    return _scores(time, event, survival, horizons, censoring, stratum)[0]


def integrated_brier_score(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    censoring: CensoringCurve | None = None,
    stratum: np.ndarray | None = None,
) -> float:
    r"""Brier score averaged over the time from 0 to the last horizon.

    .. math:: \frac{1}{\tau} \int_0^\tau BS(t)\, dt, \qquad \tau = \text{last horizon}

    by trapezoids, with BS(0) = 0: give horizons that are dense. Parameters, errors and reference
    are those of ``brier_score``.

    Examples
    --------
    The score rises from 0 to .065 at 2 in a straight line: its mean is .0325.

    >>> score = integrated_brier_score(np.array([1.0, 3]), np.array([True, True]),
    ...                                np.array([0.2, 0.7]), horizons=np.array([2.0]))
    >>> round(score, 4)
    0.0325
    """
    scores, horizons = _scores(time, event, survival, horizons, censoring, stratum)
    return float(integrated_parts(scores[None], horizons=horizons)[0])


def _scores(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    horizons: np.ndarray,
    censoring: CensoringCurve | None,
    stratum: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Brier score at each horizon and the horizons, checked, both (horizon,)."""
    time, event = check_outcome(time, event)
    horizons = check_horizons(horizons)
    survival = check_survival(survival, len(time), len(horizons))
    censoring = censoring or censoring_curve(time, event, stratum=stratum)
    until = free_until(time, event)
    known = _known(time, event, until, horizons, censoring, stratum)
    total = np.zeros(len(horizons))
    # A block of patients stays in a processor's cache; whole (patient, horizon) arrays do not.
    for first in range(0, len(time), BLOCK):
        block = slice(first, first + BLOCK)
        weight = _weights(until[block], known.own[block], known.then[known.curve[block]], horizons)
        parts = brier_parts(
            time[block], event[block], survival[block], horizons=horizons, weight=weight
        )
        total += parts.sum(0)
    return total / len(time), horizons


class _Known(NamedTuple):
    """Inverse probability of what is known of each patient, 0 where never asked.

    ``own`` (patient,) weighs an event by the last horizon; ``then`` (curve, horizon) a patient
    event-free at a horizon, by the ``curve`` (patient,) of the patient's stratum.
    """

    own: np.ndarray
    then: np.ndarray
    curve: np.ndarray


def _known(
    time: np.ndarray,
    event: np.ndarray,
    until: np.ndarray,
    horizons: np.ndarray,
    censoring: CensoringCurve,
    stratum: np.ndarray | None,
) -> _Known:
    before = censoring.before_own(time, stratum)
    own = inverse_probability(before, where=event & (time <= horizons[-1]))
    if stratum is None:
        curve, then = np.zeros(len(time), dtype=np.int64), censoring.before(horizons)[None]
    else:
        labels, curve = np.unique(stratum, return_inverse=True)
        then = censoring.before(horizons, labels)
    longest = np.zeros(len(then))
    np.maximum.at(longest, curve, until)
    return _Known(own, inverse_probability(then, where=longest[:, None] > horizons), curve)


def _weights(
    until: np.ndarray, own: np.ndarray, then: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
    return np.where(until[:, None] > horizons, then, own[:, None])
