"""How much each patient moves the cumulative incidence: the infinitesimal jackknife, summed.

The derivative of the incidence F(t) of a cause by a patient's weight is c + l F(t). While the
patient is at risk, c = u(t) - p and l = -q, where u is common to all and p and q were set at entry;
after leaving, c and l stay. So the sum of squares over patients is made of a few running sums.
"""

from typing import NamedTuple

import numpy as np

from workbench.survival.competing.counts import (
    ROUNDING,
    CauseCounts,
    Leavers,
    sums_by_cause,
)


class _Path(NamedTuple):
    """Influence along the distinct times of one cause, all (time,).

    ``incidence`` F; ``at_risk`` u; ``own`` what having the cause then adds; ``slope_event`` and
    ``slope_censored`` l of those who leave then.
    """

    incidence: np.ndarray
    at_risk: np.ndarray
    own: np.ndarray
    slope_event: np.ndarray
    slope_censored: np.ndarray


def incidence_variance(
    leavers: Leavers, counts: CauseCounts, before: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Sum over patients of the squared influence on each incidence, (time, cause).

    Parameters
    ----------
    leavers, counts
        Patients in order, and what happened at each time.
    before
        Event-free just before each time, (time,).
    steps
        Steps of the incidences, (time, cause).
    """
    n, d = counts.n_at_risk, counts.n_events.sum(1)
    left = n - d
    open_ = left > ROUNDING * n
    hazard = np.cumsum(np.divide(d, n * np.where(open_, left, 1.0), out=0.0 * before, where=open_))
    lagged = np.append(0.0, hazard[:-1])
    own, slope_event = before / n, lagged - 1 / n
    squares = np.vstack([counts.n_censored, counts.n_events.T])
    if leavers.weight.dtype.kind == "f":
        squares = sums_by_cause(leavers, leavers.weight**2, squares.shape[0] - 1)
    variance = np.empty(steps.T.shape)
    for column, step in enumerate(steps.T):
        path = _Path(np.cumsum(step), np.cumsum(step * (lagged - 1 / n)), own, slope_event, hazard)
        if leavers.entry is None:
            variance[column] = _from_the_start(squares, column + 1, path)
        else:
            entered = np.searchsorted(counts.time, leavers.entry, side="right")
            variance[column] = _with_late_entry(leavers, entered, column + 1, path)
    return np.maximum(variance, 0).T


def _from_the_start(squares: np.ndarray, cause: int, path: _Path) -> np.ndarray:
    """All patients who leave at one time for one reason count alike: sums over times only.

    ``squares`` sums the squared weights of the censored and of each cause, (1 + cause, time).
    """
    incidence, at_risk = path.incidence, path.at_risk
    all_ = squares.sum(0)
    same, censored = squares[cause], squares[0]
    other = all_ - same - censored
    c = at_risk - path.slope_event * incidence
    constant, mixed = other * c, same * (c + path.own)
    mixed_sum = (constant + mixed) * path.slope_event
    constant *= c
    constant += mixed * (c + path.own)
    np.subtract(at_risk, path.slope_censored * incidence, out=c)
    c_censored = censored * c
    constant += c_censored * c
    mixed_sum += c_censored * path.slope_censored
    slope = (same + other) * path.slope_event**2 + censored * path.slope_censored**2
    gone = (np.cumsum(constant), np.cumsum(mixed_sum), np.cumsum(slope))
    staying = all_.sum() - np.cumsum(all_)
    return _square(gone, incidence) + staying * at_risk**2


def _with_late_entry(leavers: Leavers, entered: np.ndarray, cause: int, path: _Path) -> np.ndarray:
    """``entered`` counts the distinct times up to each patient's entry, (patient,)."""
    incidence, at_risk, first = path.incidence, path.at_risk, leavers.first
    square, position = leavers.weight.astype(np.float64) ** 2, leavers.position
    p = np.append(0.0, at_risk - path.slope_censored * incidence)[entered]
    q = np.append(0.0, path.slope_censored)[entered]

    slope = np.where(leavers.cause > 0, path.slope_event[position], path.slope_censored[position])
    own = np.where(leavers.cause == cause, path.own[position], 0.0)
    constant = at_risk[position] + own - slope * incidence[position] - p
    leaving = _moments(constant, slope - q, square)
    gone = tuple(np.cumsum(np.add.reduceat(moment, first)) for moment in leaving)

    def at_risk_sum(moment: np.ndarray) -> np.ndarray:
        coming = np.bincount(entered, moment, len(incidence) + 1)[:-1]
        return np.cumsum(coming - np.add.reduceat(moment, first))

    late = tuple(at_risk_sum(moment) for moment in _moments(p, q, square))
    shift = at_risk_sum(square * p) + at_risk_sum(square * q) * incidence
    staying = at_risk * (at_risk_sum(square) * at_risk - 2 * shift)
    return _square(gone, incidence) + _square(late, incidence) + staying


def _moments(
    constant: np.ndarray, slope: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weighted = square * constant
    return weighted * constant, weighted * slope, square * slope**2


def _square(moments: tuple[np.ndarray, ...], incidence: np.ndarray) -> np.ndarray:
    """Sum of (c + l F)^2 from the sums of c^2, c l and l^2."""
    constant, mixed, slope = moments
    return constant + incidence * (2 * mixed + incidence * slope)
