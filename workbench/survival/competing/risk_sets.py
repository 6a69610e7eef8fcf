"""Risk sets of the subdistribution hazard, in sums that cost n p and not n squared.

A patient whom a competing event took at T stays at risk at s > T with weight G(s-) / G(T-), G being
the probability of not being censored. The weight is a product of what depends on s and what depends
on the patient, so a risk set is a sum from the end of follow-up (those still at risk) plus G(s-)
times a sum from its start (those taken by another event), once for each stratum of the censoring.
"""

from typing import NamedTuple

import numpy as np


class Taken(NamedTuple):
    """Patients of one stratum, and those of them whom a competing event took.

    Parameters
    ----------
    member
        Rows of the stratum, ascending in time.
    uncensored
        G(s-) at each event time, (event_time,); 0 after the stratum's last observed time.
    row
        Rows of the patients taken by another event, ascending in time, (taken,).
    scale
        1 / G(T-) of each of them, (taken,).
    n_before
        How many of them were taken before each event time, (event_time,).
    """

    member: np.ndarray
    uncensored: np.ndarray
    row: np.ndarray
    scale: np.ndarray
    n_before: np.ndarray


class RiskSets(NamedTuple):
    """What does not depend on the coefficients; rows ascend in time.

    Parameters
    ----------
    event_time
        Distinct times of the cause of interest, (event_time,).
    n_events
        Its events at each, (event_time,).
    first
        First row at risk at each, (event_time,).
    n_seen
        Event times up to and at each patient's own time, (patient,).
    strata
        One a stratum of the censoring.
    """

    event_time: np.ndarray
    n_events: np.ndarray
    first: np.ndarray
    n_seen: np.ndarray
    strata: tuple[Taken, ...]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of ``values`` (patient, column) over risk sets, (event_time, column)."""
        between = np.add.reduceat(values, self.first, axis=0)
        total = np.cumsum(between[::-1], axis=0)[::-1]
        for taken in self.strata:
            gone = _cumulative(values[taken.row] * taken.scale[:, None])
            total += taken.uncensored[:, None] * gone[taken.n_before]
        return total

    def exposure(self, step: np.ndarray) -> np.ndarray:
        """Sum of ``step`` (event_time, column) over each patient's time at risk, weighted."""
        found = _cumulative(step)[self.n_seen]
        for taken in self.strata:
            later = _cumulative(taken.uncensored[:, None] * step)
            to_come = later[-1] - later[self.n_seen[taken.row]]
            found[taken.row] += taken.scale[:, None] * to_come
        return found


def risk_sets(time: np.ndarray, kind: np.ndarray, code: np.ndarray) -> RiskSets:
    """Risk sets of ascending times; ``kind`` is 0 censored, 1 the cause, 2 another event."""
    event_time, n_events = np.unique(time[kind == 1], return_counts=True)
    first = np.searchsorted(time, event_time, side="left")
    n_seen = np.searchsorted(event_time, time, side="right")
    strata = tuple(
        _taken(np.flatnonzero(code == one), time, kind, event_time)
        for one in range(int(code.max()) + 1)
    )
    return RiskSets(event_time, n_events, first, n_seen, strata)


def _taken(member: np.ndarray, time: np.ndarray, kind: np.ndarray, event_time: np.ndarray) -> Taken:
    own = time[member]
    times, first = np.unique(own, return_index=True)
    n_censored = np.add.reduceat((kind[member] == 0).astype(np.float64), first)
    curve = np.append(1.0, np.cumprod(1 - n_censored / (len(own) - first)))
    uncensored = curve[np.searchsorted(times, event_time, side="left")]
    uncensored = np.where(event_time > times[-1], 0.0, uncensored)
    row = member[kind[member] == 2]
    scale = 1 / curve[np.searchsorted(times, time[row], side="left")]
    return Taken(member, uncensored, row, scale, np.searchsorted(time[row], event_time))


def _cumulative(values: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... rows, (row + 1, column)."""
    return np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])


def censoring_influence(
    sets: RiskSets,
    time: np.ndarray,
    kind: np.ndarray,
    risk: np.ndarray,
    features: np.ndarray,
    mean: np.ndarray,
    step: np.ndarray,
) -> np.ndarray:
    """What estimating G adds to each patient's score, (patient, feature): psi of Fine and Gray.

    Parameters
    ----------
    risk
        exp of the linear predictor, (patient,).
    mean
        Weighted mean of the features over each risk set, (event_time, feature).
    step
        Baseline hazard at each event time, (event_time,).
    """
    added = np.zeros(features.shape)
    for taken in sets.strata:
        own = time[taken.member]
        censored = kind[taken.member] == 0
        times, n_censored = np.unique(own[censored], return_counts=True)
        if not (len(times) and len(taken.row)):
            continue
        n_at_risk = len(own) - np.searchsorted(own, times, side="left")
        weight = (risk[taken.row] * taken.scale)[:, None]
        taken_before = np.searchsorted(time[taken.row], times, side="left")
        number = _cumulative(weight)[taken_before]
        content = _cumulative(weight * features[taken.row])[taken_before]
        ahead = np.searchsorted(sets.event_time, times, side="left")
        hazard = _cumulative((taken.uncensored * step)[:, None])
        moved = _cumulative((taken.uncensored * step)[:, None] * mean)
        shift = content * (hazard[-1] - hazard[ahead]) - number * (moved[-1] - moved[ahead])

        compensator = _cumulative(shift * (n_censored / n_at_risk**2)[:, None])
        added[taken.member] = -compensator[np.searchsorted(times, own, side="right")]
        at = np.searchsorted(times, own[censored])
        added[taken.member[censored]] += shift[at] / n_at_risk[at, None]
    return added
