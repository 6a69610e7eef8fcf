"""How far predicted survival lies from what happened."""

import numpy as np

from workbench.survival.censoring import (
    CensoringCurve,
    censoring_curve,
    inverse_probability,
)
from workbench.survival.inputs import check_horizons, check_outcome, check_survival


def observed_weights(
    time: np.ndarray,
    event: np.ndarray,
    *,
    horizons: np.ndarray,
    censoring: CensoringCurve,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    """Inverse probability that the state at each horizon is known, (patient, horizon).

    1 / G(T-) for an event by the horizon, 1 / G(t) for a patient followed past it, 0 for one
    censored before it.
    """
    case = event[:, None] & (time[:, None] <= horizons)
    followed = time[:, None] > horizons
    own = np.broadcast_to(censoring.before_own(time, stratum)[:, None], case.shape)
    then = np.broadcast_to(censoring.at(horizons, stratum), case.shape)
    return inverse_probability(own, where=case) + inverse_probability(then, where=followed)


def brier_parts(
    time: np.ndarray,
    survival: np.ndarray,
    *,
    horizons: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """What each patient adds to the Brier score (their mean), (patient, horizon)."""
    alive = time[:, None] > horizons
    return weight * (alive - survival) ** 2


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
        \frac{1(T_i > t)\, (1 - \hat S_i(t))^2}{\hat G(t)} \right]

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
    parts, _ = _parts(time, event, survival, horizons, censoring, stratum)
    return parts.mean(0)


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
    parts, horizons = _parts(time, event, survival, horizons, censoring, stratum)
    return float(integrated_parts(parts, horizons=horizons).mean())


def _parts(
    time: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    horizons: np.ndarray,
    censoring: CensoringCurve | None,
    stratum: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    time, event = check_outcome(time, event)
    horizons = check_horizons(horizons)
    survival = check_survival(survival, len(time), len(horizons))
    censoring = censoring or censoring_curve(time, event, stratum=stratum)
    weight = observed_weights(time, event, horizons=horizons, censoring=censoring, stratum=stratum)
    return brier_parts(time, survival, horizons=horizons, weight=weight), horizons
